//! `junit`: one test suite in JUnit XML, for Jenkins and other readers of test reports.
//!
//! A leak is a failed test case, and an accepted leak a skipped one. An incomplete scan has a test case with an error, so
//! that it never passes.

use std::io::{self, Write};

use crate::model::{Leak, Report};

use super::next_steps::next_steps;
use super::{Style, clock, escape, humanize, labels, prose, receipt};

/// Maximum number of listed skips, and of listed places of one leak.
const MAX_LISTED: usize = 1_000;

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let failures = report.open_leaks().count();
    let accepted = report.leaks().len() - failures;
    let is_incomplete = !report.coverage().is_complete();
    // For some readers, a suite without test cases has failed, so a clean report has one that passes.
    let has_passed = failures == 0 && !is_incomplete;
    let tests = failures + accepted + usize::from(is_incomplete) + usize::from(has_passed);
    let seconds = if report.elapsed_seconds().is_finite() { report.elapsed_seconds().max(0.0) } else { 0.0 };
    let counts = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\" skipped=\"{accepted}\" time=\"{seconds:.3}\"",
        u8::from(is_incomplete)
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
    if is_incomplete {
        write_incomplete(report, out)?;
    }
    if has_passed {
        writeln!(
            out,
            "    <testcase classname=\"friskey\" name=\"{}\"/>",
            escape::xml(&receipt::nothing_found(report))
        )?;
    }
    let mut lines = vec![receipt::coverage(report), receipt::outcome(report)];
    lines.extend(receipt::remarks(report));
    let ignored = receipt::ignored_list(report, MAX_LISTED).into_iter();
    lines.extend(ignored.map(|line| format!("ignored: {line}")));
    let lines: Vec<_> = lines.iter().map(|line| escape::xml(line)).collect();
    writeln!(out, "    <system-out>{}</system-out>", lines.join("\n"))?;
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn open_test_case(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let detected_key = &leak.detected_key;
    // The fingerprint distinguishes keys whose redacted forms are equal.
    let name = format!(
        "{} {} {:.12}",
        labels::title(report, leak),
        detected_key.secret.redacted(),
        detected_key.fingerprint.to_string()
    );
    let class = escape::xml(&detected_key.rule);
    writeln!(out, "    <testcase classname=\"friskey.{class}\" name=\"{}\">", escape::xml(&name))
}

fn write_failure(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    open_test_case(report, leak, out)?;
    let kind = escape::xml(&leak.detected_key.rule);
    let message = escape::xml(&prose::headline(report, leak));
    writeln!(out, "      <failure type=\"{kind}\" message=\"{message}\">")?;
    for finding in labels::open_findings(leak).take(MAX_LISTED) {
        let details = match labels::place_details(finding).join("; ") {
            details if details.is_empty() => details,
            details => format!(" ({details})"),
        };
        writeln!(out, "{}", escape::xml(&format!("at {}{details}", labels::position(finding))))?;
    }
    let rest = labels::open_findings(leak).count().saturating_sub(MAX_LISTED) as u64;
    if rest > 0 {
        writeln!(out, "and {}", humanize::count(rest, "more place"))?;
    }
    let history = prose::history(leak);
    if !history.is_empty() {
        writeln!(out, "{}", escape::xml(history.trim_start()))?;
    }
    for step in next_steps(report, leak) {
        writeln!(out, "next: {}", escape::xml(&step.sentence()))?;
    }
    writeln!(out, "fingerprint {}</failure>\n    </testcase>", leak.detected_key.fingerprint)
}

fn write_accepted(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    open_test_case(report, leak, out)?;
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
        writeln!(out, "not scanned: {}", escape::xml(&receipt::skip_line(skip)))?;
    }
    let rest = skipped.len().saturating_sub(MAX_LISTED) as u64;
    if rest > 0 {
        writeln!(out, "and {}", humanize::count(rest, "more thing"))?;
    }
    writeln!(out, "      </error>\n    </testcase>")
}
