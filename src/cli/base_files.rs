//! Configuration, rules and baseline as they are in the policy base, copied to a temporary directory. Files that the
//! user names are read from disk if git does not track them, since they are then not part of the change.

use std::cell::RefCell;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::config::FILE_NAME;
use super::policy_base::PolicyBase;
use super::root::Root;
use crate::git::{Repository, file_at, is_tracked_at};
use crate::model::PathBase;

/// Maximum size of a file, in bytes.
const MAX_FILE_SIZE: u64 = 64 << 20;

/// The configuration of the policy base names a file outside the repository.
#[derive(Debug, thiserror::Error)]
#[error("{FILE_NAME} names {0}, which is not inside the repository; name it with an option")]
pub(super) struct FileOutsideRepository(String);

/// Files of the policy base, copied into a temporary directory as needed.
pub(super) struct BaseFiles<'r> {
    /// The repository, and the policy base in it, if that is a commit.
    revision: Option<(&'r Repository, &'r str)>,
    /// The repository that is scanned.
    scanned_repo: Option<&'r Repository>,
    paths: PathBase,
    copies: TempDir,
    /// Why files are not used.
    notes: RefCell<Vec<String>>,
}

impl<'r> BaseFiles<'r> {
    /// The files of `base`. `start` is a directory in the repository.
    ///
    /// # Errors
    /// An inaccessible directory.
    pub(super) fn new(base: &'r PolicyBase, repo: Option<&'r Repository>, start: &Path) -> Result<Self> {
        let root = Root::find(start).with_context(|| format!("cannot access {}", start.display()))?;
        let current_dir = fs::canonicalize(".").context("cannot access the current directory")?;
        let rev = match base {
            PolicyBase::Rev { rev, .. } => Some(rev.as_str()),
            PolicyBase::Checkout | PolicyBase::Unknown(_) => None,
        };
        Ok(Self {
            revision: repo.zip(rev),
            scanned_repo: repo,
            paths: PathBase { root: root.absolute, start: current_dir },
            copies: TempDir::new().context("cannot make a temporary directory")?,
            notes: RefCell::default(),
        })
    }

    /// Whether the policy base is a commit.
    pub(super) fn has_revision(&self) -> bool {
        self.revision.is_some()
    }

    /// Whether a message contains the path of a copy.
    pub(super) fn copy_is_named_in(&self, message: &str) -> bool {
        message.contains(&self.copies_prefix())
    }

    /// The message with the original names of copied files, as `REVISION:PATH`.
    pub(super) fn with_original_names(&self, message: &str) -> String {
        let original = self.revision.map_or_else(String::new, |(_, rev)| format!("{rev}:"));
        message.replace(&self.copies_prefix(), &original)
    }

    /// Notes about files that are not used.
    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// Whether `path` is a copy.
    pub(super) fn is_copy(&self, path: &Path) -> bool {
        path.starts_with(self.copies.path())
    }

    fn copies_prefix(&self) -> String {
        format!("{}{}", self.copies.path().display(), std::path::MAIN_SEPARATOR)
    }

    /// A file named by the user: the version of the policy base, if there is one. Otherwise the file on disk, or nothing
    /// if git tracks it, since it then belongs to the change.
    pub(super) fn resolve_user_file(&self, path: PathBuf) -> Result<Option<PathBuf>> {
        let Some(name) = self.path_in_repository(&path) else { return Ok(Some(path)) };
        if let Some(copy) = self.copy_from_base(&name)? {
            return Ok(Some(copy));
        }
        // If this cannot be determined, it is assumed to be tracked.
        let is_tracked =
            self.scanned_repo.is_none_or(|repo| is_tracked_at(repo, "HEAD", &name).unwrap_or(true));
        if !is_tracked {
            return Ok(Some(path));
        }
        let why = if self.has_revision() { "the base does not have it" } else { "no base is known" };
        self.notes.borrow_mut().push(format!("{} is not used: {why}", path.display()));
        Ok(None)
    }

    /// A file that the configuration names; `is_copy` if the configuration is that of the policy base.
    pub(super) fn resolve_config_file(&self, path: PathBuf, is_copy: bool) -> Result<Option<PathBuf>> {
        if !is_copy {
            return self.resolve_user_file(path);
        }
        let name = path.strip_prefix(self.copies.path()).ok().and_then(normalize);
        let name = name.ok_or_else(|| FileOutsideRepository(path.display().to_string()))?;
        // If the policy base lacks the file, whatever reads the path reports that.
        Ok(Some(self.copy_from_base(&name)?.unwrap_or(path)))
    }

    /// The path relative to the repository's root; `None` if it is outside.
    fn path_in_repository(&self, path: &Path) -> Option<String> {
        let name = self.paths.relative_to_root(path).or_else(|| {
            let real = fs::canonicalize(path).ok()?;
            real.strip_prefix(&self.paths.root).ok().map(Path::to_owned)
        })?;
        normalize(&name)
    }

    /// A copy of a file of the policy base; `None` if it has none.
    pub(super) fn copy_from_base(&self, name: &str) -> Result<Option<PathBuf>> {
        let Some((repo, rev)) = self.revision else { return Ok(None) };
        let Some(bytes) = file_at(repo, rev, name, MAX_FILE_SIZE)? else { return Ok(None) };
        let copy_path = self.copies.path().join(name);
        let copy = || {
            fs::create_dir_all(copy_path.parent().unwrap_or(self.copies.path()))?;
            fs::write(&copy_path, &bytes)
        };
        copy().with_context(|| format!("cannot copy {name} of {rev} to a temporary directory"))?;
        Ok(Some(copy_path))
    }
}

/// The path with `/`, without `.` and `..`; `None` if it leads out of its starting directory.
fn normalize(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(parts.join("/"))
}
