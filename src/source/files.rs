//! Options for walking files, and the scan of a single file.

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
    /// Files and directories; relative paths are reported as given.
    pub paths: Vec<PathBuf>,
    /// Whether to scan ignored files, too.
    pub no_ignore: bool,
    /// Globs of paths to leave out, in the syntax of ignore files.
    pub exclude: Vec<String>,
    /// Paths to leave out wherever the walk starts, and the file that says so.
    pub exclude_below: Option<(Excludes, String)>,
    /// Maximum number of threads; fewer are used if there is less work.
    pub threads: usize,
    /// Counts files as they are scanned.
    pub progress: Option<Arc<Progress>>,
}

/// Scans the files of one thread.
pub(super) struct FileScanner<'s> {
    pub(super) worker: Box<dyn Worker + Send + 's>,
    pub(super) sink: &'s dyn Sink,
}

impl FileScanner<'_> {
    /// Scans the text of a link's target. The file that it leads to is scanned where it is.
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
            return self.skip(shown, format!("{}, not opened", describe(&before)));
        }
        let mut content = Stoppable { content: &mut file, sink: self.sink };
        match self.worker.blob(origin, Input::File(&mut content)) {
            Ok(_) => {
                let unchanged = file.metadata().is_ok_and(|after| {
                    after.len() == before.len() && after.modified().ok() == before.modified().ok()
                });
                match unchanged {
                    true => self.worker.file_done(),
                    false => self.skip(shown, "changed while it was being read".to_owned()),
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
        io::ErrorKind::NotFound => "removed before it was read".to_owned(),
        _ => reason(error),
    }
}

/// Ends a long read when the scan should stop.
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
