//! Writes reports to standard output and files.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use super::args::{ColorChoice, GlobalArgs, ReportArgs};
use super::broken_pipe::ignore_broken_pipe;
use super::environment::variable;
use super::target;
use crate::model::{Report, Status};
use crate::report::{REPORTERS, Reporter, Style, reporter, write_step_summary};

/// All destinations of a report, opened before the scan so that an invalid path fails early.
pub(super) struct Outputs {
    stdout: &'static Reporter,
    style: Style,
    quiet: bool,
    files: Vec<OutputFile>,
    /// The file to which GitHub's step summary is appended.
    summary: Option<PathBuf>,
}

impl Outputs {
    /// Opens all destinations.
    pub(super) fn open(reporting: &ReportArgs, global: &GlobalArgs) -> Result<Self> {
        let (to_stdout, to_files): (Vec<_>, Vec<_>) =
            reporting.output.iter().partition(|output| output.ends_with("=-"));
        let stdout = match (to_stdout.as_slice(), &reporting.format, variable("FRISKEY_FORMAT")) {
            ([output], None, _) => parse_output(output)?.0,
            ([_, ..], ..) => {
                bail!("only one report goes to standard output: give one --format or one --output FORMAT=-")
            }
            ([], Some(name), _) => reporter_named("--format", name)?,
            ([], None, Some(name)) => reporter_named("FRISKEY_FORMAT", &name.to_string_lossy())?,
            ([], None, None) => reporter_named("--format", "human")?,
        };
        let files = to_files.into_iter().map(|output| OutputFile::open(output)).collect::<Result<_>>()?;
        let summary = if stdout.name == "github" { step_summary() } else { None };
        check_summary(summary.as_deref())?;
        Ok(Self { stdout, style: style(global), quiet: global.quiet, files, summary })
    }

    /// Adds the file of the step summary, if there is one.
    ///
    /// # Errors
    /// If the file cannot be appended to.
    pub(super) fn with_summary(self, summary: Option<PathBuf>) -> Result<Self> {
        check_summary(summary.as_deref())?;
        Ok(Self { summary, ..self })
    }

    /// Writes the report to all destinations. A closed pipe is not an error.
    pub(super) fn write(self, report: &Report) -> Result<()> {
        for file in self.files {
            file.write(report)?;
        }
        if let Some(path) = &self.summary {
            append_summary(report, path)?;
        }
        if self.quiet && self.stdout.name == "human" && report.status() == Status::Clean {
            return Ok(());
        }
        let written = self.stdout.write(report, &self.style, &mut io::stdout().lock());
        ignore_broken_pipe(written).context("cannot write the report to standard output")
    }
}

/// The file of the step summary, when running in GitHub Actions.
pub(super) fn step_summary() -> Option<PathBuf> {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    value("GITHUB_ACTIONS").and_then(|_| value("GITHUB_STEP_SUMMARY")).map(PathBuf::from)
}

/// Checks before the scan that the summary can be written after it.
fn check_summary(path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let opened = target::open_to_append(path).map(drop);
    opened.with_context(|| format!("cannot write the step summary to {}", path.display()))
}

/// Appends the summary, after those of earlier commands of the step.
fn append_summary(report: &Report, path: &Path) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut text = Vec::new();
        write_step_summary(report, &mut text)?;
        target::open_to_append(path)?.write_all(&text)
    };
    write().with_context(|| format!("cannot write the step summary to {}", path.display()))
}

/// The format with that name; `option` is named in the error.
fn reporter_named(option: &str, name: &str) -> Result<&'static Reporter> {
    reporter(name).with_context(|| {
        let names: Vec<_> = REPORTERS.iter().map(|reporter| reporter.name).collect();
        format!("{option}: unknown format `{name}`; expected one of {}", names.join(", "))
    })
}

/// Splits `FORMAT=PATH`.
fn parse_output(output: &str) -> Result<(&'static Reporter, &str)> {
    match output.split_once('=') {
        Some((format, path)) if !path.is_empty() => {
            Ok((reporter_named(&format!("--output {output}"), format)?, path))
        }
        _ => bail!("--output {output}: expected FORMAT=PATH, e.g. `json=report.json`"),
    }
}

/// Color and width, according to the options and the terminal.
pub(super) fn style(global: &GlobalArgs) -> Style {
    Style {
        color: wants_color(global.color, io::stdout().is_terminal()),
        width: io::stdout()
            .is_terminal()
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0)),
        verbose: global.verbose,
        ..Style::default()
    }
}

pub(super) fn wants_color(when: ColorChoice, is_terminal: bool) -> bool {
    let is_enabled = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match when {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        // NO_COLOR disables color with any value that is not empty.
        ColorChoice::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        ColorChoice::Auto if is_enabled("CLICOLOR_FORCE") => true,
        ColorChoice::Auto => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

struct OutputFile {
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
    fn open(output: &str) -> Result<Self> {
        let (reporter, path) = parse_output(output)?;
        let (path, target) =
            open_target(Path::new(path)).with_context(|| format!("cannot write to {path}"))?;
        Ok(Self { reporter, path, target })
    }

    fn write(self, report: &Report) -> Result<()> {
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
    check_file(path)
}

/// Checks early that a file can be written at `path`.
///
/// # Errors
/// When it cannot.
pub(super) fn check_file(path: &Path) -> Result<()> {
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
    !has_parent_component && (dir == Path::new("/dev") || DIRS.iter().any(|known| dir == Path::new(known)))
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
