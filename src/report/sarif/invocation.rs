//! The run itself: time, outcome, and the coverage receipt as notifications.

use serde::Serialize;

use crate::model::{Report, Status, VersionControl};
use crate::report::{clock, humanize, receipt};

use super::{MAX_RESULTS, Text, location};

/// The most skips that are listed.
const MAX_LISTED_SKIPS: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    execution_successful: bool,
    exit_code: u8,
    start_time_utc: String,
    end_time_utc: String,
    tool_execution_notifications: Vec<Notification>,
}

impl Invocation {
    /// `left_out` is the number of results that did not fit.
    pub(super) fn new(report: &Report, left_out: usize) -> Self {
        Self {
            // An incomplete scan did not succeed, whatever else it found.
            execution_successful: report.coverage().is_complete(),
            exit_code: match report.status() {
                Status::Clean => 0,
                Status::Findings => 1,
                Status::Incomplete => 3,
            },
            start_time_utc: format!("{}Z", clock::utc(report.started())),
            end_time_utc: format!("{}Z", clock::utc(clock::ended(report))),
            tool_execution_notifications: notifications(report, left_out),
        }
    }
}

#[derive(Serialize)]
struct Notification {
    descriptor: Descriptor,
    level: &'static str,
    message: Text,
}

#[derive(Serialize)]
struct Descriptor {
    id: &'static str,
}

impl Notification {
    fn new(id: &'static str, level: &'static str, text: impl Into<String>) -> Self {
        Self { descriptor: Descriptor { id }, level, message: Text::new(text) }
    }
}

fn notifications(report: &Report, left_out: usize) -> Vec<Notification> {
    let mut all = Vec::new();
    let skipped = &report.coverage().skipped;
    all.extend(
        skipped
            .iter()
            .take(MAX_LISTED_SKIPS)
            .map(|skip| Notification::new("not-scanned", "error", receipt::skip(skip))),
    );
    if skipped.len() > MAX_LISTED_SKIPS {
        let rest = humanize::count((skipped.len() - MAX_LISTED_SKIPS) as u64, "more thing");
        all.push(Notification::new(
            "not-scanned",
            "error",
            format!("{rest} not scanned; format json lists all"),
        ));
    }
    let ignored = receipt::ignored_list(report, MAX_LISTED_SKIPS).into_iter();
    all.extend(ignored.map(|text| Notification::new("ignored", "note", text)));
    if left_out > 0 {
        let text = format!(
            "{} left out, the least severe ones: code scanning accepts {}; format json lists all",
            humanize::count(left_out as u64, "leak"),
            humanize::count(MAX_RESULTS as u64, "result"),
        );
        all.push(Notification::new("left-out", "warning", text));
    }
    all.push(Notification::new("note", "note", receipt::coverage(report)));
    all.push(Notification::new("note", "note", receipt::verdict(report)));
    all.extend(receipt::remarks(report).into_iter().map(|text| Notification::new("note", "note", text)));
    all
}

/// The repository and commit that were scanned.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provenance<'a> {
    repository_uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    mapped_to: MappedTo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MappedTo {
    uri_base_id: &'static str,
}

impl<'a> From<&'a VersionControl> for Provenance<'a> {
    fn from(known: &'a VersionControl) -> Self {
        Self {
            repository_uri: &known.repository_uri,
            revision_id: known.revision.as_deref(),
            branch: known.branch.as_deref(),
            mapped_to: MappedTo { uri_base_id: location::ROOT },
        }
    }
}
