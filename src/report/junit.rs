//! `junit`: one test suite, for Jenkins and other test report readers.
//!
//! A leak is a failed case, an accepted leak a skipped one. Anything that was not scanned is an error, so that
//! an incomplete scan never passes.

use std::io::{self, Write};

use crate::model::{Leak, Report};

use super::next_steps::next_steps;
use super::{Style, clock, escape, humanize, labels, prose, receipt};

/// Maximum number of listed skips, and of listed places of one leak.
const MAX_LISTED: usize = 1_000;

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let failures = report.open_leaks().count();
    let accepted = report.leaks().len() - failures;
    let incomplete = !report.coverage().is_complete();
    // Some readers pass a suite without cases, others fail it.
    let passed = failures == 0 && !incomplete;
    let tests = failures + accepted + usize::from(incomplete) + usize::from(passed);
    let seconds = if report.elapsed_seconds().is_finite() { report.elapsed_seconds().max(0.0) } else { 0.0 };
    let counts = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\" skipped=\"{accepted}\" time=\"{seconds:.3}\"",
        u8::from(incomplete)
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"friskey\" {counts}>")?;
    let started = clock::utc(report.started());
    let command = escape::xml(report.command());
    writeln!(out, "  <testsuite name=\"friskey {command}\" {counts} timestamp=\"{started}\">")?;
    for leak in report.leaks() {
        if leak.is_suppressed() {
            write_accepted(report, leak, out)?
        } else {
            write_failure(report, leak, out)?
        }
    }
    if incomplete {
        write_incomplete(report, out)?;
    }
    if passed {
        writeln!(
            out,
            "    <testcase classname=\"friskey\" name=\"{}\"/>",
            escape::xml(&receipt::nothing(report))
        )?;
    }
    let mut receipt = vec![receipt::coverage(report), receipt::verdict(report)];
    receipt.extend(receipt::remarks(report));
    let ignored = receipt::ignored_list(report, MAX_LISTED).into_iter();
    receipt.extend(ignored.map(|line| format!("ignored: {line}")));
    let receipt: Vec<_> = receipt.iter().map(|line| escape::xml(line)).collect();
    writeln!(out, "    <system-out>{}</system-out>", receipt.join("\n"))?;
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn start_case(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let identified = &leak.identified;
    // The fingerprint distinguishes keys that end alike.
    let name = format!(
        "{} {} {:.12}",
        labels::title(report, leak),
        identified.secret.redacted(),
        identified.fingerprint.to_string()
    );
    let class = escape::xml(&identified.rule);
    writeln!(out, "    <testcase classname=\"friskey.{class}\" name=\"{}\">", escape::xml(&name))
}

fn write_failure(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    start_case(report, leak, out)?;
    let kind = escape::xml(&leak.identified.rule);
    let message = escape::xml(&prose::headline(report, leak));
    writeln!(out, "      <failure type=\"{kind}\" message=\"{message}\">")?;
    for finding in labels::open_findings(leak).take(MAX_LISTED) {
        let details = match labels::details(finding).join("; ") {
            details if details.is_empty() => details,
            details => format!(" ({details})"),
        };
        writeln!(out, "{}", escape::xml(&format!("at {}{details}", labels::position(finding))))?;
    }
    let rest = labels::open_findings(leak).count().saturating_sub(MAX_LISTED) as u64;
    if rest > 0 {
        writeln!(out, "and {}", humanize::count(rest, "more place"))?;
    }
    let story = prose::story(leak);
    if !story.is_empty() {
        writeln!(out, "{}", escape::xml(story.trim_start()))?;
    }
    for step in next_steps(report, leak) {
        writeln!(out, "next: {}", escape::xml(&step.sentence()))?;
    }
    writeln!(out, "fingerprint {}</failure>\n    </testcase>", leak.identified.fingerprint)
}

fn write_accepted(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    start_case(report, leak, out)?;
    let suppression = leak.findings.iter().find_map(|finding| finding.suppressed.as_ref());
    let why = match suppression {
        Some(suppression) => {
            let reason = suppression.reason.as_deref().unwrap_or("no reason given");
            format!("accepted by {}: {reason}", suppression.source)
        }
        None => "no place".to_owned(),
    };
    writeln!(out, "      <skipped message=\"{}\"/>\n    </testcase>", escape::xml(&why))
}

fn write_incomplete(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let skipped = &report.coverage().skipped;
    let message = format!("{} not scanned", humanize::count(skipped.len() as u64, "thing"));
    writeln!(out, "    <testcase classname=\"friskey.coverage\" name=\"nothing skipped\">")?;
    writeln!(out, "      <error type=\"incomplete\" message=\"{message}\">")?;
    for skip in skipped.iter().take(MAX_LISTED) {
        writeln!(out, "not scanned: {}", escape::xml(&receipt::skip(skip)))?;
    }
    let rest = skipped.len().saturating_sub(MAX_LISTED) as u64;
    if rest > 0 {
        writeln!(out, "and {}", humanize::count(rest, "more thing"))?;
    }
    writeln!(out, "      </error>\n    </testcase>")
}
