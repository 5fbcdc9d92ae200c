//! What to do after a block. Commands work as they are printed.

use std::path::Path;

use crate::git::is_root;
use crate::model::{Leak, Report, Status};

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
            let refs: Vec<&str> =
                leaks.iter().flat_map(|leak| &leak.refs_in_history).map(String::as_str).take(3).collect();
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
        _ => "To accept it, run:".into(),
    });
    lines.extend(leaks.iter().map(|leak| {
        format!("  friskey baseline add {} --reason 'why it is harmless'", leak.identified.fingerprint)
    }));
    lines
}

/// How to get the keys out of the commits that are pushed.
fn rewrites(leaks: &[&Leak], repo: &Path) -> Vec<String> {
    let mut lines = vec!["Revoke the key if it was ever in use. Then rewrite the commits that add it, since a push sends every commit:".to_owned()];
    for leak in leaks {
        let Some(first) = leak.introduced.first() else { continue };
        let commit = first.commit.get(..10).unwrap_or(&first.commit);
        let from = if is_root(repo, &first.commit) { "--root".to_owned() } else { format!("{commit}^") };
        let gone = match leak.removed.is_empty() {
            true => "",
            false => "; removing the file in a later commit is not enough",
        };
        lines.push(format!("  git rebase -i {from}    # mark {commit} as `edit`, remove the key, `git commit --amend`, `git rebase --continue`{gone}"));
    }
    match lines.len() {
        1 => vec!["Revoke the key if it was ever in use, and remove it from what you push.".to_owned()],
        _ => lines,
    }
}
