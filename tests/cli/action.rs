//! Tests how the GitHub Action scans: runs its script as a runner does, and compares action.yml with the script.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Scratch, key, run, sarif_report};

/// A rule in a file of the workspace.
const WORKSPACE_RULE: &str = r#"
[[rule]]
id = "widget-key"
name = "Widget key"
kind = "widget"
severity = "high"
description = "A key of widgets."
examples = ["«widget_{hex:16}»"]
counter_examples = ["widget"]
keywords = ["widget_"]
pattern = '(?<prefix>widget_)[0-9a-f]{16}'
confidence = "high"
"#;

/// What a runner provides: a repository in the workspace `ws`, a temporary directory, and a friskey in `bin`.
pub(crate) fn runner() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("ws");
    for dir in ["temp", "bin"] {
        fs::create_dir_all(scratch.path(dir)).unwrap();
    }
    fs::copy(env!("CARGO_BIN_EXE_friskey"), scratch.path("bin/friskey")).unwrap();
    scratch
}

/// Runs a step of the action with additional variables. Returns what it prints, and the outputs that it sets for later
/// steps, as lines `name=value`.
pub(crate) fn run_step(scratch: &Scratch, name: &str, variables: &[(&str, &str)]) -> (Output, String) {
    let outputs = scratch.write("outputs", "");
    let mut command = scratch.command("bash", "ws");
    let action = Path::new(env!("CARGO_MANIFEST_DIR"));
    command
        .arg(action.join("scripts/action.sh"))
        .arg(name)
        .env("GITHUB_ACTION_PATH", action)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &outputs)
        .env("RUNNER_TEMP", scratch.path("temp"))
        .env("GITHUB_STEP_SUMMARY", scratch.path("summary.md"))
        .env("RUNNER_OS", "Linux")
        .env("RUNNER_ARCH", "X64")
        .env("FRISKEY_BIN", scratch.path("bin"))
        .envs(variables.iter().copied());
    let output = run(&mut command, b"");
    (output, fs::read_to_string(outputs).unwrap())
}

/// Runs the step `scan` for an event. Returns its status, the outputs that it sets, and everything that it prints.
fn run_scan(
    scratch: &Scratch,
    event: &str,
    payload: &Value,
    variables: &[(&str, &str)],
) -> (i32, String, String) {
    let path = scratch.write("event.json", payload.to_string());
    let event = [("GITHUB_EVENT_NAME", event), ("GITHUB_EVENT_PATH", path.to_str().unwrap())];
    let (output, outputs) = run_step(scratch, "scan", &[&event[..], variables].concat());
    let log = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), outputs, String::from_utf8_lossy(&log).into_owned())
}

/// The path of the SARIF report, from the outputs of the step `run`.
fn sarif_path(outputs: &str) -> String {
    outputs.lines().find_map(|line| line.strip_prefix("sarif=")).unwrap().to_owned()
}

pub(crate) fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|text_line| text_line == line)
}

#[test]
fn every_input_and_output_of_the_description_is_used() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let action = read("action.yml");
    let script = read("scripts/action.sh");
    let names_in_section = |section: &str| -> Vec<String> {
        let content = action.split_once(&format!("\n{section}:\n")).unwrap().1;
        let lines = content.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
        let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names.map(|line| line.trim().trim_end_matches(':').to_owned()).collect()
    };
    let inputs = names_in_section("inputs");
    assert_eq!(inputs.len(), 15);
    for input in inputs {
        assert!(action.contains(&format!("inputs.{input} ")), "{input} is not used");
        let variable = format!("INPUT_{}", input.to_uppercase().replace('-', "_"));
        let is_passed = action.contains(&format!("{variable}: "));
        assert!(is_passed && script.contains(&format!("${{{variable}:-")), "{variable}");
    }
    for output in names_in_section("outputs") {
        assert!(action.contains(&format!("steps.scan.outputs.{output} ")), "{output}");
        let is_set = script.contains(&format!("output {output} ")) || script.contains(&format!("{output}=%"));
        assert!(is_set, "{output} is not set");
    }
    for line in action.lines().filter(|line| line.trim_start().starts_with("run:")) {
        assert!(!line.contains("${{"), "an expression in a line that a shell runs: {line}");
    }
    for line in action.lines().filter(|line| line.trim_start().starts_with("uses:")) {
        let id = line.split_once('@').unwrap().1.split(' ').next().unwrap();
        assert!(id.len() == 40 && line.contains(" # v"), "not pinned to a commit with its version: {line}");
    }
}

#[test]
fn a_push_is_scanned_once_and_counted() {
    let scratch = runner();
    let before = scratch.git("ws", &["rev-parse", "HEAD"]);
    scratch.write("ws/a", format!("{}\n{}\n", key(1), key(2)));
    scratch.write("ws/b", key(1));
    let after = scratch.commit("ws", "leak");
    let payload = json!({"before": before, "after": after, "ref": "refs/heads/main"});
    let (status, outputs, log) = run_scan(&scratch, "push", &payload, &[]);
    assert_eq!(status, 1, "{log}");
    for line in ["exit-code=1", "findings=3", "leaks=2", "commits=1", "blobs=2", "upload=true"] {
        assert!(has_line(&outputs, line), "{line}: {outputs}");
    }
    assert!(has_line(&outputs, &format!("range={before}..{after}")), "{outputs}");
    assert!(log.contains("::error file=a,line=1,"), "{log}");
    let sarif = sarif_report(sarif_path(&outputs));
    assert!(
        !Path::new(&sarif_path(&outputs)).starts_with(scratch.path("ws")),
        "the report is in the checkout"
    );
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    let summary = fs::read_to_string(scratch.path("summary.md")).unwrap();
    assert_eq!(summary.matches("## friskey: 2 leaks in 3 places").count(), 1, "{summary}");
    let (status, outputs, _) = run_scan(&scratch, "push", &payload, &[("INPUT_FAIL_ON_FINDINGS", "false")]);
    assert!(status == 0 && has_line(&outputs, "exit-code=1"), "{outputs}");
}

#[test]
fn the_scan_of_each_event_has_the_expected_status_findings_and_upload() {
    let scratch = runner();
    let before = scratch.git("ws", &["rev-parse", "HEAD"]);
    scratch.write("ws/a", key(1));
    let after = scratch.commit("ws", "leak");
    scratch.git("ws", &["update-ref", "refs/remotes/origin/main", &before]);
    // GitHub's id for a ref that does not exist before or after a push.
    let zero_id = "0".repeat(40);
    let push = |before: &str, after: &str, name: &str| json!({"before": before, "after": after, "ref": name, "repository": {"default_branch": "main"}});
    let pull_request =
        json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after, "repo": {"fork": true}}}});
    let missing_id = "12".repeat(20);
    for (event, payload, status, findings) in [
        ("push", push(&zero_id, &after, "refs/heads/x"), 1, 1),
        ("push", push(&missing_id, &after, "refs/heads/x"), 1, 1),
        ("push", push(&before, &zero_id, "refs/heads/x"), 0, 0),
        ("push", push(&zero_id, &after, "refs/tags/v1"), 1, 1),
        ("push", push(&before, &missing_id, "refs/heads/x"), 3, 0),
        ("pull_request", pull_request.clone(), 1, 1),
        ("pull_request_target", pull_request, 1, 1),
        ("merge_group", json!({"merge_group": {"base_sha": before, "head_sha": after}}), 1, 1),
        ("schedule", json!({}), 1, 1),
        ("workflow_dispatch", json!({"inputs": {"x": "$(touch ran)"}}), 1, 1),
    ] {
        let (actual_status, outputs, log) = run_scan(&scratch, event, &payload, &[]);
        assert_eq!(actual_status, status, "{event}: {log}");
        assert!(has_line(&outputs, &format!("findings={findings}")), "{event}: {outputs}");
        let is_deletion = payload["after"] == *zero_id;
        // A report that does not cover its ref completely would close alerts.
        let uploads = status < 2 && !is_deletion && event != "pull_request_target";
        assert_eq!(has_line(&outputs, "upload=true"), uploads, "{event}");
    }
    // A push event without its fields.
    assert_eq!(run_scan(&scratch, "push", &json!({}), &[]).0, 2);
}

#[test]
fn a_push_uploads_the_whole_history_so_that_no_alert_is_closed() {
    let scratch = runner();
    scratch.write("ws/old", key(1));
    let before = scratch.commit("ws", "old leak");
    scratch.write("ws/fine", "fine\n");
    let after = scratch.commit("ws", "fine");
    let payload = json!({"before": before, "after": after, "ref": "refs/heads/main"});
    let results = |outputs: &str| {
        let sarif = sarif_report(sarif_path(outputs));
        let id = sarif["runs"][0]["automationDetails"]["id"].as_str().unwrap().to_owned();
        (id, sarif["runs"][0]["results"].as_array().unwrap().len())
    };
    // The step fails because of findings in the push; the alerts are those of the whole history.
    let (status, outputs, log) = run_scan(&scratch, "push", &payload, &[]);
    assert!(
        status == 0 && has_line(&outputs, "findings=0") && has_line(&outputs, "upload=true"),
        "{outputs} {log}"
    );
    assert!(!log.contains("::error"), "{log}");
    assert_eq!(results(&outputs), ("friskey/history/".to_owned(), 1));
    let (_, outputs, _) = run_scan(&scratch, "push", &payload, &[("INPUT_UPLOAD_SARIF", "false")]);
    assert!(!outputs.contains("upload="), "{outputs}");
    assert_eq!(results(&outputs), ("friskey/ci/".to_owned(), 0));
    // A report without findings of a history that cannot be read completely would close alerts, so it is not uploaded.
    scratch.write("ws/.git/objects/12/34567890123456789012345678901234567890", "no object");
    let (status, outputs, log) = run_scan(&scratch, "push", &payload, &[]);
    assert!(
        status == 0 && has_line(&outputs, "upload=true"),
        "the history has findings, so its report is uploaded although it is incomplete: {log}"
    );
    scratch.write(
        "ws/accepted.toml",
        format!(
            "version = 1\n[[accepted]]\nfingerprint = '{}'\nrule = 'openai-project-key'\nreason = 'x'\n",
            crate::support::fingerprint(&key(1))
        ),
    );
    let (status, outputs, log) = run_scan(&scratch, "push", &payload, &[("INPUT_BASELINE", "accepted.toml")]);
    assert!(status == 0 && !outputs.contains("upload="), "{outputs}");
    assert!(log.contains("::warning title=friskey::not uploaded"), "{log}");
}

#[test]
fn each_input_has_its_effect_and_none_is_run_as_code() {
    let scratch = runner();
    scratch.write("ws/sub dir/a", key(1));
    scratch.write("ws/$(touch ran)/b", key(2));
    let scan_tree = |variables: &[(&str, &str)]| {
        run_scan(&scratch, "schedule", &json!({}), &[&[("INPUT_MODE", "tree")], variables].concat())
    };
    let findings = |variables: &[(&str, &str)]| {
        let (_, outputs, log) = scan_tree(variables);
        let line = outputs.lines().find_map(|line| line.strip_prefix("findings="));
        line.unwrap_or_else(|| panic!("{log}")).parse::<u32>().unwrap()
    };
    assert_eq!(findings(&[]), 2);
    assert_eq!(findings(&[("INPUT_PATHS", "sub dir")]), 1);
    assert_eq!(findings(&[("INPUT_PATHS", "sub dir\r\n$(touch ran)\n")]), 2);
    assert_eq!(findings(&[("INPUT_SARIF_FILE", "out dir/$(touch ran).sarif")]), 2);
    assert!(scratch.path("ws/out dir/$(touch ran).sarif").exists());
    scratch.write("ws/other.toml", "exclude = ['/sub dir/']\n");
    assert_eq!(findings(&[("INPUT_CONFIG", "other.toml")]), 1);
    let fingerprint = crate::support::fingerprint(&key(1));
    let entry =
        format!("[[accepted]]\nfingerprint = '{fingerprint}'\nrule = 'openai-project-key'\nreason = 'x'\n");
    scratch.write("ws/accepted.toml", format!("version = 1\n{entry}"));
    assert_eq!(findings(&[("INPUT_BASELINE", "accepted.toml")]), 1);
    assert_eq!(scan_tree(&[("INPUT_MIN_CONFIDENCE", "sure; touch ran")]).0, 2);
    assert_eq!(findings(&[("INPUT_MIN_CONFIDENCE", "high")]), 2);
    assert_eq!(findings(&[("INPUT_BASELINE", "accepted.toml"), ("INPUT_NO_SUPPRESS", "true")]), 2);
    scratch.write("ws/sub dir/a", format!("{} # friskey:allow\n", key(1)));
    assert_eq!(findings(&[]), 1);
    assert_eq!(findings(&[("INPUT_STRICT", "true")]), 2);
    scratch.write("ws/our rules.toml", WORKSPACE_RULE);
    scratch.write("ws/more.toml", WORKSPACE_RULE.replace("widget", "gadget"));
    scratch.write("ws/w", "widget_0123456789abcdef gadget_0123456789abcdef\n");
    assert_eq!(findings(&[("INPUT_RULES", "our rules.toml")]), 2);
    assert_eq!(findings(&[("INPUT_RULES", "our rules.toml\r\n\nmore.toml\n")]), 3);
    for invalid in [
        // A range requires the mode `auto`.
        [("INPUT_BASE", "HEAD")],
        [("INPUT_HEAD", "HEAD")],
        [("INPUT_STRICT", "yes")],
        [("INPUT_NO_SUPPRESS", "1")],
        [("INPUT_UPLOAD_SARIF", "$(touch ran)")],
        [("INPUT_RULES", "--no-such.toml")],
        [("INPUT_MODE", "$(touch ran)")],
        [("INPUT_PATHS", "--no-such; touch ran")],
        [("INPUT_FAIL_ON_FINDINGS", "maybe")],
    ] {
        let (status, outputs, log) = scan_tree(&invalid);
        assert!(status == 2 && !outputs.contains("sarif="), "{invalid:?}: {log}");
    }
    assert!(!scratch.path("ws/ran").exists());
    scratch.commit("ws", "all");
    let (status, outputs, _) = run_scan(&scratch, "schedule", &json!({}), &[("INPUT_MODE", "history")]);
    assert!(status == 1 && has_line(&outputs, "commits=2") && has_line(&outputs, "range="), "{outputs}");
    let range = [("INPUT_BASE", "HEAD~1"), ("INPUT_HEAD", "HEAD")];
    let (status, outputs, log) = run_scan(&scratch, "workflow_dispatch", &json!({}), &range);
    assert!(status == 1 && has_line(&outputs, "commits=1"), "{outputs}");
    assert!(has_line(&outputs, "range=HEAD~1..HEAD") && !outputs.contains("upload="), "{outputs}");
    assert!(log.contains("::notice title=friskey::not uploaded"), "{log}");
    let (status, outputs, _) = run_scan(&scratch, "schedule", &json!({}), &[("INPUT_BASE", "; touch ran")]);
    assert!(status == 2 && !outputs.contains("sarif=") && !scratch.path("ws/ran").exists());
    let (output, _) = run_step(&scratch, "upload-failed", &[]);
    assert!(output.status.success() && output.stdout.starts_with(b"::warning title=friskey::"));
}

#[test]
fn a_committed_link_does_not_divert_a_report() {
    let scratch = runner();
    let outside = scratch.write("outside", "mine\n");
    fs::create_dir_all(scratch.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(&outside, scratch.path("ws/friskey.sarif")).unwrap();
    std::os::unix::fs::symlink(scratch.path("elsewhere"), scratch.path("ws/out")).unwrap();
    scratch.commit("ws", "links");
    let scan_with_report = |path: &str| {
        let variables = [("INPUT_MODE", "tree"), ("INPUT_SARIF_FILE", path)];
        run_scan(&scratch, "schedule", &json!({}), &variables)
    };
    let (status, outputs, log) = scan_with_report("friskey.sarif");
    assert!(status == 0 && has_line(&outputs, "sarif=friskey.sarif"), "{log}");
    assert!(!scratch.path("ws/friskey.sarif").is_symlink());
    for path in ["out/friskey.sarif", "./out/deep/friskey.sarif", "../elsewhere/friskey.sarif"] {
        let (status, _, log) = scan_with_report(path);
        assert!(status == 2 && log.contains("::error title=friskey::"), "{path}: {log}");
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
    assert!(fs::read_dir(scratch.path("elsewhere")).unwrap().next().is_none());
}

#[test]
fn a_pull_request_cannot_exempt_itself_in_any_mode() {
    let scratch = runner();
    let base = scratch.git("ws", &["rev-parse", "HEAD"]);
    scratch.write("ws/secret.txt", key(1));
    scratch.write("ws/friskey.toml", "exclude = ['secret.txt']\n");
    scratch.write("ws/.gitignore", "secret.txt\n");
    scratch.git("ws", &["add", "-f", "secret.txt"]);
    let head = scratch.commit("ws", "a key, and files that exempt it");
    let payload = json!({"pull_request": {"base": {"sha": base}, "head": {"sha": head}}});
    for mode in ["auto", "tree", "history"] {
        for config in ["", "friskey.toml"] {
            let variables = [("INPUT_MODE", mode), ("INPUT_CONFIG", config)];
            let (status, outputs, log) = run_scan(&scratch, "pull_request", &payload, &variables);
            assert!(status == 1 && has_line(&outputs, "findings=1"), "{mode}: {log}");
            assert!(log.contains("configuration, baseline and rules are those of "), "{mode}: {log}");
        }
    }
}
