//! Reads the leaks of audits, which a fleet's report contains as JSON. Nothing is escaped.

use serde_json::{Map, Value};

use crate::model::LeakInRepository;
use crate::report::labels;

/// A text in a leak; empty if there is none.
pub(super) fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A list in a leak.
pub(super) fn list<'a>(map: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    map.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The places of a leak that are not accepted.
pub(super) fn open_findings(here: &LeakInRepository) -> impl Iterator<Item = &Value> {
    list(&here.leak, "findings").iter().filter(|one| one["suppressed"].is_null())
}

/// The places of a leak that are accepted.
pub(super) fn accepted_findings(here: &LeakInRepository) -> impl Iterator<Item = &Value> {
    list(&here.leak, "findings").iter().filter(|one| !one["suppressed"].is_null())
}

/// The name of a place: its path, or the surface with the commit or object that holds the key; then archive entries.
pub(super) fn place(finding: &Value) -> String {
    let word = |name: &str| finding[name].as_str().unwrap_or_default();
    let surface = word("surface");
    let id = if word("commit").is_empty() { word("blob") } else { word("commit") };
    let outer = match (word("path"), id) {
        ("", "") => surface.to_owned(),
        ("", id) => format!("{surface} {}", labels::short_id(id)),
        (path, _) => path.to_owned(),
    };
    let mut parts: Vec<&str> =
        finding["container"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // The first entry is the outermost file itself.
    if parts.len() > 1 && outer.rsplit('/').next() == Some(parts[0]) {
        parts.remove(0);
    }
    [vec![&*outer], parts].concat().join(" → ")
}

/// `app.zip → .env:3:7`
pub(super) fn position(finding: &Value) -> String {
    let number = |name: &str| finding["start"][name].as_u64().unwrap_or(0);
    format!("{}:{}:{}", place(finding), number("line"), number("column"))
}

/// The author of a commit without the e-mail address.
pub(super) fn author(change: &Value) -> Option<&str> {
    let name = change["author"].as_str()?.split('<').next()?.trim();
    (!name.is_empty() && !name.contains('@')).then_some(name)
}

/// The day of a commit, in its author's time zone.
pub(super) fn day(change: &Value) -> &str {
    let date = change["date"].as_str().unwrap_or_default();
    date.get(..10).unwrap_or(date)
}

/// The kinds of next steps in any of these repositories, each once.
pub(super) fn actions<'a>(holders: impl Iterator<Item = &'a LeakInRepository>) -> Vec<&'a str> {
    let mut actions: Vec<&str> = Vec::new();
    for step in holders.flat_map(|here| list(&here.leak, "next_steps")) {
        let action = step["action"].as_str().unwrap_or_default();
        if !action.is_empty() && !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions
}
