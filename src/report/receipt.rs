//! The receipt of a report in the same words for every format: the outcome in one line, what was scanned, and what was
//! skipped or left out.

use crate::model::{Ignored, IgnoredKind, Report, Skip, Status};

use super::{escape, humanize, labels};

/// The outcome in one line: what was searched for, what was found, and what was not scanned.
pub(super) fn outcome(report: &Report) -> String {
    let skipped = report.coverage().skipped.len() as u64;
    let not_scanned = format!("{} {} not scanned", humanize::count(skipped, "thing"), were(skipped));
    let outcome = match report.status() {
        Status::Findings => {
            let leaks = report.open_leaks().count() as u64;
            let places = report.open_leaks().map(|leak| labels::open_findings(leak).count() as u64).sum();
            let findings =
                format!("{} in {}", humanize::count(leaks, "leak"), humanize::count(places, "place"));
            let findings = match report.unlisted_findings() {
                0 => findings,
                more => format!("{findings}; {} not listed", humanize::count(more, "more finding")),
            };
            if skipped == 0 { findings } else { format!("{findings}; incomplete: {not_scanned}") }
        }
        Status::Clean => format!("clean: {}", nothing_found(report)),
        Status::Incomplete => format!("incomplete: {}, but {not_scanned}", nothing_found(report)),
    };
    match left_out(report) {
        list if list.is_empty() => outcome,
        list => format!("{outcome}; {}", list.join(", ")),
    }
}

fn were(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

/// `no OpenAI key in what was scanned`: what was searched for and not found.
pub(super) fn nothing_found(report: &Report) -> String {
    let mut text = absent_keys(report);
    if report.below_threshold() > 0 {
        text.push_str(&format!(" of {} confidence or above", report.min_confidence()));
    }
    text.push_str(" in what was scanned");
    match report.suppressed_findings() {
        0 => {}
        n => text.push_str(&format!(" apart from {}", humanize::count(n, "accepted finding"))),
    }
    text
}

/// `no OpenAI key`: what a clean report did not find.
fn absent_keys(report: &Report) -> String {
    if report.command() == "trace" {
        return "no traced key".to_owned();
    }
    let custom = report.rules().iter().filter(|rule| !rule.built_in).count();
    let custom_rules = humanize::count(custom as u64, "custom rule");
    match custom {
        0 => "no OpenAI key".to_owned(),
        _ if custom == report.rules().len() => format!("no match of {custom_rules}"),
        _ => format!("no OpenAI key and no match of {custom_rules}"),
    }
}

/// `3 ignored paths not scanned (--no-ignore)`: how many things of each kind were left out on purpose, and by which option.
pub(super) fn left_out(report: &Report) -> Vec<String> {
    let counts = report.coverage().ignored.counts();
    let counts: Vec<_> = counts.filter(|&(kind, ..)| kind != IgnoredKind::Accepted).collect();
    let of_one_kind = counts.chunk_by(|one, next| one.0 == next.0);
    let lines = of_one_kind.flat_map(|counts| match counts.get(MAX_OPTIONS..) {
        None | Some([]) => counts
            .iter()
            .map(|&(kind, option, n)| format!("{}{}", count_left_out(kind, n), parenthesized(option)))
            .collect(),
        // `scan` of a directory with many repositories names a command for each.
        Some(rest) => {
            let total = counts.iter().map(|(_, _, n)| n).sum();
            let options: Vec<&str> = counts[..MAX_OPTIONS].iter().map(|&(_, option, _)| option).collect();
            let options = format!("{} and {} more", options.join(", "), rest.len());
            vec![format!("{}{}", count_left_out(counts[0].0, total), parenthesized(&options))]
        }
    });
    lines.collect()
}

/// Maximum number of options that the outcome names for one kind of thing that was left out.
const MAX_OPTIONS: usize = 3;

fn count_left_out(kind: IgnoredKind, n: u64) -> String {
    let (singular, participle) = match kind {
        IgnoredKind::Path => ("ignored path", "not scanned"),
        IgnoredKind::Surface => ("surface", "not scanned"),
        IgnoredKind::Object => ("object", "not scanned"),
        IgnoredKind::Rule => ("built-in rule", "replaced"),
        IgnoredKind::Limit => ("limit", "stricter than the default"),
        IgnoredKind::Accepted => ("baseline", "in force"),
    };
    format!("{} {participle}", humanize::count(n, singular))
}

fn parenthesized(option: &str) -> String {
    if option.is_empty() { String::new() } else { format!(" ({})", escape::line(option)) }
}

/// ``.gitignore:3 `*.env` leaves out .env (include with --no-ignore)``, escaped.
pub(super) fn ignored_line(ignored: &Ignored) -> String {
    let (by, what) = (escape::line(&ignored.by), escape::line(&ignored.what));
    let text = match ignored.kind {
        IgnoredKind::Path | IgnoredKind::Object => format!("{by} leaves out {what}"),
        IgnoredKind::Surface => format!("{by} leaves out the surface {what}"),
        IgnoredKind::Rule => format!("{by} replaces the built-in rule {what}"),
        IgnoredKind::Limit => format!("{by} sets {what}"),
        IgnoredKind::Accepted => format!("{by} accepts {what}"),
    };
    let option = escape::line(&ignored.include_with);
    if option.is_empty() { text } else { format!("{text} (include with {option})") }
}

/// The first `limit` things that were left out on purpose, and how many more there are. Escaped.
pub(super) fn ignored_list(report: &Report, limit: usize) -> Vec<String> {
    let ignored = &report.coverage().ignored;
    let mut list: Vec<_> = ignored.iter().take(limit).map(ignored_line).collect();
    match ignored.len().saturating_sub(list.len() as u64) {
        0 => {}
        rest => list.push(format!("and {} left out", humanize::count(rest, "more thing"))),
    }
    list
}

/// `scanned 1,234 files, 56.7 MB in 0.21 s; nothing skipped`
pub(super) fn coverage(report: &Report) -> String {
    let coverage = report.coverage();
    let counts = [
        (coverage.files, "file"),
        (coverage.commits, "commit"),
        (coverage.blobs, "blob"),
        (coverage.refs, "ref"),
    ];
    let mut parts: Vec<_> =
        counts.iter().filter(|&&(n, _)| n > 0).map(|&(n, singular)| humanize::count(n, singular)).collect();
    parts.push(humanize::bytes(coverage.bytes));
    let skipped = match coverage.skipped.len() as u64 {
        0 => "nothing skipped".to_owned(),
        n => format!("{} skipped", humanize::count(n, "thing")),
    };
    format!(
        "scanned {} in {}; {skipped}",
        parts.join(", "),
        humanize::human_duration(report.elapsed_seconds())
    )
}

/// How many findings are suppressed, not listed or below the confidence threshold, and the notes. Escaped.
pub(super) fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    match report.unlisted_findings() {
        0 => {}
        n => remarks.push(format!(
            "{} counted, but not listed: a report lists at most 10,000 keys and 50,000 places; scan fewer paths \
             at a time to see them all",
            humanize::count(n, "more finding")
        )),
    }
    match report.suppressed_findings() {
        0 => {}
        n => remarks.push(format!("{} suppressed", humanize::count(n, "finding"))),
    }
    match report.below_threshold() {
        0 => {}
        n => remarks.push(format!(
            "{} below {} confidence not listed",
            humanize::count(n, "leak"),
            report.min_confidence()
        )),
    }
    remarks.extend(report.notes().iter().map(|note| escape::line(note).into_owned()));
    remarks
}

/// `path: reason`, escaped.
pub(super) fn skip_line(skip: &Skip) -> String {
    format!("{}: {}", escape::line(&skip.what), escape::line(&skip.reason))
}
