//! Reports about fleets, with one file or directory for each format.

mod html;
mod human;
mod json;
mod jsonl;
mod leak_json;
mod sarif;
mod summary;

use std::io::{self, BufWriter, Write};

use crate::model::FleetReport;

use super::{Style, escape};

pub use sarif::sarif_run;

/// A format for reports about fleets.
#[derive(Clone, Copy, Debug)]
pub struct FleetReporter {
    /// The value of `--format`.
    pub name: &'static str,
    /// A description of the format, in one line.
    pub help: &'static str,
    render: fn(&FleetReport, &Style, &mut dyn Write) -> io::Result<()>,
}

impl FleetReporter {
    /// Writes the whole report to `out`, buffered, and flushes it.
    ///
    /// # Errors
    /// Only what `out` itself reports.
    pub fn write(&self, report: &FleetReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let buffered = BufWriter::with_capacity(64 * 1024, out);
        let mut guarded = escape::LineStarts::new(buffered);
        (self.render)(report, style, &mut guarded)?;
        guarded.finish()
    }
}

/// Every format. The first is the default.
pub static FLEET_REPORTERS: &[FleetReporter] = &[
    FleetReporter { name: "human", help: "text for people", render: human::write },
    FleetReporter { name: "json", help: "one JSON document, friskey/fleet-report/v1", render: json::write },
    FleetReporter {
        name: "jsonl",
        help: "one JSON object per line: start, leaks, repositories, what was left out, problems, end",
        render: jsonl::write,
    },
    FleetReporter { name: "sarif", help: "SARIF 2.1.0 with a run for each repository", render: sarif::write },
    FleetReporter { name: "html", help: "a single HTML page", render: html::write },
];

/// The format of that name.
pub fn fleet_reporter(name: &str) -> Option<&'static FleetReporter> {
    FLEET_REPORTERS.iter().find(|reporter| reporter.name == name)
}
