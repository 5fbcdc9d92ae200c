//! Sentences about the report of a fleet that several formats share. Nothing is escaped.

use crate::model::{AuditRun, FleetIgnored, FleetReport, RepositoryState, Status};
use crate::report::humanize::{bytes, command_line, count};
use crate::report::thousands;

/// `1 repository`, `1,234 repositories`
pub(super) fn repositories(n: u64) -> String {
    match n {
        1 => "1 repository".to_owned(),
        n => format!("{} repositories", thousands(n)),
    }
}

/// The outcome in one line, and how much was left out on purpose.
pub(super) fn outcome(report: &FleetReport) -> String {
    let outcome = match report.status() {
        Status::Findings => {
            let holders =
                report.repositories.iter().filter(|repository| repository.state == RepositoryState::Findings);
            let open = count(report.open_leaks().count() as u64, "leaked key");
            let missing = match missing_results(report) {
                missing if missing.is_empty() => missing,
                missing => format!("; incomplete: {missing}"),
            };
            format!("found {open} in {}{missing}", repositories(holders.count() as u64))
        }
        Status::Incomplete => format!("no keys found, but incomplete: {}", missing_results(report)),
        Status::Clean => format!("clean: no keys found in {}", repositories(report.coverage.planned)),
    };
    // "Clean" must not suggest that everything was scanned.
    match report.ignored.len() as u64 {
        0 => outcome,
        things => format!("{outcome}; left out: {}{}", at_least(report), count(things, "thing")),
    }
}

/// Why the report is incomplete: how many repositories have no result or an incomplete one, or else how many problems there
/// are.
fn missing_results(report: &FleetReport) -> String {
    let count_in_state =
        |state: RepositoryState| report.coverage.repositories.get(state.name()).copied().unwrap_or(0);
    let parts = [
        (count_in_state(RepositoryState::Missing), "without a result"),
        (count_in_state(RepositoryState::Failed), "not audited"),
        (count_in_state(RepositoryState::Incomplete), "not scanned completely"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0);
    let parts: Vec<_> = parts.map(|(n, what)| format!("{} {what}", repositories(*n))).collect();
    match parts.is_empty() {
        true if report.problems.is_empty() => String::new(),
        true => count(report.problems.len() as u64, "problem"),
        false => parts.join(", "),
    }
}

/// `at least `, if the number of things that were left out is a lower bound.
pub(super) fn at_least(report: &FleetReport) -> &'static str {
    if report.coverage.has_more_ignored { "at least " } else { "" }
}

/// When and by which version repositories were audited: `2 repositories audited on … with friskey 1.0`.
pub(super) fn audit_line(run: &AuditRun) -> String {
    let (first, last) = (minute(&run.first_started), minute(&run.last_started));
    let when = match first == last {
        true => format!("on {first}"),
        false => format!("between {first} and {last}"),
    };
    format!("{} audited {when} UTC with friskey {}", repositories(run.repositories), run.version)
}

/// The command line of audits.
pub(super) fn audit_command(run: &AuditRun) -> String {
    command_line(&run.command_line)
}

/// A time in RFC 3339 as `2026-11-28 13:50`.
pub(super) fn minute(text: &str) -> String {
    text.get(..16).unwrap_or(text).replacen('T', " ", 1)
}

/// What was audited, in one line.
pub(super) fn coverage(report: &FleetReport) -> String {
    let totals = &report.coverage;
    let label = |state: &str| match state {
        "findings" => "with findings".to_owned(),
        state => state.to_owned(),
    };
    let states: Vec<_> =
        totals.repositories.iter().map(|(state, n)| format!("{} {}", thousands(*n), label(state))).collect();
    format!(
        "{} planned: {}; {}, {}, {}, {} scanned",
        repositories(totals.planned),
        if states.is_empty() { "none".to_owned() } else { states.join(", ") },
        count(totals.commits, "commit"),
        count(totals.blobs, "blob"),
        count(totals.refs, "ref"),
        bytes(totals.bytes),
    )
}

/// Something that was left out on purpose: `blob (--surfaces) in 3 repositories; --surfaces=… includes it`.
pub(super) fn ignored_line(ignored: &FleetIgnored) -> String {
    let scope = match ignored.repositories {
        0 => String::new(),
        n => format!(" in {}", repositories(n)),
    };
    let include = match ignored.include_with.is_empty() {
        true => String::new(),
        false => format!("; {} includes it", ignored.include_with),
    };
    format!("{} ({}){scope}{include}", ignored.what, ignored.by)
}
