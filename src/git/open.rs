//! Opening a repository that may be hostile and may belong to someone else, and obeying nothing in it.
//!
//! No environment, no configuration but the repository's own, no included file, no process. The owner does not
//! matter, since nothing of his is run.

use std::io;
use std::path::{Path, PathBuf};

use gix::ThreadSafeRepository;
use gix::discover::upwards;
use gix::sec::Trust;
use gix::sec::trust::Mapping;

/// Why a repository cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing is there.
    #[error("{} does not exist; check the path", .0.display())]
    NoSuchPath(PathBuf),
    /// The system does not let the path be looked at.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Neither it nor any folder above is a repository.
    #[error(
        "{} is not a git repository, nor is any folder above it; name a work tree, a `.git` folder or a bare repository",
        .0.display()
    )]
    NotARepository(PathBuf),
    /// It is one, but cannot be understood.
    #[error("the git repository at {} cannot be opened: {reason}", path.display())]
    Unusable {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Opens the repository that `path` belongs to: a work tree or a folder in it, a `.git` folder or file, or a bare
/// repository.
///
/// # Errors
/// When there is no such path, no repository, or one that cannot be understood.
pub fn open(path: &Path) -> Result<ThreadSafeRepository, OpenError> {
    match path.metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::NoSuchPath(path.to_owned()));
        }
        Err(error) => return Err(OpenError::Unreadable { path: path.to_owned(), error }),
    }
    let unusable = |reason: String| OpenError::Unusable { path: path.to_owned(), reason };
    // A link into a repository leads to where it points.
    let real = path.canonicalize().map_err(|error| OpenError::Unreadable { path: path.to_owned(), error })?;
    let is_git_file = real.is_file() && real.file_name().is_some_and(|name| name == ".git");
    let start = match real.parent() {
        Some(parent) if is_git_file => parent,
        _ => &real,
    };
    if start.is_file() {
        return Err(OpenError::NotARepository(path.to_owned()));
    }
    let options = upwards::Options {
        trust: upwards::TrustPolicy::Assume(Trust::Reduced),
        cross_fs: true,
        ..Default::default()
    };
    let obey_nothing = || gix::open::Options::isolated().lossy_config(true).strict_config(false);
    let trust = Mapping { full: obey_nothing(), reduced: obey_nothing() };
    ThreadSafeRepository::discover_opts(start, options, trust).map_err(|error| {
        if error.downcast_any_ref::<upwards::Error>().is_some() {
            OpenError::NotARepository(path.to_owned())
        } else {
            unusable(error.to_string())
        }
    })
}
