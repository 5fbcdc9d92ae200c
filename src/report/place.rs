//! What several formats say alike: names of places, commits, authors and rules.

use crate::model::{Change, Finding, Leak, Origin, Report, RuleInfo, Surface};

use super::escape;

/// Hex digits of a commit id that are shown to people.
const SHORT: usize = 10;

/// The path as reports have it, not yet escaped: `-` for standard input.
pub(super) fn path(origin: &Origin) -> Option<String> {
    match (&origin.path, origin.surface) {
        (_, Surface::Stdin) => Some("-".to_owned()),
        (Some(path), _) => Some(String::from_utf8_lossy(path).into_owned()),
        (None, _) => None,
    }
}

/// A commit id, short.
pub(super) fn short(id: &str) -> String {
    escape::line(id).chars().take(SHORT).collect()
}

/// What the place is called, escaped: its path, or the object that it is in.
pub(super) fn name(origin: &Origin) -> String {
    if let Some(path) = path(origin) {
        return escape::line(&path).into_owned();
    }
    let surface = origin.surface.name();
    match origin.commit.as_ref().or(origin.object.as_ref()) {
        Some(id) => format!("{surface} {}", short(id)),
        None => surface.to_owned(),
    }
}

/// The entries inside containers that lead to the place: `app.zip > config/.env`; empty without any.
pub(super) fn inside(origin: &Origin) -> String {
    let parts: Vec<_> = origin.container.iter().map(|part| escape::path(part)).collect();
    parts.join(" > ")
}

/// `path:line:column`, escaped.
pub(super) fn position(finding: &Finding) -> String {
    let start = finding.span.start;
    format!("{}:{}:{}", name(&finding.origin), start.line, start.column)
}

/// The author's name without the e-mail address, escaped; `None` when there is nothing but an address.
pub(super) fn author(change: &Change) -> Option<String> {
    let name = change.author.split('<').next().unwrap_or_default().trim();
    if name.is_empty() || name.contains('@') { None } else { Some(escape::line(name).into_owned()) }
}

/// The day of a commit, as its author's clock had it.
pub(super) fn day(change: &Change) -> String {
    escape::line(change.date.get(..10).unwrap_or(&change.date)).into_owned()
}

/// What the report knows about the leak's rule.
pub(super) fn rule<'a>(report: &'a Report, leak: &Leak) -> Option<&'a RuleInfo> {
    report.rules.iter().find(|rule| *rule.id == *leak.identified.rule)
}

/// The title of the leak's rule, or its id when the report does not list it.
pub(super) fn title(report: &Report, leak: &Leak) -> String {
    let name = rule(report, leak).map_or(&*leak.identified.rule, |rule| &rule.name);
    escape::line(name).into_owned()
}

/// The findings of a leak that are not suppressed.
pub(super) fn open(leak: &Leak) -> impl Iterator<Item = &Finding> {
    leak.findings.iter().filter(|finding| finding.suppressed.is_none())
}
