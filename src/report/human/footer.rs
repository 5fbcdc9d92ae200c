//! What follows the leaks: advice, remarks, the coverage receipt, and finally the verdict.

use std::io::{self, Write};

use crate::model::{Report, RuleInfo, Status, Suppression};

use super::palette::{ALARM, GOOD, STRONG, WARNING, paint};
use super::{Style, listed_count};
use crate::report::advice::{Advice, about_rule};
use crate::report::{escape, labels, receipt};

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for rule in labels::rules_of_open_leaks(report) {
        advice(report, rule, style, out)?;
    }
    for remark in receipt::remarks(report) {
        writeln!(out, "note: {remark}")?;
    }
    coverage(report, style, out)?;
    let color = match report.status() {
        Status::Findings => ALARM,
        Status::Incomplete => WARNING,
        Status::Clean => GOOD,
    };
    writeln!(out, "{}", paint(style.color, color, receipt::verdict(report)))
}

fn advice(report: &Report, rule: &RuleInfo, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let Advice { steps, revoke_url } = about_rule(report, rule);
    if steps.is_empty() && revoke_url.is_none() {
        return Ok(());
    }
    let title = format!("What to do about {}:", escape::line(&rule.id));
    writeln!(out, "{}", paint(style.color, STRONG, title))?;
    for (number, step) in (1..).zip(&steps) {
        writeln!(out, "  {number}. {}", escape::line(step))?;
    }
    let is_mentioned = |url: &String| steps.iter().any(|step| step.contains(url.as_str()));
    if let Some(url) = revoke_url.as_ref().filter(|url| !is_mentioned(url)) {
        writeln!(out, "  revoke at {}", escape::line(url))?;
    }
    writeln!(out)
}

fn coverage(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", receipt::coverage(report))?;
    let skipped = &report.coverage().skipped;
    let listed = listed_count(skipped.len(), style);
    for skip in skipped.iter().take(listed) {
        writeln!(out, "  not scanned: {}", receipt::skip(skip))?;
    }
    let rest = skipped.len() - listed;
    if rest > 0 {
        writeln!(out, "  and {rest} more (--format json lists all)")?;
    }
    let ignored = report.coverage().ignored.iter().count();
    if style.verbose {
        accepted(report, out)?;
    }
    for line in receipt::ignored_list(report, listed_count(ignored, style)) {
        writeln!(out, "  ignored: {line}")?;
    }
    Ok(())
}

/// Every suppressed finding, with what accepts it and why.
fn accepted(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.leaks().iter().flat_map(|leak| &leak.findings) {
        let Some(Suppression { source, reason, .. }) = &finding.suppressed else { continue };
        let why = reason.as_deref().unwrap_or("no reason given");
        let (place, source) = (labels::position(finding), escape::line(source));
        writeln!(out, "  accepted: {place}: {source}: {}", escape::line(why))?;
    }
    Ok(())
}
