//! Tests that the receipt names everything that narrows a scan besides ignored paths, and that the outcome counts it.

use serde_json::Value;

use crate::support::{Scratch, key, report};

/// Kind, thing, and option of everything that was left out.
fn narrowed(report: &Value) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["coverage"]["ignored"].as_array().unwrap();
    all.iter().map(|one| [text(&one["kind"]), text(&one["what"]), text(&one["include_with"])]).collect()
}

fn three(kind: &str, what: &str, option: &str) -> [String; 3] {
    [kind, what, option].map(str::to_owned)
}

fn outcome(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn replaced_rules_are_named() {
    let scratch = Scratch::new();
    let rule = |id: &str| format!("[[rule]]\nid = '{id}'\npattern = '(?<prefix>sk-zzzz)[A-Za-z0-9]{{32}}'\n");
    scratch.write("r.toml", [rule("openai-project-key"), rule("own")].concat());
    scratch.write("t/a", key(1));
    let args = ["scan", "t", "--rules", "r.toml"];
    let json = report(&scratch.friskey(".", &[&args[..], &["--format", "json"]].concat()));
    assert!(narrowed(&json).contains(&three(
        "rule",
        "openai-project-key",
        "--no-config, or without --rules"
    )));
    assert_eq!(narrowed(&json).len(), 1, "a rule that replaces none narrows nothing");
    let said = outcome(&scratch.friskey(".", &args));
    assert!(said.contains("1 built-in rule replaced"), "{said}");
}

#[test]
fn thresholds_and_limits_are_named_when_they_are_stricter() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing");
    scratch
        .write("t/friskey.toml", "min-confidence = 'high'\n[containers]\nmax-depth = 0\nmax-ratio = 5000\n");
    let json = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    let expected = [
        three("limit", "max-depth to 0, default 10", "--max-depth 10"),
        three("limit", "the threshold to high, default medium", "--min-confidence medium"),
    ];
    assert_eq!(narrowed(&json), expected);
    let widened = ["scan", "--format", "json", "--max-depth", "10", "--min-confidence", "medium"];
    assert!(narrowed(&report(&scratch.friskey("t", &widened))).is_empty());
}

#[test]
fn surfaces_and_globs_of_a_history_are_named() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/secret.txt", key(1));
    scratch.write("r/friskey.toml", "surfaces = ['-blob']\nexclude = ['secret.txt']\n");
    scratch.commit("r", "one");
    let output = scratch.friskey("r", &["history", "--no-unreachable", "--format", "json"]);
    let named = narrowed(&report(&output));
    assert!(named.contains(&three("surface", "blob", "--surfaces")), "{named:?}");
    assert!(named.contains(&three("path", "secret.txt", "--no-config")), "{named:?}");
    let only = scratch.friskey("r", &["history", "--no-config", "--surfaces", "blob", "--format", "json"]);
    let named = narrowed(&report(&only));
    assert!(named.contains(&three("surface", "commit-message", "--surfaces")), "{named:?}");
    let whole = scratch.friskey("r", &["history", "--no-config", "--format", "json"]);
    assert!(narrowed(&report(&whole)).is_empty());
}

#[test]
fn accepted_findings_are_named() {
    let scratch = Scratch::new();
    scratch.write("t/a", format!("{}  # friskey:allow made up\n", key(1)));
    let json = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    assert_eq!(narrowed(&json), [three("accepted", "1 finding", "--no-suppress")]);
    assert_eq!(
        outcome(&scratch.friskey("t", &["scan"])),
        "clean: no OpenAI key in what was scanned apart from 1 accepted finding"
    );
}

#[test]
fn a_hook_reports_what_it_left_out() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/friskey.toml", "exclude = ['gen/']\n");
    scratch.write("r/gen/a", key(1));
    scratch.git("r", &["add", "."]);
    let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1 ignored path not scanned (--no-config)"), "{said}");
    scratch.write("r/friskey.toml", "");
    scratch.git("r", &["rm", "-rqf", "--cached", "gen"]);
    let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "nothing to say");
}

#[test]
fn a_passing_hook_names_what_it_accepted() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", format!("{}  # friskey:allow made up\n", key(1)));
    scratch.git("r", &["add", "."]);
    let said = |scratch: &Scratch| {
        let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let by_marker = said(&scratch);
    assert_eq!(by_marker.lines().count(), 1, "{by_marker}");
    assert!(
        by_marker.contains("apart from 1 accepted finding (accepted: a:1:1 by friskey:allow)"),
        "{by_marker}"
    );
    scratch.write("r/a", key(1));
    let added = scratch.friskey("r", &["baseline", "create", "--reason", "x"]);
    assert_eq!(added.status.code(), Some(0));
    scratch.git("r", &["add", "."]);
    let by_baseline = said(&scratch);
    assert!(by_baseline.contains("(accepted: a:1:1 by .friskey-baseline.toml)"), "{by_baseline}");
}

#[test]
fn too_many_threads_are_rejected() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing");
    scratch.write("t/friskey.toml", "threads = 1024\n");
    let json = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    let notes = json["notes"].to_string();
    let is_small = std::thread::available_parallelism().unwrap().get() < 256;
    assert_eq!(notes.contains("1024 threads are configured"), is_small, "{notes}");
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::Scratch;

    #[test]
    fn a_report_goes_through_no_link_and_no_other_name() {
        let scratch = Scratch::new();
        scratch.repository("r");
        scratch.write("victim", "precious");
        scratch.write("elsewhere/keep", "");
        symlink("../victim", scratch.path("r/link.json")).unwrap();
        symlink("../elsewhere", scratch.path("r/out")).unwrap();
        symlink("nowhere", scratch.path("r/dangling.json")).unwrap();
        fs::create_dir(scratch.path("r/directory")).unwrap();
        assert!(scratch.command("mkfifo", "r").arg("pipe").status().unwrap().success());
        let absolute = scratch.path("r/out/r.json").display().to_string();
        for target in ["link.json", "out/r.json", "dangling.json", "directory", "pipe", &absolute] {
            let output = scratch.friskey("r", &["scan", "--output", &format!("json={target}")]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{target}: {said}");
            assert!(said.contains("cannot write to"), "{target}: {said}");
        }
        fs::hard_link(scratch.path("victim"), scratch.path("r/hard.json")).unwrap();
        let _ = fs::remove_file(scratch.path("r/pipe"));
        let output = scratch.friskey("r", &["scan", "--output", "json=hard.json"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(scratch.path("victim")).unwrap(), b"precious");
        assert_eq!(fs::read_dir(scratch.path("elsewhere")).unwrap().count(), 1);
        assert!(!scratch.path("r/nowhere").exists());
    }

    #[test]
    fn a_step_summary_is_added_to_a_plain_file_only() {
        let scratch = Scratch::new();
        scratch.write("t/a", "nothing");
        scratch.write("victim", "precious");
        symlink("victim", scratch.path("summary")).unwrap();
        let run = |summary: &str| {
            let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), "t");
            command.args(["scan", "--format", "github"]).env("GITHUB_ACTIONS", "true");
            command.env("GITHUB_STEP_SUMMARY", scratch.path(summary)).output().unwrap()
        };
        assert_eq!(run("summary").status.code(), Some(2));
        assert_eq!(fs::read(scratch.path("victim")).unwrap(), b"precious");
        assert_eq!(run("plain").status.code(), Some(0));
        assert_eq!(run("plain").status.code(), Some(0));
        let text = fs::read_to_string(scratch.path("plain")).unwrap();
        assert_eq!(text.matches("## friskey").count(), 2, "{text}");
    }
}
