//! Writes one leak: its kind, status, history, next steps and places.

use std::io::{self, Write};

use crate::model::Leak;
use crate::report::events::{LeakEvent, leak_events};
use crate::report::next_steps::{StepDirectory, next_steps_in};
use crate::report::permalink::Permalinks;
use crate::report::{clock, escape, humanize, labels, prose};

use super::{PageView, axis, parts, places, timeline, verification};

/// Maximum number of listed events.
const MAX_EVENTS: usize = 1_000;
/// Maximum number of events that are not folded.
const MAX_UNFOLDED_EVENTS: usize = 20;
/// Number of leaks that the browser lays out at once. It lays out the others when they are scrolled into view.
const MAX_EAGER_LAYOUT: usize = 50;
/// Maximum number of listed refs.
const MAX_REFS: usize = 200;

pub(super) fn write(view: &PageView<'_>, number: usize, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let report = view.report;
    let title = escape::xml(&labels::title(report, leak));
    let later = if number > MAX_EAGER_LAYOUT { " later" } else { "" };
    let redacted = escape::xml(&leak.detected_key.secret.redacted());
    writeln!(out, "<article class=\"card{later}\" id=\"leak-{number}\" aria-labelledby=\"title-{number}\">")?;
    write!(out, "<h2 id=\"title-{number}\"><span>{title}</span> <code>{redacted}</code> ")?;
    let severity = parts::severity_badge(labels::effective_severity(report, leak));
    let verdict =
        leak.verification.as_ref().map(|answer| verification::badge(answer.verdict)).unwrap_or_default();
    writeln!(out, "{} {severity} {verdict}</h2>", parts::status_badge(leak.status))?;
    let status =
        prose::status(leak).unwrap_or_else(|| "Found in what was scanned; a history was not.".to_owned());
    writeln!(out, "<p class=\"lead\">{}</p>", escape::xml(&status))?;
    if let Some(verification) = &leak.verification {
        verification::write(verification, out)?;
    }
    if view.is_brief(number) {
        return write_brief(view, leak, out);
    }
    write_history(view, leak, out)?;
    write!(
        out,
        "<h3>What to do next</h3>\n{}",
        parts::steps(&next_steps_in(StepDirectory::Any, report, leak))
    )?;
    places::write(view, leak, out)?;
    write_facts(leak, out)?;
    writeln!(out, "</article>")
}

/// Writes only the fingerprint and the first places, for reports with too many leaks to show everything about each.
fn write_brief(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<p class=\"small\">Fingerprint <code>{}</code></p>", leak.detected_key.fingerprint)?;
    places::write_first(view, leak, out)?;
    writeln!(out, "</article>")
}

/// Writes the timeline and a list of the events on it.
fn write_history(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let events = leak_events(leak);
    if events.is_empty() {
        return Ok(());
    }
    if let Some(axis) = axis(std::iter::once(leak), view.now()) {
        let head = view.report.repository().and_then(|repository| repository.branch.as_deref());
        let timeline = timeline::detailed_timeline(leak, (&events, MAX_EVENTS), axis, head);
        write!(out, "<h3>History</h3>\n{timeline}")?;
    }
    let links = view.links_for(leak);
    let unfolded = if events.len() <= MAX_UNFOLDED_EVENTS + 1 { events.len() } else { MAX_UNFOLDED_EVENTS };
    write_events(links, 1, &events[..unfolded], out)?;
    let folded = &events[unfolded..events.len().min(MAX_EVENTS)];
    if !folded.is_empty() {
        let more = humanize::count((events.len() - unfolded) as u64, "more event");
        writeln!(out, "<details><summary>{more}</summary>")?;
        write_events(links, unfolded + 1, folded, out)?;
        writeln!(out, "</details>")?;
    }
    match events.len().saturating_sub(MAX_EVENTS) as u64 {
        0 => Ok(()),
        rest => writeln!(out, "<p>and {} in the format json</p>", humanize::count(rest, "more event")),
    }
}

fn write_events(
    links: Option<&Permalinks>,
    first: usize,
    events: &[LeakEvent<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<ol class=\"events\" start=\"{first}\">")?;
    for (number, event) in (first..).zip(events) {
        let time = clock::utc(event.seconds());
        let (day, label) = (escape::xml(&event.day()), event.label());
        write!(out, "<li><span class=\"nth\">{number}</span><time datetime=\"{time}Z\">{day}</time>")?;
        write!(out, "<span class=\"what\">{label}</span><div class=\"how\">")?;
        if let Some(change) = event.change() {
            let author = labels::author(change).map(|name| format!(" by <bdi>{}</bdi>", escape::xml(&name)));
            write!(out, "<span>{}{}", parts::commit(links, &change.commit), author.unwrap_or_default())?;
            if !change.subject.is_empty() {
                write!(out, ": <bdi>{}</bdi>", escape::xml(&change.subject))?;
            }
            write!(out, "</span>")?;
        }
        if let Some(place) = event.place().filter(|place| !place.is_empty()) {
            write!(out, "<code><bdi>{}</bdi></code>", escape::xml(&place))?;
        }
        writeln!(out, "</div></li>")?;
    }
    writeln!(out, "</ol>")
}

fn write_facts(leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let detected_key = &leak.detected_key;
    let evidence = match detected_key.evidence.join(", ") {
        list if list.is_empty() => list,
        list => format!(": {list}"),
    };
    writeln!(out, "<details><summary>Evidence, fingerprint and refs</summary><dl class=\"facts\">")?;
    let fact = |name: &str, value: &str| parts::fact(name, &escape::xml(value));
    write!(out, "{}", fact("Rule", &detected_key.rule))?;
    write!(out, "{}", fact("Confidence", &format!("{}{evidence}", detected_key.confidence)))?;
    write!(out, "{}", fact("Length", &humanize::count(detected_key.secret.len() as u64, "byte")))?;
    write!(out, "{}", parts::fact("Fingerprint", &format!("<code>{}</code>", detected_key.fingerprint)))?;
    write!(out, "{}", fact("At the tip of", &list_refs(&leak.reachability.refs_at_tip)))?;
    write!(out, "{}", fact("In the history of", &list_refs(&leak.reachability.refs_in_history)))?;
    write!(out, "{}", fact("Held by", &list_refs(&leak.reachability.held_by)))?;
    writeln!(out, "</dl></details>")
}

/// The first names, and how many more there are.
fn list_refs(names: &[String]) -> String {
    let listed = names[..names.len().min(MAX_REFS)].join(", ");
    match names.len().saturating_sub(MAX_REFS) {
        0 => listed,
        rest => format!("{listed} and {rest} more"),
    }
}
