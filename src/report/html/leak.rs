//! One leak: its kind, history, next steps and places.

use std::io::{self, Write};

use crate::model::Leak;
use crate::report::events::{LeakEvent, events};
use crate::report::next_steps::{StepDirectory, next_steps_in};
use crate::report::permalink::Permalinks;
use crate::report::{clock, escape, humanize, labels, prose};

use super::{PageView, axis, parts, places, timeline, verification};

/// Maximum number of listed events, and of those that are not folded.
const MAX_EVENTS: usize = 1_000;
const MAX_OPEN_EVENTS: usize = 20;
/// Number of leaks that the browser lays out at once; the others when they are scrolled into view.
const MAX_LAID_OUT: usize = 50;
/// Maximum number of listed refs.
const MAX_REFS: usize = 200;

pub(super) fn write(view: &PageView<'_>, number: usize, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let report = view.report;
    let title = escape::xml(&labels::title(report, leak));
    // The browser lays out later leaks when they are scrolled into view.
    let later = if number > MAX_LAID_OUT { " later" } else { "" };
    let redacted = escape::xml(&leak.identified.secret.redacted());
    writeln!(out, "<article class=\"card{later}\" id=\"leak-{number}\" aria-labelledby=\"title-{number}\">")?;
    write!(out, "<h2 id=\"title-{number}\"><span>{title}</span> <code>{redacted}</code> ")?;
    let severity = parts::severity_badge(labels::effective_severity(report, leak));
    let verdict =
        leak.verification.as_ref().map(|found| verification::badge(found.verdict)).unwrap_or_default();
    writeln!(out, "{} {severity} {verdict}</h2>", parts::status_badge(leak.status))?;
    let standing =
        prose::standing(leak).unwrap_or_else(|| "Found in what was scanned; a history was not.".to_owned());
    writeln!(out, "<p class=\"lead\">{}</p>", escape::xml(&standing))?;
    if let Some(found) = &leak.verification {
        verification::write(found, out)?;
    }
    if view.is_brief(number) {
        return brief(view, leak, out);
    }
    story(view, leak, out)?;
    write!(
        out,
        "<h3>What to do next</h3>\n{}",
        parts::steps(&next_steps_in(StepDirectory::Any, report, leak))
    )?;
    places::write(view, leak, out)?;
    facts(leak, out)?;
    writeln!(out, "</article>")
}

/// The fingerprint and the first places, for reports with too many leaks to show everything about each.
fn brief(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<p class=\"small\">Fingerprint <code>{}</code></p>", leak.identified.fingerprint)?;
    places::write_first(view, leak, out)?;
    writeln!(out, "</article>")
}

/// The timeline and the events on it.
fn story(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let events = events(leak);
    if events.is_empty() {
        return Ok(());
    }
    if let Some(axis) = axis(std::iter::once(leak), view.now()) {
        let shown = &events[..events.len().min(MAX_EVENTS)];
        let head = view.report.repository().and_then(|known| known.branch.as_deref());
        write!(out, "<h3>History</h3>\n{}", timeline::single(leak, shown, axis, head))?;
    }
    let links = view.links_for(leak);
    let open = if events.len() <= MAX_OPEN_EVENTS + 1 { events.len() } else { MAX_OPEN_EVENTS };
    event_list(links, 1, &events[..open], out)?;
    let folded = &events[open..events.len().min(MAX_EVENTS)];
    if !folded.is_empty() {
        let more = humanize::count((events.len() - open) as u64, "more event");
        writeln!(out, "<details><summary>{more}</summary>")?;
        event_list(links, open + 1, folded, out)?;
        writeln!(out, "</details>")?;
    }
    match events.len().saturating_sub(MAX_EVENTS) as u64 {
        0 => Ok(()),
        rest => writeln!(out, "<p>and {} in the format json</p>", humanize::count(rest, "more event")),
    }
}

fn event_list(
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

fn facts(leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let identified = &leak.identified;
    let evidence = match identified.evidence.join(", ") {
        list if list.is_empty() => list,
        list => format!(": {list}"),
    };
    writeln!(out, "<details><summary>Evidence, fingerprint and refs</summary><dl class=\"facts\">")?;
    let fact = |name: &str, value: &str| parts::fact(name, &escape::xml(value));
    write!(out, "{}", fact("Rule", &identified.rule))?;
    write!(out, "{}", fact("Confidence", &format!("{}{evidence}", identified.confidence)))?;
    write!(out, "{}", fact("Length", &humanize::count(identified.secret.len() as u64, "byte")))?;
    write!(out, "{}", parts::fact("Fingerprint", &format!("<code>{}</code>", identified.fingerprint)))?;
    write!(out, "{}", fact("At the tip of", &refs(&leak.reachability.refs_at_tip)))?;
    write!(out, "{}", fact("In the history of", &refs(&leak.reachability.refs_in_history)))?;
    write!(out, "{}", fact("Held by", &refs(&leak.reachability.held_by)))?;
    writeln!(out, "</dl></details>")
}

fn refs(names: &[String]) -> String {
    let listed = names[..names.len().min(MAX_REFS)].join(", ");
    match names.len().saturating_sub(MAX_REFS) {
        0 => listed,
        rest => format!("{listed} and {rest} more"),
    }
}
