//! Runs the commands that reports print as next steps, and checks that the key is gone afterwards.

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
fn dropping_the_stashes_of_two_keys_leaves_the_one_without() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for text in ["work without a key".to_owned(), key(1), key(2)] {
        scratch.write("r/README", text);
        scratch.git("r", &["stash"]);
    }
    let found = history(&scratch);
    for number in [2, 1] {
        follow(&scratch, &steps(&found, &key(number)));
    }
    assert_eq!(scratch.friskey("r", &["history"]).status.code(), Some(0));
    assert!(scratch.git("r", &["stash", "show", "-p", "stash@{0}"]).contains("work without a key"));
    assert_eq!(scratch.git("r", &["stash", "list"]).lines().count(), 1);
}

#[test]
fn a_key_to_which_only_a_fetch_leads_is_gone_after_the_steps() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.git(".", &["clone", "-q", "r", "other"]);
    scratch.write("other/a", key(1));
    scratch.commit("other", "in");
    scratch.git("r", &["fetch", "-q", "../other", "main"]);
    is_gone_after_the_steps(&scratch, &["verify", "revoke", "delete objects", "delete objects"]);
}

#[test]
fn a_file_is_unstaged_from_any_dir() {
    let scratch = Scratch::new();
    scratch.repository("r");
    std::fs::create_dir_all(scratch.path("r/a/b")).unwrap();
    scratch.write("r/a/it's.env", key(1));
    scratch.git("r", &["add", "-A"]);
    let found = report(&scratch.friskey("r/a/b", &["staged", "--format", "json"]));
    let steps = steps(&found, &key(1));
    let output = run(scratch.command("sh", "r/a/b").args(["-c", &steps[0].1]), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(scratch.friskey("r", &["staged"]).status.code(), Some(0));
}

#[test]
fn commands_for_the_work_tree_are_not_for_its_git_dir() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    let found = report(&scratch.friskey(".", &["history", "r/.git", "--format", "json"]));
    let steps = steps(&found, &key(1));
    let (_, command) = steps.iter().find(|(action, _)| action == "remove").unwrap();
    assert_eq!(command, "(cd r && git add --update && friskey staged && git commit)");
}

#[test]
fn the_page_names_the_repository_by_its_whole_path() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    let page = scratch.friskey("r", &["history", "--format", "html"]).stdout;
    let page = String::from_utf8(page).unwrap();
    let path = std::fs::canonicalize(scratch.path("r")).unwrap();
    assert!(page.contains(&format!("friskey verify --repo {}", path.display())), "{page}");
}

#[test]
fn commits_are_dated_by_their_committers() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "-A"]);
    let dates = ["2020-01-01T12:00:00Z", "2023-05-05T23:30:00-0200"];
    let mut commit = scratch.command("git", "r");
    commit.args(["commit", "-qm", "in"]).env("GIT_AUTHOR_DATE", dates[0]).env("GIT_COMMITTER_DATE", dates[1]);
    assert!(run(&mut commit, b"").status.success());
    let found = history(&scratch);
    let change = &leak(&found, &key(1)).unwrap()["introduced"][0];
    assert_eq!(change["committed"], "2023-05-06T01:30:00Z");
    assert!(change["date"].as_str().unwrap().starts_with("2020-01-01T12:00:00"), "{change}");
    for format in ["human", "html"] {
        let text = scratch.friskey("r", &["history", "--format", format]).stdout;
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("2023-05-06") && !text.contains("2020-01-01"), "{text}");
    }
}

#[test]
fn links_lead_only_to_commits_that_may_have_been_pushed() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    let commit = scratch.commit("r", "in");
    scratch.git("r", &["remote", "add", "origin", "git@github.com:team/app.git"]);
    let url = |found: &Value| leak(found, &key(1)).unwrap()["introduced"][0]["url"].clone();
    assert_eq!(url(&history(&scratch)), Value::Null);
    scratch.git("r", &["update-ref", "refs/remotes/origin/main", "main"]);
    assert_eq!(url(&history(&scratch)), format!("https://github.com/team/app/commit/{commit}"));
}

#[test]
fn no_format_shows_the_credentials_of_an_address() {
    let token = format!("t0ken{}", "x".repeat(20));
    for address in [
        format!("https://ann:{token}@github.com/team/app.git"),
        format!("https://{token}@github.com/team/app.git"),
        format!("https://github.com/team/app.git?private_token={token}"),
        format!("ann:{token}@github.com:team/app.git"),
        format!("https://ann%3A{token}%40github.com/team/app.git"),
    ] {
        let scratch = Scratch::new();
        scratch.repository("r");
        scratch.write("r/a", key(1));
        scratch.commit("r", "in");
        scratch.git("r", &["remote", "add", "origin", &address]);
        for format in ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html"] {
            let output = scratch.friskey("r", &["history", "--surfaces", "blob", "--format", format]);
            let text = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!text.contains(&token), "{address} as {format}: {text}");
            assert_eq!(output.status.code(), Some(1), "{text}");
        }
        // The command line is part of the report.
        let output = scratch.friskey(".", &["scan", "r", "--exclude", &address, "--format", "json"]);
        assert!(!report(&output)["command_line"].to_string().contains(&token), "{address}");
    }
}

#[test]
fn the_page_of_a_scan_says_which_dir_was_scanned() {
    let scratch = Scratch::new();
    scratch.write("plain/main.py", key(1));
    let page = scratch.friskey("plain", &["scan", "--format", "html"]).stdout;
    let page = String::from_utf8(page).unwrap();
    let dir = std::fs::canonicalize(scratch.path("plain")).unwrap();
    assert!(page.contains("Files in plain</bdi></h1>"), "{page}");
    assert!(page.contains(&format!("<dt>Directory</dt><dd><code>{}</code></dd>", dir.display())), "{page}");
}

#[test]
fn every_field_of_a_report_is_documented() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "in");
    scratch.git("r", &["mv", "a", "b"]);
    scratch.commit("r", "move");
    scratch.git("r", &["tag", "v1"]);
    scratch.git("r", &["rm", "-q", "b"]);
    scratch.commit("r", "out");
    scratch.write("r/README", key(2));
    scratch.git("r", &["stash"]);
    let mut fields = std::collections::BTreeSet::new();
    collect_fields(&history(&scratch), &mut fields);
    assert!(
        fields.contains("moves") && fields.contains("excerpt") && fields.contains("stashes"),
        "{fields:?}"
    );
    let documented = include_str!("../../docs/formats.md");
    for field in fields {
        assert!(documented.contains(&format!("`{field}`")), "{field} is not in docs/formats.md");
    }
}

fn collect_fields(value: &Value, fields: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_fields(item, fields)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            fields.insert(name.clone());
            collect_fields(value, fields);
        }),
        _ => {}
    }
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
    for dir in ["r", "new"] {
        scratch.write(&format!("{dir}/it's [a] key"), key(1));
        scratch.git(dir, &["add", "-A"]);
        let found = report(&scratch.friskey(dir, &["staged", "--format", "json"]));
        let steps = steps(&found, &key(1));
        assert_eq!(actions(&steps), ["unstage", "check"]);
        let output = run(scratch.command("sh", dir).args(["-c", &steps[0].1]), b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(scratch.friskey(dir, &["staged"]).status.code(), Some(0));
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
fn a_move_is_reported_with_subjects_and_links() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a.py", key(1));
    scratch.commit("r", "Add a client\n\nbody");
    std::fs::create_dir(scratch.path("r/lib")).unwrap();
    scratch.git("r", &["mv", "a.py", "lib/a.py"]);
    let commit = scratch.commit("r", &format!("Move {}", key(1)));
    let credentials = ["ann", "token"].join(":");
    scratch.git("r", &["remote", "add", "origin", &format!("https://{credentials}@github.com/team/app.git")]);
    scratch.git("r", &["update-ref", "refs/remotes/origin/main", "main"]);
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
