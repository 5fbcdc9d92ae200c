//! `github`: workflow commands that GitHub Actions shows as annotations.
//!
//! GitHub shows at most ten errors, ten warnings and ten notices of a step. This format writes at most ten annotations in all, so
//! GitHub shows each of them: each leak has one, the most severe leaks come first, and the last annotation says how many more
//! leaks there are. The step summary (`step_summary.rs`) lists more of them.

use std::io::{self, Write};

use crate::model::{Finding, Leak, Report, Severity};

use super::next_steps::next_steps;
use super::{Style, escape, humanize, labels, prose, receipt};

/// The value of `--format`.
pub(super) const NAME: &str = "github";

/// Maximum number of annotations; GitHub shows that many of each level for a step.
const MAX_ANNOTATIONS: usize = 10;
/// Maximum length of the next step in an annotation, in characters.
const MAX_STEP_CHARS: usize = 500;
/// Maximum number of ignored things that an annotation lists.
const MAX_LISTED_IGNORED: usize = 10;

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let leaks = labels::open_leaks_by_urgency(report);
    let mut annotations_left = MAX_ANNOTATIONS;
    if let Some(first) = report.coverage().skipped.first() {
        // First, so that GitHub shows it.
        let skipped = humanize::count(report.coverage().skipped.len() as u64, "thing");
        let text =
            format!("{skipped} not scanned, so the result is incomplete. {}", receipt::skip_line(first));
        write_command("warning", &[], "friskey: incomplete", &text, out)?;
        annotations_left -= 1;
    }
    if let Some(text) = ignored_notice(report) {
        write_command("notice", &[], "friskey: ignored or accepted on purpose", &text, out)?;
        annotations_left -= 1;
    }
    let listed_len = if leaks.len() > annotations_left { annotations_left - 1 } else { leaks.len() };
    for leak in &leaks[..listed_len] {
        write_annotation(report, leak, out)?;
    }
    let rest = (leaks.len() - listed_len) as u64;
    let severities = leaks[listed_len..].iter().map(|leak| labels::effective_severity(report, leak));
    if let Some(highest) = severities.max() {
        let text = format!(
            "{}; the step summary or another report format lists all",
            humanize::count(rest, "more leak")
        );
        write_command(annotation_level(highest), &[], "friskey", &text, out)?;
    }
    writeln!(out, "friskey: {}", receipt::coverage(report))?;
    for remark in receipt::remarks(report) {
        writeln!(out, "friskey: {remark}")?;
    }
    writeln!(out, "friskey: {}", receipt::outcome(report))
}

/// What was ignored, and what the baseline accepts: the numbers, and the first few names; `None` if there is nothing.
fn ignored_notice(report: &Report) -> Option<String> {
    let ignored = &report.coverage().ignored;
    (!ignored.is_empty()).then(|| {
        let counts = receipt::left_out(report);
        let counts = if counts.is_empty() { String::new() } else { format!("{}. ", counts.join(", ")) };
        format!("{counts}{}.", receipt::ignored_list(report, MAX_LISTED_IGNORED).join("; "))
    })
}

fn write_annotation(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<_> = labels::open_findings(leak).collect();
    let Some((&primary, others)) = findings.split_first() else {
        return Ok(());
    };
    let title = format!("friskey: {}", labels::title(report, leak));
    let mut text = prose::paragraph(report, leak, primary, others);
    // An annotation is short; the step summary has the other steps.
    if let Some(first) = next_steps(report, leak).first() {
        text.push_str(&format!(" Next: {}", escape::truncated(&first.sentence(), MAX_STEP_CHARS)));
    }
    write_command(
        annotation_level(labels::effective_severity(report, leak)),
        &position_properties(report, primary),
        &title,
        &text,
        out,
    )
}

/// The properties that attach an annotation to a file and a line; empty for a place that is not a file.
fn position_properties(report: &Report, finding: &Finding) -> Vec<(&'static str, String)> {
    let origin = &finding.origin;
    let Some(path) = labels::file_path(origin) else {
        return Vec::new();
    };
    let (start, end) = (finding.span.start, finding.span.end);
    let mut properties =
        vec![("file", String::from_utf8_lossy(report.path_in_repository(path)).into_owned())];
    if labels::has_positions(origin) {
        properties.push(("line", start.line.to_string()));
        properties.push(("endLine", end.line.to_string()));
        // GitHub ignores columns unless start and end are on one line.
        if start.line == end.line {
            properties.push(("col", start.column.to_string()));
            properties.push(("endColumn", end.column.to_string()));
        }
    }
    properties
}

/// Writes a workflow command.
fn write_command(
    level: &str,
    properties: &[(&'static str, String)],
    title: &str,
    text: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "::{level} ")?;
    for (name, value) in properties {
        write!(out, "{name}={},", escape::workflow_property(value))?;
    }
    writeln!(out, "title={}::{}", escape::workflow_property(title), escape::workflow_message(text))
}

fn annotation_level(effective_severity: Severity) -> &'static str {
    match effective_severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "notice",
    }
}
