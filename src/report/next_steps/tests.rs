//! Tests of which steps follow from the facts about a leak.

use crate::model::{KeyVerdict, LeakStatus, RemoteSighting, StashEntry};

use super::leak_facts::{LeakFacts, PushState};
use super::{NextStep, steps};

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn stash(name: &str, digit: char) -> StashEntry {
    StashEntry { name: name.to_owned(), commit: digit.to_string().repeat(40) }
}

/// A project key at the tip of `main`, in `app.py`, that was not pushed.
fn present_key() -> LeakFacts {
    LeakFacts {
        branches: list(&["main"]),
        tip_paths: list(&["app.py"]),
        local_refs: list(&["main"]),
        is_committed: true,
        ..LeakFacts::sample()
    }
}

fn commands(facts: &LeakFacts) -> Vec<String> {
    steps(facts).into_iter().filter_map(|step| step.command).collect()
}

fn text(facts: &LeakFacts) -> String {
    steps(facts).into_iter().map(|NextStep { text, .. }| text).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_present_key_is_revoked_first_and_then_removed() {
    let expected = [
        "friskey verify",
        "friskey revoke --key 0123456789ab",
        "git add --update && friskey staged && git commit",
        "friskey purge --key 0123456789ab --into ../purged.git --report ../purged.json",
    ];
    assert_eq!(commands(&present_key()), expected);
    assert!(text(&present_key()).contains("Remove the key from app.py on main"), "{}", text(&present_key()));
}

#[test]
fn a_key_in_an_unpushed_last_commit_is_removed_by_amending() {
    let facts = LeakFacts { introduced_by_head: true, ..present_key() };
    let amend = "git add --update && friskey staged && git commit --amend";
    assert_eq!(commands(&facts), ["friskey verify", "friskey revoke --key 0123456789ab", amend]);
    let pushed = PushState::OnRemote { refs: list(&["origin/main"]), since: None };
    let facts = LeakFacts { introduced_by_head: true, push_state: pushed, ..present_key() };
    assert!(!commands(&facts).iter().any(|command| command.contains("--amend")));
}

#[test]
fn objects_of_a_repository_are_not_to_be_edited() {
    let file_paths = list(&["a.git/objects/8a/…", "objects/pack/pack-1.pack", "src/objects/data.py"]);
    let facts = LeakFacts { file_paths, branches: Vec::new(), tip_paths: Vec::new(), ..present_key() };
    let text = text(&facts);
    assert!(
        text.contains("a.git/objects/8a/… and objects/pack/pack-1.pack are objects of a git repository"),
        "{text}"
    );
    assert!(text.contains("Remove the key from src/objects/data.py, "), "{text}");
}

#[test]
fn a_removed_key_is_still_in_the_history() {
    let removed = LeakFacts {
        status: LeakStatus::Removed,
        branches: Vec::new(),
        tip_paths: Vec::new(),
        ..present_key()
    };
    assert!(!text(&removed).contains("Remove the key from"));
    assert!(text(&removed).contains("No remote-tracking ref leads to it"));
    let since =
        RemoteSighting { seconds: 1_700_000_000, name: "refs/remotes/origin/main".to_owned(), by_push: true };
    let pushed = PushState::OnRemote { refs: list(&["origin/main"]), since: Some(since) };
    let pushed = text(&LeakFacts { push_state: pushed, ..removed });
    assert!(pushed.contains("It was pushed on 2023-11-14; origin/main has it."), "{pushed}");
    assert!(pushed.contains("others may have fetched it"), "{pushed}");
}

#[test]
fn a_key_in_stashes_alone_is_dropped_by_commit() {
    let facts = LeakFacts {
        status: LeakStatus::Unreachable,
        is_unreachable: true,
        stashes: vec![stash("stash@{0}", 'a'), stash("stash@{10}", 'b')],
        ..LeakFacts::sample()
    };
    let commands = commands(&facts);
    let drop = |id: &str| {
        format!(
            "git stash drop \"stash@{{$(($(git stash list --format=%H | grep -n ^{id} | cut -d: -f1) - 1))}}\""
        )
    };
    assert_eq!(commands[2], format!("{} && {}", drop(&"a".repeat(40)), drop(&"b".repeat(40))));
    assert_eq!(commands[3], "git gc --prune=now");
    assert_eq!(commands.len(), 4);
}

#[test]
fn a_key_in_a_reflog_alone_is_expired() {
    let lost = LeakFacts { status: LeakStatus::Unreachable, is_unreachable: true, ..LeakFacts::sample() };
    let reflog = LeakFacts { reflogs: list(&["HEAD", "refs/heads/main"]), ..lost.clone() };
    assert_eq!(
        commands(&reflog)[2..],
        ["git reflog expire --expire=now HEAD refs/heads/main && git gc --prune=now"]
    );
    assert_eq!(commands(&lost)[2..], ["git gc --prune=now"]);
    let pseudo = LeakFacts { pseudo_refs: list(&["ORIG_HEAD"]), ..lost.clone() };
    let expected = ["git update-ref -d ORIG_HEAD", "git gc --prune=now"];
    assert_eq!(commands(&pseudo)[2..], expected);
    let fetched = LeakFacts { pseudo_refs: list(&["worktrees/w/FETCH_HEAD"]), ..lost };
    assert_eq!(
        commands(&fetched)[2],
        "rm \"$(git rev-parse --path-format=absolute --git-path worktrees/w/FETCH_HEAD)\""
    );
}

#[test]
fn a_staged_key_is_unstaged_and_needs_no_revocation_yet() {
    let facts = LeakFacts { staged_paths: list(&["my app.py"]), ..LeakFacts::sample() };
    assert_eq!(commands(&facts), ["git restore --staged -- ':/my app.py'", "friskey staged"]);
    assert!(text(&facts).contains("It is in no commit yet"));
    let committed = LeakFacts { staged_paths: list(&["my app.py"]), ..present_key() };
    assert_eq!(commands(&committed)[0], "friskey verify");
}

#[test]
fn a_live_key_is_revoked_at_once_and_a_dead_one_is_not() {
    let live = LeakFacts { verdict: Some(KeyVerdict::LiveRestricted), ..present_key() };
    assert_eq!(commands(&live)[0], "friskey revoke --key 0123456789ab");
    assert!(text(&live).starts_with("Revoke the key now: it works."));
    let dead = LeakFacts { verdict: Some(KeyVerdict::Dead), ..present_key() };
    assert!(text(&dead).starts_with("Nothing to revoke"));
    assert!(!commands(&dead).iter().any(|command| command.contains("revoke") || command.contains("verify")));
    let unknown = LeakFacts { verdict: Some(KeyVerdict::Unknown), ..present_key() };
    assert_eq!(commands(&unknown)[..2], commands(&present_key())[..2]);
    let deactivated = LeakFacts { verdict: Some(KeyVerdict::Deactivated), ..present_key() };
    assert_eq!(commands(&deactivated)[0], "friskey revoke --key 0123456789ab");
}

#[test]
fn a_repository_elsewhere_is_named_in_every_command() {
    let facts = LeakFacts {
        repository: "../it's here".to_owned(),
        stashes: vec![stash("stash@{0}", 'a')],
        ..present_key()
    };
    for command in commands(&facts) {
        assert!(command.contains("'../it'\\''s here'"), "{command}");
    }
    let hidden = LeakFacts { repository: "a\u{202e}b".to_owned(), ..present_key() };
    assert_eq!(commands(&hidden), Vec::<String>::new());
}

#[test]
fn one_purge_removes_all_keys_of_a_report() {
    let facts = LeakFacts { is_one_of_many: true, ..present_key() };
    assert_eq!(
        commands(&facts).last().unwrap(),
        "friskey purge --into ../purged.git --report ../purged.json"
    );
    assert!(text(&facts).contains("One run removes every key"), "{}", text(&facts));
}

#[test]
fn a_purge_is_written_beside_the_repository() {
    for (repository, depth, into) in [
        ("", 0, "../purged.git"),
        ("", 2, "../../../purged.git"),
        ("..", 0, "../../purged.git"),
        ("sub", 1, "sub/../../purged.git"),
        ("app.git", 0, "app-purged.git"),
    ] {
        let facts = LeakFacts { repository: repository.to_owned(), depth, ..present_key() };
        let command = commands(&facts).pop().unwrap();
        assert!(command.contains(&format!(" --into {into} --report ")), "{repository}, {depth}: {command}");
    }
}

#[test]
fn a_tag_may_be_at_the_remote_already() {
    let facts =
        LeakFacts { local_refs: list(&["main", "tag v1"]), introduced_by_head: true, ..present_key() };
    assert!(text(&facts).contains("`git ls-remote --tags`"), "{}", text(&facts));
    assert!(!commands(&facts).iter().any(|command| command.contains("--amend")));
}

#[test]
fn a_key_that_was_pushed_and_lost_is_not_called_private() {
    let pushed = PushState::OnRemote { refs: Vec::new(), since: None };
    let facts = LeakFacts {
        status: LeakStatus::Unreachable,
        is_unreachable: true,
        push_state: pushed,
        ..LeakFacts::sample()
    };
    let text = text(&facts);
    assert!(text.contains("others may have fetched it") && !text.contains("neither a push nor"), "{text}");
    assert!(!commands(&facts).iter().any(|command| command.contains("purge")));
}

#[test]
fn a_key_in_a_submodule_gets_no_steps_in_this_repository() {
    let facts = LeakFacts { is_in_submodules: true, ..present_key() };
    assert!(text(&facts).contains("Audit that repository by itself"));
    assert!(!commands(&facts).iter().any(|command| command.contains("purge") || command.contains("git ")));
}

#[test]
fn several_paths_may_not_all_have_the_key_at_the_tip() {
    let facts = LeakFacts { tip_paths: list(&["a.py", "b.py"]), ..present_key() };
    assert!(
        text(&facts).contains("Remove the key from a.py and b.py, wherever it still is on main"),
        "{}",
        text(&facts)
    );
}

#[test]
fn a_low_confidence_match_is_identified_first() {
    let facts = LeakFacts { is_doubtful: true, ..present_key() };
    assert!(text(&facts).starts_with("Find out whether this is one of your keys"));
    assert!(!text(&facts).contains("Revoke the key now"));
}
