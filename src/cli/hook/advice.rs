//! Advice after a block. The printed commands can be run verbatim.

use super::rewrite::{RefTip, rewrites};
use super::script::quoted;
use crate::cli::git_env::GitEnv;
use crate::model::{Leak, Report, Skip, Status};

/// Maximum number of leaks for which commands are printed.
const MAX_DETAILED: usize = 3;

/// What a hook blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// A commit, because of its content.
    Commit,
    /// A commit, because of its message.
    Message,
    /// A push, before it was sent.
    Push,
    /// A push through pre-commit or prek, because of a ref that they did not name.
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
            Self::Received => "the push is rejected",
        }
    }

    /// The git command that repeats the operation without hooks.
    fn without_hooks(self) -> &'static str {
        match self {
            Self::Commit | Self::Message => "git commit --no-verify",
            Self::Push | Self::OtherRef | Self::Received => "git push --no-verify",
        }
    }
}

/// The message for a check that failed with `error`: the consequence for the commit or push, and what to do.
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

/// Advice, line by line; empty if the report is clean.
pub(super) fn advice_lines(
    report: &Report,
    blocked: Blocked,
    pushed: &[RefTip],
    git: &GitEnv,
) -> Vec<String> {
    match report.status() {
        Status::Clean => Vec::new(),
        Status::Incomplete => after_skips(report, blocked),
        Status::Findings => after_findings(report, blocked, pushed, git),
    }
}

fn after_skips(report: &Report, blocked: Blocked) -> Vec<String> {
    if !report.coverage().skipped.iter().any(may_be_excluded) {
        let mend = "What cannot be scanned may contain a key: fix the problem named above, and try \
         again."
            .into();
        let skip =
            format!("To continue this once, after checking it yourself: `{}`.", blocked.without_hooks());
        // On the server, the check cannot be skipped.
        return [mend].into_iter().chain((blocked != Blocked::Received).then_some(skip)).collect();
    }
    if blocked == Blocked::Received {
        return vec![
            "What cannot be scanned may contain a key: exclude it in the server's friskey.toml \
         (`exclude = [\"PATH\"]`), or fix it."
                .into(),
        ];
    }
    vec![
        "What cannot be scanned may contain a key. To exclude a path from every scan, add it to \
         friskey.toml: `exclude = [\"PATH\"]`."
            .into(),
        format!("To continue this once, after checking it yourself: `{}`.", blocked.without_hooks()),
    ]
}

/// Whether it has a path. A range, a commit or a ref cannot be excluded.
fn may_be_excluded(skip: &Skip) -> bool {
    let others = ["range ", "commit ", "tree ", "tag ", "reflog of ", "refs/", "packed-refs"];
    !others.iter().any(|other| skip.what.starts_with(other))
}

fn after_findings(report: &Report, blocked: Blocked, pushed: &[RefTip], git: &GitEnv) -> Vec<String> {
    let leaks: Vec<&Leak> = report.open_leaks().take(MAX_DETAILED).collect();
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
            let refs: Vec<&str> = refs_with(&leaks).take(3).collect();
            lines.push(format!(
                "pre-commit and prek pass only one pushed ref to a hook, so all branches and tags that the \
                 remote does not have were scanned; the key is in {}.",
                if refs.is_empty() { "one of them".to_owned() } else { refs.join(", ") }
            ));
            lines.push(
                "If you are not pushing that one, continue with `SKIP=friskey,friskey-system git push …`."
                    .into(),
            );
            let refs = refs_with(&leaks).map(|name| RefTip { name: name.to_owned(), tip: name.to_owned() });
            lines.extend(rewrites(&leaks, &refs.collect::<Vec<_>>(), git, false));
        }
        Blocked::Push | Blocked::Received => {
            lines.extend(rewrites(&leaks, pushed, git, blocked == Blocked::Received));
        }
    }
    let them = if leaks.len() > 1 { "them" } else { "it" };
    lines.push(match blocked {
        Blocked::Commit => {
            "To accept it, put `friskey:allow REASON` in a comment on its line, or run:".into()
        }
        Blocked::Received => {
            let repo = git.repo.canonicalize().unwrap_or_else(|_| git.repo.clone());
            let repo = quoted(&repo.display().to_string());
            format!(
                "To accept {them}, on the server (a baseline in your clone has no effect there), run:\n  cd \
                 {repo}"
            )
        }
        _ => format!("To accept {them}, run:"),
    });
    lines.extend(leaks.iter().map(|leak| {
        format!("  friskey baseline add {} --reason 'why it is harmless'", leak.identified.fingerprint)
    }));
    lines
}

/// The branches and tags that reach one of `leaks`.
fn refs_with<'l>(leaks: &'l [&Leak]) -> impl Iterator<Item = &'l str> {
    leaks.iter().flat_map(|leak| &leak.reachability.refs_in_history).map(String::as_str)
}
