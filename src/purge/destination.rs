//! Checks where a purge may write: not inside the repository, and not over anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::PurgeError;
use crate::git::{Repository, UNFINISHED_MARKER};
use crate::untrusted::{Symlinks, read_text};

/// The longest path that is read from a file, in bytes.
const MAX_PATH_BYTES: u64 = 1 << 16;

/// Checks that nothing but an empty directory is at `destination`, and that it is not inside `repo`.
///
/// # Errors
/// If something else is there, its parent directory cannot be read, or it is inside `repo`.
pub(super) fn check(destination: &Path, repo: &Repository) -> Result<(), PurgeError> {
    match destination.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(PurgeError::Write { path: destination.to_owned(), error }),
        Ok(metadata) if metadata.is_dir() => {
            let mut entries = fs::read_dir(destination)
                .map_err(|error| PurgeError::Write { path: destination.to_owned(), error })?;
            if destination.join(UNFINISHED_MARKER).symlink_metadata().is_ok() {
                return Err(PurgeError::Unfinished(destination.to_owned()));
            }
            if entries.next().is_some() {
                return Err(PurgeError::Exists(destination.to_owned()));
            }
        }
        Ok(_) => return Err(PurgeError::Exists(destination.to_owned())),
    }
    parent(destination)
        .canonicalize()
        .map_err(|error| PurgeError::Write { path: destination.to_owned(), error })?;
    if is_inside(destination, repo) { Err(PurgeError::Inside(destination.to_owned())) } else { Ok(()) }
}

/// Whether a file at `path` would be inside the repository: in its git directory, or in one of its work trees.
pub(super) fn is_inside(path: &Path, repo: &Repository) -> bool {
    // `/dev/stdout` is a symbolic link, and writing follows it. Other links are refused elsewhere.
    let real = path.canonicalize().or_else(|_| parent(path).canonicalize());
    let Ok(real) = real else { return false };
    directories_of(repo).iter().any(|dir| dir.canonicalize().is_ok_and(|dir| real.starts_with(dir)))
}

/// The git directories and work trees of a repository, with those of linked work trees.
fn directories_of(repo: &Repository) -> Vec<PathBuf> {
    let common_dir = repo.common_dir();
    // For a linked work tree, this path may end in `..`, and then has no file name.
    let common_dir = &common_dir.canonicalize().unwrap_or_else(|_| common_dir.to_owned());
    let mut dirs = vec![repo.git_dir().to_owned(), common_dir.to_owned()];
    dirs.extend(repo.workdir().map(Path::to_owned));
    // The main work tree, also if the repository was opened elsewhere.
    if common_dir.file_name().is_some_and(|name| name == ".git") {
        dirs.extend(common_dir.parent().map(Path::to_owned));
    }
    for entry in fs::read_dir(common_dir.join("worktrees")).into_iter().flatten().flatten() {
        // The path of the work tree's `.git` file.
        let Ok(text) = read_text(&entry.path().join("gitdir"), Symlinks::Refuse, MAX_PATH_BYTES) else {
            continue;
        };
        let file = entry.path().join(text.trim_end());
        dirs.extend(file.parent().map(Path::to_owned));
    }
    dirs
}

/// The directory that will contain `destination`.
pub(super) fn parent(destination: &Path) -> &Path {
    destination.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
