//! A leak in plain sentences, for formats with one text per leak. Everything is escaped, and no sentence contains an
//! e-mail address.

use crate::model::{Change, Finding, Leak, LeakStatus, Report, Surface};

use super::{escape, humanize, labels};

/// Maximum number of refs in a sentence.
const MAX_LISTED_REFS: usize = 5;
/// Maximum number of places in a sentence.
const MAX_LISTED_PLACES: usize = 10;

/// The kind of key, the redacted key and the evidence: `OpenAI project key sk-proj-…x9KA (high confidence: marker).`
pub(super) fn headline(report: &Report, leak: &Leak) -> String {
    let detected_key = &leak.detected_key;
    let evidence = match detected_key.evidence.join(", ") {
        list if list.is_empty() => list,
        list => format!(": {}", escape::line(&list)),
    };
    let redacted = detected_key.secret.redacted();
    format!("{} {redacted} ({} confidence{evidence}).", labels::title(report, leak), detected_key.confidence)
}

/// ` Found in standard input.`: a sentence about the place of a finding that is not simply a file, with a space before it;
/// otherwise empty.
pub(super) fn location_sentence(finding: &Finding) -> String {
    let origin = &finding.origin;
    let start = finding.span.start;
    if !origin.container.is_empty() {
        return format!(" Found in {} at {}:{}.", labels::place_name(origin), start.line, start.column);
    }
    if origin.surface == Surface::Stdin {
        return " Found in standard input.".to_owned();
    }
    if labels::file_path(origin).is_none() {
        // The name includes the surface unless it is a path.
        let surface = origin.path.as_ref().map(|_| format!("{} ", origin.surface)).unwrap_or_default();
        return format!(" Found in {surface}{}.", labels::place_name(origin));
    }
    String::new()
}

/// Where the leak still is, and how long it was exposed; `None` if the scan did not cover the history.
pub(super) fn status(leak: &Leak) -> Option<String> {
    let reachability = &leak.reachability;
    let sentence = match leak.status {
        LeakStatus::Present => {
            format!("Still present{}", list_refs(" at the tip of ", &reachability.refs_at_tip))
        }
        LeakStatus::Removed => {
            format!("Removed, but still in the history{}", list_refs(" of ", &reachability.refs_in_history))
        }
        LeakStatus::Unreachable => {
            format!(
                "Not reachable from any ref, but still in the repository{}",
                list_refs(": ", &reachability.held_by)
            )
        }
        LeakStatus::Unknown => return None,
    };
    let of_submodule = if labels::is_in_submodules(leak) { " of a submodule" } else { "" };
    let sentence = format!("{sentence}{of_submodule}");
    let exposed = leak.exposed_seconds.map(humanize::duration);
    let exposed = exposed.map(|duration| match leak.status {
        LeakStatus::Present => format!("; exposed for {duration} so far"),
        _ => format!("; exposed for {duration}"),
    });
    Some(format!("{sentence}{}.", exposed.unwrap_or_default()))
}

/// `opening` and then the first names; empty without names.
fn list_refs(opening: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let listed: Vec<_> = names
        .iter()
        .take(MAX_LISTED_REFS)
        .map(|name| escape::line(&labels::short_ref(name)).into_owned())
        .collect();
    match names.len().saturating_sub(MAX_LISTED_REFS) {
        0 => format!("{opening}{}", listed.join(", ")),
        rest => format!("{opening}{} and {rest} more", listed.join(", ")),
    }
}

/// Which commits introduced and removed the leak, and whether it is still in the repository. Each sentence has a space before
/// it.
pub(super) fn history(leak: &Leak) -> String {
    let mut text = String::new();
    if let Some(first) = leak.introduced.first() {
        text.push_str(&format!(" Introduced in {}", describe_commit(first)));
        text.push_str(&and_more(leak.introduced.len()));
    }
    if let Some(last) = leak.removed.last() {
        text.push_str(&format!(" Removed in {}", describe_commit(last)));
        text.push_str(&and_more(leak.removed.len()));
    }
    text.push_str(match leak.status {
        LeakStatus::Removed => " It is no longer at the tip of any ref, but still in the history.",
        LeakStatus::Unreachable => " It is not reachable from any ref, but still in the repository.",
        LeakStatus::Present | LeakStatus::Unknown => "",
    });
    text
}

/// ` and 3 more commits.`, or just the full stop.
fn and_more(total: usize) -> String {
    match total.saturating_sub(1) as u64 {
        0 => ".".to_owned(),
        n => format!(" and {}.", humanize::count(n, "more commit")),
    }
}

/// `commit 0123456789 on 2026-11-28 by Ann`
fn describe_commit(change: &Change) -> String {
    let author = labels::author(change).map(|name| format!(" by {name}")).unwrap_or_default();
    format!("commit {} on {}{author}", labels::short_id(&change.commit), labels::commit_day(change))
}

/// ` Also at a:1:2, b:3:4 and 5 more places.`; empty without places. `format` formats a place, given its number, counted from
/// 1.
pub(super) fn other_places(others: &[&Finding], format: impl Fn(usize, &Finding) -> String) -> String {
    if others.is_empty() {
        return String::new();
    }
    let listed = others.len().min(MAX_LISTED_PLACES);
    let places: Vec<_> =
        (1..).zip(&others[..listed]).map(|(number, finding)| format(number, finding)).collect();
    let rest = match (others.len() - listed) as u64 {
        0 => String::new(),
        n => format!(" and {}", humanize::count(n, "more place")),
    };
    format!(" Also at {}{rest}.", places.join(", "))
}

/// Headline, place, history and other places in one paragraph.
pub(super) fn paragraph(report: &Report, leak: &Leak, primary: &Finding, others: &[&Finding]) -> String {
    let mut text = headline(report, leak);
    text.push_str(&location_sentence(primary));
    text.push_str(&history(leak));
    text.push_str(&other_places(others, |_, finding| labels::position(finding)));
    text
}
