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
use crate::untrusted::{describe, open, open_through_link};

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
    pub(super) fn link(&mut self, path: &Path, reported_path: &[u8]) {
        match std::fs::read_link(path) {
            Ok(target) => {
                let target = path_bytes(&target);
                let origin = Origin::at_path(Surface::Symlink, reported_path);
                // Reading from memory cannot fail.
                let _ = self.worker.blob(&origin, Input::Bytes(&target));
            }
            Err(error) => self.skip(reported_path, reason(&error)),
        }
    }

    /// Scans the file at `path`, reported as `origin`; through a link only if `follows_link`.
    pub(super) fn file(&mut self, path: &Path, origin: &Origin, follows_link: bool) {
        let reported_path = origin.path.as_deref().unwrap_or_default();
        let opened = if follows_link { open_through_link(path) } else { open(path) };
        let (mut file, before) = match opened {
            Ok(file) => file,
            Err(error) => return self.skip(reported_path, open_failure_reason(&error)),
        };
        if !before.is_file() {
            return self.skip(reported_path, format!("{}, not opened", describe(&before)));
        }
        let mut content = FileContent::new(&mut file, before.len(), self.sink);
        match self.worker.blob(origin, Input::File(&mut content)) {
            Ok(_) => {
                let unchanged = file.metadata().is_ok_and(|after| {
                    after.len() == before.len() && after.modified().ok() == before.modified().ok()
                });
                match unchanged {
                    true => self.worker.file_finished(),
                    false => self.skip(reported_path, "changed while it was being read".to_owned()),
                }
            }
            Err(error) => self.skip(reported_path, reason(&error)),
        }
    }

    pub(super) fn skip(&mut self, path: &[u8], reason: String) {
        self.worker.skip(Skip::new(String::from_utf8_lossy(path), reason));
    }
}

fn open_failure_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "removed before it was read".to_owned(),
        _ => reason(error),
    }
}

/// The content of a file. Ends a long read when the scan should stop.
struct FileContent<'a> {
    content: &'a mut File,
    sink: &'a dyn Sink,
    /// The size when it was opened, which the caller compares afterwards.
    size: u64,
    position: u64,
    /// Whether the last read showed that this is the end.
    at_end: bool,
}

impl<'a> FileContent<'a> {
    fn new(content: &'a mut File, size: u64, sink: &'a dyn Sink) -> Self {
        Self { content, sink, size, position: 0, at_end: false }
    }
}

impl Read for FileContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at_end {
            return Ok(0);
        }
        if self.sink.is_stopped() {
            return Err(io::Error::other("interrupted before its end"));
        }
        let count = self.content.read(buffer)?;
        self.position += count as u64;
        // The size alone does not show the end, since some file systems do not know it; nor does a short read alone.
        self.at_end = self.position == self.size && (1..buffer.len()).contains(&count);
        Ok(count)
    }
}

impl Seek for FileContent<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at_end = false;
        self.position = self.content.seek(to)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoSink;

    impl Sink for NoSink {
        fn worker(&self) -> Box<dyn Worker + Send + '_> {
            unreachable!("only read from")
        }

        fn is_stopped(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_file_is_read_to_its_end_whatever_its_size_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for (length, size) in
            [(0, 0), (0, 5), (5, 0), (5, 3), (5, 5), (5, 8), (200, 200), (200, 64), (128, 128)]
        {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            let mut file = File::open(&path).unwrap();
            let mut content = FileContent::new(&mut file, size, &NoSink);
            let mut buffer = [0; 64];
            for _ in 0..2 {
                let mut total = 0;
                while let count @ 1.. = content.read(&mut buffer).unwrap() {
                    total += count;
                }
                assert_eq!(total, length, "{size}");
                content.rewind().unwrap();
            }
        }
    }
}
