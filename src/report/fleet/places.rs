//! One leak on the page of a fleet: the repositories and places that have it.

use std::io::{self, Write};

use serde_json::Value;

use crate::model::{FleetLeak, LeakInRepository};
use crate::report::html::parts;
use crate::report::html::table::{self, Cell, Column};
use crate::report::{escape, humanize, labels};

const PLACES: &[Column] = &[
    Column::words("Repository"),
    Column::short("State"),
    Column::words("Place"),
    Column::short("Commit"),
    Column::short("Introduced"),
];
/// The most places listed for one leak.
const MAX_LISTED: usize = 1_000;
/// The most leaks that are laid out at once.
const MAX_LAID_OUT: usize = 50;

/// How many places have the leak.
pub(super) fn total(leak: &FleetLeak) -> usize {
    leak.repositories.iter().map(|here| places(here).count()).sum()
}

pub(super) fn write(number: usize, leak: &FleetLeak, out: &mut dyn Write) -> io::Result<()> {
    let later = if number > MAX_LAID_OUT { " later" } else { "" };
    let (rule, key) = (escape::xml(&leak.rule), escape::xml(&leak.redacted));
    writeln!(out, "<article class=\"card{later}\" id=\"leak-{number}\" aria-labelledby=\"title-{number}\">")?;
    write!(out, "<h2 id=\"title-{number}\"><span>{rule}</span> <code>{key}</code> ")?;
    writeln!(out, "{}</h2>\n<dl class=\"facts\">", parts::status_badge_of(&leak.status))?;
    let fingerprint = format!("<code>{}</code>", escape::xml(&leak.fingerprint));
    write!(out, "{}", parts::fact("Fingerprint", &fingerprint))?;
    write!(out, "{}", parts::fact("Evidence", &escape::xml(&leak.evidence.join(", "))))?;
    let exposed = leak.exposed_seconds.map(humanize::duration).unwrap_or_default();
    writeln!(out, "{}</dl>\n<h3>Where it is</h3>", parts::fact("Exposed for", &exposed))?;
    table::open("By repository", PLACES, out)?;
    let all = leak.repositories.iter().flat_map(|here| places(here).map(move |place| (here, place)));
    for (here, place) in all.take(MAX_LISTED) {
        table::row(PLACES, &cells(here, place), out)?;
    }
    table::close(out)?;
    match total(leak).saturating_sub(MAX_LISTED) as u64 {
        0 => {}
        rest => writeln!(out, "<p>and {} in the format json</p>", humanize::count(rest, "more place"))?,
    }
    writeln!(out, "</article>")
}

/// The findings that are not accepted.
fn places(here: &LeakInRepository) -> impl Iterator<Item = &Value> {
    let findings = here.leak.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter(|finding| finding["suppressed"].is_null())
}

fn cells(here: &LeakInRepository, place: &Value) -> [Cell; 5] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let status = here.leak.get("status").map(text).unwrap_or_default();
    let introduced = here.leak.get("introduced").map(|list| text(&list[0]["date"])).unwrap_or_default();
    let position = format!("<code><bdi>{}</bdi></code>", escape::xml(&position(place)));
    [
        Cell::html(format!("<bdi>{}</bdi>", escape::xml(&here.repository))),
        Cell::html(parts::status_badge_of(&status)),
        Cell::html(parts::link(place["url"].as_str(), &position)),
        Cell::html(match labels::short_id(&text(&place["commit"])) {
            id if id.is_empty() => id,
            id => parts::key(&id),
        }),
        Cell::text(introduced.get(..10).unwrap_or_default()),
    ]
}

/// `app.zip → .env:3:7`, or the surface if there is no path.
fn position(place: &Value) -> String {
    let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut names = vec![match place["path"].as_str() {
        Some(path) => path.to_owned(),
        None => part(&place["surface"]),
    }];
    // The first is the outermost file, which is already named.
    let inside = place["container"].as_array().map(Vec::as_slice).unwrap_or_default();
    names.extend(inside.iter().skip(1).map(part));
    let number = |name: &str| place["start"][name].as_u64().unwrap_or(0);
    format!("{}:{}:{}", names.join(" → "), number("line"), number("column"))
}
