//! Writes one leak: where it is, what happened in each repository, and what to do there.

use std::io::{self, Write};

use serde_json::Value;

use super::{code, severity_badge, write_rest};
use crate::model::{FleetLeak, LeakInRepository};
use crate::report::fleet::{leak_json, summary};
use crate::report::html::parts;
use crate::report::html::table::{self, Cell, Column};
use crate::report::{escape, humanize, labels};

const PLACE_COLUMNS: &[Column] = &[
    Column::words("Repository"),
    Column::short("State"),
    Column::words("Place"),
    Column::short("Surface"),
    Column::short("Commit"),
    Column::short("Introduced"),
];
/// Maximum number of places listed for one leak.
const MAX_PLACES: usize = 1_000;
/// Number of leaks that the browser lays out at once. It lays out the others when they are scrolled into view.
const MAX_EAGER_LAYOUT: usize = 50;
/// Maximum number of leaks with events and steps.
const MAX_FULL_LEAKS: usize = 500;
/// Maximum number of repositories of a leak with events and steps.
const MAX_REPOSITORIES: usize = 5;
/// Maximum number of events of a leak in one repository.
const MAX_EVENTS: usize = 10;

/// Every place of a leak that is not accepted, with the repository that contains it.
fn places(leak: &FleetLeak) -> impl Iterator<Item = (&LeakInRepository, &Value)> {
    leak.open_repositories()
        .flat_map(|holder| leak_json::open_findings(holder).map(move |place| (holder, place)))
}

pub(super) fn write(number: usize, leak: &FleetLeak, out: &mut dyn Write) -> io::Result<()> {
    let later = if number > MAX_EAGER_LAYOUT { " later" } else { "" };
    let (rule, key) = (escape::xml(&leak.rule), escape::xml(&leak.redacted));
    writeln!(out, "<article class=\"card{later}\" id=\"leak-{number}\" aria-labelledby=\"title-{number}\">")?;
    write!(out, "<h2 id=\"title-{number}\"><span>{rule}</span> <code>{key}</code> ")?;
    let badges = [parts::status_badge_by_name(&leak.status), severity_badge(&leak.severity)].join(" ");
    writeln!(out, "{badges}</h2>\n<dl class=\"facts\">")?;
    let fingerprint = format!("<code>{}</code>", escape::xml(&leak.fingerprint));
    write!(out, "{}", parts::fact("Fingerprint", &fingerprint))?;
    write!(out, "{}", parts::fact("Evidence", &escape::xml(&leak.evidence.join(", "))))?;
    let exposure = leak.exposed_seconds.map(humanize::duration).unwrap_or_default();
    write!(out, "{}", parts::fact("Exposed for", &exposure))?;
    let accepted = leak.repositories.iter().filter(|holder| holder.is_suppressed).count() as u64;
    let accepted = if accepted == 0 { String::new() } else { summary::repositories(accepted) };
    writeln!(out, "{}</dl>\n<h3>Where it is</h3>", parts::fact("Accepted in", &accepted))?;
    table::open("By repository", PLACE_COLUMNS, out)?;
    for (holder, place) in places(leak).take(MAX_PLACES) {
        table::row(PLACE_COLUMNS, &place_cells(holder, place), out)?;
    }
    table::close(out)?;
    write_rest(places(leak).count().saturating_sub(MAX_PLACES), "more place", out)?;
    if number <= MAX_FULL_LEAKS {
        write_steps(leak, out)?;
    }
    writeln!(out, "</article>")
}

fn place_cells(holder: &LeakInRepository, place: &Value) -> [Cell; 6] {
    let introduced = leak_json::list(&holder.leak, "introduced").first().map(leak_json::day);
    let position = code(&leak_json::position(place));
    [
        Cell::html(format!("<bdi>{}</bdi>", escape::xml(&holder.repository))),
        Cell::html(parts::status_badge_by_name(leak_json::text(&holder.leak, "status"))),
        Cell::html(parts::link(place["url"].as_str(), &position)),
        Cell::text(place["surface"].as_str().unwrap_or_default()),
        Cell::html(match labels::short_id(place["commit"].as_str().unwrap_or_default()) {
            id if id.is_empty() => id,
            id => parts::key(&id),
        }),
        Cell::text(introduced.unwrap_or_default()),
    ]
}

/// Writes what happened in each repository, and what to do there. Repositories with nothing to say are left out.
fn write_steps(leak: &FleetLeak, out: &mut dyn Write) -> io::Result<()> {
    let has_content = |holder: &&LeakInRepository| {
        ["introduced", "removed", "next_steps"]
            .iter()
            .any(|name| !leak_json::list(&holder.leak, name).is_empty())
    };
    let holders: Vec<&LeakInRepository> = leak.open_repositories().filter(has_content).collect();
    if holders.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>Next steps</h3>")?;
    for (index, holder) in holders.iter().take(MAX_REPOSITORIES).enumerate() {
        let open = if index == 0 { " open" } else { "" };
        writeln!(out, "<details{open}><summary>{}</summary>", code(&holder.repository))?;
        write_events(holder, out)?;
        let steps = leak_json::list(&holder.leak, "next_steps");
        if !steps.is_empty() {
            writeln!(out, "<ol class=\"steps\">")?;
            for step in steps {
                let text = parts::link_urls(step["text"].as_str().unwrap_or_default());
                let command = step["command"].as_str().map(parts::command).unwrap_or_default();
                writeln!(out, "<li><p>{text}</p>{command}</li>")?;
            }
            writeln!(out, "</ol>")?;
        }
        writeln!(out, "</details>")?;
    }
    match holders.len().saturating_sub(MAX_REPOSITORIES) as u64 {
        0 => Ok(()),
        rest => writeln!(
            out,
            "<p class=\"quiet small\">and in {} more; the format json has their steps</p>",
            summary::repositories(rest)
        ),
    }
}

/// Writes the commits that introduced and removed the key.
fn write_events(holder: &LeakInRepository, out: &mut dyn Write) -> io::Result<()> {
    let changes =
        |event: &'static str| leak_json::list(&holder.leak, event).iter().map(move |change| (event, change));
    let events: Vec<_> = changes("introduced").chain(changes("removed")).collect();
    if events.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul>")?;
    for (event, change) in events.iter().take(MAX_EVENTS) {
        writeln!(out, "<li>{}</li>", event_line(event, change))?;
    }
    writeln!(out, "</ul>")?;
    write_rest(events.len().saturating_sub(MAX_EVENTS), "more event", out)
}

/// `introduced on 2026-11-28 in 0123456789 by Ann: subject (path)`
fn event_line(event: &str, change: &Value) -> String {
    let text = |name: &str| change[name].as_str().unwrap_or_default();
    let commit = parts::link(change["url"].as_str(), &parts::key(&labels::short_id(text("commit"))));
    let author = leak_json::author(change).map(|name| format!(" by <bdi>{}</bdi>", escape::xml(name)));
    let subject = match text("subject") {
        "" => String::new(),
        subject => format!(": <bdi>{}</bdi>", escape::xml(subject)),
    };
    let path = if text("path").is_empty() { String::new() } else { format!(" ({})", code(text("path"))) };
    let day = escape::xml(leak_json::day(change));
    format!("{event} on {day} in {commit}{}{subject}{path}", author.unwrap_or_default())
}
