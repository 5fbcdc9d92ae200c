//! Tests the next steps of reports: runs their commands, and checks that the key is gone afterwards.

use serde_json::Value;

use crate::support::{Scratch, key, leak, report, run};

/// The next steps for a key in a report: the action and the command of each.
pub(crate) fn next_steps(report: &Value, key: &str) -> Vec<(String, String)> {
    let steps = leak(report, key).unwrap()["next_steps"].as_array().unwrap().iter();
    let text = |step: &Value, field: &str| step[field].as_str().unwrap_or_default().to_owned();
    steps.map(|step| (text(step, "action"), text(step, "command"))).collect()
}

/// The report about the history of `r`.
pub(crate) fn history(scratch: &Scratch) -> Value {
    report(&scratch.friskey("r", &["history", "--format", "json"]))
}

/// Runs those of the commands that start git, in a shell.
fn run_git_commands(scratch: &Scratch, steps: &[(String, String)]) {
    for (_, command) in steps.iter().filter(|(_, command)| command.starts_with("git ")) {
        let output = run(scratch.command("sh", "r").args(["-c", command]), b"");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn actions(steps: &[(String, String)]) -> Vec<&str> {
    steps.iter().map(|(action, _)| action.as_str()).collect()
}

/// Asserts that these are the actions for key 1, and that the history is clean after their commands.
fn assert_steps_remove_key(scratch: &Scratch, expected_actions: &[&str]) {
    let steps = next_steps(&history(scratch), &key(1));
    assert_eq!(actions(&steps), expected_actions);
    run_git_commands(scratch, &steps);
    assert_eq!(scratch.friskey("r", &["history"]).status.code(), Some(0));
}

#[test]
fn a_key_in_stashes_alone_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for text in ["first", "second"] {
        scratch.write("r/README", format!("{text} {}", key(1)));
        scratch.git("r", &["stash"]);
    }
    scratch.write("r/README", "nothing");
    scratch.git("r", &["stash"]);
    assert_steps_remove_key(&scratch, &["verify", "revoke", "drop stash", "delete objects"]);
    assert!(scratch.git("r", &["stash", "list"]).contains("stash@{0}"), "the stash without the key stays");
}

#[test]
fn dropping_the_stashes_of_two_keys_leaves_the_one_without() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for text in ["work without a key".to_owned(), key(1), key(2)] {
        scratch.write("r/README", text);
        scratch.git("r", &["stash"]);
    }
    let report = history(&scratch);
    for number in [2, 1] {
        run_git_commands(&scratch, &next_steps(&report, &key(number)));
    }
    assert_eq!(scratch.friskey("r", &["history"]).status.code(), Some(0));
    assert!(scratch.git("r", &["stash", "show", "-p", "stash@{0}"]).contains("work without a key"));
    assert_eq!(scratch.git("r", &["stash", "list"]).lines().count(), 1);
}

#[test]
fn a_key_that_was_only_fetched_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git(".", &["clone", "-q", "r", "other"]);
    scratch.write("other/a", key(1));
    scratch.commit("other", "in");
    scratch.git("r", &["fetch", "-q", "../other", "main"]);
    assert_steps_remove_key(&scratch, &["verify", "revoke", "delete objects", "delete objects"]);
}

#[test]
fn a_file_is_unstaged_from_any_dir() {
    let scratch = Scratch::new();
    scratch.repository("r");
    std::fs::create_dir_all(scratch.path("r/a/b")).unwrap();
    scratch.write("r/a/it's.env", key(1));
    scratch.git("r", &["add", "-A"]);
    let report = report(&scratch.friskey("r/a/b", &["staged", "--format", "json"]));
    let steps = next_steps(&report, &key(1));
    let output = run(scratch.command("sh", "r/a/b").args(["-c", &steps[0].1]), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(scratch.friskey("r", &["staged"]).status.code(), Some(0));
}

#[test]
fn commands_are_for_the_work_tree_if_its_git_dir_was_scanned() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    let report = report(&scratch.friskey(".", &["history", "r/.git", "--format", "json"]));
    let steps = next_steps(&report, &key(1));
    let (_, command) = steps.iter().find(|(action, _)| action == "remove").unwrap();
    assert_eq!(command, "(cd r && git add --update && friskey staged && git commit --amend)");
}

#[test]
fn a_key_in_reflogs_alone_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    scratch.git("r", &["reset", "-q", "--hard", "HEAD~"]);
    assert_steps_remove_key(&scratch, &["verify", "revoke", "delete objects", "delete objects"]);
}

#[test]
fn a_key_in_an_unreachable_object_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.git("r", &["hash-object", "-w", "a"]);
    std::fs::remove_file(scratch.path("r/a")).unwrap();
    assert_steps_remove_key(&scratch, &["verify", "revoke", "delete objects"]);
}

#[test]
fn the_step_unstages_a_file_before_and_after_the_first_commit() {
    let scratch = Scratch::new();
    scratch.repository("r");
    std::fs::create_dir(scratch.path("new")).unwrap();
    scratch.git("new", &["init", "-q"]);
    for dir in ["r", "new"] {
        scratch.write(&format!("{dir}/it's [a] key"), key(1));
        scratch.git(dir, &["add", "-A"]);
        let found = report(&scratch.friskey(dir, &["staged", "--format", "json"]));
        let steps = next_steps(&found, &key(1));
        assert_eq!(actions(&steps), ["unstage", "check"]);
        let output = run(scratch.command("sh", dir).args(["-c", &steps[0].1]), b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(scratch.friskey(dir, &["staged"]).status.code(), Some(0));
    }
}

#[test]
fn the_steps_for_a_key_in_a_file_pipe_it_to_verify_and_trace_it() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/my app.py", key(1));
    let report = report(&scratch.friskey("r", &["scan", "--format", "json"]));
    let steps = next_steps(&report, &key(1));
    assert_eq!(actions(&steps), ["verify", "revoke", "remove", "trace"]);
    assert_eq!(steps[0].1, "cat -- 'my app.py' | friskey verify -");
    assert!(steps[1].1.starts_with("cat -- 'my app.py' | friskey revoke - --key "), "{}", steps[1].1);
    let trace_args = steps[3].1.split(' ').skip(1);
    let output = run(scratch.command(env!("CARGO_BIN_EXE_friskey"), "r").args(trace_args), b"");
    assert_eq!(output.status.code(), Some(0), "the key was never committed");
}

#[test]
fn a_key_that_only_the_work_tree_has_in_another_form_is_not_looked_for_in_the_history() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let escaped: String = key(1).chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    scratch.write("r/escaped", escaped);
    let report = report(&scratch.friskey("r", &["scan", "--format", "json"]));
    assert_eq!(next_steps(&report, &key(1))[0].1, "cat -- escaped | friskey verify -");
    std::fs::remove_file(scratch.path("r/escaped")).unwrap();
    scratch.write(&format!("r/{}", key(1)), "");
    let report = self::report(&scratch.friskey("r", &["scan", "--format", "json"]));
    let commands = next_steps(&report, &key(1));
    assert!(commands.iter().all(|(_, command)| !command.contains("friskey verify")), "{commands:?}");
}

#[test]
fn a_key_in_an_unpushed_last_commit_is_gone_after_amending_it() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/app.py", "a\n");
    scratch.commit("r", "first");
    scratch.write("r/app.py", format!("a\n{}\n", key(1)));
    scratch.commit("r", "leak");
    let before = history(&scratch);
    let steps = next_steps(&before, &key(1));
    assert!(!actions(&steps).contains(&"rewrite history"), "{steps:?}");
    scratch.write("r/app.py", "a\nkey from the environment\n");
    scratch.git("r", &["add", "--update"]);
    scratch.git("r", &["commit", "-q", "--amend", "-m", "no leak"]);
    let after = history(&scratch);
    assert_eq!(after["leaks"][0]["status"], "unreachable", "{after:#}");
}
