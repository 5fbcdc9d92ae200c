//! The GitHub step summary: Markdown with a table for each leak, within GitHub's size limit.
//!
//! It is not a format of its own: the caller appends it to the file that `GITHUB_STEP_SUMMARY` names.

use std::io::{self, Write};

use crate::model::{Confidence, Finding, Leak, Report};

use super::next_steps::next_steps;
use super::{escape, humanize, labels, prose, receipt};

/// The most bytes that GitHub accepts from one step.
const MAX_BYTES: usize = 1 << 20;
/// Bytes reserved for the line that says how many leaks did not fit.
const RESERVE: usize = 1_000;
/// The most rows of one leak's table.
const MAX_LISTED_PLACES: usize = 50;
/// The most skips that are listed.
const MAX_LISTED_SKIPS: usize = 50;
/// The most characters of one name or sentence.
const MAX_CHARS: usize = 500;

/// Writes the summary, at most 1 MiB; leaks that do not fit are only counted.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_step_summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let head = format!("## friskey: {}\n\n", text(&receipt::verdict(report)));
    let tail = tail(report);
    let mut room = MAX_BYTES.saturating_sub(head.len() + tail.len() + RESERVE);
    out.write_all(head.as_bytes())?;
    let mut leaks = report.open_leaks();
    let mut left_out = 0;
    for leak in &mut leaks {
        let section = section(report, leak);
        if section.len() > room {
            left_out = 1;
            break;
        }
        room -= section.len();
        out.write_all(section.as_bytes())?;
    }
    left_out += leaks.count() as u64;
    if left_out > 0 {
        writeln!(
            out,
            "{} did not fit here; format json lists all.\n",
            humanize::count(left_out, "more leak")
        )?;
    }
    out.write_all(tail.as_bytes())
}

fn text(text: &str) -> String {
    escape::markdown(&escape::truncated(text, MAX_CHARS))
}

fn code(name: &str) -> String {
    format!("<code>{}</code>", text(name))
}

fn section(report: &Report, leak: &Leak) -> String {
    let identified = &leak.identified;
    let redacted = code(&identified.secret.redacted());
    let mut section = format!("### {} {redacted}\n\n", text(&labels::title(report, leak)));
    let story = format!("{}{}", prose::headline(report, leak), prose::story(leak));
    section.push_str(&format!("{}\n", escape::markdown(&escape::truncated(&story, 4 * MAX_CHARS))));
    section.push_str(&format!("Fingerprint {}.\n\n", code(&identified.fingerprint.to_string())));
    section.push_str("| Place | Line | Details |\n| --- | --- | --- |\n");
    let total = labels::open_findings(leak).count();
    for finding in labels::open_findings(leak).take(MAX_LISTED_PLACES) {
        section.push_str(&row(finding));
    }
    let rest = total.saturating_sub(MAX_LISTED_PLACES) as u64;
    if rest > 0 {
        section.push_str(&format!("\nand {}\n", humanize::count(rest, "more place")));
    }
    section.push('\n');
    section.push_str(&steps(report, leak));
    section
}

/// What to do next about a leak, as a numbered list.
fn steps(report: &Report, leak: &Leak) -> String {
    let mut list = String::new();
    for (number, step) in (1..).zip(next_steps(report, leak)) {
        let command = step.command.map(|command| format!(" {}", code(&command))).unwrap_or_default();
        list.push_str(&format!("{number}. {}{command}\n", text(&step.text)));
    }
    // Nobody should have to revoke what may not be a key.
    let is_key = leak.identified.confidence != Confidence::Low;
    let url = labels::rule(report, leak).filter(|_| is_key).and_then(|rule| rule.revoke_url.as_deref());
    if let Some(url) = url.filter(|url| escape::is_link(url)) {
        list.push_str(&format!("\n[Revoke the key]({url})\n"));
    }
    list.push('\n');
    list
}

fn row(finding: &Finding) -> String {
    let start = finding.span.start;
    let place = code(&labels::name(&finding.origin));
    format!(
        "| {place} | {}:{} | {} |\n",
        start.line,
        start.column,
        text(&labels::details(finding).join("; "))
    )
}

fn tail(report: &Report) -> String {
    let mut tail = String::new();
    for remark in receipt::remarks(report).iter().take(MAX_LISTED_SKIPS) {
        tail.push_str(&format!("- {}\n", text(remark)));
    }
    tail.push_str(&format!("- {}\n", text(&receipt::coverage(report))));
    let skipped = &report.coverage().skipped;
    for skip in skipped.iter().take(MAX_LISTED_SKIPS) {
        tail.push_str(&format!("- not scanned: {}\n", text(&receipt::skip(skip))));
    }
    let rest = skipped.len().saturating_sub(MAX_LISTED_SKIPS) as u64;
    if rest > 0 {
        tail.push_str(&format!("- {} not scanned\n", humanize::count(rest, "more thing")));
    }
    for line in receipt::ignored_list(report, MAX_LISTED_SKIPS) {
        tail.push_str(&format!("- ignored: {}\n", text(&line)));
    }
    tail
}
