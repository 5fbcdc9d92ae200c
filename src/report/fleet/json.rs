//! `json`: the whole report as one document, `friskey/fleet-report/v1`.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{AuditRun, FleetCoverage, FleetIgnored, FleetLeak, FleetReport, FleetRepository, Skip};
use crate::report::{Style, VERSION, write_json};

/// The name and version of the schema.
pub(super) const SCHEMA: &str = "friskey/fleet-report/v1";

/// The tool that merged the results.
#[derive(Serialize)]
pub(super) struct FleetTool<'a> {
    name: &'static str,
    version: &'static str,
    rules: Vec<&'a String>,
}

impl<'a> FleetTool<'a> {
    pub(super) fn new(report: &'a FleetReport) -> Self {
        Self { name: "friskey", version: VERSION, rules: report.rules.iter().collect() }
    }
}

#[derive(Serialize)]
struct FleetDocument<'a> {
    schema: &'static str,
    tool: FleetTool<'a>,
    plan: &'a str,
    status: &'static str,
    leaks: &'a [FleetLeak],
    repositories: &'a [FleetRepository],
    audits: &'a [AuditRun],
    ignored: &'a [FleetIgnored],
    notes: &'a [Skip],
    problems: &'a [Skip],
    coverage: &'a FleetCoverage,
}

pub(super) fn write(report: &FleetReport, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let document = FleetDocument {
        schema: SCHEMA,
        tool: FleetTool::new(report),
        plan: &report.plan,
        status: report.status().name(),
        leaks: &report.leaks,
        repositories: &report.repositories,
        audits: &report.audits,
        ignored: &report.ignored,
        notes: &report.notes,
        problems: &report.problems,
        coverage: &report.coverage,
    };
    write_json(&document, out)
}
