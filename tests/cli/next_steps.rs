//! What reports say is left to do: the commands are followed, and then the key is gone.

use serde_json::Value;

use crate::support::{Scratch, key, leak, report, run};

/// The steps for that key in a report: action and command.
fn steps(report: &Value, key: &str) -> Vec<(String, String)> {
    let steps = leak(report, key).unwrap()["next_steps"].as_array().unwrap().iter();
    let text = |step: &Value, field: &str| step[field].as_str().unwrap_or_default().to_owned();
    steps.map(|step| (text(step, "action"), text(step, "command"))).collect()
}

fn history(scratch: &Scratch) -> Value {
    report(&scratch.friskey("r", &["history", "--format", "json"]))
}

/// Runs those of the commands that are git's, as a shell would.
fn follow(scratch: &Scratch, steps: &[(String, String)]) {
    for (_, command) in steps.iter().filter(|(_, command)| command.starts_with("git ")) {
        let output = run(scratch.command("sh", "r").args(["-c", command]), b"");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn actions(steps: &[(String, String)]) -> Vec<&str> {
    steps.iter().map(|(action, _)| action.as_str()).collect()
}

/// Follows the steps for a key that no ref has, after which nothing of it is left.
fn is_gone_after_the_steps(scratch: &Scratch, expected: &[&str]) {
    let steps = steps(&history(scratch), &key(1));
    assert_eq!(actions(&steps), expected);
    follow(scratch, &steps);
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
    is_gone_after_the_steps(&scratch, &["verify", "revoke", "drop stash", "delete objects"]);
    assert!(scratch.git("r", &["stash", "list"]).contains("stash@{0}"), "the stash without the key stays");
}

#[test]
fn a_key_in_reflogs_alone_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    scratch.git("r", &["reset", "-q", "--hard", "HEAD~"]);
    is_gone_after_the_steps(&scratch, &["verify", "revoke", "delete objects", "delete objects"]);
}

#[test]
fn a_key_that_nothing_leads_to_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.git("r", &["hash-object", "-w", "a"]);
    std::fs::remove_file(scratch.path("r/a")).unwrap();
    is_gone_after_the_steps(&scratch, &["verify", "revoke", "delete objects"]);
}

#[test]
fn a_staged_key_is_unstaged_by_the_step_with_and_without_a_commit() {
    let scratch = Scratch::new();
    scratch.repository("r");
    std::fs::create_dir(scratch.path("new")).unwrap();
    scratch.git("new", &["init", "-q"]);
    for folder in ["r", "new"] {
        scratch.write(&format!("{folder}/it's [a] key"), key(1));
        scratch.git(folder, &["add", "-A"]);
        let found = report(&scratch.friskey(folder, &["staged", "--format", "json"]));
        let steps = steps(&found, &key(1));
        assert_eq!(actions(&steps), ["unstage", "check"]);
        let output = run(scratch.command("sh", folder).args(["-c", &steps[0].1]), b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(scratch.friskey(folder, &["staged"]).status.code(), Some(0));
    }
}

#[test]
fn a_pushed_key_is_known_to_be_pushed_and_since_when() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "Add a key");
    let unpushed = history(&scratch);
    assert_eq!(leak(&unpushed, &key(1)).unwrap()["first_on_remote"], Value::Null);
    assert_eq!(steps(&unpushed, &key(1)).last().unwrap().1, "git commit --amend");
    scratch.git("r", &["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    scratch.git("r", &["remote", "add", "origin", "../remote.git"]);
    scratch.git("r", &["push", "-q", "origin", "main"]);
    scratch.write("r/a", "removed");
    scratch.commit("r", "Remove the key");
    let pushed = history(&scratch);
    let found = leak(&pushed, &key(1)).unwrap();
    let seen = &found["first_on_remote"];
    assert_eq!(
        (seen["ref"].as_str(), seen["by_push"].as_bool()),
        (Some("refs/remotes/origin/main"), Some(true))
    );
    for (_, command) in steps(&pushed, &key(1)).iter().filter(|(_, command)| command.starts_with("friskey "))
    {
        let name = command.split(' ').nth(1).unwrap();
        assert_eq!(scratch.friskey("r", &[name, "--help"]).status.code(), Some(0), "{command}");
    }
    let text = found["next_steps"].to_string();
    assert!(text.contains("It was pushed on 2") && text.contains("origin/main has it"), "{text}");
    scratch.git(".", &["clone", "-q", "remote.git", "clone"]);
    let cloned = report(&scratch.friskey("clone", &["history", "--format", "json"]));
    assert_eq!(leak(&cloned, &key(1)).unwrap()["first_on_remote"]["by_push"], Value::Bool(false));
}

#[test]
fn a_move_is_told_as_a_move_with_subjects_and_links() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a.py", key(1));
    scratch.commit("r", "Add a client\n\nbody");
    std::fs::create_dir(scratch.path("r/lib")).unwrap();
    scratch.git("r", &["mv", "a.py", "lib/a.py"]);
    let commit = scratch.commit("r", &format!("Move {}", key(1)));
    let credentials = ["ann", "token"].join(":");
    scratch.git("r", &["remote", "add", "origin", &format!("https://{credentials}@github.com/team/app.git")]);
    let found = history(&scratch);
    assert_eq!(found["repository"]["url"], "https://github.com/team/app.git");
    assert_eq!(found["repository"]["head"], *commit);
    assert_eq!(found["repository"]["branch"], "main");
    assert_eq!(found["command_line"][1], "history");
    let found = leak(&found, &key(1)).unwrap();
    let introduced = found["introduced"].as_array().unwrap();
    assert!(introduced.iter().any(|change| change["subject"] == "Add a client"), "{introduced:?}");
    let moved = &found["moves"][0];
    assert_eq!((moved["from"].as_str(), moved["path"].as_str()), (Some("a.py"), Some("lib/a.py")));
    assert_eq!(moved["url"], format!("https://github.com/team/app/commit/{commit}"));
    let subject = moved["subject"].as_str().unwrap();
    assert!(subject.starts_with("Move sk-proj-…") && subject.len() < 40, "{subject}");
    assert_eq!(found["removed"].as_array().unwrap().len(), 0);
    let human = scratch.friskey("r", &["history"]);
    let human = String::from_utf8_lossy(&human.stdout);
    assert!(human.contains("a.py → lib/a.py"), "{human}");
}

#[test]
fn a_key_in_a_file_is_piped_to_verify_and_traced() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/my app.py", key(1));
    let found = report(&scratch.friskey("r", &["scan", "--format", "json"]));
    let steps = steps(&found, &key(1));
    assert_eq!(actions(&steps), ["verify", "revoke", "remove", "trace"]);
    assert_eq!(steps[0].1, "cat -- 'my app.py' | friskey verify -");
    assert!(steps[1].1.starts_with("cat -- 'my app.py' | friskey revoke - --key "), "{}", steps[1].1);
    let output =
        run(scratch.command(env!("CARGO_BIN_EXE_friskey"), "r").args(steps[3].1.split(' ').skip(1)), b"");
    assert_eq!(output.status.code(), Some(0), "it was never committed");
}
