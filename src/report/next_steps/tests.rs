//! Tests of the steps for each state of a leak.

use crate::model::{KeyVerdict, LeakStatus, RemoteSighting, StashEntry};

use super::state::{LeakState, PushState};
use super::{NextStep, steps};

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn stash(name: &str, digit: char) -> StashEntry {
    StashEntry { name: name.to_owned(), commit: digit.to_string().repeat(40) }
}

/// A project key at the tip of `main`, in `app.py`, that was not pushed.
fn present() -> LeakState {
    LeakState {
        branches: list(&["main"]),
        tip_paths: list(&["app.py"]),
        local_refs: list(&["main"]),
        is_committed: true,
        ..LeakState::sample()
    }
}

fn commands(state: &LeakState) -> Vec<String> {
    steps(state).into_iter().filter_map(|step| step.command).collect()
}

fn text(state: &LeakState) -> String {
    steps(state).into_iter().map(|NextStep { text, .. }| text).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_present_key_is_revoked_first_and_then_taken_out() {
    let expected = [
        "friskey verify",
        "friskey revoke --key 0123456789ab",
        "git add --update && friskey staged && git commit",
        "friskey purge --key 0123456789ab --into ../purged.git --report ../purged.json",
    ];
    assert_eq!(commands(&present()), expected);
    assert!(text(&present()).contains("Remove the key from app.py on main"), "{}", text(&present()));
}

#[test]
fn a_key_of_the_last_commit_that_was_not_pushed_is_amended_away() {
    let state = LeakState { introduced_by_head: true, ..present() };
    assert_eq!(commands(&state).last().unwrap(), "git commit --amend");
    let pushed = PushState::OnRemote { refs: list(&["origin/main"]), since: None };
    let state = LeakState { introduced_by_head: true, push_state: pushed, ..present() };
    assert!(!commands(&state).contains(&"git commit --amend".to_owned()));
}

#[test]
fn a_removed_key_is_still_in_the_history() {
    let removed =
        LeakState { status: LeakStatus::Removed, branches: Vec::new(), tip_paths: Vec::new(), ..present() };
    assert!(!text(&removed).contains("Remove the key from"));
    assert!(text(&removed).contains("No remote-tracking ref leads to it"));
    let since =
        RemoteSighting { seconds: 1_700_000_000, name: "refs/remotes/origin/main".to_owned(), by_push: true };
    let pushed = PushState::OnRemote { refs: list(&["origin/main"]), since: Some(since) };
    let pushed = text(&LeakState { push_state: pushed, ..removed });
    assert!(pushed.contains("It was pushed on 2023-11-14; origin/main has it."), "{pushed}");
    assert!(pushed.contains("others may have fetched it"), "{pushed}");
}

#[test]
fn a_key_in_stashes_alone_is_dropped_by_commit() {
    let state = LeakState {
        status: LeakStatus::Unreachable,
        is_unreachable: true,
        stashes: vec![stash("stash@{0}", 'a'), stash("stash@{10}", 'b')],
        ..LeakState::sample()
    };
    let commands = commands(&state);
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
    let lost = LeakState { status: LeakStatus::Unreachable, is_unreachable: true, ..LeakState::sample() };
    let reflog = LeakState { reflogs: list(&["HEAD", "refs/heads/main"]), ..lost.clone() };
    assert_eq!(
        commands(&reflog)[2..],
        ["git reflog expire --expire=now HEAD refs/heads/main && git gc --prune=now"]
    );
    assert_eq!(commands(&lost)[2..], ["git gc --prune=now"]);
    let pseudo = LeakState { pseudo_refs: list(&["ORIG_HEAD"]), ..lost.clone() };
    let expected = ["git update-ref -d ORIG_HEAD", "git gc --prune=now"];
    assert_eq!(commands(&pseudo)[2..], expected);
    let fetched = LeakState { pseudo_refs: list(&["worktrees/w/FETCH_HEAD"]), ..lost };
    assert_eq!(
        commands(&fetched)[2],
        "rm \"$(git rev-parse --path-format=absolute --git-path worktrees/w/FETCH_HEAD)\""
    );
}

#[test]
fn a_staged_key_is_unstaged_and_needs_no_revocation_yet() {
    let state = LeakState { staged_paths: list(&["my app.py"]), ..LeakState::sample() };
    assert_eq!(commands(&state), ["git restore --staged -- ':/my app.py'", "friskey staged"]);
    assert!(text(&state).contains("It is in no commit yet"));
    let committed = LeakState { staged_paths: list(&["my app.py"]), ..present() };
    assert_eq!(commands(&committed)[0], "friskey verify");
}

#[test]
fn a_live_key_is_revoked_at_once_and_a_dead_one_is_not() {
    let live = LeakState { verdict: Some(KeyVerdict::LiveRestricted), ..present() };
    assert_eq!(commands(&live)[0], "friskey revoke --key 0123456789ab");
    assert!(text(&live).starts_with("Revoke the key now: it works."));
    let dead = LeakState { verdict: Some(KeyVerdict::Dead), ..present() };
    assert!(text(&dead).starts_with("Nothing to revoke"));
    assert!(!commands(&dead).iter().any(|command| command.contains("revoke") || command.contains("verify")));
    let unknown = LeakState { verdict: Some(KeyVerdict::Unknown), ..present() };
    assert_eq!(commands(&unknown)[..2], commands(&present())[..2]);
    let deactivated = LeakState { verdict: Some(KeyVerdict::Deactivated), ..present() };
    assert_eq!(commands(&deactivated)[0], "friskey revoke --key 0123456789ab");
}

#[test]
fn a_repository_elsewhere_is_named_in_every_command() {
    let state = LeakState {
        repository: "../it's here".to_owned(),
        stashes: vec![stash("stash@{0}", 'a')],
        ..present()
    };
    for command in commands(&state) {
        assert!(command.contains("'../it'\\''s here'"), "{command}");
    }
    let hidden = LeakState { repository: "a\u{202e}b".to_owned(), ..present() };
    assert_eq!(commands(&hidden), Vec::<String>::new());
}

#[test]
fn one_purge_is_for_all_keys_of_a_report() {
    let state = LeakState { is_one_of_many: true, ..present() };
    assert_eq!(
        commands(&state).last().unwrap(),
        "friskey purge --into ../purged.git --report ../purged.json"
    );
    assert!(text(&state).contains("One run removes every key"), "{}", text(&state));
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
        let state = LeakState { repository: repository.to_owned(), depth, ..present() };
        let command = commands(&state).pop().unwrap();
        assert!(command.contains(&format!(" --into {into} --report ")), "{repository}, {depth}: {command}");
    }
}

#[test]
fn a_tag_may_be_at_the_remote_already() {
    let state = LeakState { local_refs: list(&["main", "tag v1"]), introduced_by_head: true, ..present() };
    assert!(text(&state).contains("`git ls-remote --tags`"), "{}", text(&state));
    assert!(!commands(&state).contains(&"git commit --amend".to_owned()));
}

#[test]
fn a_key_that_was_pushed_and_lost_is_not_called_private() {
    let pushed = PushState::OnRemote { refs: Vec::new(), since: None };
    let state = LeakState {
        status: LeakStatus::Unreachable,
        is_unreachable: true,
        push_state: pushed,
        ..LeakState::sample()
    };
    let text = text(&state);
    assert!(text.contains("others may have fetched it") && !text.contains("neither a push nor"), "{text}");
    assert!(!commands(&state).iter().any(|command| command.contains("purge")));
}

#[test]
fn a_key_in_a_submodule_is_not_looked_for_here() {
    let state = LeakState { is_in_submodules: true, ..present() };
    assert!(text(&state).contains("Audit that repository by itself"));
    assert!(!commands(&state).iter().any(|command| command.contains("purge") || command.contains("git ")));
}

#[test]
fn several_paths_may_not_all_have_the_key_at_the_tip() {
    let state = LeakState { tip_paths: list(&["a.py", "b.py"]), ..present() };
    assert!(
        text(&state).contains("Remove the key from a.py and b.py, wherever it still is on main"),
        "{}",
        text(&state)
    );
}

#[test]
fn a_doubtful_match_is_looked_into_first() {
    let state = LeakState { is_doubtful: true, ..present() };
    assert!(text(&state).starts_with("Find out whether this is one of your keys"));
    assert!(!text(&state).contains("Revoke the key now"));
}
