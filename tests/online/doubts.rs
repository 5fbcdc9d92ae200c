//! Tests that `verify` and `revoke` claim nothing that is uncertain, and suggest no step that cannot help.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{LEAK_TIME, ProviderSetup, fingerprint, json_report, key, printed_text};

const DAY: i64 = 86_400;

/// An organization that has the leaked key, under this id, and a report of the leak.
fn setup_with_leak(id: &str, leaked: &str) -> ProviderSetup {
    let setup = ProviderSetup::new();
    setup.add_key(id, Some("proj_1"), leaked, LEAK_TIME - DAY);
    setup.write_report(&[leaked]);
    setup
}

/// Another key than `key(1)` with the same mask.
fn key_with_same_mask() -> String {
    format!("{}{}", &key(2)[..160], &key(1)[160..])
}

fn revoke(setup: &ProviderSetup, options: &[&str]) -> Output {
    setup.friskey(&[&["revoke", "report.json", "--wait", "0.2"], options].concat())
}

fn count_changes(setup: &ProviderSetup) -> usize {
    setup.api.requests().iter().filter(|request| request.method != "GET").count()
}

fn edit_report(setup: &ProviderSetup, edit: impl FnOnce(&mut Value)) {
    let path = setup.path("report.json");
    let mut report = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut report);
    std::fs::write(path, report.to_string()).unwrap();
}

#[track_caller]
fn assert_output(output: &Output, status: i32, parts: &[&str], unexpected: &[&str]) {
    let printed = printed_text(output);
    assert_eq!(output.status.code(), Some(status), "{printed}");
    for part in parts {
        assert!(printed.contains(part), "{part} is missing: {printed}");
    }
    for part in unexpected {
        assert!(!printed.contains(part), "{part} is printed: {printed}");
    }
}

#[test]
fn nothing_is_deleted_if_several_leaked_keys_fit_a_mask() {
    let setup = setup_with_leak("key_1", &key_with_same_mask());
    setup.write_report(&[&key(1), &key_with_same_mask()]);
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert_output(&output, 3, &["2 leaked keys fit it", "--send-key"], &["friskey revoke report.json --key"]);
    for leak in json_report(&output)["leaks"].as_array().unwrap() {
        let verification = &leak["verification"];
        assert_eq!(
            (&verification["verdict"], &verification["matching"]),
            (&json!("unknown"), &json!("several"))
        );
        assert_eq!(verification["keys"][0]["id"], "key_1");
    }
    for leaked in [key(1), key_with_same_mask()] {
        let abbreviated = &fingerprint(&leaked)[..12];
        let output = revoke(&setup, &["--key", abbreviated, "--yes", "key_1"]);
        assert_output(
            &output,
            3,
            &["2 leaked keys of the report fit the only match"],
            &["is gone", "live: "],
        );
    }
    assert_eq!(count_changes(&setup), 0);
    // If one of the leaks is accepted, it is still not known which of the two keys the organization has.
    edit_report(&setup, |report| {
        report["leaks"][1]["findings"] = json!([{"suppressed": {"by": "baseline"}}])
    });
    let output = revoke(&setup, &["--key", &fingerprint(&key(1))[..12], "--yes", "key_1"]);
    assert_output(&output, 3, &["2 leaked keys"], &["is gone", "live: "]);
    assert_eq!(count_changes(&setup), 0);
}

#[test]
fn there_is_no_advice_to_revoke_a_key_that_is_younger_than_the_leak() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME + DAY);
    setup.write_report(&[&key(1)]);
    let parts = ["created after the leaking commit", "https://platform.openai.com/"];
    assert_output(&setup.friskey(&["verify", "report.json"]), 3, &parts, &["friskey revoke"]);
    assert_output(&revoke(&setup, &[]), 3, &["so it is probably another key", "delete it at https://"], &[]);
}

#[test]
fn accepted_keys_are_counted_and_can_be_verified() {
    let setup = setup_with_leak("key_1", &key(1));
    edit_report(&setup, |report| {
        report["leaks"][0]["findings"] = json!([{"suppressed": {"by": "baseline"}}])
    });
    let output = setup.friskey(&["verify", "report.json"]);
    assert_output(&output, 0, &["not verified: 1 accepted key", "--no-suppress"], &[]);
    assert_output(
        &setup.friskey(&["verify", "report.json", "--no-suppress"]),
        1,
        &["live: one match"],
        &["accepted"],
    );
    // A key that an option names is revoked although it is accepted.
    assert_output(&revoke(&setup, &["--key", &fingerprint(&key(1))[..12]]), 1, &["--yes key_1"], &[]);
    edit_report(&setup, |report| report["leaks"][0]["findings"] = json!([{"suppressed": false}]));
    assert_output(&setup.friskey(&["verify", "report.json"]), 1, &["live: one match"], &[]);
}

#[test]
fn the_keys_of_a_report_are_searched_for_in_its_repository_or_that_of_an_option() {
    let setup = ProviderSetup::new();
    std::fs::create_dir(setup.path("repo")).unwrap();
    std::fs::write(setup.path("repo/a"), key(1)).unwrap();
    setup.write_report(&[&key(1)]);
    edit_report(&setup, |report| report["repository"] = json!({"path": setup.path("repo")}));
    std::fs::create_dir(setup.path("elsewhere")).unwrap();
    std::fs::write(setup.path("elsewhere/b"), key(2)).unwrap();
    let send = ["verify", "../report.json", "--send-key", "--recheck-after", "0.1"];
    let run = |options: &[&str]| {
        let mut friskey = setup.command(env!("CARGO_BIN_EXE_friskey"));
        friskey.args(send).args(options).args([
            "--host",
            &setup.api.host(),
            "--trust-host",
            "--timeout",
            "2",
        ]);
        friskey.env("SSL_CERT_FILE", setup.api.authority()).current_dir(setup.path("elsewhere"));
        crate::git::run(&mut friskey, b"")
    };
    let repository = setup.path("repo").to_string_lossy().into_owned();
    assert_output(
        &run(&[]),
        0,
        &["dead: ", &format!("looking for the keys of the report in {repository}")],
        &[],
    );
    // The option overrides the repository that the report names.
    assert_output(&run(&["--repo", "."]), 3, &["the key was not found again"], &[]);
    edit_report(&setup, |report| report["repository"] = json!({"path": setup.path("gone")}));
    assert_output(&run(&[]), 2, &["the repository of the report is not at", "--repo"], &["looking"]);
}

#[test]
fn there_is_no_advice_to_revoke_a_key_with_an_unusable_id() {
    let setup = setup_with_leak("key.abc", &key(1));
    let parts = ["live: one match", "delete it at https://platform.openai.com/"];
    assert_output(&setup.friskey(&["verify", "report.json"]), 1, &parts, &["friskey revoke"]);
}
