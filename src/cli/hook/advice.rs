//! What to do after a hook blocked an operation. The printed commands can be run verbatim.

use super::rewrite::{RefTip, rewrite_advice};
use super::script::quoted;
use crate::cli::git_env::GitEnv;
use crate::model::{Leak, Report, Skip, Status};

/// Maximum number of leaks for which commands are printed.
const MAX_DETAILED: usize = 3;

/// The operation that a hook blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockedOperation {
    /// A commit, because of its content.
    Commit,
    /// A commit, because of its message.
    Message,
    /// A push, before it was sent.
    Push,
    /// A push through pre-commit or prek, because of a ref that they did not pass to the hook.
    UnnamedRef,
    /// A push, on the server.
    ReceivedPush,
}

impl BlockedOperation {
    /// The subject of the message.
    pub(super) fn headline(self) -> &'static str {
        match self {
            Self::Commit => "the commit is blocked",
            Self::Message => "the commit is blocked by its message",
            Self::Push | Self::UnnamedRef => "the push is blocked",
            Self::ReceivedPush => "the push is rejected",
        }
    }

    /// The git command that repeats the operation without running hooks.
    fn bypass_command(self) -> &'static str {
        match self {
            Self::Commit | Self::Message => "git commit --no-verify",
            Self::Push | Self::UnnamedRef | Self::ReceivedPush => "git push --no-verify",
        }
    }
}

/// The message for a check that failed with `error`: the consequence for the commit or push, and what to do.
pub(super) fn unchecked_message(blocked: BlockedOperation, error: &anyhow::Error) -> String {
    let (operation, remedy) = match blocked {
        BlockedOperation::Commit | BlockedOperation::Message => {
            ("commit", format!("skip the check with `{}`", blocked.bypass_command()))
        }
        BlockedOperation::Push | BlockedOperation::UnnamedRef => {
            ("push", format!("skip the check with `{}`", blocked.bypass_command()))
        }
        BlockedOperation::ReceivedPush => ("push", "ask whoever runs the server to do so".to_owned()),
    };
    format!(
        "{error:#}\nfriskey: the {operation} was not checked, so it is blocked. Fix this error, or {remedy}."
    )
}

/// Advice, line by line; empty if the report is clean.
pub(super) fn advice_lines(
    report: &Report,
    blocked: BlockedOperation,
    pushed_refs: &[RefTip],
    git: &GitEnv,
) -> Vec<String> {
    match report.status() {
        Status::Clean => Vec::new(),
        Status::Incomplete => advice_after_skips(report, blocked),
        Status::Findings => advice_after_findings(report, blocked, pushed_refs, git),
    }
}

fn advice_after_skips(report: &Report, blocked: BlockedOperation) -> Vec<String> {
    if !report.coverage().skipped.iter().any(can_be_excluded) {
        let repair = "What cannot be scanned may contain a key: fix the problem named above, and try \
         again."
            .into();
        let skip =
            format!("To continue this once, after checking it yourself: `{}`.", blocked.bypass_command());
        // On the server, the check cannot be skipped.
        return [repair]
            .into_iter()
            .chain((blocked != BlockedOperation::ReceivedPush).then_some(skip))
            .collect();
    }
    if blocked == BlockedOperation::ReceivedPush {
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
        format!("To continue this once, after checking it yourself: `{}`.", blocked.bypass_command()),
    ]
}

/// Whether the skip is of a path, which can be excluded. A range, a commit or a ref cannot.
fn can_be_excluded(skip: &Skip) -> bool {
    let unexcludable = ["range ", "commit ", "tree ", "tag ", "reflog of ", "refs/", "packed-refs"];
    !unexcludable.iter().any(|prefix| skip.what.starts_with(prefix))
}

fn advice_after_findings(
    report: &Report,
    blocked: BlockedOperation,
    pushed_refs: &[RefTip],
    git: &GitEnv,
) -> Vec<String> {
    let leaks: Vec<&Leak> = report.open_leaks().take(MAX_DETAILED).collect();
    let mut lines = Vec::new();
    match blocked {
        BlockedOperation::Commit => lines.push(
            "Remove the key from the file and stage the file again; if the key was ever in use, revoke it."
                .into(),
        ),
        BlockedOperation::Message => {
            lines.push("Remove the key from the message; if the key was ever in use, revoke it.".into());
        }
        BlockedOperation::UnnamedRef => {
            let refs: Vec<&str> = refs_containing(&leaks).take(3).collect();
            lines.push(format!(
                "pre-commit and prek pass only one pushed ref to a hook, so all branches and tags that the \
                 remote does not have were scanned; the key is in {}.",
                if refs.is_empty() { "one of them".to_owned() } else { refs.join(", ") }
            ));
            lines.push(
                "If you are not pushing that one, continue with `SKIP=friskey,friskey-system git push …`."
                    .into(),
            );
            let refs =
                refs_containing(&leaks).map(|name| RefTip { name: name.to_owned(), tip: name.to_owned() });
            lines.extend(rewrite_advice(&leaks, &refs.collect::<Vec<_>>(), git, false));
        }
        BlockedOperation::Push | BlockedOperation::ReceivedPush => {
            lines.extend(rewrite_advice(&leaks, pushed_refs, git, blocked == BlockedOperation::ReceivedPush));
        }
    }
    let them = if leaks.len() > 1 { "them" } else { "it" };
    lines.push(match blocked {
        BlockedOperation::Commit => {
            "To accept it, put `friskey:allow REASON` in a comment on its line, or run:".into()
        }
        BlockedOperation::ReceivedPush => {
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
        format!("  friskey baseline add {} --reason 'why it is harmless'", leak.detected_key.fingerprint)
    }));
    lines
}

/// The branches and tags that reach one of `leaks`.
fn refs_containing<'l>(leaks: &'l [&Leak]) -> impl Iterator<Item = &'l str> {
    leaks.iter().flat_map(|leak| &leak.reachability.refs_in_history).map(String::as_str)
}
