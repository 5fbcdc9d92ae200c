//! Tests `verify` and `revoke` where it would be easy to claim too much, or to suggest a step that does not help.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{LEAKED, Scene, fingerprint, key, parsed, said};

const DAY: i64 = 86_400;

/// An organization with the leaked key of a report.
fn scene_of(id: &str, leaked: &str) -> Scene {
    let scene = Scene::new();
    scene.add(id, Some("proj_1"), leaked, LEAKED - DAY);
    scene.report(&[leaked]);
    scene
}

/// A key that the API shows exactly like `key(1)`.
fn lookalike() -> String {
    format!("{}{}", &key(2)[..160], &key(1)[160..])
}

fn revoke(scene: &Scene, more: &[&str]) -> Output {
    scene.friskey(&[&["revoke", "report.json", "--wait", "0.2"], more].concat())
}

fn writes(scene: &Scene) -> usize {
    scene.api.seen().iter().filter(|seen| seen.method != "GET").count()
}

fn edit_report(scene: &Scene, edit: impl FnOnce(&mut Value)) {
    let path = scene.path("report.json");
    let mut report = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut report);
    std::fs::write(path, report.to_string()).unwrap();
}

#[track_caller]
fn assert_said(output: &Output, status: i32, parts: &[&str], never: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(status), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    for part in never {
        assert!(!said.contains(part), "{part} is there: {said}");
    }
}

#[test]
fn a_listed_key_is_at_most_one_of_the_leaked_keys_that_fit_it() {
    let scene = scene_of("key_1", &lookalike());
    scene.report(&[&key(1), &lookalike()]);
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert_said(&output, 3, &["2 leaked keys fit it", "--send-key"], &["friskey revoke report.json --key"]);
    for leak in parsed(&output)["leaks"].as_array().unwrap() {
        let verification = &leak["verification"];
        assert_eq!(
            (&verification["verdict"], &verification["matching"]),
            (&json!("unknown"), &json!("several"))
        );
        assert_eq!(verification["keys"][0]["id"], "key_1");
    }
    for leaked in [key(1), lookalike()] {
        let short = &fingerprint(&leaked)[..12];
        let output = revoke(&scene, &["--key", short, "--yes", "key_1"]);
        assert_said(&output, 3, &["2 leaked keys of the report fit the only match"], &["is gone", "live: "]);
    }
    assert_eq!(writes(&scene), 0);
    // That one of them is accepted does not tell which of them the listed key is.
    edit_report(&scene, |report| {
        report["leaks"][1]["findings"] = json!([{"suppressed": {"by": "baseline"}}])
    });
    let output = revoke(&scene, &["--key", &fingerprint(&key(1))[..12], "--yes", "key_1"]);
    assert_said(&output, 3, &["2 leaked keys"], &["is gone", "live: "]);
    assert_eq!(writes(&scene), 0);
}

#[test]
fn a_match_that_is_younger_than_the_leak_is_not_sent_to_revoke() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED + DAY);
    scene.report(&[&key(1)]);
    let parts = ["created after the leaking commit", "https://platform.openai.com/"];
    assert_said(&scene.friskey(&["verify", "report.json"]), 3, &parts, &["friskey revoke"]);
    assert_said(&revoke(&scene, &[]), 3, &["so it is probably another key", "delete it at https://"], &[]);
}

#[test]
fn accepted_keys_are_counted_and_can_be_verified() {
    let scene = scene_of("key_1", &key(1));
    edit_report(&scene, |report| {
        report["leaks"][0]["findings"] = json!([{"suppressed": {"by": "baseline"}}])
    });
    let output = scene.friskey(&["verify", "report.json"]);
    assert_said(&output, 0, &["not verified: 1 accepted key", "--no-suppress"], &[]);
    assert_said(
        &scene.friskey(&["verify", "report.json", "--no-suppress"]),
        1,
        &["live: one match"],
        &["accepted"],
    );
    // Whoever names a key means it.
    assert_said(&revoke(&scene, &["--key", &fingerprint(&key(1))[..12]]), 1, &["--yes key_1"], &[]);
    edit_report(&scene, |report| report["leaks"][0]["findings"] = json!([{"suppressed": false}]));
    assert_said(&scene.friskey(&["verify", "report.json"]), 1, &["live: one match"], &[]);
}

#[test]
fn the_keys_of_a_report_are_looked_for_in_its_repository() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("repo")).unwrap();
    std::fs::write(scene.path("repo/a"), key(1)).unwrap();
    scene.report(&[&key(1)]);
    edit_report(&scene, |report| report["repository"] = json!({"path": scene.path("repo")}));
    std::fs::create_dir(scene.path("elsewhere")).unwrap();
    std::fs::write(scene.path("elsewhere/b"), key(2)).unwrap();
    let send = ["verify", "../report.json", "--send-key", "--recheck-after", "0.1"];
    let run = |more: &[&str]| {
        let mut friskey = scene.command(env!("CARGO_BIN_EXE_friskey"));
        friskey.args(send).args(more).args(["--host", &scene.api.host(), "--trust-host", "--timeout", "2"]);
        friskey.env("SSL_CERT_FILE", scene.api.authority()).current_dir(scene.path("elsewhere"));
        crate::git::run(&mut friskey, b"")
    };
    let here = scene.path("repo").to_string_lossy().into_owned();
    assert_said(&run(&[]), 0, &["dead: ", &format!("looking for the keys of the report in {here}")], &[]);
    // What is named counts more than the report.
    assert_said(&run(&["--repo", "."]), 3, &["the key was not found again"], &[]);
    edit_report(&scene, |report| report["repository"] = json!({"path": scene.path("gone")}));
    assert_said(&run(&[]), 2, &["the repository of the report is not at", "--repo"], &["looking"]);
}

#[test]
fn a_key_with_an_unusable_id_is_not_sent_to_revoke() {
    let scene = scene_of("key.abc", &key(1));
    let parts = ["live: one match", "delete it at https://platform.openai.com/"];
    assert_said(&scene.friskey(&["verify", "report.json"]), 1, &parts, &["friskey revoke"]);
}
