//! `sarif`: SARIF 2.1.0, primarily for GitHub code scanning.
//!
//! One result is one leak; its other places are related locations. The report respects GitHub's limits: the
//! most severe results are kept, and a notification says what was cut. `docs/formats.md` explains the choices.

mod invocation;
mod line_hash;
mod location;
mod message;
mod result;
mod rules;

use std::cmp::Reverse;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Leak, Origin, Report};

use super::{Style, json, labels};

pub use line_hash::line_hashes;

/// The most results that code scanning accepts in one run.
const MAX_RESULTS: usize = 5_000;

/// Returns the hash of a line (counted from 1, see [`line_hashes()`]) of a file in the checkout, if known.
pub type LineHashes<'a> = dyn Fn(&Origin, u64) -> Option<String> + 'a;

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_with_line_hashes(report, style, &|_, _| None, out)
}

/// Writes SARIF with line hashes for files in the checkout, by which GitHub tracks alerts when lines move. The
/// upload action computes missing ones itself, so this is for uploads without the action.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_with_line_hashes(
    report: &Report,
    style: &Style,
    line_hashes: &LineHashes<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (leaks, left_out) = chosen(report, style);
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [RunObject {
            tool: rules::Tool::new(report),
            automation_details: Automation { id: category(report) },
            invocations: [invocation::Invocation::new(report, left_out)],
            version_control_provenance: report.version_control().map(|known| [known.into()]),
            original_uri_base_ids: location::base(),
            column_kind: "unicodeCodePoints",
            results: result::Results { report, leaks, line_hashes },
        }],
    };
    json::write_pretty(&log, out)
}

/// The leaks to list, in report order, and how many were left out because there are too many.
fn chosen<'a>(report: &'a Report, style: &Style) -> (Vec<&'a Leak>, usize) {
    let listed = |leak: &&Leak| style.sarif_suppressed || !leak.is_suppressed();
    let mut leaks: Vec<_> = report.leaks().iter().filter(listed).enumerate().collect();
    let left_out = leaks.len().saturating_sub(MAX_RESULTS);
    if left_out > 0 {
        leaks.sort_by_key(|(_, leak)| Reverse((labels::severity(report, leak), leak.identified.confidence)));
        leaks.truncate(MAX_RESULTS);
        leaks.sort_by_key(|&(at, _)| at);
    }
    (leaks.into_iter().map(|(_, leak)| leak).collect(), left_out)
}

/// The category. A new report replaces the earlier ones of its category, so trees and histories must not share
/// one, and neither must a few commits and the whole history.
fn category(report: &Report) -> String {
    match report.category() {
        "scan" => "friskey/tree/".to_owned(),
        "staged" => "friskey/index/".to_owned(),
        other => format!("friskey/{other}/"),
    }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunObject<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunObject<'a> {
    tool: rules::Tool,
    automation_details: Automation,
    invocations: [invocation::Invocation; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    version_control_provenance: Option<[invocation::Provenance<'a>; 1]>,
    original_uri_base_ids: location::UriBases,
    column_kind: &'static str,
    results: result::Results<'a>,
}

#[derive(Serialize)]
struct Automation {
    id: String,
}

/// SARIF's `{"text": …}`.
#[derive(Serialize)]
struct Text {
    text: String,
}

impl Text {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}
