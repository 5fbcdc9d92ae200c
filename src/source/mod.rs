//! Layer 2: the sources of bytes to scan. A source manages its own parallelism: each of its threads asks the [`Sink`]
//! for a [`Worker`] and pushes content into it.

mod error;
mod excludes;
mod file_list;
mod files;
mod git_dir;
mod path;
mod stdin;
mod tree;

use std::io;

use crate::container::Input;
pub(crate) use crate::model::cause as reason;
use crate::model::{Ignored, Origin, Skip, Surface};

pub use error::SourceError;
pub use excludes::Excludes;
pub use file_list::scan_file_list;
pub use files::FileOptions;
pub use git_dir::{GitDir, NestedDir, scan_git_dir, scan_object_names};
pub use stdin::scan_stdin;
pub use tree::scan_files;

/// Receives the content that a source reads. Implemented by the scan.
pub trait Sink: Sync {
    /// Returns a worker for one thread.
    fn worker(&self) -> Box<dyn Worker + Send + '_>;

    /// Whether the scan should stop.
    fn is_stopped(&self) -> bool;
}

/// Receives the content that one thread of a source reads. Hands in its results when dropped.
pub trait Worker {
    /// Scans `content` to its end, including containers in it.
    ///
    /// # Errors
    /// If `content` cannot be read; findings up to then are kept.
    fn blob(&mut self, origin: &Origin, content: Input<'_>) -> io::Result<()>;

    /// Scans the last component of a path as a file name, and records that surface.
    fn name(&mut self, path: &[u8]) {
        self.surface(Surface::FileName);
        self.name_on_surface(Surface::FileName, path);
    }

    /// Scans the last component of a path as part of `surface`, without recording that surface.
    fn name_on_surface(&mut self, surface: Surface, path: &[u8]);

    /// Records that a file was read to the end.
    fn file_finished(&mut self);

    /// Records that a surface was scanned, even if it was empty.
    fn surface(&mut self, surface: Surface);

    /// Records something that was not scanned.
    fn skip(&mut self, skip: Skip);

    /// Records something that was left out on purpose.
    fn ignore(&mut self, ignored: Ignored);
}
