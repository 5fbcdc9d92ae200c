//! `jsonl`: the content of `json`, with one object per line. A report without the line of type `end` is truncated.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{FleetTool, SCHEMA};
use crate::model::{AuditRun, FleetCoverage, FleetReport, Skip};
use crate::report::Style;
use crate::report::json::write_line;

#[derive(Serialize)]
struct FleetLine<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct FleetStart<'a> {
    schema: &'static str,
    tool: FleetTool<'a>,
    plan: &'a str,
}

#[derive(Serialize)]
struct FleetEnd<'a> {
    status: &'static str,
    audits: &'a [AuditRun],
    notes: &'a [Skip],
    coverage: &'a FleetCoverage,
}

pub(super) fn write(report: &FleetReport, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let start = FleetStart { schema: SCHEMA, tool: FleetTool::new(report), plan: &report.plan };
    write_line(&FleetLine { kind: "start", body: start }, out)?;
    for leak in &report.leaks {
        write_line(&FleetLine { kind: "leak", body: leak }, out)?;
    }
    for repository in &report.repositories {
        write_line(&FleetLine { kind: "repository", body: repository }, out)?;
    }
    for ignored in &report.ignored {
        write_line(&FleetLine { kind: "ignored", body: ignored }, out)?;
    }
    for problem in &report.problems {
        write_line(&FleetLine { kind: "problem", body: problem }, out)?;
    }
    let end = FleetEnd {
        status: report.status().name(),
        audits: &report.audits,
        notes: &report.notes,
        coverage: &report.coverage,
    };
    write_line(&FleetLine { kind: "end", body: end }, out)
}
