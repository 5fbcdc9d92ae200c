//! Writes files atomically: reports, and other files that the user names.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[cfg(feature = "online")]
use anyhow::bail;
use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use super::broken_pipe::ignore_broken_pipe;
use super::target;
use crate::model::Report;
use crate::report::{Reporter, Style};

/// A file that a report is written to.
pub(super) struct OutputFile {
    reporter: &'static Reporter,
    path: PathBuf,
    target: OutputTarget,
}

enum OutputTarget {
    /// A regular file: a new one is written next to it, and replaces it when complete.
    ReplacedFile,
    /// A pipe or device, which cannot be replaced by renaming.
    Stream(fs::File),
}

impl OutputFile {
    /// Checks that the report can be written to `path`, without changing an existing file.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn open(reporter: &'static Reporter, path: &str) -> Result<Self> {
        let (path, target) =
            open_target(Path::new(path)).with_context(|| format!("cannot write to {path}"))?;
        Ok(Self { reporter, path, target })
    }

    /// Where the report is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether both reports would replace the same file, so that only one would remain.
    pub(super) fn replaces_same_file(&self, other: &Self) -> bool {
        let both_replace =
            matches!((&self.target, &other.target), (OutputTarget::ReplacedFile, OutputTarget::ReplacedFile));
        both_replace && self.path == other.path
    }

    /// Writes the report.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(self, report: &Report) -> Result<()> {
        let Self { reporter, path, target } = self;
        let style = Style::default();
        let written = match target {
            OutputTarget::Stream(mut file) => ignore_broken_pipe(reporter.write(report, &style, &mut file)),
            OutputTarget::ReplacedFile => temporary_file(&path, false).and_then(|mut file| {
                reporter.write(report, &style, &mut file)?;
                file.flush()?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            }),
        };
        written.with_context(|| format!("cannot write the report to {}", path.display()))
    }
}

/// Checks early that a file can be written at `path` and outlives the machine's next restart: it must not be a device or in
/// memory.
///
/// # Errors
/// When it cannot.
#[cfg(feature = "online")]
pub(super) fn check_lasting_file(path: &Path) -> Result<()> {
    let resolved = target::resolve(path).with_context(|| format!("cannot write to {}", path.display()))?;
    if [path, &resolved].into_iter().any(|path| path.starts_with("/dev") || path.starts_with("/proc")) {
        bail!("{} is a device or in memory, so it would not be kept: name a file on a disk", path.display());
    }
    check_writable(path)
}

/// Checks early that a file can be written at `path`.
///
/// # Errors
/// When it cannot.
pub(super) fn check_writable(path: &Path) -> Result<()> {
    open_target(path).map(drop).with_context(|| format!("cannot write to {}", path.display()))
}

/// Writes a file atomically, readable only by the user if `is_private`.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_file(path: &Path, bytes: &[u8], is_private: bool) -> Result<()> {
    let write = || -> io::Result<()> {
        let (path, target) = open_target(path)?;
        match target {
            OutputTarget::Stream(mut file) => ignore_broken_pipe(file.write_all(bytes)),
            OutputTarget::ReplacedFile => {
                let mut file = temporary_file(&path, is_private)?;
                file.write_all(bytes)?;
                file.as_file().sync_all()?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            }
        }
    };
    write().with_context(|| format!("cannot write to {}", path.display()))
}

/// The destination, with a path without links.
fn open_target(path: &Path) -> io::Result<(PathBuf, OutputTarget)> {
    if is_stream(path) {
        // No repository can contain these paths.
        return Ok((path.to_owned(), OutputTarget::Stream(fs::OpenOptions::new().write(true).open(path)?)));
    }
    let path = target::resolve(path)?;
    // The file is removed again, since the scan might find it.
    temporary_file(&path, false).map(|_| (path, OutputTarget::ReplacedFile))
}

/// Whether it is `/dev/stdout`, `/dev/null` or a shell's `>(command)`, as opposed to a file in a world-writable
/// directory such as `/dev/shm`.
fn is_stream(path: &Path) -> bool {
    const DIRS: [&str; 2] = ["/dev/fd", "/dev/pts"];
    let dir = path.parent().unwrap_or(path);
    let has_parent_component = path.components().any(|part| part == std::path::Component::ParentDir);
    !has_parent_component && (dir == Path::new("/dev") || DIRS.iter().any(|prefix| dir == Path::new(prefix)))
}

/// A file next to the path, removed when dropped. If it is private, it is never readable by others.
fn temporary_file(path: &Path, is_private: bool) -> io::Result<NamedTempFile> {
    let dir = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".friskey-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if is_private { 0o600 } else { 0o666 }));
    #[cfg(not(unix))]
    let _ = is_private;
    builder.tempfile_in(dir.unwrap_or(Path::new("."))).map_err(without_temporary_name)
}

/// The error without the name of the temporary file, which the user does not know.
fn without_temporary_name(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|outer| outer.source());
    match inner.and_then(|inner| inner.downcast_ref::<io::Error>()?.raw_os_error()) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error,
    }
}
