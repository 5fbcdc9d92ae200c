//! `sarif`: SARIF 2.1.0, primarily for GitHub code scanning.
//!
//! Each leak is one result, with its other places as related locations. GitHub accepts only so many results: the most severe
//! leaks are kept, and a notification says how many are missing. `docs/formats.md` explains the choices.

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

/// Maximum number of results that code scanning accepts in one run.
const MAX_RESULTS: usize = 5_000;

/// Returns the hash (see [`line_hashes()`]) of a line, counted from 1, of a file in the checkout; `None` if it is unknown.
pub type LineHashes<'a> = dyn Fn(&Origin, u64) -> Option<String> + 'a;

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_with_line_hashes(report, style, &|_, _| None, out)
}

/// Writes SARIF with line hashes for files in the checkout, by which GitHub recognizes an alert whose line has moved.
/// GitHub's upload action adds these hashes itself, so this is for uploads without the action.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_with_line_hashes(
    report: &Report,
    style: &Style,
    line_hashes: &LineHashes<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (leaks, omitted) = select_leaks(report, style);
    let log = SarifLog {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [RunObject {
            tool: rules::Tool::new(report),
            automation_details: AutomationDetails { id: automation_id(report) },
            invocations: [invocation::Invocation::new(report, omitted)],
            version_control_provenance: report.version_control().map(|repository| [repository.into()]),
            original_uri_base_ids: location::uri_bases(),
            column_kind: "unicodeCodePoints",
            results: result::Results { report, leaks, line_hashes },
        }],
    };
    json::write_pretty(&log, out)
}

/// The leaks that become results, in report order, and how many leaks exceed [`MAX_RESULTS`].
fn select_leaks<'a>(report: &'a Report, style: &Style) -> (Vec<&'a Leak>, usize) {
    let is_included = |leak: &&Leak| style.sarif_suppressed || !leak.is_suppressed();
    let mut leaks: Vec<_> = report.leaks().iter().filter(is_included).enumerate().collect();
    let omitted = leaks.len().saturating_sub(MAX_RESULTS);
    if omitted > 0 {
        leaks
            .sort_by_key(|(_, leak)| Reverse((labels::severity(report, leak), leak.detected_key.confidence)));
        leaks.truncate(MAX_RESULTS);
        leaks.sort_by_key(|&(index, _)| index);
    }
    (leaks.into_iter().map(|(_, leak)| leak).collect(), omitted)
}

/// The id that determines the category in code scanning. A report replaces the earlier ones of its category, so reports about
/// trees, about histories and about a few commits have different ids.
fn automation_id(report: &Report) -> String {
    match report.category() {
        "scan" => "friskey/tree/".to_owned(),
        "staged" => "friskey/index/".to_owned(),
        other => format!("friskey/{other}/"),
    }
}

#[derive(Serialize)]
struct SarifLog<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunObject<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunObject<'a> {
    tool: rules::Tool,
    automation_details: AutomationDetails,
    invocations: [invocation::Invocation; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    version_control_provenance: Option<[invocation::Provenance<'a>; 1]>,
    original_uri_base_ids: location::UriBases,
    column_kind: &'static str,
    results: result::Results<'a>,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

/// A text, which SARIF requires in an object: `{"text": …}`.
#[derive(Serialize)]
struct MessageText {
    text: String,
}

impl MessageText {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}
