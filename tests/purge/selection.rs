//! Tests which keys a purge selects and what it says about the others. Also tests that it overwrites no report of a finished
//! purge, and that it ends when its time is up.

use serde_json::Value;

use crate::support::{Scratch, fingerprint, json, key, stderr, stdout};

fn repository_with_key() -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("K={}\n", key(70)));
    scratch.commit("repo", "leak");
    scratch
}

fn report(scratch: &Scratch, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(scratch.path(name)).unwrap()).unwrap()
}

#[test]
fn a_selected_key_that_is_not_in_the_repository_is_mentioned() {
    let scratch = repository_with_key();
    let (present, absent) = (fingerprint(&key(70)), fingerprint(&key(71)));
    let args = ["purge", "repo", "--into", "new.git", "--report", "report.json", "--key"];
    let output = scratch.friskey(&[&args[..], &[&present, "--key", &absent]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("not found: 1 of the keys"), "{}", stdout(&output));
    assert_eq!(report(&scratch, "report.json")["unmatched_keys"], 1);
    let output = scratch.friskey(&["purge", "repo", "--into", "newer.git", "--key", &absent]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("not found: 1 of the keys"), "{}", stdout(&output));
}

#[test]
fn no_push_is_suggested_if_the_key_is_only_in_a_stash() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.commit("repo", "clean");
    scratch.write("repo/.env", format!("K={}\n", key(72)));
    scratch.git("repo", &["add", ".env"]);
    scratch.git("repo", &["stash", "-q"]);
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("rewritten: 0 of 1 commits"), "{text}");
    assert!(text.contains("there is nothing to push") && !text.contains("--force"), "{text}");
}

#[test]
fn a_plan_or_a_purge_of_nothing_does_not_overwrite_the_report_of_a_finished_purge() {
    let scratch = repository_with_key();
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let finished = std::fs::read(scratch.path("report.json")).unwrap();
    let plan = scratch.friskey(&["purge", "repo", "--dry-run", "--report", "report.json"]);
    assert_eq!(plan.status.code(), Some(2));
    assert!(stderr(&plan).contains("name another file"), "{}", stderr(&plan));
    let purge_of_nothing =
        scratch.friskey(&["purge", "new.git", "--into", "newer.git", "--report", "report.json"]);
    assert_eq!(purge_of_nothing.status.code(), Some(0), "{}", stderr(&purge_of_nothing));
    assert_eq!(std::fs::read(scratch.path("report.json")).unwrap(), finished);
}

#[test]
fn a_purge_out_of_time_is_incomplete_and_leaves_nothing() {
    let scratch = repository_with_key();
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--max-time", "0.000001"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped"), "{}", stderr(&output));
    assert!(!scratch.path("new.git").exists());
}

/// In the first commit, another file already has the name that the renamed file would get. The second commit deletes that
/// file, but the renamed file must keep the name that it got in the first.
#[test]
fn a_renamed_file_has_one_new_name_in_all_commits() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    let key = key(73);
    let filler = format!("sk-proj-{}", "x".repeat(key.len() - 8));
    scratch.write(&format!("repo/{key}"), "1");
    scratch.write(&format!("repo/{filler}"), "2");
    scratch.commit("repo", "both");
    std::fs::remove_file(scratch.path(&format!("repo/{filler}"))).unwrap();
    scratch.commit("repo", "one");
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let names = |revision: &str| scratch.git("new.git", &["ls-tree", "--name-only", revision]);
    assert_eq!(names("main~"), format!("{filler}\n{filler}-2"));
    assert_eq!(names("main"), format!("{filler}-2"));
}

/// Runs the command in the directory in which `history` printed it: the top of the work tree, or a subdirectory.
#[test]
fn the_purge_command_that_history_prints_works() {
    for dir in ["repo", "repo/src/deep"] {
        let scratch = repository_with_key();
        scratch.write("repo/src/deep/file", "x");
        scratch.write("repo/.env", "");
        scratch.commit("repo", "clean up");
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), dir);
        let output = crate::git::run(command.arg("history"), b"");
        let text = stdout(&output);
        let line = text.lines().find_map(|line| line.split_once("friskey purge ")).unwrap().1;
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), dir);
        let output = crate::git::run(command.arg("purge").args(line.split_whitespace()), b"");
        assert_eq!(output.status.code(), Some(0), "{dir}: {line}: {}", stderr(&output));
        assert!(scratch.path("purged.git/HEAD").exists() && scratch.path("purged.json").exists(), "{line}");
    }
}

/// The purge and the proof count the keys that stay because `--key` did not name them.
#[test]
fn keys_that_were_not_selected_are_counted() {
    let scratch = repository_with_key();
    scratch.write("repo/other", format!("K={}\n", key(62)));
    scratch.commit("repo", "other");
    let selected = fingerprint(&key(62));
    let purge = ["purge", "repo", "--into", "new.git", "--report", "report.json", "--key", &selected];
    let output = scratch.friskey(&purge);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("other keys that stay, since --key does not name them: 1"),
        "{}",
        stdout(&output)
    );
    assert_eq!(report(&scratch, "report.json")["other_keys"], 1);
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "check.git"]);
    let prove = ["prove", "check.git", "--report", "report.json"];
    let output = scratch.friskey(&prove);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("also in this clone: 1 other key, which"), "{}", stdout(&output));
    let proof = json(&scratch.friskey(&[&prove[..], &["--format", "json"]].concat()));
    assert_eq!(proof["other_keys"], 1, "{proof:#}");
}
