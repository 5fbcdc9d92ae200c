//! Where a purge may write: nowhere in the repository, and over nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::PurgeError;
use crate::git::{Repository, UNFINISHED_MARKER};
use crate::untrusted::{Symlinks, read_text};

/// The longest path that is read from a file, in bytes.
const MAX_PATH: u64 = 1 << 16;

/// Checks that `into` is free, and not in the repository.
///
/// # Errors
/// When something is there, or it is inside of `repo`.
pub(super) fn check(into: &Path, repo: &Repository) -> Result<(), PurgeError> {
    match into.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(PurgeError::Write { path: into.to_owned(), error }),
        Ok(found) if found.is_dir() => {
            let mut entries =
                fs::read_dir(into).map_err(|error| PurgeError::Write { path: into.to_owned(), error })?;
            if into.join(UNFINISHED_MARKER).symlink_metadata().is_ok() {
                return Err(PurgeError::Unfinished(into.to_owned()));
            }
            if entries.next().is_some() {
                return Err(PurgeError::Exists(into.to_owned()));
            }
        }
        Ok(_) => return Err(PurgeError::Exists(into.to_owned())),
    }
    parent(into).canonicalize().map_err(|error| PurgeError::Write { path: into.to_owned(), error })?;
    if is_inside(into, repo) { Err(PurgeError::Inside(into.to_owned())) } else { Ok(()) }
}

/// Whether something at `path` would be within the repository: its git directory, or one of its work trees.
pub(super) fn is_inside(path: &Path, repo: &Repository) -> bool {
    // A link is followed when it is written to.
    let real = path.canonicalize().or_else(|_| parent(path).canonicalize());
    let Ok(real) = real else { return false };
    own_dirs(repo).iter().any(|dir| dir.canonicalize().is_ok_and(|dir| real.starts_with(dir)))
}

/// The git directories and work trees of a repository, with those of linked work trees.
fn own_dirs(repo: &Repository) -> Vec<PathBuf> {
    let common = repo.common_dir();
    // It may be written with `..` for a linked work tree.
    let common = &common.canonicalize().unwrap_or_else(|_| common.to_owned());
    let mut own = vec![repo.git_dir().to_owned(), common.to_owned()];
    own.extend(repo.workdir().map(Path::to_owned));
    if common.file_name().is_some_and(|name| name == ".git") {
        own.extend(common.parent().map(Path::to_owned));
    }
    for linked in fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
        // The path of the work tree's `.git` file.
        let Ok(text) = read_text(&linked.path().join("gitdir"), Symlinks::Refuse, MAX_PATH) else { continue };
        let file = linked.path().join(text.trim_end());
        own.extend(file.parent().map(Path::to_owned));
    }
    own
}

/// The directory that `into` is to be in.
pub(super) fn parent(into: &Path) -> &Path {
    into.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
