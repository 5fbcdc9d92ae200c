//! How to rewrite pushed commits after a block. The printed commands can be run verbatim.

use std::collections::HashSet;

use super::script::quoted;
use crate::cli::git_env::GitEnv;
use crate::git::{ObjectId, Rewrite, RewriteBase, Rewriter};
use crate::model::{Leak, Surface};

/// Maximum number of branches for which commands are printed.
const MAX_BRANCHES: usize = 3;
/// Maximum number of refs that are examined for them: each requires a walk through its history.
const MAX_REFS: usize = 50;
/// Maximum number of commits listed for each branch.
const MAX_COMMITS: usize = 10;

/// A pushed ref.
#[derive(Clone, Debug)]
pub(super) struct RefTip {
    /// As git passes it to the hook: a full name, or any revision.
    pub(super) name: String,
    /// Its target, as a revision.
    pub(super) tip: String,
}

/// How to remove the keys of `leaks` from the refs in `pushed_refs`. `is_server`: they are pushed from elsewhere.
pub(super) fn rewrite_advice(
    leaks: &[&Leak],
    pushed_refs: &[RefTip],
    git: &GitEnv,
    is_server: bool,
) -> Vec<String> {
    let key = if leaks.len() == 1 { "the key if it was" } else { "the keys if they were" };
    let mut lines = tag_commands(leaks);
    lines.extend(branch_commands(leaks, pushed_refs, git, is_server));
    match lines.is_empty() {
        true => vec![format!("Revoke {key} ever in use, and remove it from what you push.")],
        false => {
            lines.insert(0, format!("Revoke {key} ever in use. Then rewrite what adds it:"));
            lines
        }
    }
}

/// One command per branch that covers all its commits, since each rewrite changes the ids of later commits.
fn branch_commands(leaks: &[&Leak], pushed_refs: &[RefTip], git: &GitEnv, is_server: bool) -> Vec<String> {
    let ids = leaks.iter().flat_map(|leak| &leak.introduced);
    let ids: HashSet<ObjectId> =
        ids.filter_map(|change| ObjectId::from_hex(change.commit.as_bytes()).ok()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    // Without the repository, no command can be printed; the findings are reported anyway.
    let Ok(rewriter) = Rewriter::new(&git.repo, &git.objects) else { return Vec::new() };
    let current_branch = rewriter.branch.as_deref().filter(|_| !is_server);
    let mut lines = Vec::new();
    let mut has_others = pushed_refs.len() > MAX_REFS;
    let mut covered = HashSet::new();
    let mut refs_to_move = Vec::new();
    let is_branch =
        |pushed_ref: &&RefTip| pushed_ref.name == "HEAD" || pushed_ref.name.starts_with("refs/heads/");
    let (mut refs, rest): (Vec<&RefTip>, Vec<_>) = pushed_refs.iter().partition(is_branch);
    refs.extend(rest);
    for pushed_ref in refs.into_iter().take(MAX_REFS) {
        let Some(rewrite) = rewriter.rewrite(&pushed_ref.tip, &ids) else { continue };
        let is_covered = rewrite.commits.iter().all(|(id, _)| covered.contains(id));
        if is_covered && !is_branch(&pushed_ref) {
            refs_to_move
                .push(shell_word(pushed_ref.name.strip_prefix("refs/tags/").unwrap_or(&pushed_ref.name)));
            continue;
        }
        if lines.len() == MAX_BRANCHES {
            has_others = true;
            break;
        }
        covered.extend(rewrite.commits.iter().map(|(id, _)| *id));
        let command = rebase_command(&rewrite, pushed_ref, current_branch);
        if !lines.contains(&command) {
            lines.push(command);
        }
    }
    if lines.is_empty() {
        return Vec::new();
    }
    let has_several = lines.len() > 1;
    let mut lines = lines.concat();
    let end = if has_several { ", each branch before the next one" } else { "" };
    lines.push(format!("  Then remove the key, `git commit --amend`, and `git rebase --continue`{end}."));
    if !refs_to_move.is_empty() {
        refs_to_move.truncate(MAX_BRANCHES);
        lines.push(format!(
            "  Afterwards, move the refs that still point to the old commits: {}.",
            refs_to_move.join(", ")
        ));
    }
    if has_others {
        lines.push("  Rewrite other pushed refs that contain these commits likewise.".to_owned());
    }
    if leaks.iter().any(|leak| !leak.removed.is_empty()) {
        lines.push(
            "  Removing the file in a later commit is not enough, since a push sends every commit."
                .to_owned(),
        );
    }
    lines
}

/// The command for one ref, and what to do with each commit in the list of `git rebase -i`. `current_branch` is the
/// checked-out branch where the command is run, if known.
fn rebase_command(rewrite: &Rewrite, pushed_ref: &RefTip, current_branch: Option<&str>) -> Vec<String> {
    let onto = match rewrite.base {
        Some(RewriteBase::ParentOf(id)) => format!("{}^", short_id(&id)),
        Some(RewriteBase::Commit(id)) => short_id(&id),
        None => "--root".to_owned(),
    };
    let branch = pushed_ref.name.strip_prefix("refs/heads/");
    let is_current = pushed_ref.name == "HEAD" || branch.is_some_and(|branch| current_branch == Some(branch));
    let name = match branch {
        _ if is_current => String::new(),
        Some(branch) => format!(" {}", shell_word(branch)),
        // A tag or any other revision is rewritten with a detached HEAD.
        None => format!(" {}", shell_word(pushed_ref.tip.get(..10).unwrap_or(&pushed_ref.tip))),
    };
    let mut lines = vec![format!("  git rebase -i --rebase-merges {onto}{name}")];
    lines.extend(rewrite.commits.iter().take(MAX_COMMITS).map(|(id, is_merge)| {
        let id = short_id(id);
        match is_merge {
            // A merge cannot be marked.
            true => format!("    {id}: insert a line `break` after `merge -C {id}`"),
            false => format!("    {id}: mark it as `edit`"),
        }
    }));
    if let Some(more @ 1..) = rewrite.commits.len().checked_sub(MAX_COMMITS) {
        lines.push(format!("    and {more} more that the findings name"));
    }
    if !is_current && branch.is_none() {
        lines.push(format!(
            "    This leaves HEAD detached; afterwards move {} to it, or push HEAD instead",
            shell_word(&pushed_ref.name)
        ));
    }
    lines
}

/// How to remove keys from the messages of annotated tags.
fn tag_commands(leaks: &[&Leak]) -> Vec<String> {
    let in_tag =
        |leak: &&&Leak| leak.findings.iter().any(|finding| finding.origin.surface == Surface::TagMessage);
    let names = leaks.iter().filter(in_tag).flat_map(|leak| &leak.reachability.refs_at_tip);
    let names = names.filter_map(|name| name.strip_prefix("refs/tags/"));
    names
        .map(|name| {
            format!(
                "  git tag -d {}    # then create the tag again without the key in its message",
                quoted(name)
            )
        })
        .collect()
}

/// `text` as one word for a shell, quoted if necessary.
fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte);
    if text.bytes().all(is_plain) { text.to_owned() } else { quoted(text) }
}

fn short_id(id: &ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}
