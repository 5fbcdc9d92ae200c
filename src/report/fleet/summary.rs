//! Sentences about a fleet that several formats share.

use crate::model::{FleetIgnored, FleetReport, RepositoryState, Status};
use crate::report::humanize::{bytes, count};

/// The outcome in one line, and how much was left out on purpose.
pub(super) fn verdict(report: &FleetReport) -> String {
    let open = report.open_leaks().count() as u64;
    let holders =
        report.repositories.iter().filter(|one| one.state == RepositoryState::Findings).count() as u64;
    let repositories = |n: u64| match n {
        1 => "1 repository".to_owned(),
        n => format!("{} repositories", crate::report::thousands(n)),
    };
    let gaps = match report.problems.len() as u64 {
        0 => String::new(),
        problems => format!("; incomplete: {}", count(problems, "problem")),
    };
    let outcome = match report.status() {
        Status::Findings => format!("found {} in {}{gaps}", count(open, "leaked key"), repositories(holders)),
        Status::Incomplete => {
            format!("no keys found, but incomplete: {}", count(report.problems.len() as u64, "problem"))
        }
        Status::Clean => format!("clean: no keys found in {}", repositories(report.coverage.planned)),
    };
    // Nobody should read more into "clean" than it says.
    match report.ignored.len() as u64 {
        0 => outcome,
        things => format!("{outcome}; left out: {}", count(things, "thing")),
    }
}

/// What was audited, in one line.
pub(super) fn coverage(report: &FleetReport) -> String {
    let sums = &report.coverage;
    let label = |state: &str| match state {
        "findings" => "with findings".to_owned(),
        state => state.to_owned(),
    };
    let states: Vec<_> = sums.repositories.iter().map(|(state, n)| format!("{n} {}", label(state))).collect();
    let when = match report.started() {
        None => String::new(),
        Some((first, last)) if first == last => format!("; audited {first}"),
        Some((first, last)) => format!("; audited between {first} and {last}"),
    };
    format!(
        "{} planned: {}; {}, {}, {}, {} scanned{when}",
        crate::report::thousands(sums.planned),
        if states.is_empty() { "none".to_owned() } else { states.join(", ") },
        count(sums.commits, "commit"),
        count(sums.blobs, "blob"),
        count(sums.refs, "ref"),
        bytes(sums.bytes),
    )
}

/// What was left out on purpose: ``blob (--surfaces) in 3 repositories; --surfaces=… includes it``.
pub(super) fn ignored(one: &FleetIgnored) -> String {
    let holders = match one.repositories {
        0 => String::new(),
        1 => " in 1 repository".to_owned(),
        n => format!(" in {} repositories", crate::report::thousands(n)),
    };
    let include = match one.include_with.is_empty() {
        true => String::new(),
        false => format!("; {} includes it", one.include_with),
    };
    format!("{} ({}){holders}{include}", one.what, one.by)
}
