//! The steps that remove a key from each kind of place.

use crate::model::{LeakStatus, RemoteSighting, StashEntry};
use crate::report::clock;

use super::leak_facts::{LeakFacts, PushState};
use super::{MAX_NAMED, NextStep, shell};

/// What to know before `gc --prune=now`.
const GC_CAVEAT: &str = "permanently deletes everything that no ref or reflog reaches";

/// Adds the steps for every kind of place where the key is.
pub(super) fn add_removal_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if facts.is_in_submodules {
        let text = "It is in the repository of a submodule, not in this one: the commits and refs named here are the submodule's. \
                    Audit that repository by itself, and follow the steps that it gets.";
        steps.push(NextStep::new("audit submodule", text, None));
        return;
    }
    add_file_steps(facts, steps);
    add_staged_steps(facts, steps);
    add_tip_steps(facts, steps);
    add_git_file_steps(facts, steps);
    add_history_steps(facts, steps);
    add_stash_steps(facts, steps);
    add_unreachable_steps(facts, steps);
    add_reflog_steps(facts, steps);
}

fn add_file_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if facts.file_paths.is_empty() {
        return;
    }
    let (objects, files): (Vec<String>, Vec<String>) =
        facts.file_paths.iter().cloned().partition(|path| is_in_object_directory(path));
    if !objects.is_empty() {
        let text = format!(
            "{} of a git repository: do not edit it. `friskey history` on that repository finds the commits with the key.",
            if objects.len() == 1 {
                format!("{} is an object", objects[0])
            } else {
                format!("{} are objects", list_names(&objects))
            }
        );
        steps.push(NextStep::new("audit", text, None));
    }
    if files.is_empty() {
        return;
    }
    let names = list_names(&files);
    steps.push(NextStep::new(
        "remove",
        format!("Remove the key from {names}, and load it from the environment or a secret manager instead."),
        None,
    ));
    if facts.has_repository {
        let command =
            facts.command_in_repository(&format!("friskey trace --fingerprint {}", facts.fingerprint));
        steps.push(NextStep::new("trace", "Find out whether it was ever committed.", command));
    }
}

fn add_staged_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if facts.staged_paths.is_empty() {
        return;
    }
    let names = list_names(&facts.staged_paths);
    let command = facts.git_command().zip(shell::pathspecs(&facts.staged_paths));
    let subcommand = if facts.has_head { "restore --staged" } else { "rm --cached" };
    steps.push(NextStep::new(
        "unstage",
        format!("Unstage {names} before you commit, and remove the key from the file."),
        command.map(|(git, paths)| format!("{git} {subcommand} {paths}")),
    ));
}

/// Adds the steps for files at the tips of branches.
fn add_tip_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    let Some(branch) = facts.branches.first() else { return };
    if facts.tip_paths.is_empty() {
        return;
    }
    let other_branches = match facts.branches.len() - 1 {
        0 => String::new(),
        1 => " and another branch".to_owned(),
        n => format!(" and {n} other branches"),
    };
    let names = list_names(&facts.tip_paths);
    // If a key was at several paths, some of them may be from the past.
    let places = match facts.tip_paths.len() {
        1 => format!("{names} on {branch}{other_branches}"),
        _ => format!("{names}, wherever it still is on {branch}{other_branches}"),
    };
    let (is_checked_out, command) = commit_command(facts, branch);
    let commit = match can_amend(facts) {
        true => "amend the last commit, which added it: it may not have been pushed from here",
        false => "commit",
    };
    let text = format!(
        "Remove the key from {places}; load it from the environment or a secret manager instead, and {commit}."
    );
    let caveat = match is_checked_out {
        true => format!("remove the key from {places}, then"),
        false => format!("check out {branch}, remove the key from {names}, and commit"),
    };
    steps.push(NextStep::new("remove", text, command).with_caveat(caveat));
}

/// Whether the branch is checked out, and a command: if it is, the one that commits the files once the key is removed from
/// them, and otherwise the one that checks the branch out. There is no command for a bare repository.
fn commit_command(facts: &LeakFacts, branch: &str) -> (bool, Option<String>) {
    let is_checked_out = facts.head_branch.as_deref() == Some(branch);
    if facts.is_bare {
        return (is_checked_out, None);
    }
    let command = match is_checked_out {
        true if can_amend(facts) => {
            facts.command_in_repository("git add --update && friskey staged && git commit --amend")
        }
        true => facts.command_in_repository("git add --update && friskey staged && git commit"),
        false => facts
            .git_command()
            .zip(shell::quote(branch))
            .map(|(git, branch)| format!("{git} switch {branch}")),
    };
    (is_checked_out, command)
}

/// Whether the key is gone once it is removed from the files and the last commit is amended, as far as this repository shows:
/// that commit added it, it is checked out, and neither a remote-tracking ref nor a tag leads to it.
fn can_amend(facts: &LeakFacts) -> bool {
    facts.status == LeakStatus::Present
        && facts.introduced_by_head
        && !facts.is_bare
        && matches!(facts.push_state, PushState::NotSeen)
        && !is_tagged(facts)
        && facts.branches.len() == 1
        && facts.head_branch.as_ref() == facts.branches.first()
        && !facts.tip_paths.is_empty()
}

fn is_tagged(facts: &LeakFacts) -> bool {
    facts.local_refs.iter().any(|name| name.starts_with("tag "))
}

/// Whether the file is an object or pack of a git repository, by its path.
fn is_in_object_directory(path: &str) -> bool {
    let is_loose_dir = |name: &str| name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut components = path.split('/').skip_while(|name| *name != "objects").skip(1);
    let has_objects = components.next().is_some_and(|name| name == "pack" || is_loose_dir(name));
    has_objects && components.next().is_some()
}

fn add_git_file_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if facts.git_files.is_empty() {
        return;
    }
    let names = list_names(&facts.git_files);
    let text = format!(
        "Remove the key from {names}. git does not share such files, so other clones are not affected."
    );
    steps.push(NextStep::new("remove", text, None));
}

fn add_reflog_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if facts.reflogs_with_key.is_empty() {
        return;
    }
    steps.push(NextStep::new(
        "expire reflogs",
        "Messages in reflogs of this clone contain the key, usually in the subject of a commit. Expire these reflogs last, \
         since that ends their undo history.",
        expire_command(facts, &facts.reflogs_with_key),
    )
    .with_caveat("last, since it ends their undo history"));
}

/// Adds the steps for commits that refs reach.
fn add_history_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    let in_history = !facts.branches.is_empty() || !facts.local_refs.is_empty();
    match &facts.push_state {
        PushState::OnRemote { refs, since } if !in_history && refs.is_empty() => {
            let text = format!(
                "{} No ref of this clone leads to the key any more, but others may have fetched it, and the hosting service \
                 may keep a copy: ask the service to remove unreferenced commits.",
                describe_push(refs, since.as_ref())
            );
            steps.push(NextStep::new("ask the host", text, None));
        }
        PushState::OnRemote { refs, since } => {
            let text = format!(
                "{} Rewriting does not take back what others fetched; only if the history has to be clean as well, \
                 rewrite it afterwards, force-push every ref, and have the hosting service remove its copies.{}",
                describe_push(refs, since.as_ref()),
                purge_hint(facts)
            );
            let caveat = "only if the history must be clean as well, and after revoking; force-push every ref afterwards";
            steps.push(NextStep::new("rewrite history", text, purge_command(facts)).with_caveat(caveat));
        }
        PushState::Served => steps.push(NextStep::new(
            "rewrite history",
            format!(
                "Whoever can fetch from this repository may have it. Only if the history has to be clean as well, rewrite \
                 it afterwards.{}",
                purge_hint(facts)
            ),
            purge_command(facts),
        )
        .with_caveat("only if the history must be clean as well, and after revoking")),
        PushState::NotSeen if in_history => add_unpushed_steps(facts, steps),
        PushState::NotSeen => {}
    }
}

/// A sentence about why others may have the key: when it was pushed, and the remote-tracking refs that reach it.
fn describe_push(refs: &[String], since: Option<&RemoteSighting>) -> String {
    let have = if refs.len() == 1 { "has" } else { "have" };
    let day = |sighting: &RemoteSighting| clock::utc(sighting.seconds).chars().take(10).collect::<String>();
    match (refs, since) {
        ([], None) => "A remote had it.".to_owned(),
        ([], Some(sighting)) if sighting.by_push => format!("It was pushed on {}.", day(sighting)),
        ([], Some(sighting)) => format!("A remote had it on {}.", day(sighting)),
        (_, None) => format!("It was pushed: {} {have} it.", list_names(refs)),
        (_, Some(sighting)) if sighting.by_push => {
            format!("It was pushed on {}; {} {have} it.", day(sighting), list_names(refs))
        }
        (_, Some(sighting)) => {
            format!("{} {have} it, at the latest since {}.", list_names(refs), day(sighting))
        }
    }
}

/// Adds the steps for commits that no remote-tracking ref reaches.
fn add_unpushed_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if can_amend(facts) {
        return; // The step that removes the key from the files does it.
    }
    let is_tagged = is_tagged(facts);
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
    let text = format!("{text}{}", purge_hint(facts));
    let is_last_commit = facts.status == LeakStatus::Present && facts.introduced_by_head;
    let (caveat, command) = match is_last_commit && !facts.is_bare && !is_tagged {
        true => {
            ("once it is out of the files", facts.git_command().map(|git| format!("{git} commit --amend")))
        }
        false if is_tagged => {
            ("before you push it, unless the remote already has the tag", purge_command(facts))
        }
        false => ("before you push it", purge_command(facts)),
    };
    steps.push(NextStep::new("rewrite history", text, command).with_caveat(caveat));
}

/// The command that writes a repository without the key.
fn purge_command(facts: &LeakFacts) -> Option<String> {
    let repo = facts.repository_argument()?;
    let key = match facts.is_one_of_many {
        // Purging one key at a time would give several repositories, each with the other keys.
        true => String::new(),
        false => format!(" --key {}", facts.fingerprint),
    };
    // Next to the repository, since a purge writes nothing into it.
    let up = "../".repeat(facts.depth + 1);
    let stem = match facts.repository.trim_end_matches('/') {
        "" => format!("{up}purged"),
        path if path.ends_with('.') || facts.depth > 0 => format!("{path}/{up}purged"),
        path => format!("{}-purged", path.strip_suffix(".git").unwrap_or(path)),
    };
    let (destination, report) =
        (shell::quote(&format!("{stem}.git"))?, shell::quote(&format!("{stem}.json"))?);
    Some(format!("friskey purge{repo}{key} --into {destination} --report {report}"))
}

/// A sentence about the purge command of a report with several leaks, with a space before it; otherwise empty.
fn purge_hint(facts: &LeakFacts) -> &'static str {
    if facts.is_one_of_many { " One run removes every key of this report." } else { "" }
}

fn add_stash_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if facts.stashes.is_empty() {
        return;
    }
    // The command finds the entry by its commit, because dropping an entry renumbers the others, and the steps of other
    // leaks may name those.
    let drop = |entry: &StashEntry| {
        let (git, commit) = (facts.git_command()?, shell::quote(&entry.commit)?);
        let number = format!("$({git} stash list --format=%H | grep -n ^{commit} | cut -d: -f1)");
        Some(format!("{git} stash drop \"stash@{{$(({number} - 1))}}\""))
    };
    let drops: Option<Vec<String>> = facts.stashes.iter().map(drop).collect();
    let names: Vec<String> = facts.stashes.iter().map(|entry| entry.name.clone()).collect();
    steps.push(NextStep::new(
        "drop stash",
        format!(
            "Only {} {} the key; a stash is never pushed. Drop it, then delete the objects that it leaves behind.",
            list_names(&names),
            if names.len() == 1 { "contains" } else { "contain" }
        ),
        drops.map(|drops| drops.join(" && ")),
    )
    .with_caveat(format!("what is in {}", list_names(&names))));
    steps.push(NextStep::new(
        "delete objects",
        "Remove what is left in the object database, together with everything else that no ref and no reflog leads to.",
        gc_command(facts),
    )
    .with_caveat(GC_CAVEAT));
}

/// Adds the steps for objects that no ref reaches.
fn add_unreachable_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    if !facts.is_unreachable || !facts.stashes.is_empty() {
        return;
    }
    let is_private = facts.push_state == PushState::NotSeen;
    for name in &facts.pseudo_refs {
        steps.push(NextStep::new(
            "delete objects",
            format!("{name}, left over from an earlier operation, leads to the key. Delete it."),
            delete_pseudo_ref(facts, name),
        ));
    }
    if facts.reflogs.is_empty() {
        let text = format!(
            "No ref or reflog leads to the key{}. Delete its objects, together with all others that nothing reaches.",
            if is_private { "; neither a push nor a fetch passes it on" } else { "" }
        );
        steps.push(NextStep::new("delete objects", text, gc_command(facts)).with_caveat(GC_CAVEAT));
        return;
    }
    let text = format!(
        "In this clone, only reflogs lead to the key{}. Expire them, which ends their undo history, and delete the objects.",
        if is_private { "; neither a push nor a fetch passes it on" } else { "" }
    );
    let command = expire_command(facts, &facts.reflogs).zip(gc_command(facts));
    let command = command.map(|(expire, collect)| format!("{expire} && {collect}"));
    let caveat =
        "ends the undo history of these reflogs; permanently deletes everything that nothing reaches";
    steps.push(NextStep::new("delete objects", text, command).with_caveat(caveat));
}

/// The command that deletes a pseudoref. git refuses to delete some of them, so their files are deleted instead.
fn delete_pseudo_ref(facts: &LeakFacts, name: &str) -> Option<String> {
    let (git, quoted) = (facts.git_command()?, shell::quote(name)?);
    match name.contains('/') || ["FETCH_HEAD", "MERGE_HEAD"].contains(&name) {
        true => Some(format!("rm \"$({git} rev-parse --path-format=absolute --git-path {quoted})\"")),
        false => Some(format!("{git} update-ref -d {quoted}")),
    }
}

/// The command that empties these reflogs. `--all` would also empty the reflog that contains the stash entries.
fn expire_command(facts: &LeakFacts, reflogs: &[String]) -> Option<String> {
    let names: Option<Vec<String>> = reflogs.iter().map(|name| shell::quote(name)).collect();
    Some(format!("{} reflog expire --expire=now {}", facts.git_command()?, names?.join(" ")))
}

fn gc_command(facts: &LeakFacts) -> Option<String> {
    facts.git_command().map(|git| format!("{git} gc --prune=now"))
}

/// `a`, `a and b`, `a, b, c and 4 more`.
fn list_names(names: &[String]) -> String {
    match names {
        [] => "it".to_owned(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= MAX_NAMED => format!("{} and {last}", first.join(", ")),
        all => format!("{} and {} more", all[..MAX_NAMED].join(", "), all.len() - MAX_NAMED),
    }
}
