//! What a git hook prints when it blocks a commit or push: a few lines that say where the key is, why, and what to do next.

use std::io::{self, Write};

use super::{escape, labels, receipt};
use crate::model::{Change, Leak, Report, Status};

/// Maximum number of listed findings, skips or notes; the others are counted.
const MAX_LISTED: usize = 10;
/// Maximum number of commits that are listed as adding a key, and as removing it.
const MAX_COMMITS: usize = 3;
/// Maximum number of listed accepted findings.
const MAX_ACCEPTED: usize = 3;

/// Writes the findings, `headline`, which says what was blocked (e.g. "commit blocked"), and the lines of `next_steps`. For a
/// clean report, writes only what was left out or accepted, if anything.
///
/// # Errors
/// Only what `output` itself reports.
pub fn write_hook_summary(
    report: &Report,
    headline: &str,
    next_steps: &[&str],
    output: &mut dyn Write,
) -> io::Result<()> {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let open_findings: Vec<_> = report
        .open_leaks()
        .flat_map(|leak| {
            leak.findings
                .iter()
                .filter(|finding| finding.suppressed.is_none())
                .map(move |finding| (leak, finding))
        })
        .collect();
    for (leak, finding) in open_findings.iter().take(MAX_LISTED) {
        let place = labels::position(finding);
        let detected_key = &leak.detected_key;
        let evidence = detected_key.evidence.join(", ");
        line(format!(
            "{place}: {} {} ({}: {evidence})",
            detected_key.rule,
            detected_key.secret.redacted(),
            detected_key.confidence
        ));
    }
    if open_findings.len() > MAX_LISTED {
        line(format!("and {} more places", open_findings.len() - MAX_LISTED));
    }
    report.open_leaks().take(MAX_LISTED).flat_map(commit_lines).for_each(&mut line);
    for skip in report.coverage().skipped.iter().take(MAX_LISTED) {
        line(format!("not scanned: {}: {}", escape::line(&skip.what), escape::line(&skip.reason)));
    }
    match report.status() {
        Status::Clean if receipt::left_out(report).is_empty() && report.suppressed_findings() == 0 => {
            return Ok(());
        }
        Status::Clean => line(format!("friskey: {}{}", receipt::outcome(report), accepted_findings(report))),
        Status::Findings => line(format!("friskey: {headline}: it contains {}.", count_keys(report))),
        Status::Incomplete => line(format!("friskey: {headline}: it could not be scanned completely.")),
    }
    if report.status() == Status::Findings {
        // Ignored markers and expired entries, which explain why the key was not accepted.
        report
            .notes()
            .iter()
            .take(MAX_LISTED)
            .for_each(|note| line(format!("  note: {}", escape::line(note))));
    }
    next_steps.iter().for_each(|text| line(format!("  {text}")));
    output.write_all(escape::lines(&out).as_bytes())
}

/// The accepted findings and what accepts them, e.g. ` (accepted: a.py:3:1 by friskey:allow)`; empty if there are none.
fn accepted_findings(report: &Report) -> String {
    let findings = report.leaks().iter().flat_map(|leak| &leak.findings);
    let mut accepted = findings.filter_map(|finding| {
        let suppression = finding.suppressed.as_ref()?;
        Some(format!("{} by {}", labels::position(finding), escape::line(&suppression.source)))
    });
    let listed: Vec<_> = accepted.by_ref().take(MAX_ACCEPTED).collect();
    if listed.is_empty() {
        return String::new();
    }
    let more = match accepted.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!(" (accepted: {}{more})", listed.join(", "))
}

/// A line for each of the first commits that add and remove the key.
fn commit_lines(leak: &Leak) -> Vec<String> {
    let commit_line = |action: &str, change: &Change| {
        let path = change.path.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let commit = labels::short_id(&change.commit);
        let path = if path.is_empty() { String::new() } else { format!(": {}", escape::line(&path)) };
        format!("  {action} in commit {commit} on {}{path}", labels::commit_day(change))
    };
    let added = leak.introduced.iter().take(MAX_COMMITS).map(|change| commit_line("added", change));
    added.chain(leak.removed.iter().take(MAX_COMMITS).map(|change| commit_line("removed", change))).collect()
}

fn count_keys(report: &Report) -> String {
    match report.open_leaks().count() {
        1 => "a key".to_owned(),
        n => format!("{n} keys"),
    }
}
