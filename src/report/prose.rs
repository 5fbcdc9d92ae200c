//! A leak in plain sentences, for formats with one text per leak. Everything is escaped, and no sentence contains an
//! e-mail address.

use crate::model::{Change, Finding, Leak, LeakStatus, Report, Surface};

use super::{escape, humanize, labels};

/// Maximum number of refs in a sentence.
const MAX_LISTED_REFS: usize = 5;
/// Maximum number of places in a sentence.
const MAX_LISTED_PLACES: usize = 10;

/// `OpenAI project key sk-proj-…x9KA (high confidence: marker).`
pub(super) fn headline(report: &Report, leak: &Leak) -> String {
    let identified = &leak.identified;
    let evidence = match identified.evidence.join(", ") {
        list if list.is_empty() => list,
        list => format!(": {}", escape::line(&list)),
    };
    let redacted = identified.secret.redacted();
    format!("{} {redacted} ({} confidence{evidence}).", labels::title(report, leak), identified.confidence)
}

/// A sentence about where the finding is, if its location alone does not show it; otherwise empty. Starts with a
/// space.
pub(super) fn location_sentence(finding: &Finding) -> String {
    let origin = &finding.origin;
    let start = finding.span.start;
    if !origin.container.is_empty() {
        return format!(" Found in {} at {}:{}.", labels::name(origin), start.line, start.column);
    }
    if origin.surface == Surface::Stdin {
        return " Found in standard input.".to_owned();
    }
    if labels::file(origin).is_none() {
        // The name includes the surface unless it is a path.
        let surface = origin.path.as_ref().map(|_| format!("{} ", origin.surface)).unwrap_or_default();
        return format!(" Found in {surface}{}.", labels::name(origin));
    }
    String::new()
}

/// Where the leak still is, as a sentence; `None` if the scan did not cover the history. Escaped.
pub(super) fn standing(leak: &Leak) -> Option<String> {
    let reached = &leak.reachability;
    let sentence = match leak.status {
        LeakStatus::Present => format!("Still present{}", refs(" at the tip of ", &reached.refs_at_tip)),
        LeakStatus::Removed => {
            format!("Removed, but still in the history{}", refs(" of ", &reached.refs_in_history))
        }
        LeakStatus::Unreachable => {
            format!("Not reachable from any ref, but still in the repository{}", refs(": ", &reached.held_by))
        }
        LeakStatus::Unknown => return None,
    };
    let of = if labels::is_in_submodules(leak) { " of a submodule" } else { "" };
    let sentence = format!("{sentence}{of}");
    let exposed = leak.exposed_seconds.map(humanize::duration);
    let exposed = exposed.map(|duration| match leak.status {
        LeakStatus::Present => format!("; exposed for {duration} so far"),
        _ => format!("; exposed for {duration}"),
    });
    Some(format!("{sentence}{}.", exposed.unwrap_or_default()))
}

/// `opening` and the first names; empty without names.
fn refs(opening: &str, names: &[String]) -> String {
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

/// Which commits introduced and removed the leak, and what that means. Starts with a space.
pub(super) fn story(leak: &Leak) -> String {
    let mut text = String::new();
    if let Some(first) = leak.introduced.first() {
        text.push_str(&format!(" Introduced in {}", commit(first)));
        text.push_str(&and_more(leak.introduced.len()));
    }
    if let Some(last) = leak.removed.last() {
        text.push_str(&format!(" Removed in {}", commit(last)));
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

fn commit(change: &Change) -> String {
    let by = labels::author(change).map(|author| format!(" by {author}")).unwrap_or_default();
    format!("commit {} on {}{by}", labels::short_id(&change.commit), labels::day(change))
}

/// ` Also at a:1:2, b:3:4 and 5 more places.`, with each place formatted by `write` from its number, counted from 1.
pub(super) fn also_at(others: &[&Finding], write: impl Fn(usize, &Finding) -> String) -> String {
    if others.is_empty() {
        return String::new();
    }
    let listed = others.len().min(MAX_LISTED_PLACES);
    let places: Vec<_> =
        (1..).zip(&others[..listed]).map(|(number, finding)| write(number, finding)).collect();
    let rest = match (others.len() - listed) as u64 {
        0 => String::new(),
        n => format!(" and {}", humanize::count(n, "more place")),
    };
    format!(" Also at {}{rest}.", places.join(", "))
}

/// Headline, location, history and other places in one paragraph.
pub(super) fn paragraph(report: &Report, leak: &Leak, primary: &Finding, others: &[&Finding]) -> String {
    let mut text = headline(report, leak);
    text.push_str(&location_sentence(primary));
    text.push_str(&story(leak));
    text.push_str(&also_at(others, |_, finding| labels::position(finding)));
    text
}
