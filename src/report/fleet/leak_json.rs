//! Reads fields of the leaks of single audits, which a fleet's report contains as JSON. Nothing is escaped.

use serde_json::{Map, Value};

use crate::model::LeakInRepository;
use crate::report::labels;

/// The text in a field; empty if there is none.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The list in a field; empty if there is none.
pub(super) fn list<'a>(object: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The places of a leak that are not accepted.
pub(super) fn open_findings(holder: &LeakInRepository) -> impl Iterator<Item = &Value> {
    list(&holder.leak, "findings").iter().filter(|finding| finding["suppressed"].is_null())
}

/// The places of a leak that are accepted.
pub(super) fn accepted_findings(holder: &LeakInRepository) -> impl Iterator<Item = &Value> {
    list(&holder.leak, "findings").iter().filter(|finding| !finding["suppressed"].is_null())
}

/// The name of a place: its path, or the surface with the commit or object that contains the key; then
/// archive entries.
pub(super) fn place(finding: &Value) -> String {
    let field = |name: &str| finding[name].as_str().unwrap_or_default();
    let surface = field("surface");
    let id = if field("commit").is_empty() { field("blob") } else { field("commit") };
    let outermost = match (field("path"), id) {
        ("", "") => surface.to_owned(),
        ("", id) => format!("{surface} {}", labels::short_id(id)),
        (path, _) => path.to_owned(),
    };
    let mut parts: Vec<&str> =
        finding["container"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // The first part may be the outermost file itself.
    if parts.len() > 1 && outermost.rsplit('/').next() == Some(parts[0]) {
        parts.remove(0);
    }
    [vec![&*outermost], parts].concat().join(" → ")
}

/// The name of a place with line and column: `app.zip → .env:3:7`.
pub(super) fn position(finding: &Value) -> String {
    let number = |name: &str| finding["start"][name].as_u64().unwrap_or(0);
    format!("{}:{}:{}", place(finding), number("line"), number("column"))
}

/// The author of a commit without the e-mail address.
pub(super) fn author(change: &Value) -> Option<&str> {
    let name = change["author"].as_str()?.split('<').next()?.trim();
    (!name.is_empty() && !name.contains('@')).then_some(name)
}

/// The day of a commit, by its author's date and in the time zone of the author.
pub(super) fn day(change: &Value) -> &str {
    let date = change["date"].as_str().unwrap_or_default();
    date.get(..10).unwrap_or(date)
}

/// The kinds of next steps in any of these repositories, each once.
pub(super) fn actions<'a>(holders: impl Iterator<Item = &'a LeakInRepository>) -> Vec<&'a str> {
    let mut actions: Vec<&str> = Vec::new();
    for step in holders.flat_map(|holder| list(&holder.leak, "next_steps")) {
        let action = step["action"].as_str().unwrap_or_default();
        if !action.is_empty() && !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions
}
