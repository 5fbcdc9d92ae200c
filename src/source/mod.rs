//! Layer 2: what hands bytes to the scanner. A source owns its own parallelism: each of its threads
//! asks the [`Sink`] for a [`Worker`] and pushes blobs into it.

mod excludes;
mod file_list;
mod files;
mod git_dir;
mod path;
mod stdin;
mod tree;

use std::io;

use crate::container::Input;
use crate::model::{Ignored, Origin, Skip, Surface};

pub use excludes::Excludes;
pub use file_list::scan_file_list;
pub use files::{FileOptions, SourceError};
pub use git_dir::{GitDir, NestedDir, scan_git_dir, scan_object_names};
pub use stdin::scan_stdin;
pub use tree::scan_files;

/// Where the blobs of a source go. Implemented by the scan.
pub trait Sink: Sync {
    /// A worker for one thread.
    fn worker(&self) -> Box<dyn Worker + Send + '_>;

    /// Whether the user asked to stop.
    fn is_stopped(&self) -> bool;
}

/// What one thread of a source pushes into. Its results are handed in when it is dropped.
pub trait Worker {
    /// Scans `content` to its end, and what is packed in it.
    ///
    /// # Errors
    /// Those of `content`; what was found before stays found.
    fn blob(&mut self, origin: &Origin, content: Input<'_>) -> io::Result<()>;

    /// Scans the last component of a path.
    fn name(&mut self, path: &[u8]) {
        self.surface(Surface::FileName);
        self.name_on(Surface::FileName, path);
    }

    /// Scans the last component of a path that belongs to `surface`.
    fn name_on(&mut self, surface: Surface, path: &[u8]);

    /// Notes that a file was read whole.
    fn file_done(&mut self);

    /// Notes that a surface was looked at, even if nothing stood there.
    fn surface(&mut self, surface: Surface);

    /// Notes what was not scanned.
    fn skip(&mut self, skip: Skip);

    /// Notes what was left out on purpose.
    fn ignore(&mut self, ignored: Ignored);
}

/// What went wrong, in words and without the system's error number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
