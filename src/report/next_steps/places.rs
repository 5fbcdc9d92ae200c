//! The steps that take a key out of each kind of place.

use crate::model::{LeakStatus, RemoteSighting};
use crate::report::clock;

use super::state::{LeakState, Pushed};
use super::{MAX_NAMED, NextStep, shell};

/// Adds the steps for every kind of place that holds the key.
pub(super) fn clean(state: &LeakState, steps: &mut Vec<NextStep>) {
    files(state, steps);
    staged(state, steps);
    tips(state, steps);
    git_files(state, steps);
    history(state, steps);
    stashes(state, steps);
    lost(state, steps);
    reflog_text(state, steps);
}

fn files(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.in_files.is_empty() {
        return;
    }
    let names = named(&state.in_files);
    steps.push(NextStep::new(
        "remove",
        format!("Take it out of {names}, and load it from the environment or a secret manager instead."),
        None,
    ));
    if state.has_repository {
        let command = format!("friskey trace --fingerprint {}", state.fingerprint);
        steps.push(NextStep::new("trace", "Find out whether it was ever committed.", Some(command)));
    }
}

fn staged(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.staged.is_empty() {
        return;
    }
    let names = named(&state.staged);
    let command = state.git().zip(shell::pathspecs(&state.staged));
    let how = if state.has_head { "restore --staged" } else { "rm --cached" };
    steps.push(NextStep::new(
        "unstage",
        format!("Unstage {names} before you commit, and take the key out of the file."),
        command.map(|(git, paths)| format!("{git} {how} {paths}")),
    ));
}

/// The key at the tips of branches.
fn tips(state: &LeakState, steps: &mut Vec<NextStep>) {
    let Some(branch) = state.branches.first() else { return };
    if state.in_tips.is_empty() {
        return;
    }
    let more = match state.branches.len() - 1 {
        0 => String::new(),
        1 => " and another branch".to_owned(),
        n => format!(" and {n} other branches"),
    };
    let names = named(&state.in_tips);
    let text = format!(
        "Take it out of {names} on {branch}{more}, load it from the environment or a secret manager instead, and commit."
    );
    steps.push(NextStep::new("remove", text, commit_command(state, branch)));
}

/// The command that commits the cleaned files, after a look at them; none for a bare repository.
fn commit_command(state: &LeakState, branch: &str) -> Option<String> {
    if state.is_bare {
        return None;
    }
    let git = state.git()?;
    if state.head_branch.as_deref() != Some(branch) {
        return Some(format!("{git} switch {}", shell::quoted(branch)?));
    }
    match state.repository.is_empty() {
        true => Some("git add --update && friskey staged && git commit".to_owned()),
        false => Some(format!("{git} add --update && {git} commit")),
    }
}

fn git_files(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.git_files.is_empty() {
        return;
    }
    let names = named(&state.git_files);
    let text = format!("Take it out of {names}, which git does not share: other clones are not affected.");
    steps.push(NextStep::new("remove", text, None));
}

fn reflog_text(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.reflogs_with_text.is_empty() {
        return;
    }
    steps.push(NextStep::new(
        "expire reflogs",
        "Messages in reflogs of this clone hold it, usually the subject of a commit. Expire them last, since that ends \
         their undo history.",
        expire(state, &state.reflogs_with_text),
    ));
}

/// The key in commits that refs lead to.
fn history(state: &LeakState, steps: &mut Vec<NextStep>) {
    let in_history = !state.branches.is_empty() || !state.other_refs.is_empty();
    match &state.pushed {
        Pushed::OnRemote { refs, since } => {
            let text = format!(
                "{} Rewriting does not take back what others fetched; only if the history has to be clean as well, \
                 rewrite it afterwards, force-push every ref, and have the hosting service remove its copies.",
                pushed(refs, since.as_ref())
            );
            steps.push(NextStep::new("rewrite history", text, purge(state)));
        }
        Pushed::Served => steps.push(NextStep::new(
            "rewrite history",
            "Whoever can fetch from this repository may have it. Only if the history has to be clean as well, rewrite it \
             afterwards.",
            purge(state),
        )),
        Pushed::NotSeen if in_history => unpushed(state, steps),
        Pushed::NotSeen => {}
    }
}

/// How it is known that others may have it.
fn pushed(refs: &[String], since: Option<&RemoteSighting>) -> String {
    let day = |seen: &RemoteSighting| clock::utc(seen.seconds).chars().take(10).collect::<String>();
    match (refs, since) {
        ([], None) => "A remote had it.".to_owned(),
        ([], Some(seen)) if seen.by_push => format!("It was pushed on {}.", day(seen)),
        ([], Some(seen)) => format!("A remote had it on {}.", day(seen)),
        (_, None) => format!("It was pushed: {} has it.", named(refs)),
        (_, Some(seen)) if seen.by_push => format!("It was pushed on {}; {} has it.", day(seen), named(refs)),
        (_, Some(seen)) => format!("{} has it, at the latest since {}.", named(refs), day(seen)),
    }
}

/// The key in commits that no remote-tracking ref leads to.
fn unpushed(state: &LeakState, steps: &mut Vec<NextStep>) {
    let text = "No remote-tracking ref leads to it, so it may not have been pushed from here. Rewrite the commits before you \
                push them.";
    let is_last_commit = state.status == LeakStatus::Present && state.introduced_by_head;
    let command = match is_last_commit && !state.is_bare {
        true => state.git().map(|git| format!("{git} commit --amend")),
        false => purge(state),
    };
    steps.push(NextStep::new("rewrite history", text, command));
}

/// The command that writes a repository without the key.
fn purge(state: &LeakState) -> Option<String> {
    let repo = state.repository_argument()?;
    Some(format!("friskey purge{repo} --key {} --into clean.git", state.fingerprint))
}

fn stashes(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.stashes.is_empty() {
        return;
    }
    // The highest number first, since dropping one renumbers those above it.
    let mut numbered = state.stashes.clone();
    numbered.sort_by_key(|name| std::cmp::Reverse((name.len(), name.clone())));
    let drop = |name: &String| Some(format!("{} stash drop {}", state.git()?, shell::quoted(name)?));
    let drops: Option<Vec<String>> = numbered.iter().map(drop).collect();
    steps.push(NextStep::new(
        "drop stash",
        format!(
            "Only {} holds it; a stash is never pushed. Drop it, then remove the objects that it leaves behind.",
            named(&state.stashes)
        ),
        drops.map(|drops| drops.join(" && ")),
    ));
    steps.push(NextStep::new(
        "delete objects",
        "Remove what is left in the object database.",
        collect_garbage(state),
    ));
}

/// The key in objects to which no ref leads.
fn lost(state: &LeakState, steps: &mut Vec<NextStep>) {
    if !state.is_unreachable || !state.stashes.is_empty() {
        return;
    }
    for name in &state.pseudo_refs {
        let command = state.git().zip(shell::quoted(name));
        steps.push(NextStep::new(
            "delete objects",
            format!("{name}, which an earlier operation left behind, leads to it. Delete that."),
            command.map(|(git, name)| format!("{git} update-ref -d {name}")),
        ));
    }
    if state.reflogs.is_empty() {
        let text =
            "No ref and no reflog leads to it; neither a push nor a fetch passes it on. Remove the objects.";
        steps.push(NextStep::new("delete objects", text, collect_garbage(state)));
        return;
    }
    let text = "Only reflogs of this clone lead to it; neither a push nor a fetch passes it on. Expire these, which ends \
                their undo history, and remove the objects.";
    let command = expire(state, &state.reflogs).zip(collect_garbage(state));
    let command = command.map(|(expire, collect)| format!("{expire} && {collect}"));
    steps.push(NextStep::new("delete objects", text, command));
}

/// The command that empties reflogs. Not those of all refs: the stash is a reflog.
fn expire(state: &LeakState, reflogs: &[String]) -> Option<String> {
    let names: Option<Vec<String>> = reflogs.iter().map(|name| shell::quoted(name)).collect();
    Some(format!("{} reflog expire --expire=now {}", state.git()?, names?.join(" ")))
}

fn collect_garbage(state: &LeakState) -> Option<String> {
    state.git().map(|git| format!("{git} gc --prune=now"))
}

/// `a`, `a and b`, `a, b, c and 4 more`.
fn named(names: &[String]) -> String {
    match names {
        [] => "it".to_owned(),
        [one] => one.clone(),
        [most @ .., last] if names.len() <= MAX_NAMED => format!("{} and {last}", most.join(", ")),
        all => format!("{} and {} more", all[..MAX_NAMED].join(", "), all.len() - MAX_NAMED),
    }
}
