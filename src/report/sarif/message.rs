//! The text of a result: what was found, its story, and links to its other places.

use crate::model::{Change, Finding, Leak, LeakStatus, Report};
use crate::report::{escape, place, words};

/// Places that a message links to.
const MOST_LINKS: usize = 10;

/// Text with SARIF's links `[text](id)`; related locations are numbered from 1 in the order of `others`.
pub(super) fn message(report: &Report, leak: &Leak, primary: &Finding, others: &[&Finding]) -> String {
    let identified = &leak.identified;
    let mut text = escape::sarif_text(&format!(
        "{} {} ({} confidence",
        place::title(report, leak),
        identified.secret.redacted(),
        identified.confidence
    ));
    if !identified.evidence.is_empty() {
        text.push_str(&escape::sarif_text(&format!(": {}", identified.evidence.join(", "))));
    }
    text.push_str(").");
    text.push_str(&escape::sarif_text(&where_inside(primary)));
    text.push_str(&escape::sarif_text(&story(leak)));
    text.push_str(&links(others));
    text
}

/// Where the primary place is when its location alone does not tell.
fn where_inside(finding: &Finding) -> String {
    let origin = &finding.origin;
    let start = finding.span.start;
    if !origin.container.is_empty() {
        return format!(" Stands in {} at {}:{}.", place::inside(origin), start.line, start.column);
    }
    if origin.path.is_none() {
        return format!(" Stands in {}.", place::name(origin));
    }
    String::new()
}

fn story(leak: &Leak) -> String {
    let mut text = String::new();
    if let Some(first) = leak.introduced.first() {
        text.push_str(&format!(" Entered in {}", commit(first)));
        text.push_str(&others(leak.introduced.len()));
    }
    if let Some(last) = leak.removed.last() {
        text.push_str(&format!(" Left in {}", commit(last)));
        text.push_str(&others(leak.removed.len()));
    }
    text.push_str(match leak.status {
        LeakStatus::Removed => " It is no longer at a tip, but still in the history.",
        LeakStatus::Unreachable => " No ref reaches it, but git still keeps it.",
        LeakStatus::Present | LeakStatus::Unknown => "",
    });
    text
}

/// ` and 3 more commits.`, or just the full stop.
fn others(total: usize) -> String {
    match total.saturating_sub(1) as u64 {
        0 => ".".to_owned(),
        n => format!(" and {}.", words::count(n, "more commit")),
    }
}

fn commit(change: &Change) -> String {
    let by = place::author(change).map(|author| format!(" by {author}")).unwrap_or_default();
    format!("commit {} of {}{by}", place::short(&change.commit), place::day(change))
}

fn links(others: &[&Finding]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let listed = others.len().min(MOST_LINKS);
    let links: Vec<_> = (1..)
        .zip(&others[..listed])
        .map(|(id, finding)| format!("[{}]({id})", escape::sarif_text(&place::position(finding))))
        .collect();
    let rest = match (others.len() - listed) as u64 {
        0 => String::new(),
        n => format!(" and {}", words::count(n, "more place")),
    };
    format!(" Also at {}{rest}.", links.join(", "))
}
