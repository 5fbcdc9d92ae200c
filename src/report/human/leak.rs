//! Writes one leak: headline, facts, history, steps and places.

use std::io::{self, Write};

use crate::model::{Finding, Leak, LeakStatus, Report};

use super::palette::{ALARM, FAINT, PLACE, STRONG, paint};
use super::{Style, excerpt, history, listed_count, steps, wrap};
use crate::report::{escape, humanize, labels};

pub(super) fn write(report: &Report, leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_headline_and_facts(report, leak, style, out)?;
    history::write(leak, style, out)?;
    steps::write(report, leak, style, out)?;
    writeln!(out)?;
    write_places(leak, style, out)
}

fn write_headline_and_facts(
    report: &Report,
    leak: &Leak,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let detected_key = &leak.detected_key;
    let rule = paint(style.color, ALARM, escape::line(&detected_key.rule));
    let title = format!("{} {}", labels::title(report, leak), escape::line(&detected_key.secret.redacted()));
    let title = paint(style.color, STRONG, title);
    wrap::write(&format!("{rule}: "), &title, 2, style, out)?;
    let evidence: Vec<_> = detected_key.evidence.iter().map(|text| escape::line(text)).collect();
    let evidence = if evidence.is_empty() { String::new() } else { format!(": {}", evidence.join(", ")) };
    wrap::write("  ", &format!("{} confidence{evidence}", detected_key.confidence), 4, style, out)?;
    let status = match leak.status {
        LeakStatus::Present => format!("still present{}", tips_phrase(leak, style)),
        LeakStatus::Removed => format!("removed, but still in the history{}", history_phrase(leak, style)),
        LeakStatus::Unreachable => {
            format!("not reachable from any ref, but still in the repository{}", reflogs_phrase(leak, style))
        }
        LeakStatus::Unknown => String::new(),
    };
    let of_submodule = if labels::is_in_submodules(leak) { " of a submodule" } else { "" };
    let status = if status.is_empty() { status } else { format!("{status}{of_submodule}") };
    if !status.is_empty() {
        wrap::write("  ", &status, 4, style, out)?;
    }
    let fingerprint = paint(style.color, FAINT, detected_key.fingerprint);
    wrap::write("  fingerprint ", &fingerprint, 4, style, out)
}

fn tips_phrase(leak: &Leak, style: &Style) -> String {
    list_refs(" at the tip of ", &leak.reachability.refs_at_tip, style)
}

fn history_phrase(leak: &Leak, style: &Style) -> String {
    list_refs(" of ", &leak.reachability.refs_in_history, style)
}

fn reflogs_phrase(leak: &Leak, style: &Style) -> String {
    list_refs(": ", &leak.reachability.held_by, style)
}

/// `opening` and then the names of refs, or of reflog entries and pseudorefs; empty without names.
fn list_refs(opening: &str, names: &[String], style: &Style) -> String {
    if names.is_empty() {
        return String::new();
    }
    let listed_len = listed_count(names.len(), style);
    let mut text: Vec<_> = names[..listed_len].iter().map(|name| escape::line(name)).collect();
    let rest = names.len() - listed_len;
    if rest > 0 {
        text.push(format!("and {rest} more").into());
    }
    format!("{opening}{}", text.join(", "))
}

fn write_places(leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let total = labels::open_findings(leak).count();
    let listed_len = listed_count(total, style);
    for finding in labels::open_findings(leak).take(listed_len) {
        write!(out, "{}", paint(style.color, PLACE, clickable_position(finding)))?;
        match labels::place_details(finding).join("; ") {
            details if details.is_empty() => writeln!(out)?,
            details => writeln!(out, "  {}", paint(style.color, FAINT, format_args!("({details})")))?,
        }
        if let Some(text) = &finding.excerpt {
            excerpt::write(text, finding.span.start.line, style, out)?;
        }
        writeln!(out)?;
    }
    let more = (total - listed_len) as u64;
    let suppressed = (leak.findings.len() - total) as u64;
    if more > 0 {
        let more = format!("and {} (--format json lists all)", humanize::count(more, "more place"));
        wrap::write("", &more, 2, style, out)?;
    }
    if suppressed > 0 {
        writeln!(out, "and {} suppressed", humanize::count(suppressed, "place"))?;
    }
    if more + suppressed > 0 { writeln!(out) } else { Ok(()) }
}

/// `path:line:column`, at the start of its line so that terminals can open it.
fn clickable_position(finding: &Finding) -> String {
    let position = labels::position(finding);
    // A line that starts with `::` is a command to GitHub's runner, and a file name must not be one.
    if position.starts_with("::") { format!("./{position}") } else { position }
}
