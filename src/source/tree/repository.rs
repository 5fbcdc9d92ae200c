//! The repository around a directory, as far as it matters for ignoring files: its excludes, and the files that it
//! tracks. Its configuration is not read.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ignore::gitignore::Gitignore;

use super::ignore_file::IgnoreBudget;
use super::ignore_level;
use crate::git::staged::TrackedPaths;
use crate::model::Skip;
use crate::untrusted::{Symlinks, read};

/// Maximum size of a `.git` or `commondir` file, in bytes.
const MAX_GITDIR_FILE_BYTES: u64 = 16 << 10;

/// A work tree and its git directory.
pub(super) struct Repository {
    top: PathBuf,
    git_dir: PathBuf,
    /// The name of the index in messages.
    index_name: String,
    /// `info/exclude`
    pub(super) exclude: Option<Gitignore>,
    /// Read at the first ignored path; `None` if it cannot be read.
    tracked_paths: OnceLock<Option<TrackedPaths>>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("top", &self.top).finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository whose work tree starts at `dir`, if any; `display_name` gives the names of its files for messages.
    pub(super) fn find_at(
        dir: &Path,
        display_name: &dyn Fn(&str) -> String,
        budget: &IgnoreBudget,
        skip: &mut dyn FnMut(Skip),
    ) -> Option<Self> {
        let dot_git = dir.join(".git");
        let kind = dot_git.symlink_metadata().ok()?;
        let git_dir = if kind.is_file() { read_path_file(&dot_git, "gitdir:", dir)? } else { dot_git };
        let common =
            read_path_file(&git_dir.join("commondir"), "", &git_dir).unwrap_or_else(|| git_dir.clone());
        let name = display_name(".git/info/exclude");
        let file = common.join("info/exclude");
        let exclude = ignore_level::read(&file, &name, Symlinks::Within(&common), budget, skip);
        let index_name = display_name(".git/index");
        Some(Self { top: dir.to_owned(), git_dir, index_name, exclude, tracked_paths: OnceLock::new() })
    }

    /// Whether git tracks `path`, which is absolute. If that is unknown, everything counts as tracked.
    pub(super) fn tracks(&self, path: &Path, skip: &mut dyn FnMut(Skip)) -> bool {
        self.query(path, skip, TrackedPaths::contains)
    }

    /// Whether git tracks anything below the directory `path`.
    pub(super) fn tracks_paths_in(&self, path: &Path, skip: &mut dyn FnMut(Skip)) -> bool {
        self.query(path, skip, TrackedPaths::has_paths_in)
    }

    fn query(
        &self,
        path: &Path,
        skip: &mut dyn FnMut(Skip),
        query: impl Fn(&TrackedPaths, &[u8]) -> bool,
    ) -> bool {
        let tracked_paths = self.tracked_paths.get_or_init(|| match TrackedPaths::read(&self.git_dir) {
            Ok(tracked_paths) => Some(tracked_paths),
            Err(error) => {
                let reason =
                    format!("cannot read which files git tracks, so nothing is ignored here: {error}");
                skip(Skip::new(self.index_name.clone(), reason));
                None
            }
        });
        let Ok(relative) = path.strip_prefix(&self.top) else { return false };
        tracked_paths.as_ref().is_none_or(|paths| query(paths, &super::super::path::path_bytes(relative)))
    }
}

/// The path in a one-line file after `key`, relative to `dir`.
fn read_path_file(file: &Path, key: &str, dir: &Path) -> Option<PathBuf> {
    let bytes = read(file, Symlinks::Refuse, MAX_GITDIR_FILE_BYTES).ok()?;
    let line = String::from_utf8(bytes).ok()?;
    let path = line.strip_prefix(key)?.trim();
    (!path.is_empty()).then(|| dir.join(path))
}
