//! Tests the selection of keys: keys that are not in the repository, or only in what is not carried over, and keys that
//! stay. Also tests that a report is not lost, and what happens when time runs out.

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
fn a_wanted_key_that_is_nowhere_is_mentioned() {
    let scratch = repository_with_key();
    let (good, wrong) = (fingerprint(&key(70)), fingerprint(&key(71)));
    let args = ["purge", "repo", "--into", "new.git", "--report", "report.json", "--key"];
    let output = scratch.friskey(&[&args[..], &[&good, "--key", &wrong]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("not found: 1 of the keys"), "{}", stdout(&output));
    assert_eq!(report(&scratch, "report.json")["unmatched_keys"], 1);
    let output = scratch.friskey(&["purge", "repo", "--into", "newer.git", "--key", &wrong]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("not found: 1 of the keys"), "{}", stdout(&output));
}

#[test]
fn nothing_is_to_be_pushed_if_no_ref_leads_to_the_key() {
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
fn the_report_of_a_finished_purge_is_not_overwritten_by_a_lesser_one() {
    let scratch = repository_with_key();
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let finished = std::fs::read(scratch.path("report.json")).unwrap();
    let planned = scratch.friskey(&["purge", "repo", "--dry-run", "--report", "report.json"]);
    assert_eq!(planned.status.code(), Some(2));
    assert!(stderr(&planned).contains("name another file"), "{}", stderr(&planned));
    let nothing = scratch.friskey(&["purge", "new.git", "--into", "newer.git", "--report", "report.json"]);
    assert_eq!(nothing.status.code(), Some(0), "{}", stderr(&nothing));
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

/// A file that has the new name already is deleted in the second commit; the renamed file keeps its new name nevertheless.
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

/// Runs the command that `history` prints in the directory where it was printed: at the top of the work tree, or below it.
#[test]
fn the_purge_that_an_audit_suggests_works_as_printed() {
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
fn other_keys_are_counted() {
    let scratch = repository_with_key();
    scratch.write("repo/other", format!("K={}\n", key(62)));
    scratch.commit("repo", "other");
    let wanted = fingerprint(&key(62));
    let purge = ["purge", "repo", "--into", "new.git", "--report", "report.json", "--key", &wanted];
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
