//! What to do after a block. Commands work as they are printed.

use std::path::Path;

use crate::git::parents;
use crate::model::{Change, Leak, Report, Status, Surface};

/// Leaks for which commands are printed; more of them are the same again.
const SPELLED_OUT: usize = 3;

/// What a hook stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// A commit, for its content.
    Commit,
    /// A commit, for its message.
    Message,
    /// A push, before it left.
    Push,
    /// A push through pre-commit or prek, for a ref that they did not name.
    OtherRef,
    /// A push, on the server.
    Received,
}

impl Blocked {
    /// The subject of the message.
    pub(super) fn headline(self) -> &'static str {
        match self {
            Self::Commit => "the commit is blocked",
            Self::Message => "the commit is blocked by its message",
            Self::Push | Self::OtherRef => "the push is blocked",
            Self::Received => "the push is refused",
        }
    }

    /// The git command that is run again without its hooks.
    fn without_hooks(self) -> &'static str {
        match self {
            Self::Commit | Self::Message => "git commit --no-verify",
            Self::Push | Self::OtherRef | Self::Received => "git push --no-verify",
        }
    }
}

/// The message for a check that could not be made because of `error`: what it means for the commit or push, and how
/// to go on.
pub(super) fn unchecked(blocked: Blocked, error: &anyhow::Error) -> String {
    let (what, remedy) = match blocked {
        Blocked::Commit | Blocked::Message => {
            ("commit", format!("skip the check with `{}`", blocked.without_hooks()))
        }
        Blocked::Push | Blocked::OtherRef => {
            ("push", format!("skip the check with `{}`", blocked.without_hooks()))
        }
        Blocked::Received => ("push", "ask whoever runs the server to do so".to_owned()),
    };
    format!("{error:#}\nfriskey: the {what} was not checked, so it is blocked. Fix this error, or {remedy}.")
}

/// How to go on, line by line; nothing if the report is clean.
pub(super) fn how_to_go_on(report: &Report, blocked: Blocked, repo: &Path) -> Vec<String> {
    match report.status() {
        Status::Clean => Vec::new(),
        Status::Incomplete => after_skips(blocked),
        Status::Findings => after_findings(report, blocked, repo),
    }
}

fn after_skips(blocked: Blocked) -> Vec<String> {
    if blocked == Blocked::Received {
        return vec!["What cannot be scanned may hold a key: exclude it in the server's friskey.toml (`exclude = [\"PATH\"]`), or mend it.".into()];
    }
    vec![
        "What cannot be scanned may hold a key. To leave a path out of every scan, add it to friskey.toml: `exclude = [\"PATH\"]`.".into(),
        format!("To go on this once, after looking at it yourself: `{}`.", blocked.without_hooks()),
    ]
}

fn after_findings(report: &Report, blocked: Blocked, repo: &Path) -> Vec<String> {
    let leaks: Vec<&Leak> = report.open_leaks().take(SPELLED_OUT).collect();
    let mut lines = Vec::new();
    match blocked {
        Blocked::Commit => lines.push(
            "Remove the key from the file and stage the file again; if the key was ever in use, revoke it."
                .into(),
        ),
        Blocked::Message => {
            lines.push("Remove the key from the message; if the key was ever in use, revoke it.".into());
        }
        Blocked::OtherRef => {
            let refs: Vec<&str> = leaks
                .iter()
                .flat_map(|leak| &leak.reachability.refs_in_history)
                .map(String::as_str)
                .take(3)
                .collect();
            lines.push(format!(
                "pre-commit and prek tell a hook of one pushed ref only, so all branches and tags were scanned that the remote does not have; the key is in {}.",
                if refs.is_empty() { "one of them".to_owned() } else { refs.join(", ") }
            ));
            lines.push(
                "If you are not pushing that one, go on with `SKIP=friskey,friskey-system git push …`."
                    .into(),
            );
            lines.extend(rewrites(&leaks, repo));
        }
        Blocked::Push | Blocked::Received => lines.extend(rewrites(&leaks, repo)),
    }
    lines.push(match blocked {
        Blocked::Commit => {
            "To accept it, put `friskey:allow REASON` in a comment on its line, or run:".into()
        }
        _ if leaks.len() > 1 => "To accept them, run:".into(),
        _ => "To accept it, run:".into(),
    });
    lines.extend(leaks.iter().map(|leak| {
        format!("  friskey baseline add {} --reason 'why it is harmless'", leak.identified.fingerprint)
    }));
    lines
}

/// How to get the keys out of what is pushed: one command for all commits, since each rewrite changes the ids of
/// those that follow.
fn rewrites(leaks: &[&Leak], repo: &Path) -> Vec<String> {
    let key = if leaks.len() == 1 { "the key if it was" } else { "the keys if they were" };
    let mut lines = tags(leaks);
    let mut commits: Vec<&Change> = leaks.iter().flat_map(|leak| &leak.introduced).collect();
    commits.sort_by_key(|change| change.seconds);
    commits.dedup_by(|a, b| a.commit == b.commit);
    if let Some(oldest) = commits.first() {
        let from = match parents(repo, &oldest.commit) {
            Some(0) => "--root".to_owned(),
            _ => format!("{}^", short(oldest)),
        };
        lines.push(format!("  git rebase -i --rebase-merges {from}"));
        lines.extend(commits.iter().map(|commit| step(commit, repo)));
        lines.push("  Then remove the key, `git commit --amend`, and `git rebase --continue`.".to_owned());
        if leaks.iter().any(|leak| !leak.removed.is_empty()) {
            lines.push(
                "  Removing the file in a later commit is not enough, since a push sends every commit."
                    .to_owned(),
            );
        }
    }
    match lines.is_empty() {
        true => vec![format!("Revoke {key} ever in use, and remove it from what you push.")],
        false => {
            lines.insert(0, format!("Revoke {key} ever in use. Then rewrite what adds it:"));
            lines
        }
    }
}

/// What to do with a commit in the list that `git rebase -i` shows.
fn step(commit: &Change, repo: &Path) -> String {
    let id = short(commit);
    match parents(repo, &commit.commit) {
        // A merge cannot be marked.
        Some(2..) => format!("    {id}: insert a line `break` after `merge -C {id}`"),
        _ => format!("    {id}: mark it as `edit`"),
    }
}

/// How to take keys out of the messages of annotated tags.
fn tags(leaks: &[&Leak]) -> Vec<String> {
    let in_tag =
        |leak: &&&Leak| leak.findings.iter().any(|finding| finding.origin.surface == Surface::TagMessage);
    let names = leaks.iter().filter(in_tag).flat_map(|leak| &leak.reachability.refs_at_tip);
    let names = names.filter_map(|name| name.strip_prefix("refs/tags/"));
    names
        .map(|name| {
            format!("  git tag -d '{name}'    # then create the tag again without the key in its message")
        })
        .collect()
}

fn short(commit: &Change) -> &str {
    commit.commit.get(..10).unwrap_or(&commit.commit)
}
