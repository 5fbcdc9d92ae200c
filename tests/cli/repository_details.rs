//! Tests what reports say about the scanned repository or directory, its remotes, and the commits with a key.

use serde_json::Value;

use crate::next_steps::{history, next_steps};
use crate::support::{Scratch, key, leak, report, run};

#[test]
fn the_html_page_names_the_repository_by_its_absolute_path() {
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
fn reports_show_the_committer_dates_of_commits() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.git("r", &["add", "-A"]);
    let dates = ["2020-01-01T12:00:00Z", "2023-05-05T23:30:00-0200"];
    let mut commit = scratch.command("git", "r");
    commit.args(["commit", "-qm", "in"]).env("GIT_AUTHOR_DATE", dates[0]).env("GIT_COMMITTER_DATE", dates[1]);
    assert!(run(&mut commit, b"").status.success());
    let report = history(&scratch);
    let change = &leak(&report, &key(1)).unwrap()["introduced"][0];
    assert_eq!(change["committed"], "2023-05-06T01:30:00Z");
    assert!(change["date"].as_str().unwrap().starts_with("2020-01-01T12:00:00"), "{change}");
    for format in ["human", "html"] {
        let text = scratch.friskey("r", &["history", "--format", format]).stdout;
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("2023-05-06") && !text.contains("2020-01-01"), "{text}");
    }
}

#[test]
fn reports_link_only_to_commits_that_a_remote_tracking_ref_has() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    let commit = scratch.commit("r", "in");
    scratch.git("r", &["remote", "add", "origin", "git@github.com:team/app.git"]);
    let url = |report: &Value| leak(report, &key(1)).unwrap()["introduced"][0]["url"].clone();
    assert_eq!(url(&history(&scratch)), Value::Null);
    scratch.git("r", &["update-ref", "refs/remotes/origin/main", "main"]);
    assert_eq!(url(&history(&scratch)), format!("https://github.com/team/app/commit/{commit}"));
}

#[test]
fn no_format_shows_the_credentials_in_a_url() {
    let token = format!("t0ken{}", "x".repeat(20));
    for url in [
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
        scratch.git("r", &["remote", "add", "origin", &url]);
        for format in ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html"] {
            let output = scratch.friskey("r", &["history", "--surfaces", "blob", "--format", format]);
            let text = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!text.contains(&token), "{url} as {format}: {text}");
            assert_eq!(output.status.code(), Some(1), "{text}");
        }
        // The command line is part of the report.
        let output = scratch.friskey(".", &["scan", "r", "--exclude", &url, "--format", "json"]);
        assert!(!report(&output)["command_line"].to_string().contains(&token), "{url}");
    }
}

#[test]
fn the_html_page_names_the_scanned_dir() {
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
fn the_time_since_when_a_remote_has_a_key_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", key(1));
    scratch.commit("r", "Add a key");
    let unpushed = history(&scratch);
    assert_eq!(leak(&unpushed, &key(1)).unwrap()["first_on_remote"], Value::Null);
    let amend = "git add --update && friskey staged && git commit --amend";
    assert_eq!(next_steps(&unpushed, &key(1)).last().unwrap().1, amend);
    scratch.git("r", &["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    scratch.git("r", &["remote", "add", "origin", "../remote.git"]);
    scratch.git("r", &["push", "-q", "origin", "main"]);
    scratch.write("r/a", "removed");
    scratch.commit("r", "Remove the key");
    let pushed = history(&scratch);
    let pushed_leak = leak(&pushed, &key(1)).unwrap();
    let first_on_remote = &pushed_leak["first_on_remote"];
    assert_eq!(
        (first_on_remote["ref"].as_str(), first_on_remote["by_push"].as_bool()),
        (Some("refs/remotes/origin/main"), Some(true))
    );
    for (_, command) in
        next_steps(&pushed, &key(1)).iter().filter(|(_, command)| command.starts_with("friskey "))
    {
        let subcommand = command.split(' ').nth(1).unwrap();
        assert_eq!(scratch.friskey("r", &[subcommand, "--help"]).status.code(), Some(0), "{command}");
    }
    let text = pushed_leak["next_steps"].to_string();
    assert!(text.contains("It was pushed on 2") && text.contains("origin/main has it"), "{text}");
    scratch.git(".", &["clone", "-q", "remote.git", "clone"]);
    let cloned = report(&scratch.friskey("clone", &["history", "--format", "json"]));
    assert_eq!(leak(&cloned, &key(1)).unwrap()["first_on_remote"]["by_push"], Value::Bool(false));
}

#[test]
fn the_move_of_a_file_is_reported_with_its_subject_and_link() {
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
    let report = history(&scratch);
    assert_eq!(report["repository"]["url"], "https://github.com/team/app.git");
    assert_eq!(report["repository"]["head"], *commit);
    assert_eq!(report["repository"]["branch"], "main");
    assert_eq!(report["command_line"][1], "history");
    let leak = leak(&report, &key(1)).unwrap();
    let introduced = leak["introduced"].as_array().unwrap();
    assert!(introduced.iter().any(|change| change["subject"] == "Add a client"), "{introduced:?}");
    let file_move = &leak["moves"][0];
    assert_eq!((file_move["from"].as_str(), file_move["path"].as_str()), (Some("a.py"), Some("lib/a.py")));
    assert_eq!(file_move["url"], format!("https://github.com/team/app/commit/{commit}"));
    let subject = file_move["subject"].as_str().unwrap();
    assert!(subject.starts_with("Move sk-proj-…") && subject.len() < 40, "{subject}");
    assert_eq!(leak["removed"].as_array().unwrap().len(), 0);
    let human = scratch.friskey("r", &["history"]);
    let human = String::from_utf8_lossy(&human.stdout);
    assert!(human.contains("a.py → lib/a.py"), "{human}");
}
