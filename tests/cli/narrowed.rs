//! Tests that the receipt names everything that options and settings leave out of a scan, and that the outcome counts it.

use serde_json::Value;

use crate::support::{Scratch, key, report};

/// Everything that was left out: its kind, its name, and the option that includes it.
fn left_out(report: &Value) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["coverage"]["ignored"].as_array().unwrap();
    all.iter().map(|one| [text(&one["kind"]), text(&one["what"]), text(&one["include_with"])]).collect()
}

/// An item as [`left_out`] returns it, to compare with.
fn item(kind: &str, name: &str, option: &str) -> [String; 3] {
    [kind, name, option].map(str::to_owned)
}

/// The last line that was printed.
fn outcome(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn replaced_rules_are_named() {
    let scratch = Scratch::new();
    let rule = |id: &str| format!("[[rule]]\nid = '{id}'\npattern = '(?<prefix>sk-zzzz)[A-Za-z0-9]{{32}}'\n");
    scratch.write("r.toml", [rule("openai-project-key"), rule("additional")].concat());
    scratch.write("t/a", key(1));
    let args = ["scan", "t", "--rules", "r.toml"];
    let json = report(&scratch.friskey(".", &[&args[..], &["--format", "json"]].concat()));
    assert!(left_out(&json).contains(&item("rule", "openai-project-key", "--no-config, or without --rules")));
    assert_eq!(left_out(&json).len(), 1, "a rule that replaces none leaves nothing out");
    let outcome = outcome(&scratch.friskey(".", &args));
    assert!(outcome.contains("1 built-in rule replaced"), "{outcome}");
}

#[test]
fn thresholds_and_limits_are_named_when_they_are_stricter() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing");
    scratch
        .write("t/friskey.toml", "min-confidence = 'high'\n[containers]\nmax-depth = 0\nmax-ratio = 5000\n");
    let json = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    let expected = [
        item("limit", "max-depth to 0, default 10", "--max-depth 10"),
        item("limit", "the threshold to high, default medium", "--min-confidence medium"),
    ];
    assert_eq!(left_out(&json), expected);
    let with_defaults = ["scan", "--format", "json", "--max-depth", "10", "--min-confidence", "medium"];
    assert!(left_out(&report(&scratch.friskey("t", &with_defaults))).is_empty());
}

#[test]
fn surfaces_and_globs_of_a_history_are_named() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/secret.txt", key(1));
    scratch.write("r/friskey.toml", "surfaces = ['-blob']\nexclude = ['secret.txt']\n");
    scratch.commit("r", "one");
    let output = scratch.friskey("r", &["history", "--no-unreachable", "--format", "json"]);
    let items = left_out(&report(&output));
    assert!(items.contains(&item("surface", "blob", "--surfaces")), "{items:?}");
    assert!(items.contains(&item("path", "secret.txt", "--no-config")), "{items:?}");
    let output = scratch.friskey("r", &["history", "--no-config", "--surfaces", "blob", "--format", "json"]);
    let items = left_out(&report(&output));
    assert!(items.contains(&item("surface", "commit-message", "--surfaces")), "{items:?}");
    let output = scratch.friskey("r", &["history", "--no-config", "--format", "json"]);
    assert!(left_out(&report(&output)).is_empty());
}

#[test]
fn accepted_findings_are_named() {
    let scratch = Scratch::new();
    scratch.write("t/a", format!("{}  # friskey:allow made up\n", key(1)));
    let json = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    assert_eq!(left_out(&json), [item("accepted", "1 finding", "--no-suppress")]);
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
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("1 ignored path not scanned (--no-config)"), "{message}");
    scratch.write("r/friskey.toml", "");
    scratch.git("r", &["rm", "-rqf", "--cached", "gen"]);
    let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
    assert_eq!(
        (output.status.code(), output.stderr.len()),
        (Some(0), 0),
        "a hook that left nothing out prints nothing"
    );
}

#[test]
fn a_passing_hook_names_what_it_accepted() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", format!("{}  # friskey:allow made up\n", key(1)));
    scratch.git("r", &["add", "."]);
    let message = |scratch: &Scratch| {
        let output = scratch.friskey("r", &["hook", "run", "pre-commit"]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let by_marker = message(&scratch);
    assert_eq!(by_marker.lines().count(), 1, "{by_marker}");
    assert!(
        by_marker.contains("apart from 1 accepted finding (accepted: a:1:1 by friskey:allow)"),
        "{by_marker}"
    );
    scratch.write("r/a", key(1));
    let added = scratch.friskey("r", &["baseline", "create", "--reason", "x"]);
    assert_eq!(added.status.code(), Some(0));
    scratch.git("r", &["add", "."]);
    let by_baseline = message(&scratch);
    assert!(by_baseline.contains("(accepted: a:1:1 by .friskey-baseline.toml)"), "{by_baseline}");
}

#[test]
fn a_note_names_the_configured_number_of_threads_if_there_are_fewer_processors() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing");
    scratch.write("t/friskey.toml", "threads = 1024\n");
    let json = report(&scratch.friskey("t", &["scan", "--format", "json"]));
    let notes = json["notes"].to_string();
    let is_small = std::thread::available_parallelism().unwrap().get() < 256;
    assert_eq!(notes.contains("1024 threads are configured"), is_small, "{notes}");
}
