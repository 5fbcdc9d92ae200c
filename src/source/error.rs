//! Why a walk over files cannot start.

use crate::globs::TooCostly;

/// Why a walk cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A given path does not exist.
    #[error("no such file or directory: {0}; check the path, which is relative to the current directory")]
    NoSuchPath(String),
    /// A given path cannot be accessed.
    #[error("cannot access {path}: {reason}")]
    Unreadable {
        /// The path.
        path: String,
        /// The error of the operating system.
        reason: String,
    },
    /// A glob is invalid.
    #[error("invalid glob {glob}: {reason}")]
    BadGlob {
        /// The start of the glob, in quotation marks.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Globs that would cost too much.
    #[error("the list of globs to exclude {0}")]
    CostlyGlobs(TooCostly),
}
