//! The steps that take a key out of each kind of place.

use crate::model::{LeakStatus, RemoteSighting, StashEntry};
use crate::report::clock;

use super::state::{LeakState, Pushed};
use super::{MAX_NAMED, NextStep, shell};

/// What `gc --prune=now` does.
const FOR_GOOD: &str = "permanently deletes everything that no ref or reflog reaches";

/// Adds the steps for every kind of place that holds the key.
pub(super) fn clean(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.is_in_submodules {
        let text = "It is in the repository of a submodule, not in this one: the commits and refs named here are the submodule's. \
                    Audit that repository by itself, and follow the steps that it gets.";
        steps.push(NextStep::new("audit submodule", text, None));
        return;
    }
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
        let command = state.inside(&format!("friskey trace --fingerprint {}", state.fingerprint));
        steps.push(NextStep::new("trace", "Find out whether it was ever committed.", command));
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
    // If a key was at several paths, some of them may be from the past.
    let where_left = match state.in_tips.len() {
        1 => format!("{names} on {branch}{more}"),
        _ => format!("{names}, wherever it still is on {branch}{more}"),
    };
    let text = format!(
        "Take it out of {where_left}; load it from the environment or a secret manager instead, and commit."
    );
    let (is_here, command) = commit_command(state, branch);
    let before = match is_here {
        true => format!("take it out of {where_left}, then"),
        false => format!("check out {branch}, take it out of {names}, and commit"),
    };
    steps.push(NextStep::new("remove", text, command).but(before));
}

/// Whether the branch is checked out, and the command that checks and commits the cleaned files, or else the one that
/// checks the branch out. No command for a bare repository.
fn commit_command(state: &LeakState, branch: &str) -> (bool, Option<String>) {
    let is_here = state.head_branch.as_deref() == Some(branch);
    if state.is_bare {
        return (is_here, None);
    }
    let command = match is_here {
        true => state.inside("git add --update && friskey staged && git commit"),
        false => state.git().zip(shell::quoted(branch)).map(|(git, branch)| format!("{git} switch {branch}")),
    };
    (is_here, command)
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
    )
    .but("last, since it ends their undo history"));
}

/// The key in commits that refs reach.
fn history(state: &LeakState, steps: &mut Vec<NextStep>) {
    let in_history = !state.branches.is_empty() || !state.other_refs.is_empty();
    match &state.pushed {
        Pushed::OnRemote { refs, since } if !in_history && refs.is_empty() => {
            let text = format!(
                "{} No ref of this clone leads to it any more, but whoever fetched it has it, and the hosting service may \
                 keep a copy: ask it to remove unreferenced commits.",
                pushed(refs, since.as_ref())
            );
            steps.push(NextStep::new("ask the host", text, None));
        }
        Pushed::OnRemote { refs, since } => {
            let text = format!(
                "{} Rewriting does not take back what others fetched; only if the history has to be clean as well, \
                 rewrite it afterwards, force-push every ref, and have the hosting service remove its copies.{}",
                pushed(refs, since.as_ref()),
                for_all(state)
            );
            let before = "only if the history must be clean as well, and after revoking; force-push every ref afterwards";
            steps.push(NextStep::new("rewrite history", text, purge(state)).but(before));
        }
        Pushed::Served => steps.push(NextStep::new(
            "rewrite history",
            format!(
                "Whoever can fetch from this repository may have it. Only if the history has to be clean as well, rewrite \
                 it afterwards.{}",
                for_all(state)
            ),
            purge(state),
        )
        .but("only if the history must be clean as well, and after revoking")),
        Pushed::NotSeen if in_history => unpushed(state, steps),
        Pushed::NotSeen => {}
    }
}

/// Why others may have it.
fn pushed(refs: &[String], since: Option<&RemoteSighting>) -> String {
    let have = if refs.len() == 1 { "has" } else { "have" };
    let day = |seen: &RemoteSighting| clock::utc(seen.seconds).chars().take(10).collect::<String>();
    match (refs, since) {
        ([], None) => "A remote had it.".to_owned(),
        ([], Some(seen)) if seen.by_push => format!("It was pushed on {}.", day(seen)),
        ([], Some(seen)) => format!("A remote had it on {}.", day(seen)),
        (_, None) => format!("It was pushed: {} {have} it.", named(refs)),
        (_, Some(seen)) if seen.by_push => {
            format!("It was pushed on {}; {} {have} it.", day(seen), named(refs))
        }
        (_, Some(seen)) => format!("{} {have} it, at the latest since {}.", named(refs), day(seen)),
    }
}

/// The key in commits that no remote-tracking ref reaches.
fn unpushed(state: &LeakState, steps: &mut Vec<NextStep>) {
    let is_tagged = state.other_refs.iter().any(|name| name.starts_with("tag "));
    let text = match is_tagged {
        false => {
            "No remote-tracking ref leads to it, so it may not have been pushed from here. Rewrite the commits before you \
             push them."
        }
        true => {
            "No remote-tracking ref leads to it, but a tag does, and git does not record which tags came from a remote or \
             were pushed: `git ls-remote --tags` shows those of the remote. If the tag is there, treat the key as public."
        }
    };
    let text = format!("{text}{}", for_all(state));
    let is_last_commit = state.status == LeakStatus::Present && state.introduced_by_head;
    let (before, command) = match is_last_commit && !state.is_bare && !is_tagged {
        true => ("once it is out of the files", state.git().map(|git| format!("{git} commit --amend"))),
        false if is_tagged => ("check whether the remote has the tag; before you push it", purge(state)),
        false => ("before you push it", purge(state)),
    };
    steps.push(NextStep::new("rewrite history", text, command).but(before));
}

/// The command that writes a repository without the key.
fn purge(state: &LeakState) -> Option<String> {
    let repo = state.repository_argument()?;
    let key = match state.is_one_of_many {
        // Purging one key at a time would give several repositories, each with the other keys.
        true => String::new(),
        false => format!(" --key {}", state.fingerprint),
    };
    // Next to the repository, since a purge writes nothing into it.
    let up = "../".repeat(state.depth + 1);
    let beside = match state.repository.trim_end_matches('/') {
        "" => format!("{up}purged"),
        path if path.ends_with('.') || state.depth > 0 => format!("{path}/{up}purged"),
        path => format!("{}-purged", path.strip_suffix(".git").unwrap_or(path)),
    };
    let (into, report) =
        (shell::quoted(&format!("{beside}.git"))?, shell::quoted(&format!("{beside}.json"))?);
    Some(format!("friskey purge{repo}{key} --into {into} --report {report}"))
}

/// A hint about purges for reports with several leaks. Starts with a space.
fn for_all(state: &LeakState) -> &'static str {
    if state.is_one_of_many { " One run removes every key of this report." } else { "" }
}

fn stashes(state: &LeakState, steps: &mut Vec<NextStep>) {
    if state.stashes.is_empty() {
        return;
    }
    // Selected by commit: dropping an entry renumbers the others, which steps of other leaks may refer to.
    let drop = |entry: &StashEntry| {
        let (git, commit) = (state.git()?, shell::quoted(&entry.commit)?);
        let number = format!("$({git} stash list --format=%H | grep -n ^{commit} | cut -d: -f1)");
        Some(format!("{git} stash drop \"stash@{{$(({number} - 1))}}\""))
    };
    let drops: Option<Vec<String>> = state.stashes.iter().map(drop).collect();
    let names: Vec<String> = state.stashes.iter().map(|entry| entry.name.clone()).collect();
    steps.push(NextStep::new(
        "drop stash",
        format!(
            "Only {} {}; a stash is never pushed. Drop it, then remove the objects that it leaves behind.",
            named(&names),
            if names.len() == 1 { "has it" } else { "have it" }
        ),
        drops.map(|drops| drops.join(" && ")),
    )
    .but(format!("what is in {}", named(&names))));
    steps.push(NextStep::new(
        "delete objects",
        "Remove what is left in the object database, together with everything else that no ref and no reflog leads to.",
        collect_garbage(state),
    )
    .but(FOR_GOOD));
}

/// The key in objects that no ref reaches.
fn lost(state: &LeakState, steps: &mut Vec<NextStep>) {
    if !state.is_unreachable || !state.stashes.is_empty() {
        return;
    }
    let is_private = state.pushed == Pushed::NotSeen;
    for name in &state.pseudo_refs {
        steps.push(NextStep::new(
            "delete objects",
            format!("{name}, which an earlier operation left behind, leads to it. Delete that."),
            delete_pseudo_ref(state, name),
        ));
    }
    if state.reflogs.is_empty() {
        let text = format!(
            "No ref and no reflog leads to it{}. Remove the objects, together with all others of that kind.",
            if is_private { "; neither a push nor a fetch passes it on" } else { "" }
        );
        steps.push(NextStep::new("delete objects", text, collect_garbage(state)).but(FOR_GOOD));
        return;
    }
    let text = format!(
        "In this clone only reflogs lead to it{}. Expire these, which ends their undo history, and remove the objects.",
        if is_private { "; neither a push nor a fetch passes it on" } else { "" }
    );
    let command = expire(state, &state.reflogs).zip(collect_garbage(state));
    let command = command.map(|(expire, collect)| format!("{expire} && {collect}"));
    let before =
        "ends the undo history of these reflogs; permanently deletes everything that nothing reaches";
    steps.push(NextStep::new("delete objects", text, command).but(before));
}

/// git refuses to delete some pseudorefs, which are files in its directory.
fn delete_pseudo_ref(state: &LeakState, name: &str) -> Option<String> {
    let (git, quoted) = (state.git()?, shell::quoted(name)?);
    match name.contains('/') || ["FETCH_HEAD", "MERGE_HEAD"].contains(&name) {
        true => Some(format!("rm \"$({git} rev-parse --path-format=absolute --git-path {quoted})\"")),
        false => Some(format!("{git} update-ref -d {quoted}")),
    }
}

/// The command that empties these reflogs, not all, since the stash is a reflog.
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
