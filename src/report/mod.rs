//! Layer 2: turns a finished [`Report`] into bytes, one file per format.
//!
//! A reporter is a pure function of the report and a [`Style`]; it knows neither files nor the
//! terminal. What a report holds has been redacted before; what it must not do to the reader of its
//! bytes (terminals, XML, workflow commands) is the matter of `escape`.

mod advice;
mod clock;
mod escape;
mod github;
mod gitlab;
mod hook_summary;
mod html;
mod human;
mod humanize;
mod json;
mod jsonl;
mod junit;
mod labels;
mod prose;
mod receipt;
mod sarif;
mod step_summary;

pub use hook_summary::write_hook_summary;

use std::io::{self, BufWriter, Write};

use crate::model::Report;

pub use escape::{line as escape_line, lines as escape_lines};
pub use sarif::{LineHashes, line_hash, write_with_line_hashes as write_sarif};
pub use step_summary::write_step_summary;

/// How a report should look, for the formats that have a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are wanted. Only `human` has any.
    pub color: bool,
    /// Columns of the terminal, if it has any; excerpts are cut to it. Only `human` heeds it.
    pub width: Option<usize>,
    /// Lists every place and every skipped thing instead of the first ten. Only `human` heeds it.
    pub verbose: bool,
    /// Whether SARIF lists suppressed leaks, marked as such. GitHub shows those as open alerts, so
    /// this is for other readers.
    pub sarif_suppressed: bool,
}

/// One report format.
#[derive(Clone, Copy, Debug)]
pub struct Reporter {
    /// The value of `--format`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub help: &'static str,
    render: fn(&Report, &Style, &mut dyn Write) -> io::Result<()>,
}

impl Reporter {
    /// Writes the whole report to `out`, buffered, and flushes it.
    ///
    /// # Errors
    /// Only what `out` itself reports.
    pub fn write(&self, report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut buffered = BufWriter::with_capacity(64 * 1024, out);
        if self.name == github::NAME {
            // The one whose lines are commands.
            (self.render)(report, style, &mut buffered)?;
            return buffered.flush();
        }
        let mut guarded = escape::LineStarts::new(buffered);
        (self.render)(report, style, &mut guarded)?;
        guarded.finish()
    }
}

/// Every format; the values of `--format`, and their help, derive from this list. The first is the default.
pub static REPORTERS: &[Reporter] = &[
    Reporter { name: "human", help: "text for people, with excerpts and advice", render: human::write },
    Reporter { name: "json", help: "one JSON document, friskey/report/v1", render: json::write },
    Reporter {
        name: "jsonl",
        help: "one JSON object a line: start, leaks, skips, end",
        render: jsonl::write,
    },
    Reporter { name: "sarif", help: "SARIF 2.1.0 for code scanning", render: sarif::write },
    Reporter { name: github::NAME, help: "annotations for GitHub Actions", render: github::write },
    Reporter { name: "gitlab", help: "GitLab secret detection report", render: gitlab::write },
    Reporter { name: "junit", help: "JUnit XML, a failed case for each leak", render: junit::write },
    Reporter { name: "html", help: "one page for an audit, to read and to print", render: html::write },
];

/// The format of that name.
pub fn reporter(name: &str) -> Option<&'static Reporter> {
    REPORTERS.iter().find(|reporter| reporter.name == name)
}
