//! Files on disk, and how each is scanned.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::path::path_bytes;
use super::{Excludes, Sink, Worker, reason};
use crate::container::Input;
use crate::git::Progress;
use crate::model::{Origin, Skip, Surface};
use crate::untrusted::{describe, open};

/// What to walk, and how.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Files and folders; relative ones are reported as they are given.
    pub paths: Vec<PathBuf>,
    /// Scans what ignore files name, too.
    pub no_ignore: bool,
    /// Globs, as in an ignore file, of paths to leave out.
    pub exclude: Vec<String>,
    /// Paths to leave out wherever the walk begins, and the file that says so.
    pub exclude_below: Option<(Excludes, String)>,
    /// Threads at most; there are no more than there is work for.
    pub threads: usize,
    /// Counts files as they are done.
    pub progress: Option<Arc<Progress>>,
}

/// Why a walk cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A path that was named does not exist.
    #[error("no such file or folder: {0}; check the path, which is taken from where friskey runs")]
    NoSuchPath(String),
    /// A path that was named cannot be looked at.
    #[error("cannot look at {path}: {reason}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A glob that cannot be understood.
    #[error("bad glob `{glob}`: {reason}")]
    BadGlob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// One thread of a walk.
pub(super) struct FileScanner<'s> {
    pub(super) worker: Box<dyn Worker + Send + 's>,
    pub(super) sink: &'s dyn Sink,
}

impl FileScanner<'_> {
    /// The target of a link is bytes that the tree holds; what it leads to is scanned where it is.
    pub(super) fn link(&mut self, path: &Path, shown: &[u8]) {
        match std::fs::read_link(path) {
            Ok(target) => {
                let target = path_bytes(&target);
                let origin = Origin::at_path(Surface::Symlink, shown);
                // Reading from memory cannot fail.
                let _ = self.worker.blob(&origin, Input::Bytes(&target));
            }
            Err(error) => self.skip(shown, reason(&error)),
        }
    }

    /// Scans the file at `path`, reported as `origin`.
    pub(super) fn file(&mut self, path: &Path, origin: &Origin, follow: bool) {
        let shown = origin.path.as_deref().unwrap_or_default();
        let (mut file, before) = match open(path, follow) {
            Ok(opened) => opened,
            Err(error) => return self.skip(shown, opening_failed(&error)),
        };
        if !before.is_file() {
            return self.skip(shown, format!("{}, never opened", describe(&before)));
        }
        let mut content = Stoppable { content: &mut file, sink: self.sink };
        match self.worker.blob(origin, Input::File(&mut content)) {
            Ok(_) => {
                let unchanged = file.metadata().is_ok_and(|after| {
                    after.len() == before.len() && after.modified().ok() == before.modified().ok()
                });
                match unchanged {
                    true => self.worker.file_done(),
                    false => self.skip(shown, "changed while it was read".to_owned()),
                }
            }
            Err(error) => self.skip(shown, reason(&error)),
        }
    }

    pub(super) fn skip(&mut self, path: &[u8], reason: String) {
        self.worker.skip(Skip::new(String::from_utf8_lossy(path), reason));
    }
}

fn opening_failed(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "vanished before it was read".to_owned(),
        _ => reason(error),
    }
}

/// Ends a long read when the user asks to stop.
struct Stoppable<'a> {
    content: &'a mut File,
    sink: &'a dyn Sink,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.sink.is_stopped() {
            return Err(io::Error::other("interrupted before its end"));
        }
        self.content.read(buffer)
    }
}

impl Seek for Stoppable<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}
