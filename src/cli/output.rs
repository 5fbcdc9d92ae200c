//! The destinations of reports: standard output, files, and GitHub's step summary.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::args::{ColorChoice, GlobalArgs, ReportArgs};
use super::broken_pipe::ignore_broken_pipe;
use super::environment::variable;
use super::output_file::OutputFile;
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
        let files = to_files
            .into_iter()
            .map(|output| {
                let (reporter, path) = parse_output(output)?;
                OutputFile::open(reporter, path)
            })
            .collect::<Result<Vec<OutputFile>>>()?;
        if let Some(path) = files.iter().enumerate().find_map(|(n, file)| {
            files[..n].iter().any(|earlier| earlier.replaces_same_file(file)).then(|| file.path())
        }) {
            bail!(
                "two reports cannot be written to one file: give each --output a path of its own, not {}",
                path.display()
            );
        }
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
    target::open_to_append(path)
        .map(drop)
        .with_context(|| format!("cannot write the step summary to {}", path.display()))
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

pub(super) fn wants_color(choice: ColorChoice, is_terminal: bool) -> bool {
    let is_enabled = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        // NO_COLOR disables color with any value that is not empty.
        ColorChoice::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        ColorChoice::Auto if is_enabled("CLICOLOR_FORCE") => true,
        ColorChoice::Auto => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}
