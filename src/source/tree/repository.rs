//! The repository around a folder, as far as ignoring goes: its own excludes, and what it tracks. Nothing of its
//! configuration is read.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ignore::gitignore::Gitignore;

use super::ignore_file::IgnoreBudget;
use super::ignore_level;
use crate::git::staged::Tracked;
use crate::model::Skip;
use crate::untrusted::{Symlinks, read};

/// The longest file that says where a git folder is, in bytes.
const MAX_GITDIR_FILE_BYTES: u64 = 16 << 10;

/// A work tree and its git folder.
pub(super) struct Repository {
    top: PathBuf,
    git_dir: PathBuf,
    shown: String,
    /// `info/exclude`
    pub(super) exclude: Option<Gitignore>,
    /// Read when the first ignored path is met; `None` if it cannot be read.
    tracked: OnceLock<Option<Tracked>>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("top", &self.top).finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository whose work tree begins at `folder`, if one does; `shown` names files in it.
    pub(super) fn at(
        folder: &Path,
        shown: &dyn Fn(&str) -> String,
        budget: &IgnoreBudget,
        skip: &mut dyn FnMut(Skip),
    ) -> Option<Self> {
        let marker = folder.join(".git");
        let kind = marker.symlink_metadata().ok()?;
        let git_dir = if kind.is_file() { pointed_to(&marker, "gitdir:", folder)? } else { marker };
        let common = pointed_to(&git_dir.join("commondir"), "", &git_dir).unwrap_or_else(|| git_dir.clone());
        let name = shown(".git/info/exclude");
        let file = common.join("info/exclude");
        let exclude = ignore_level::read(&file, &name, Symlinks::Within(&common), budget, skip);
        let shown = shown(".git/index");
        Some(Self { top: folder.to_owned(), git_dir, shown, exclude, tracked: OnceLock::new() })
    }

    /// Whether git tracks `path`, which is absolute; everything, when that is not known.
    pub(super) fn tracks(&self, path: &Path, skip: &mut dyn FnMut(Skip)) -> bool {
        self.ask(path, skip, Tracked::holds)
    }

    /// Whether git tracks anything below the folder `path`.
    pub(super) fn tracks_below(&self, path: &Path, skip: &mut dyn FnMut(Skip)) -> bool {
        self.ask(path, skip, Tracked::holds_below)
    }

    fn ask(
        &self,
        path: &Path,
        skip: &mut dyn FnMut(Skip),
        question: impl Fn(&Tracked, &[u8]) -> bool,
    ) -> bool {
        let tracked = self.tracked.get_or_init(|| match Tracked::read(&self.git_dir) {
            Ok(tracked) => Some(tracked),
            Err(error) => {
                let reason = format!("what git tracks is not known, so nothing is ignored here: {error}");
                skip(Skip::new(self.shown.clone(), reason));
                None
            }
        });
        let Ok(inside) = path.strip_prefix(&self.top) else { return false };
        tracked.as_ref().is_none_or(|tracked| question(tracked, &super::super::path::path_bytes(inside)))
    }
}

/// The path that a file of one line names behind `key`, relative to `folder`.
fn pointed_to(file: &Path, key: &str, folder: &Path) -> Option<PathBuf> {
    let bytes = read(file, Symlinks::Refuse, MAX_GITDIR_FILE_BYTES).ok()?;
    let line = String::from_utf8(bytes).ok()?;
    let path = line.strip_prefix(key)?.trim();
    (!path.is_empty()).then(|| folder.join(path))
}
