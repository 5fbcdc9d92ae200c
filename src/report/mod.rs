//! Layer 2: turns a [`Report`] into bytes, with one file or directory for each format.
//!
//! A reporter is a pure function of the report and a [`Style`]; it knows neither files nor the terminal. A
//! report is redacted already; `escape` keeps it from attacking whatever displays it.

mod advice;
mod clock;
mod escape;
mod events;
mod fleet;
mod github;
mod gitlab;
mod hook_summary;
mod html;
mod human;
mod humanize;
mod json;
mod json_reader;
mod jsonl;
mod junit;
mod key_review;
mod labels;
mod next_steps;
mod permalink;
mod proof;
mod prose;
mod receipt;
mod sarif;
mod step_summary;
mod verification;

pub use hook_summary::write_hook_summary;

use std::io::{self, BufWriter, Write};

use crate::model::Report;

pub use escape::{line as escape_line, lines as escape_lines};
pub use fleet::{FLEET_REPORTERS, FleetReporter, fleet_reporter, sarif_run};
pub use html::write_verified as write_verified_page;
pub use humanize::{bytes as human_bytes, count, human_duration, thousands};
pub use json::write_pretty as write_json;
pub use json_reader::{JsonReadError, read_json};
pub use key_review::write_key_review;
pub use proof::write_proof;
pub use sarif::{LineHashes, line_hashes, write_with_line_hashes as write_sarif};
pub use step_summary::write_step_summary;
pub use verification::{VerifiedLeak, write_verification};

/// The version of friskey, as reports state it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How a report should look, for formats with a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI colors. Only `human` has any.
    pub color: bool,
    /// Width of the terminal in columns, if known; text wraps to it and excerpts are cut to it. Only `human` uses it.
    pub width: Option<usize>,
    /// Whether to list every place and every skip rather than the first ten. Only `human` uses it.
    pub verbose: bool,
    /// Whether SARIF includes suppressed leaks, marked as such. GitHub would show them as open alerts, so this
    /// is for other readers.
    pub sarif_suppressed: bool,
}

/// One report format.
#[derive(Clone, Copy, Debug)]
pub struct Reporter {
    /// The value of `--format`.
    pub name: &'static str,
    /// A description of the format, in one line.
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
            // The only format whose lines are meant as commands.
            (self.render)(report, style, &mut buffered)?;
            return buffered.flush();
        }
        let mut guarded = escape::LineStarts::new(buffered);
        (self.render)(report, style, &mut guarded)?;
        guarded.finish()
    }
}

/// Every format. The values of `--format`, their help and the tests derive from this list. The first is the
/// default.
pub static REPORTERS: &[Reporter] = &[
    Reporter { name: "human", help: "text for people, with excerpts and advice", render: human::write },
    Reporter { name: "json", help: "one JSON document, friskey/report/v1", render: json::write },
    Reporter {
        name: "jsonl",
        help: "one JSON object per line: start, leaks, skips, end",
        render: jsonl::write,
    },
    Reporter { name: "sarif", help: "SARIF 2.1.0 for code scanning", render: sarif::write },
    Reporter { name: github::NAME, help: "annotations for GitHub Actions", render: github::write },
    Reporter { name: "gitlab", help: "GitLab secret detection report", render: gitlab::write },
    Reporter { name: "junit", help: "JUnit XML with a failed test case for each leak", render: junit::write },
    Reporter { name: "html", help: "a single HTML page for an audit", render: html::write },
];

/// The format of that name.
pub fn reporter(name: &str) -> Option<&'static Reporter> {
    REPORTERS.iter().find(|reporter| reporter.name == name)
}
