//! Labels that several formats share: for places, commits, authors and rules.

use std::cmp::Reverse;

use crate::model::{
    Change, Confidence, Finding, KeyVerdict, Leak, LeakStatus, Origin, Report, RuleInfo, Severity, Surface,
};

use super::permalink::Permalinks;
use super::{clock, escape, humanize};

/// Hex digits of an object id that are shown to people.
const SHORT_ID_DIGITS: usize = 10;
/// Separates an archive from its entry.
const ARROW: &str = " → ";

/// The path as reports show it, not escaped: `-` for standard input; `None` without a path.
pub(super) fn path(origin: &Origin) -> Option<String> {
    match (&origin.path, origin.surface) {
        (_, Surface::Stdin) => Some("-".to_owned()),
        (Some(path), _) => Some(String::from_utf8_lossy(path).into_owned()),
        (None, _) => None,
    }
}

/// An object id, shortened.
pub(super) fn short_id(id: &str) -> String {
    escape::line(id).chars().take(SHORT_ID_DIGITS).collect()
}

/// The name of a place, escaped: its path, or the object that contains it, followed by archive entries.
pub(super) fn place_name(origin: &Origin) -> String {
    let outermost = outermost_name(origin);
    if origin.container.is_empty() { outermost } else { format!("{outermost}{ARROW}{}", entry_path(origin)) }
}

fn outermost_name(origin: &Origin) -> String {
    if let Some(path) = path(origin) {
        return escape::line(&path).into_owned();
    }
    let surface = origin.surface.name();
    match origin.commit.as_ref().or(origin.object.as_ref()) {
        Some(id) => format!("{surface} {}", short_id(id)),
        None => surface.to_owned(),
    }
}

/// The archive entries within the outermost file that lead to the key, escaped: `inner.tar → config/.env`; empty if there are
/// none.
pub(super) fn entry_path(origin: &Origin) -> String {
    // The first may be the outermost file or object itself, which `outermost_name` names.
    let parts = match &origin.container[..] {
        [first, rest @ ..] if !rest.is_empty() && is_outermost(first, origin) => rest,
        all => all,
    };
    let parts: Vec<_> = parts.iter().map(|part| escape::entry_name(part)).collect();
    parts.join(ARROW)
}

fn is_outermost(name: &[u8], origin: &Origin) -> bool {
    match (&origin.path, &origin.object) {
        (Some(path), _) => path.rsplit(|&byte| byte == b'/').next() == Some(name),
        (None, Some(object)) => object.as_bytes() == name,
        (None, None) => origin.surface.name().as_bytes() == name,
    }
}

/// `path:line:column`, escaped. Line and column refer to the innermost archive entry.
pub(super) fn position(finding: &Finding) -> String {
    let start = finding.span.start;
    format!("{}:{}:{}", place_name(&finding.origin), start.line, start.column)
}

/// The author's name without the e-mail address, escaped; `None` if there is no name.
pub(super) fn author(change: &Change) -> Option<String> {
    let name = change.author.split('<').next().unwrap_or_default().trim();
    if name.is_empty() || name.contains('@') { None } else { Some(escape::line(name).into_owned()) }
}

/// The day of a commit in UTC, by the date of its committer. Commits are ordered, and exposure is computed, by the same date,
/// since the date of the author stays the same when a commit is rebased or amended.
pub(super) fn commit_day(change: &Change) -> String {
    clock::utc(change.seconds).chars().take(10).collect()
}

/// A ref in git's short form, not escaped: `main`, `origin/main`, `tag v1`, `refs/pull/7/head`.
pub(super) fn short_ref(name: &str) -> String {
    if let Some(tag) = name.strip_prefix("refs/tags/") {
        return format!("tag {tag}");
    }
    let short = ["refs/heads/", "refs/remotes/"].iter().find_map(|prefix| name.strip_prefix(prefix));
    short.unwrap_or(name).to_owned()
}

/// The leak's rule, if the report lists it.
pub(super) fn rule<'a>(report: &'a Report, leak: &Leak) -> Option<&'a RuleInfo> {
    report.rules().iter().find(|rule| *rule.id == *leak.detected_key.rule)
}

/// The rules of the open leaks, each once, in report order.
pub(super) fn rules_of_open_leaks(report: &Report) -> Vec<&RuleInfo> {
    let mut rules: Vec<&RuleInfo> = Vec::new();
    for rule in report.open_leaks().filter_map(|leak| rule(report, leak)) {
        if !rules.iter().any(|other| other.id == rule.id) {
            rules.push(rule);
        }
    }
    rules
}

/// The title of the leak's rule, or its id if the report does not list it.
pub(super) fn title(report: &Report, leak: &Leak) -> String {
    let name = rule(report, leak).map_or(&*leak.detected_key.rule, |rule| &rule.name);
    escape::line(name).into_owned()
}

/// The rank of a status by urgency; 0 is the most urgent.
pub(super) fn status_rank(status: LeakStatus) -> i64 {
    match status {
        LeakStatus::Present => 0,
        LeakStatus::Unknown => 1,
        LeakStatus::Removed => 2,
        LeakStatus::Unreachable => 3,
    }
}

/// The open leaks, most urgent first: live keys before dead ones, then by status, then by severity.
pub(super) fn open_leaks_by_urgency(report: &Report) -> Vec<&Leak> {
    let mut leaks: Vec<&Leak> = report.open_leaks().collect();
    let is_dead = |leak: &Leak| {
        leak.verification.as_ref().is_some_and(|verification| verification.verdict == KeyVerdict::Dead)
    };
    leaks.sort_by_cached_key(|leak| {
        (is_dead(leak), status_rank(leak.status), Reverse(effective_severity(report, leak)))
    });
    leaks
}

/// Whether the leak is only in repositories of submodules. Its commits and refs are then those of the submodules.
pub(super) fn is_in_submodules(leak: &Leak) -> bool {
    let mut open = open_findings(leak).peekable();
    open.peek().is_some() && open.all(|finding| finding.origin.surface == Surface::Submodule)
}

/// Whether the hosting service may have commits with the leak: a remote-tracking ref or a tag reaches it, a remote was once
/// seen with it, or the repository is bare or a mirror. Links to commits that the service lacks would be broken.
pub(super) fn may_be_hosted(report: &Report, leak: &Leak) -> bool {
    if is_in_submodules(leak) {
        return false;
    }
    let reachability = &leak.reachability;
    let is_shared = |name: &String| name.starts_with("refs/remotes/") || name.starts_with("refs/tags/");
    reachability.on_remote.is_some()
        || reachability.refs_in_history.iter().any(is_shared)
        || report.repository().is_some_and(|repository| repository.is_bare || repository.is_mirror)
}

/// The URL of the page that shows the line of a finding at the service that hosts the repository.
pub(super) fn permalink(links: &Permalinks, finding: &Finding) -> Option<String> {
    let origin = &finding.origin;
    let commit = origin.commit.as_deref()?;
    match (origin.surface, &origin.path) {
        (Surface::Blob, Some(path)) => links.line(commit, path, finding.span.start.line),
        (Surface::CommitMessage | Surface::Identity | Surface::CommitHeader, _) => links.commit(commit),
        _ => None,
    }
}

/// The findings of a leak that are not suppressed.
pub(super) fn open_findings(leak: &Leak) -> impl Iterator<Item = &Finding> {
    leak.findings.iter().filter(|finding| finding.suppressed.is_none())
}

/// The path of the file that contains the key; `None` if there is no path or if it does not name a file.
pub(super) fn file_path(origin: &Origin) -> Option<&[u8]> {
    let names_file = match origin.surface {
        Surface::Worktree | Surface::Symlink | Surface::FileName | Surface::Index | Surface::Blob => true,
        Surface::Stash | Surface::Unreachable | Surface::Submodule | Surface::Lfs => true,
        Surface::Config | Surface::Hook | Surface::GitFile => true,
        Surface::Stdin | Surface::CommitMessage | Surface::Identity | Surface::CommitHeader => false,
        Surface::TagMessage | Surface::Note | Surface::Reflog | Surface::RefName => false,
    };
    origin.path.as_deref().filter(|path| names_file && !path.is_empty())
}

/// A path for a place that is not a file, for formats that require one: `.git/commit-message/<id>`. Not escaped.
pub(super) fn pseudo_path(origin: &Origin) -> String {
    let surface = origin.surface.name();
    match origin.commit.as_ref().or(origin.object.as_ref()) {
        _ if origin.surface == Surface::Stdin => "stdin".to_owned(),
        Some(id) => format!(".git/{surface}/{id}"),
        None => match &origin.path {
            Some(path) => format!(".git/{surface}/{}", String::from_utf8_lossy(path)),
            None => format!(".git/{surface}"),
        },
    }
}

/// Whether lines and columns refer to the file that the path names.
pub(super) fn has_positions(origin: &Origin) -> bool {
    origin.container.is_empty() && !matches!(origin.surface, Surface::FileName | Surface::Symlink)
}

/// The severity of the leak's rule; high if the rule is unknown.
pub(super) fn severity(report: &Report, leak: &Leak) -> Severity {
    rule(report, leak).map_or(Severity::High, |rule| rule.severity)
}

/// The severity of the leak's rule, lowered to the confidence: an uncertain match is not urgent, whatever kind of key it may
/// be.
pub(super) fn effective_severity(report: &Report, leak: &Leak) -> Severity {
    let severity = severity(report, leak);
    match leak.detected_key.confidence {
        Confidence::High => severity,
        Confidence::Medium => severity.min(Severity::Medium),
        Confidence::Low => Severity::Low,
    }
}

/// What [`position`] does not say about the place of a finding, escaped: surface, encoding, versions, object.
pub(super) fn place_details(finding: &Finding) -> Vec<String> {
    let origin = &finding.origin;
    let mut details = Vec::new();
    // Without a path, the name already includes the surface.
    let is_evident =
        matches!(origin.surface, Surface::Worktree | Surface::Index | Surface::Blob | Surface::Stdin);
    if !is_evident && origin.path.is_some() {
        details.push(origin.surface.name().to_owned());
    }
    if finding.encoding != "utf-8" {
        details.push(finding.encoding.to_owned());
    }
    if finding.versions > 1 {
        details.push(format!("in {}", humanize::count(finding.versions, "version")));
    }
    if let (Some(_), Some(object)) = (&origin.path, &origin.object) {
        details.push(format!("object {}", short_id(object)));
    }
    details
}
