//! Files and folders on disk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ignore::overrides::OverrideBuilder;
use ignore::{DirEntry, WalkBuilder, WalkState};

use super::path::path_bytes;
use super::{Excludes, Sink, Worker, reason};
use crate::container::Input;
use crate::model::{Origin, Skip, Surface};
use crate::untrusted::{kind, open};

/// What to walk, and how.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Files and folders; relative ones are reported as they are given.
    pub paths: Vec<PathBuf>,
    /// Scans what ignore files name, too.
    pub no_ignore: bool,
    /// Globs, as in an ignore file, of paths to leave out.
    pub exclude: Vec<String>,
    /// Paths to leave out wherever the walk begins.
    pub exclude_below: Option<Excludes>,
    /// Threads; 0 lets the walk choose.
    pub threads: usize,
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

/// Walks the paths on several threads and pushes every file into `sink`.
///
/// # Errors
/// A path that does not exist, or a bad glob: nothing has been scanned then. What goes wrong later
/// is a skip.
pub fn scan_files(options: &FileOptions, sink: &dyn Sink) -> Result<(), SourceError> {
    for path in &options.paths {
        check(path)?;
    }
    let Some((first, rest)) = options.paths.split_first() else { return Ok(()) };
    let below = options.exclude_below.clone();
    let mut builder = WalkBuilder::new(first);
    for path in rest {
        builder.add(path);
    }
    builder
        .standard_filters(!options.no_ignore)
        // Hidden files are where keys are: `.env`.
        .hidden(false)
        .follow_links(false)
        .threads(options.threads)
        .overrides(excludes(&options.exclude)?)
        // Git's own folder is the business of `friskey history`.
        .filter_entry(move |entry| {
            let is_folder = || entry.file_type().is_some_and(|kind| kind.is_dir());
            let excluded = || below.as_ref().is_some_and(|globs| globs.name(entry.path(), is_folder()));
            // What the user named is scanned whatever its name.
            entry.depth() == 0 || (entry.file_name() != ".git" && !excluded())
        });
    builder.build_parallel().run(|| {
        let mut visit = Visit { worker: sink.worker(), sink };
        Box::new(move |entry| visit.entry(entry))
    });
    Ok(())
}

fn check(path: &Path) -> Result<(), SourceError> {
    let shown = path.display().to_string();
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SourceError::NoSuchPath(shown)),
        Err(error) => Err(SourceError::Unreadable { path: shown, reason: reason(&error) }),
    }
}

fn excludes(globs: &[String]) -> Result<ignore::overrides::Override, SourceError> {
    let mut builder = OverrideBuilder::new(".");
    for glob in globs {
        let bad =
            |error: ignore::Error| SourceError::BadGlob { glob: glob.clone(), reason: error.to_string() };
        builder.add(&format!("!{glob}")).map_err(bad)?;
    }
    builder.build().map_err(|error| SourceError::BadGlob { glob: globs.join(" "), reason: error.to_string() })
}

/// One thread of a walk.
pub(super) struct Visit<'s> {
    pub(super) worker: Box<dyn Worker + Send + 's>,
    pub(super) sink: &'s dyn Sink,
}

impl Visit<'_> {
    fn entry(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if self.sink.is_stopped() {
            return WalkState::Quit;
        }
        match entry {
            Ok(entry) => self.scan(&entry),
            Err(error) => self.worker.skip(walk_skip(&error)),
        }
        WalkState::Continue
    }

    fn scan(&mut self, entry: &DirEntry) {
        let path = path_bytes(entry.path());
        if entry.depth() > 0 {
            self.worker.name(&path);
        }
        let named = entry.depth() == 0;
        let Some(kind_of) = entry.file_type() else { return };
        if kind_of.is_symlink() {
            self.link(entry.path(), &path);
            // A link that the user named stands for what it leads to; the walk enters folders itself.
            if named && entry.path().is_file() {
                self.file(entry.path(), &Origin::at_path(Surface::Worktree, path), true);
            }
        } else if kind_of.is_file() {
            self.file(entry.path(), &Origin::at_path(Surface::Worktree, path), named);
        } else if !kind_of.is_dir() {
            let what = entry.metadata().map_or("not a regular file", |metadata| kind(&metadata));
            self.skip(&path, format!("{what}, never opened"));
        }
    }

    /// The target of a link is bytes that the tree holds; what it leads to is scanned where it is.
    fn link(&mut self, path: &Path, shown: &[u8]) {
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
            return self.skip(shown, format!("{}, never opened", kind(&before)));
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

/// Which path the walk stumbled over, and why.
pub(super) fn walk_skip(error: &ignore::Error) -> Skip {
    fn path(error: &ignore::Error) -> Option<&Path> {
        match error {
            ignore::Error::WithPath { path, .. } => Some(path),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path(err),
            ignore::Error::Loop { child, .. } => Some(child),
            _ => None,
        }
    }
    let what = path(error)
        .map_or_else(|| "the walk".to_owned(), |p| String::from_utf8_lossy(&path_bytes(p)).into_owned());
    let why = error.io_error().map_or_else(|| error.to_string(), reason);
    Skip::new(what, why)
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
