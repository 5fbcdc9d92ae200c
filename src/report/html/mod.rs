//! `html`: one page for an audit. It loads nothing and runs nothing: no script, no font, no image.

mod leak;

use std::io::{self, Write};

use crate::model::{Leak, Report, RuleInfo, Severity, Suppression};

use super::{Style, advice::about_rule, clock, escape, humanize, labels, receipt};

/// The most skips that are listed.
const MAX_LISTED_SKIPS: usize = 10_000;

pub(super) const STYLE: &str = include_str!("style.css");

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    head(report, out)?;
    for leak in report.open_leaks() {
        leak::write(report, leak, out)?;
    }
    for rule in labels::rules_of_open_leaks(report) {
        advice(report, rule, out)?;
    }
    accepted(report, out)?;
    coverage(report, out)?;
    writeln!(out, "</body>\n</html>")
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let command = escape::xml(report.command());
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    // Even if escaping failed, the page could not load or run anything.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>friskey {command}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>")?;
    writeln!(out, "<h1>friskey {command}</h1>")?;
    let verdict = escape::xml(&receipt::verdict(report));
    writeln!(out, "<p class=\"verdict {}\">{verdict}</p>", report.status().name())?;
    let began = clock::utc(report.started()).replace('T', " ");
    writeln!(out, "<p>{}, started {began} UTC.</p>", escape::xml(&receipt::coverage(report)))?;
    let version = env!("CARGO_PKG_VERSION");
    let digest = escape::xml(report.rules_digest());
    writeln!(out, "<p><small>Version \"{version}\", rules <code>{digest}</code>.")?;
    writeln!(out, "Keys are shown by prefix and last four characters only.</small></p>")
}

fn advice(report: &Report, rule: &RuleInfo, out: &mut dyn Write) -> io::Result<()> {
    let advice = about_rule(report, rule);
    if advice.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>What to do about {}</h3>\n<ol>", escape::xml(&rule.id))?;
    for step in &advice.steps {
        writeln!(out, "<li>{}</li>", escape::xml(step))?;
    }
    writeln!(out, "</ol>")?;
    if let Some(url) = advice.revoke_url.as_deref().filter(|url| escape::is_link(url)) {
        let url = escape::xml(url);
        writeln!(out, "<p>Revoke at <a href=\"{url}\" rel=\"noreferrer\">{url}</a>.</p>")?;
    }
    Ok(())
}

/// Every suppressed finding, with what accepted it and why.
fn accepted(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let suppressed = |leak: &Leak| leak.findings.iter().any(|finding| finding.suppressed.is_some());
    if !report.leaks().iter().any(suppressed) {
        return Ok(());
    }
    writeln!(
        out,
        "<h3>Accepted</h3>\n<table>\n<tr><th>Key</th><th>Place</th><th>By</th><th>Reason</th></tr>"
    )?;
    for leak in report.leaks() {
        let redacted = escape::xml(&leak.identified.secret.redacted());
        for finding in &leak.findings {
            let Some(Suppression { source, reason, .. }) = &finding.suppressed else {
                continue;
            };
            let position = escape::xml(&labels::position(finding));
            let (source, reason) = (escape::xml(source), escape::xml(reason.as_deref().unwrap_or("")));
            writeln!(out, "<tr><td><code>{redacted}</code></td><td><code>{position}</code></td>")?;
            writeln!(out, "<td>{source}</td><td>{reason}</td></tr>")?;
        }
    }
    writeln!(out, "</table>")
}

fn coverage(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>Coverage</h3>\n<ul>")?;
    for remark in receipt::remarks(report) {
        writeln!(out, "<li>{}</li>", escape::xml(&remark))?;
    }
    let surfaces: Vec<_> = report.coverage().surfaces.iter().map(|surface| surface.name()).collect();
    writeln!(out, "<li>scanned surfaces: {}</li>", surfaces.join(", "))?;
    for line in receipt::ignored_list(report, MAX_LISTED_SKIPS) {
        writeln!(out, "<li>ignored: {}</li>", escape::xml(&line))?;
    }
    let skipped = &report.coverage().skipped;
    if skipped.is_empty() {
        return writeln!(out, "<li>nothing was skipped</li>\n</ul>");
    }
    writeln!(out, "</ul>\n<table>\n<tr><th>Not scanned</th><th>Reason</th></tr>")?;
    for skip in skipped.iter().take(MAX_LISTED_SKIPS) {
        let (what, reason) = (escape::xml(&skip.what), escape::xml(&skip.reason));
        writeln!(out, "<tr><td><code>{what}</code></td><td>{reason}</td></tr>")?;
    }
    writeln!(out, "</table>")?;
    match skipped.len().saturating_sub(MAX_LISTED_SKIPS) as u64 {
        0 => Ok(()),
        rest => writeln!(out, "<p>and {} not scanned</p>", humanize::count(rest, "more thing")),
    }
}

/// The CSS class that colors a leak's border.
fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "findings",
        Severity::Medium | Severity::Low => "incomplete",
    }
}
