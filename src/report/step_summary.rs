//! The GitHub step summary: Markdown with a table for each leak, within GitHub's size limit.
//!
//! It has no value of `--format`: the caller appends it to the file that the variable `GITHUB_STEP_SUMMARY` names.

use std::io::{self, Write};

use crate::model::{Confidence, Finding, Leak, Report};

use super::next_steps::next_steps;
use super::{escape, humanize, labels, prose, receipt};

/// Maximum number of bytes that GitHub accepts from one step.
const MAX_BYTES: usize = 1 << 20;
/// Bytes reserved for the line that says how many leaks did not fit.
const RESERVED_BYTES: usize = 1_000;
/// Maximum number of places in the table of a leak.
const MAX_LISTED_PLACES: usize = 50;
/// Maximum number of skips, remarks and ignored things that are listed.
const MAX_LISTED_SKIPS: usize = 50;
/// Maximum number of characters of a name or sentence.
const MAX_CHARS: usize = 500;

/// Writes the summary, at most 1 MiB; leaks that do not fit are only counted.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_step_summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let head = format!("## friskey: {}\n\n", markdown(&receipt::outcome(report)));
    let tail = receipt_list(report);
    let mut bytes_left = MAX_BYTES.saturating_sub(head.len() + tail.len() + RESERVED_BYTES);
    out.write_all(head.as_bytes())?;
    let mut leaks = labels::open_leaks_by_urgency(report).into_iter();
    let mut omitted = 0;
    for leak in &mut leaks {
        let section = leak_section(report, leak);
        if section.len() > bytes_left {
            omitted = 1;
            break;
        }
        bytes_left -= section.len();
        out.write_all(section.as_bytes())?;
    }
    omitted += leaks.count() as u64;
    if omitted > 0 {
        writeln!(
            out,
            "{} did not fit here; format json lists all.\n",
            humanize::count(omitted, "more leak")
        )?;
    }
    out.write_all(tail.as_bytes())
}

fn markdown(text: &str) -> String {
    escape::markdown(&escape::truncated(text, MAX_CHARS))
}

fn code(name: &str) -> String {
    format!("<code>{}</code>", markdown(name))
}

fn leak_section(report: &Report, leak: &Leak) -> String {
    let detected_key = &leak.detected_key;
    let redacted = code(&detected_key.secret.redacted());
    let mut section = format!("### {} {redacted}\n\n", markdown(&labels::title(report, leak)));
    let description = format!("{}{}", prose::headline(report, leak), prose::history(leak));
    section.push_str(&format!("{}\n", escape::markdown(&escape::truncated(&description, 4 * MAX_CHARS))));
    section.push_str(&format!("Fingerprint {}.\n\n", code(&detected_key.fingerprint.to_string())));
    section.push_str("| Place | Line | Details |\n| --- | --- | --- |\n");
    let total = labels::open_findings(leak).count();
    for finding in labels::open_findings(leak).take(MAX_LISTED_PLACES) {
        section.push_str(&place_row(finding));
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
        list.push_str(&format!("{number}. {}{command}\n", markdown(&step.text)));
    }
    // Nobody should have to revoke what may not be a key.
    let is_key = leak.detected_key.confidence != Confidence::Low;
    let url = labels::rule(report, leak).filter(|_| is_key).and_then(|rule| rule.revoke_url.as_deref());
    if let Some(url) = url.filter(|url| escape::is_link(url)) {
        list.push_str(&format!("\n[Revoke the key]({url})\n"));
    }
    list.push('\n');
    list
}

fn place_row(finding: &Finding) -> String {
    let start = finding.span.start;
    let place = code(&labels::place_name(&finding.origin));
    format!(
        "| {place} | {}:{} | {} |\n",
        start.line,
        start.column,
        markdown(&labels::place_details(finding).join("; "))
    )
}

fn receipt_list(report: &Report) -> String {
    let mut tail = String::new();
    for remark in receipt::remarks(report).iter().take(MAX_LISTED_SKIPS) {
        tail.push_str(&format!("- {}\n", markdown(remark)));
    }
    tail.push_str(&format!("- {}\n", markdown(&receipt::coverage(report))));
    let skipped = &report.coverage().skipped;
    for skip in skipped.iter().take(MAX_LISTED_SKIPS) {
        tail.push_str(&format!("- not scanned: {}\n", markdown(&receipt::skip_line(skip))));
    }
    let rest = skipped.len().saturating_sub(MAX_LISTED_SKIPS) as u64;
    if rest > 0 {
        tail.push_str(&format!("- {} not scanned\n", humanize::count(rest, "more thing")));
    }
    for line in receipt::ignored_list(report, MAX_LISTED_SKIPS) {
        tail.push_str(&format!("- ignored: {}\n", markdown(&line)));
    }
    tail
}
