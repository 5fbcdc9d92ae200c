//! What follows the leaks: the advice of their rules, remarks, the receipt, and finally the outcome.

use std::io::{self, Write};

use crate::model::{Report, RuleInfo, Status, Suppression};

use super::palette::{ALARM, GOOD, STRONG, WARNING, paint};
use super::{Style, listed_count, wrap};
use crate::report::advice::{Advice, advice_for_rule};
use crate::report::{escape, labels, receipt};

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let rules = labels::rules_of_open_leaks(report);
    for rule in &rules {
        write_advice(report, rule, style, out)?;
    }
    if !rules.is_empty() {
        writeln!(out)?;
    }
    for remark in receipt::remarks(report) {
        wrap::write("note: ", &remark, 2, style, out)?;
    }
    write_coverage(report, style, out)?;
    let color = match report.status() {
        Status::Findings => ALARM,
        Status::Incomplete => WARNING,
        Status::Clean => GOOD,
    };
    wrap::write("", &paint(style.color, color, receipt::outcome(report)), 2, style, out)
}

/// Writes the first step that the rule advises, and where to revoke the key if the step does not say. The other steps are among those of
/// each leak.
fn write_advice(report: &Report, rule: &RuleInfo, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let Advice { steps, revoke_url } = advice_for_rule(report, rule);
    let title = format!("{}:", escape::line(&rule.id));
    let title = paint(style.color, STRONG, title);
    if let Some(step) = steps.first() {
        wrap::write(&format!("{title} "), &escape::line(step), 2, style, out)?;
    }
    let is_mentioned = |url: &String| steps.first().is_some_and(|step| step.contains(url.as_str()));
    if let Some(url) = revoke_url.as_ref().filter(|url| !is_mentioned(url)) {
        writeln!(out, "  revoke at {}", escape::line(url))?;
    }
    Ok(())
}

fn write_coverage(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    wrap::write("", &receipt::coverage(report), 2, style, out)?;
    let skipped = &report.coverage().skipped;
    let listed_len = listed_count(skipped.len(), style);
    for skip in skipped.iter().take(listed_len) {
        wrap::write("  not scanned: ", &receipt::skip_line(skip), 4, style, out)?;
    }
    let rest = skipped.len() - listed_len;
    if rest > 0 {
        wrap::write("  ", &format!("and {rest} more (--format json lists all)"), 4, style, out)?;
    }
    let ignored_count = report.coverage().ignored.iter().count();
    if style.verbose {
        write_suppressed(report, out)?;
    }
    for line in receipt::ignored_list(report, listed_count(ignored_count, style)) {
        wrap::write("  ignored: ", &line, 4, style, out)?;
    }
    Ok(())
}

/// Writes every suppressed finding, the marker or baseline that accepts it, and the reason.
fn write_suppressed(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.leaks().iter().flat_map(|leak| &leak.findings) {
        let Some(Suppression { source, reason, .. }) = &finding.suppressed else { continue };
        let reason = reason.as_deref().unwrap_or("no reason given");
        let (place, source) = (labels::position(finding), escape::line(source));
        writeln!(out, "  suppressed: {place}: {source}: {}", escape::line(reason))?;
    }
    Ok(())
}
