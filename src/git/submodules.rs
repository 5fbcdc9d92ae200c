//! Finds the names of submodules and the git directories of their work trees.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gix::config::file::{Metadata, init};

use super::file_at::file_at;
use crate::untrusted::{self, ReadError, Symlinks};

/// Maximum size of `.gitmodules` and of a `.git` file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The names of submodules by path, from `.gitmodules` in HEAD and in the work tree. The latter takes precedence.
pub fn submodule_names(repo: &gix::Repository) -> HashMap<Vec<u8>, Vec<u8>> {
    let mut names = HashMap::new();
    let committed = file_at(repo, "HEAD", ".gitmodules", MAX_BYTES).ok().flatten();
    let file = repo.workdir().map(|top| top.join(".gitmodules"));
    let checked_out = file.and_then(|file| untrusted::read(&file, Symlinks::Refuse, MAX_BYTES).ok());
    for text in [committed, checked_out].into_iter().flatten() {
        let options = init::Options { lossy: true, ..Default::default() };
        let Ok(config) = gix::config::File::from_bytes_no_includes(&text, Metadata::api(), options) else {
            continue;
        };
        for section in config.sections_by_name("submodule").into_iter().flatten() {
            if let (Some(name), Some(path)) = (section.header().subsection_name(), section.value("path")) {
                names.insert(path.to_vec(), name.to_vec());
            }
        }
    }
    names
}

/// The `.git` entry in the work tree of a submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkTreeGit {
    /// There is none: the submodule is not checked out.
    Missing,
    /// It is the git directory itself.
    Dir(PathBuf),
    /// It is a file that points to this git directory.
    File(PathBuf),
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// Examines `.git` in `work_tree`.
pub fn work_tree_git(work_tree: &Path) -> WorkTreeGit {
    let path = work_tree.join(".git");
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => return WorkTreeGit::Dir(path),
        Ok(_) => {}
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return WorkTreeGit::Missing;
        }
        Err(error) => return WorkTreeGit::Unreadable(error.to_string()),
    }
    let text = match untrusted::read(&path, Symlinks::Refuse, MAX_BYTES) {
        Ok(text) => text,
        Err(ReadError::NotFound) => return WorkTreeGit::Missing,
        Err(error) => return WorkTreeGit::Unreadable(error.to_string()),
    };
    let target = text.strip_prefix(b"gitdir:").map(<[u8]>::trim_ascii);
    match target.and_then(|target| std::str::from_utf8(target).ok()).filter(|target| !target.is_empty()) {
        Some(target) => WorkTreeGit::File(work_tree.join(target)),
        None => WorkTreeGit::Unreadable("it names no git directory".to_owned()),
    }
}
