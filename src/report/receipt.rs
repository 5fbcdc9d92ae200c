//! The verdict and the coverage receipt, in the same words in every format for people.

use crate::model::{Report, Skip, Status};

use super::{escape, place, words};

/// The outcome in one line. The word `clean` is for scans that looked at everything.
pub(super) fn verdict(report: &Report) -> String {
    let skipped = report.coverage.skipped.len() as u64;
    let gaps = format!("{} {} not scanned", words::count(skipped, "thing"), were(skipped));
    match report.status() {
        Status::Findings => {
            let leaks = report.open_leaks().count() as u64;
            let places = report.open_leaks().map(|leak| place::open(leak).count() as u64).sum();
            let found = format!("{} in {}", words::count(leaks, "leak"), words::count(places, "place"));
            if skipped == 0 { found } else { format!("{found}; incomplete: {gaps}") }
        }
        Status::Clean => format!("clean: everything was scanned, {} was found", nothing(report)),
        Status::Incomplete => format!("incomplete: {} was found, but {gaps}", nothing(report)),
    }
}

fn were(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

/// Nothing at all, or nothing that counts.
fn nothing(report: &Report) -> String {
    let mut text = "nothing".to_owned();
    if report.below_threshold > 0 {
        text.push_str(&format!(" of {} confidence or above", report.min_confidence));
    }
    if report.suppressed_findings > 0 {
        text.push_str(" but what is accepted");
    }
    text
}

/// `scanned 1,234 files, 56.7 MB in 0.21 s; nothing skipped`
pub(super) fn coverage(report: &Report) -> String {
    let coverage = &report.coverage;
    let counts = [
        (coverage.files, "file"),
        (coverage.commits, "commit"),
        (coverage.blobs, "blob"),
        (coverage.refs, "ref"),
    ];
    let mut parts: Vec<_> =
        counts.iter().filter(|&&(n, _)| n > 0).map(|&(n, one)| words::count(n, one)).collect();
    parts.push(words::bytes(coverage.bytes));
    let skipped = match coverage.skipped.len() as u64 {
        0 => "nothing skipped".to_owned(),
        n => format!("{} skipped", words::count(n, "thing")),
    };
    format!("scanned {} in {}; {skipped}", parts.join(", "), words::elapsed(report.elapsed_seconds))
}

/// What stands besides the leaks: suppressed findings, leaks below the threshold, notes. Escaped.
pub(super) fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    match report.suppressed_findings {
        0 => {}
        n => remarks.push(format!("{} suppressed", words::count(n, "finding"))),
    }
    match report.below_threshold {
        0 => {}
        n => remarks.push(format!(
            "{} below {} confidence not listed",
            words::count(n, "leak"),
            report.min_confidence
        )),
    }
    remarks.extend(report.notes.iter().map(|note| escape::line(note).into_owned()));
    remarks
}

/// `path: reason`, escaped.
pub(super) fn skip(skip: &Skip) -> String {
    format!("{}: {}", escape::line(&skip.what), escape::line(&skip.reason))
}
