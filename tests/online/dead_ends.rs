//! Tests runs that cannot verify or revoke a key: they say why and what to do instead, and claim no success.

use serde_json::json;

use crate::openai::{Fault, error, mask};
use crate::support::{
    LEAK_TIME, ProviderSetup, admin_key, fingerprint, json_report, key, only_verification, printed_text,
    service_key,
};

const DAY: i64 = 86_400;

fn setup() -> ProviderSetup {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1)]);
    setup
}

fn revoke(setup: &ProviderSetup, options: &[&str]) -> (Option<i32>, String) {
    let output = setup.friskey(&[&["revoke", "report.json", "--wait", "0.2"], options].concat());
    (output.status.code(), printed_text(&output))
}

fn deletions(setup: &ProviderSetup) -> usize {
    setup.api.requests().iter().filter(|request| request.method == "DELETE").count()
}

#[test]
fn a_key_without_a_usable_id_is_never_called_revoked() {
    for id in ["key.abc", "key:1", &"k".repeat(129)] {
        let setup = ProviderSetup::new();
        setup.add_key(id, Some("proj_1"), &key(1), LEAK_TIME - DAY);
        setup.write_report(&[&key(1)]);
        for more in [&[][..], &["--yes", "?"]] {
            let (status, printed) = revoke(&setup, more);
            assert_eq!((status, deletions(&setup)), (Some(3), 0), "{id}: {printed}");
            assert!(
                printed.contains("id that friskey cannot use") && !printed.contains("is gone"),
                "{printed}"
            );
        }
    }
}

#[test]
fn only_a_refused_deletion_suggests_to_delete_the_service_account() {
    // The number of deletions, and what is printed, after a fault that suggests to delete the account or does not.
    let revoke_with_fault = |suggests: bool, fault: Fault| {
        let setup = ProviderSetup::new();
        setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - DAY);
        setup.add_key("key_2", Some("proj_1"), &service_key(2), LEAK_TIME - DAY);
        setup.api.add_fault("/api_keys/key_1", fault, 9);
        setup.write_report(&[&service_key(1)]);
        let (exit, printed) = revoke(&setup, &["--yes", "key_1"]);
        assert_eq!(exit, Some(3), "{printed}");
        assert_eq!(printed.contains("would also delete"), suggests, "{printed}");
        (deletions(&setup), printed)
    };
    revoke_with_fault(true, Fault::Response(400, error("belongs to a service account", None)));
    revoke_with_fault(true, Fault::Response(403, error("no", None)));
    let scopes = "Missing scopes: api.management.write";
    assert!(
        revoke_with_fault(false, Fault::Response(403, error(scopes, None)))
            .1
            .contains("`api.management.write`")
    );
    revoke_with_fault(false, Fault::Response(401, error("no", Some("invalid_api_key"))));
    // A request over the rate limit deleted nothing, so it is repeated.
    let limit = Fault::Header(429, "retry-after: 0", error("no", Some("rate_limit_exceeded")));
    assert_eq!(revoke_with_fault(false, limit).0, 4);
}

#[test]
fn after_an_unexpected_response_the_list_shows_whether_the_key_was_deleted() {
    for fault in [
        Fault::Response(204, String::new()),
        Fault::Response(202, "{}".to_owned()),
        Fault::Header(303, "location: /v1/x", String::new()),
        Fault::Response(500, error("no", None)),
    ] {
        let setup = setup();
        setup.api.add_fault("/api_keys/key_1", fault, 9);
        let (status, printed) = revoke(&setup, &["--yes", "key_1"]);
        assert_eq!(status, Some(3), "{printed}");
        assert!(
            printed.contains("submitted: key_1 is still listed") && !printed.contains("not revoked"),
            "{printed}"
        );
    }
}

#[test]
fn a_key_that_one_list_lacks_and_the_next_has_is_not_called_gone() {
    let setup = setup();
    setup.api.change(|state| state.lists_without_deleted_key = 1);
    setup.api.change(|state| state.lists_with_deleted_key = 99);
    let (status, printed) = revoke(&setup, &["--yes", "key_1"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(printed.contains("submitted: ") && !printed.contains("is gone"), "{printed}");
}

#[test]
fn an_incomplete_list_is_named_and_the_advice_is_not_to_report_the_key() {
    let setup = ProviderSetup::new();
    setup.write_report(&[&key(1)]);
    setup.api.add_fault("/projects/proj_1/api_keys", Fault::Response(403, error("no", None)), 9);
    let (status, printed) = revoke(&setup, &["--yes", "key_1"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(
        printed.contains("not all could be (keys of the project proj_1") && !printed.contains("--report"),
        "{printed}"
    );
}

#[test]
fn a_wrong_project_is_distinguished_from_a_key_outside_the_organization() {
    let setup = setup();
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    for (project, part) in
        [("Payments", "no project with this id"), ("proj_2", "none in this project matches")]
    {
        let (status, printed) = revoke(&setup, &["--yes", "key_1", "--project", project]);
        assert_eq!((status, deletions(&setup)), (Some(3), 0), "{printed}");
        assert!(printed.contains(part) && printed.contains("keys that match are in proj_1"), "{printed}");
        assert!(!printed.contains("--report"), "{printed}");
    }
}

#[test]
fn a_wrong_project_is_called_wrong_only_as_far_as_its_keys_could_be_listed() {
    let setup = setup();
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    setup.api.add_fault("/projects/proj_2/api_keys", Fault::Response(403, error("no", None)), 9);
    let (status, printed) = revoke(&setup, &["--project", "proj_2"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(printed.contains("not everything could be listed (keys of the project proj_2"), "{printed}");
}

#[test]
fn a_leaked_admin_key_is_not_sought_in_a_project() {
    let setup = ProviderSetup::new();
    setup.add_key("key_admin_2", None, &admin_key(2), LEAK_TIME - DAY);
    setup.write_report(&[&admin_key(2)]);
    let (status, printed) = revoke(&setup, &["--project", "proj_1"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(printed.contains("belongs to no project, so repeat without --project"), "{printed}");
}

#[test]
fn a_match_in_the_named_project_counts_even_if_another_project_has_an_older_one() {
    let setup = setup();
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    setup.add_key("key_2", Some("proj_2"), &other, LEAK_TIME + DAY);
    let (status, printed) = revoke(&setup, &["--project", "proj_2"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(
        printed.contains("the only match was created after") && !printed.contains("none in this project"),
        "{printed}"
    );
}

#[test]
fn a_younger_key_with_the_same_mask_is_named_and_advice_that_was_followed_is_not_repeated() {
    let setup = setup();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    setup.add_key("key_2", Some("proj_1"), &other, LEAK_TIME + DAY);
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert!(
        only_verification(&output)["notes"].to_string().contains("after the leaking commit: key_2"),
        "{}",
        printed_text(&output)
    );
    assert!(revoke(&setup, &[]).1.contains("--project PROJECTID"));
    let (status, printed) = revoke(&setup, &["--project", "proj_1"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(
        !printed.contains("--project PROJECTID") && printed.contains("settings/organization/projects"),
        "{printed}"
    );
}

#[test]
fn evidence_overwrites_no_file_and_names_the_key_and_the_host() {
    let setup = setup();
    std::fs::write(setup.path("kept.json"), "older evidence").unwrap();
    for existing in ["kept.json", "report.json"] {
        let (status, printed) = revoke(&setup, &["--yes", "key_1", "--evidence", existing]);
        assert_eq!((status, deletions(&setup)), (Some(2), 0), "{printed}");
        assert!(printed.contains("already exists"), "{printed}");
    }
    assert_eq!(std::fs::read_to_string(setup.path("kept.json")).unwrap(), "older evidence");
    assert_eq!(revoke(&setup, &["--yes", "key_1", "--evidence", "new.json"]).0, Some(0));
    let evidence: serde_json::Value =
        serde_json::from_slice(&std::fs::read(setup.path("new.json")).unwrap()).unwrap();
    assert_eq!(
        (&evidence["fingerprint"], &evidence["keys"][0]["id"]),
        (&json!(fingerprint(&key(1))), &json!("key_1"))
    );
    assert_eq!(evidence["host"], json!(setup.api.host()));
}

/// More events than are kept, and no costs: the events that were read are evidence.
#[test]
fn an_audit_log_that_is_read_in_part_is_evidence() {
    let setup = setup();
    setup.api.change(|state| {
        for number in 0..1_001 {
            state.events.push(json!({"id": format!("audit_{number}"), "type": "api_key.updated",
                "effective_at": number, "api_key.updated": {"id": "key_1"}}));
        }
    });
    for path in ["/costs", "/usage/"] {
        setup.api.add_fault(path, Fault::Response(403, error("Missing scopes: api.usage.read", None)), 99);
    }
    let (status, printed) = revoke(&setup, &["--yes", "key_1", "--evidence", "new.json"]);
    assert_eq!((status, deletions(&setup)), (Some(0), 1), "{printed}");
    assert!(printed.contains("1 later events about key_1 are left out"), "{printed}");
    assert!(setup.path("new.json").exists());
}

#[test]
fn a_key_is_not_deleted_if_requested_evidence_cannot_be_read() {
    let setup = setup();
    for path in ["/costs", "/usage/", "/audit_logs"] {
        setup.api.add_fault(path, Fault::Response(403, error("Missing scopes: api.usage.read", None)), 99);
    }
    let (status, printed) = revoke(&setup, &["--yes", "key_1", "--evidence", "new.json"]);
    assert_eq!((status, deletions(&setup)), (Some(3), 0), "{printed}");
    assert!(printed.contains("no evidence to keep") && printed.contains("`api.usage.read`"), "{printed}");
    assert!(!setup.path("new.json").exists());
    // The command that the dry run prints requests no evidence, so it works.
    let dry_run = setup.friskey(&["revoke", "report.json"]);
    assert!(
        !crate::support::printed_text(&dry_run).contains("--evidence"),
        "{}",
        crate::support::printed_text(&dry_run)
    );
    assert_eq!(setup.run_next_step(&dry_run).status.code(), Some(0));
}

#[test]
fn after_a_refused_deletion_the_new_key_is_among_those_that_the_account_has() {
    let setup = ProviderSetup::with_replaceable_key();
    setup.api.add_fault(
        "/api_keys/key_1",
        Fault::Response(400, error("belongs to a service account", None)),
        9,
    );
    let (status, printed) = revoke(&setup, &["--replace", "--to", "tee store", "--yes", "key_1"]);
    assert_eq!(status, Some(3), "{printed}");
    assert!(
        printed.contains("would also delete these keys") && printed.contains("key_new (the replacement"),
        "{printed}"
    );
    // The id of the new key is printed before the program gets the key, so that it is known after an interruption.
    assert!(
        printed.find("created the new key key_new").unwrap() < printed.find("not revoked").unwrap(),
        "{printed}"
    );
}

#[test]
fn after_a_server_error_it_is_unknown_whether_a_new_key_was_created() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - DAY);
    setup.write_report(&[&service_key(1)]);
    setup.api.add_fault("/service_accounts/svc_acct_1/", Fault::Response(500, error("no", None)), 9);
    let (status, printed) = revoke(&setup, &["--replace", "--to", "cat", "--yes", "key_1"]);
    assert_eq!((status, deletions(&setup)), (Some(3), 0), "{printed}");
    assert!(printed.contains("it is unknown whether a new key was created"), "{printed}");
}

/// Without `--send-key` no request carries a leaked key, not even as the admin key.
#[test]
fn a_leaked_key_is_not_used_as_the_admin_key() {
    let setup = ProviderSetup::new();
    setup.write_report(&[&admin_key(1), &key(1)]);
    let output = setup.friskey(&["verify", "report.json"]);
    assert_eq!((output.status.code(), setup.api.requests().len()), (Some(2), 0), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("one of the leaked keys"), "{}", printed_text(&output));
    for wrong in [
        key(1),
        service_key(1),
        format!("\"{}\"", admin_key(1)),
        format!("OPENAI_ADMIN_KEY={}", admin_key(1)),
    ] {
        let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "report.json"]).env("OPENAI_ADMIN_KEY", &wrong);
        // No proxy listens at this port: a request would fail with another message.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        let output = crate::git::run(&mut command, b"");
        assert_eq!(output.status.code(), Some(2), "{}", printed_text(&output));
        assert!(
            printed_text(&output).contains("not an admin key; admin keys begin with sk-admin-"),
            "{}",
            printed_text(&output)
        );
        assert!(!printed_text(&output).contains(&wrong[20..40]), "{}", printed_text(&output));
    }
}

#[test]
fn a_rejected_admin_key_is_named_as_such() {
    let setup = setup();
    let body =
        error(&format!("Incorrect API key provided: {}.", mask(&admin_key(1))), Some("invalid_api_key"));
    setup.api.add_fault("/organization/", Fault::Response(401, body), 99);
    for arguments in [&["verify", "report.json"][..], &["revoke", "report.json"], &["keys"]] {
        let output = setup.friskey(arguments);
        assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
        assert!(
            printed_text(&output).contains("the admin key in OPENAI_ADMIN_KEY is wrong or was revoked"),
            "{}",
            printed_text(&output)
        );
        assert!(!printed_text(&output).contains("nothing due"), "{}", printed_text(&output));
    }
}

#[test]
fn another_region_is_named_with_the_command_that_asks_there() {
    let setup = setup();
    let body = error("Use us.api.openai.com for this key.", Some("incorrect_hostname"));
    setup.api.add_fault("/organization/projects?", Fault::Response(401, body.clone()), 9);
    let output = setup.friskey(&["verify", "report.json"]);
    assert!(
        printed_text(&output).contains("repeat with --host us.api.openai.com"),
        "{}",
        printed_text(&output)
    );
    setup.api.add_fault("/v1/models", Fault::Response(401, body), 9);
    let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
    command.args([
        "verify",
        "-",
        "--send-key",
        "--trust-host",
        "--host",
        &setup.api.host(),
        "--format",
        "json",
    ]);
    command.env("SSL_CERT_FILE", setup.api.authority());
    let output = crate::git::run(&mut command, key(1).as_bytes());
    let step = only_verification(&output)["next_steps"][0].as_str().unwrap().to_owned();
    assert!(step.contains("friskey verify - --host us.api.openai.com"), "{step}");
    assert_eq!(only_verification(&output)["works_at"], "us.api.openai.com");
}

#[test]
fn every_verdict_but_none_at_all_has_a_next_step() {
    for (status, code) in
        [(401, "account_deactivated"), (401, "new"), (403, "unsupported_country_region_territory")]
    {
        let setup = ProviderSetup::new();
        setup.write_report(&[]);
        setup.api.add_fault("/v1/models", Fault::Response(status, error("no", Some(code))), 9);
        let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "-", "--send-key", "--host", &setup.api.host(), "--format", "json"]);
        command.env("SSL_CERT_FILE", setup.api.authority());
        let output = crate::git::run(&mut command, key(1).as_bytes());
        let step = only_verification(&output)["next_steps"][0].as_str().unwrap_or_default().to_owned();
        assert!(step.contains("friskey verify -") && step.contains("same standard input"), "{code}: {step}");
    }
}

#[test]
fn accepted_keys_are_counted_as_not_verified() {
    let setup = setup();
    let path = setup.path("report.json");
    let mut report: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    report["leaks"][0]["findings"] = json!([{"suppressed": {"by": "baseline"}}]);
    std::fs::write(&path, report.to_string()).unwrap();
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    let summary = json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not verified: 1 accepted key"), "{summary}");
    report["leaks"][0]["findings"] = json!([{"suppressed": false}]);
    std::fs::write(&path, report.to_string()).unwrap();
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(only_verification(&output)["verdict"], "live", "{}", printed_text(&output));
}

#[test]
fn reports_in_the_encodings_of_windows_and_keys_in_json_are_read() {
    let setup = setup();
    let text = std::fs::read_to_string(setup.path("report.json")).unwrap();
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [format!("\u{feff}{text}").into_bytes(), utf16] {
        std::fs::write(setup.path("report.json"), bytes).unwrap();
        let output = setup.friskey(&["verify", "report.json"]);
        assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    }
    let input = json!({"OPENAI_API_KEY": key(1)}).to_string();
    let output = setup.friskey_with(&["verify", "-"], input.as_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
}

#[test]
fn several_leaks_are_named_to_choose_from() {
    let setup = setup();
    setup.write_report(&[&key(1), &key(2)]);
    let (status, printed) = revoke(&setup, &[]);
    assert_eq!(status, Some(2), "{printed}");
    for number in [1, 2] {
        assert!(printed.contains(&fingerprint(&key(number))[..12]), "{printed}");
    }
}

#[test]
fn a_commit_from_the_future_hides_no_costs() {
    let setup = setup();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    setup.api.change(|state| {
        state.costs.insert("key_1".to_owned(), vec![(now / DAY * DAY, 42.0)]);
    });
    let path = setup.path("report.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("2026-03-03", "2099-03-03");
    std::fs::write(path, text).unwrap();
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(only_verification(&output)["spending"]["since_leak"], 42.0, "{}", printed_text(&output));
    assert!(
        only_verification(&output)["notes"].to_string().contains("in the future"),
        "{}",
        printed_text(&output)
    );
}

#[test]
fn at_most_ten_of_several_leaked_keys_are_named_and_the_others_counted() {
    let setup = setup();
    let keys: Vec<String> = (1..=13).map(key).collect();
    setup.write_report(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, printed) = revoke(&setup, &[]);
    assert!(printed.contains("several leaked keys match") && printed.contains(", and 3 more"), "{printed}");
}
