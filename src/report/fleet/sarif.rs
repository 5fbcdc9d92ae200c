//! `sarif`: one log with a run for each repository. The audits wrote the runs; a repository without a result has a failed
//! run with the reason.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::summary;
use crate::model::{FleetReport, FleetRepository, Report};
use crate::report::{Style, VERSION, reporter, write_json};

#[derive(Serialize)]
struct FleetLog<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a Value>,
}

/// The run of a repository's SARIF report, for [`FleetResult`](crate::model::FleetResult).
///
/// # Errors
/// If the report cannot be written, which happens only if memory is exhausted.
pub fn sarif_run(report: &Report) -> io::Result<Value> {
    let mut bytes = Vec::new();
    if let Some(sarif) = reporter("sarif") {
        sarif.write(report, &Style::default(), &mut bytes)?;
    }
    let mut log: Value = serde_json::from_slice(&bytes)?;
    Ok(log["runs"][0].take())
}

pub(super) fn write(report: &FleetReport, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let runs = report.repositories.iter().map(|repository| {
        let mut run = repository.sarif_run.clone().unwrap_or_else(|| failed_run(repository));
        // Code scanning replaces earlier runs of the same id, so each repository has its own.
        run["automationDetails"] = json!({"id": format!("friskey/fleet/{}/", repository.path)});
        run["properties"]["repository"] = json!(repository.path);
        run
    });
    let mut runs: Vec<Value> = runs.collect();
    if !(report.problems.is_empty() && report.ignored.is_empty()) {
        runs.push(coverage_run(report));
    }
    let log = FleetLog {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs,
        properties: None,
    };
    write_json(&log, out)
}

fn driver() -> Value {
    json!({"driver": {"name": "friskey", "semanticVersion": VERSION, "version": VERSION}})
}

/// The run of a repository without a result.
fn failed_run(repository: &FleetRepository) -> Value {
    let reason = repository.reason.as_deref().unwrap_or("there is no result");
    let notification =
        json!({"level": "error", "message": {"text": format!("{}: {reason}", repository.path)}});
    json!({
        "tool": driver(),
        "invocations": [{"executionSuccessful": false, "toolExecutionNotifications": [notification]}],
        "columnKind": "unicodeCodePoints",
        "results": [],
    })
}

/// A run about the problems of the report and what was left out. It is separate because these may belong to no repository.
fn coverage_run(report: &FleetReport) -> Value {
    let notification = |level: &str, text: String| json!({"level": level, "message": {"text": text}});
    let problems = report.problems.iter();
    let problems =
        problems.map(|problem| notification("warning", format!("{}: {}", problem.what, problem.reason)));
    let left_out = report.ignored.iter();
    let left_out =
        left_out.map(|ignored| notification("note", format!("left out: {}", summary::ignored_line(ignored))));
    json!({
        "tool": driver(),
        "automationDetails": {"id": "friskey/fleet-coverage/"},
        "invocations": [{
            "executionSuccessful": report.problems.is_empty(),
            "toolExecutionNotifications": problems.chain(left_out).collect::<Vec<_>>(),
        }],
        "columnKind": "unicodeCodePoints",
        "results": [],
    })
}
