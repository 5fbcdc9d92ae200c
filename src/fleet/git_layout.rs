//! Recognizes a repository by the names in a directory. It opens only the files that lead to the git directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::untrusted::{Symlinks, describe, read};

/// Maximum size of a file that names a git directory, in bytes.
const MAX_POINTER_BYTES: u64 = 64 << 10;

/// How git would treat a directory.
pub(super) enum Layout {
    /// Not a repository.
    Plain,
    /// A git directory, possibly damaged.
    GitDir,
    /// A work tree with its git directory.
    WorkTree(PathBuf),
    /// A work tree whose git directory is elsewhere: the directory that its `.git`, a file or a link, names.
    Pointer(PathBuf),
    /// A directory with a `.git` that cannot be used, and the reason.
    Unclear(String),
}

/// The layout of `dir`.
pub(super) fn layout(dir: &Path) -> Layout {
    let dot_git = dir.join(".git");
    match dot_git.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() && !is_empty(&dot_git) => Layout::WorkTree(dot_git),
        Ok(metadata) if metadata.is_file() => match read_pointer(&dot_git, "gitdir:", dir) {
            Ok(target) => Layout::Pointer(target),
            Err(reason) => Layout::Unclear(reason),
        },
        Ok(metadata) if metadata.is_symlink() => match dot_git.canonicalize() {
            Ok(target) => Layout::Pointer(target),
            Err(error) => {
                Layout::Unclear(format!("its `.git` is a symbolic link that leads nowhere: {error}"))
            }
        },
        Ok(metadata) if !metadata.is_dir() => {
            Layout::Unclear(format!("its `.git` is {}", describe(&metadata)))
        }
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Layout::Unclear(format!("its `.git` cannot be accessed: {error}"))
        }
        _ if is_git_dir(dir) => Layout::GitDir,
        _ => Layout::Plain,
    }
}

/// Whether a directory is a git directory: it contains what git requires, or most of it. A damaged repository is planned
/// like any other, so that its audit reports the damage.
pub(super) fn is_git_dir(dir: &Path) -> bool {
    let is_there = |name: &str| dir.join(name).symlink_metadata().is_ok();
    let is_dir = |name: &str| dir.join(name).is_dir();
    let required = [is_there("HEAD"), is_dir("objects"), is_dir("refs") || is_there("packed-refs")];
    let is_complete = required.iter().all(|&exists| exists);
    // Other directories may have two of the three by chance, so the configuration is required, too.
    let is_damaged = required.iter().filter(|&&exists| exists).count() == 2 && is_there("config");
    is_complete || is_damaged || (is_there("HEAD") && is_there("commondir"))
}

/// The common git directory of `git_dir`, which linked work trees share; `git_dir` itself if it has no `commondir` file.
pub(super) fn common_dir(git_dir: &Path) -> PathBuf {
    read_pointer(&git_dir.join("commondir"), "", git_dir).unwrap_or_else(|_| git_dir.to_owned())
}

/// The path after `prefix` in a one-line file, resolved against `dir`.
fn read_pointer(file: &Path, prefix: &str, dir: &Path) -> Result<PathBuf, String> {
    let unreadable = |reason: String| format!("its `.git` cannot be read: {reason}");
    let bytes =
        read(file, Symlinks::Refuse, MAX_POINTER_BYTES).map_err(|error| unreadable(error.to_string()))?;
    let line = bytes.strip_prefix(prefix.as_bytes()).map(<[u8]>::trim_ascii).unwrap_or_default();
    if line.is_empty() {
        return Err(unreadable("it names no git directory".to_owned()));
    }
    Ok(dir.join(crate::model::native_path(line)))
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}
