//! What SARIF says about the scan itself: its times and exit status, and the receipt as notifications.

use serde::Serialize;

use crate::model::{Report, Status, VersionControl};
use crate::report::{clock, humanize, receipt};

use super::{MAX_RESULTS, MessageText, location};

/// Maximum number of listed skips, and of listed ignored things.
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
    /// `omitted` is the number of leaks that exceed [`MAX_RESULTS`].
    pub(super) fn new(report: &Report, omitted: usize) -> Self {
        Self {
            // An incomplete scan did not succeed, whatever else it found.
            execution_successful: report.coverage().is_complete(),
            exit_code: match report.status() {
                Status::Clean => 0,
                Status::Findings => 1,
                Status::Incomplete => 3,
            },
            start_time_utc: format!("{}Z", clock::utc(report.started())),
            end_time_utc: format!("{}Z", clock::utc(clock::end(report))),
            tool_execution_notifications: list_notifications(report, omitted),
        }
    }
}

#[derive(Serialize)]
struct Notification {
    descriptor: DescriptorReference,
    level: &'static str,
    message: MessageText,
}

#[derive(Serialize)]
struct DescriptorReference {
    id: &'static str,
}

impl Notification {
    fn new(id: &'static str, level: &'static str, text: impl Into<String>) -> Self {
        Self { descriptor: DescriptorReference { id }, level, message: MessageText::new(text) }
    }
}

fn list_notifications(report: &Report, omitted: usize) -> Vec<Notification> {
    let mut notifications = Vec::new();
    let skipped = &report.coverage().skipped;
    notifications.extend(
        skipped
            .iter()
            .take(MAX_LISTED_SKIPS)
            .map(|skip| Notification::new("not-scanned", "error", receipt::skip_line(skip))),
    );
    if skipped.len() > MAX_LISTED_SKIPS {
        let rest = humanize::count((skipped.len() - MAX_LISTED_SKIPS) as u64, "more thing");
        notifications.push(Notification::new(
            "not-scanned",
            "error",
            format!("{rest} not scanned; format json lists all"),
        ));
    }
    let ignored = receipt::ignored_list(report, MAX_LISTED_SKIPS).into_iter();
    notifications.extend(ignored.map(|text| Notification::new("ignored", "note", text)));
    if omitted > 0 {
        let text = format!(
            "{} left out, the least severe ones: code scanning accepts {}; format json lists all",
            humanize::count(omitted as u64, "leak"),
            humanize::count(MAX_RESULTS as u64, "result"),
        );
        notifications.push(Notification::new("left-out", "warning", text));
    }
    notifications.push(Notification::new("note", "note", receipt::coverage(report)));
    notifications.push(Notification::new("note", "note", receipt::outcome(report)));
    notifications
        .extend(receipt::remarks(report).into_iter().map(|text| Notification::new("note", "note", text)));
    notifications
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
    fn from(repository: &'a VersionControl) -> Self {
        Self {
            repository_uri: &repository.repository_uri,
            revision_id: repository.revision.as_deref(),
            branch: repository.branch.as_deref(),
            mapped_to: MappedTo { uri_base_id: location::ROOT },
        }
    }
}
