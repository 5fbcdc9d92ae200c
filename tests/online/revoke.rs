//! Tests `friskey revoke`: without `--yes` or with an uncertain match it changes nothing, and it calls a key revoked only
//! when the key is gone.

use std::process::Output;

use crate::openai::{Fault, error};
use crate::support::{LEAK_TIME, ProviderSetup, admin_key, fingerprint, key, printed_text, service_key};

const DAY: i64 = 86_400;

fn revoke(setup: &ProviderSetup, options: &[&str]) -> Output {
    setup.friskey(&[&["revoke", "report.json", "--wait", "0.2"], options].concat())
}

/// The number of requests that are to change something.
fn count_changes(setup: &ProviderSetup) -> usize {
    setup.api.requests().iter().filter(|request| request.method != "GET").count()
}

#[test]
fn the_printed_commands_lead_from_a_report_to_a_dead_key() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1), &key(2)]);
    let abbreviated = &fingerprint(&key(1))[..12];
    let verify_output = setup.friskey(&["verify", "report.json"]);
    let command = format!("friskey revoke report.json --key {abbreviated} --host {}", setup.api.host());
    assert!(printed_text(&verify_output).contains(&command), "{}", printed_text(&verify_output));
    // The organization does not have the other leaked key.
    let dry_run = setup.friskey(&["revoke", "report.json", "--key", abbreviated]);
    assert_eq!(dry_run.status.code(), Some(1), "{}", printed_text(&dry_run));
    assert!(
        printed_text(&dry_run).contains("--yes key_1") && count_changes(&setup) == 0,
        "{}",
        printed_text(&dry_run)
    );
    let output = setup.run_next_step(&dry_run);
    assert_eq!(output.status.code(), Some(0), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("revoked: key_1 is gone from the list"),
        "{}",
        printed_text(&output)
    );
    let evidence = setup.path(&format!("evidence-{abbreviated}.json"));
    assert!(std::fs::read_to_string(evidence).unwrap().contains("\"key_1\""));
    assert_eq!(count_changes(&setup), 1);
    setup.assert_never_sent(&key(1));
}

#[test]
fn the_wrong_id_changes_nothing() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1)]);
    let output = revoke(&setup, &["--yes", "key_2"]);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(2), 0), "{}", printed_text(&output));
}

#[test]
fn uncertain_matches_are_refused() {
    let assert_refused = |setup: &ProviderSetup, id: &str, part: &str| {
        let output = revoke(setup, &["--yes", id]);
        assert_eq!((output.status.code(), count_changes(setup)), (Some(3), 0), "{}", printed_text(&output));
        assert!(printed_text(&output).contains(part), "{part}: {}", printed_text(&output));
    };
    let several = ProviderSetup::new();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    several.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    several.add_key("key_2", Some("proj_1"), &other, LEAK_TIME - DAY);
    several.write_report(&[&key(1)]);
    assert_refused(&several, "key_1", "several keys match");

    let admin = ProviderSetup::new();
    admin.write_report(&[&admin_key(1)]);
    assert_refused(&admin, "key_admin", "admin key in use");

    let younger = ProviderSetup::new();
    younger.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME + DAY);
    younger.write_report(&[&key(1)]);
    assert_refused(&younger, "key_1", "created after the commit");

    let no_match = ProviderSetup::new();
    no_match.write_report(&[&key(1)]);
    assert_refused(&no_match, "key_1", "https://platform.openai.com/api-keys");

    let incomplete_list = ProviderSetup::new();
    incomplete_list.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    incomplete_list.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    incomplete_list.api.add_fault("/projects/proj_2/", Fault::Response(403, error("no", None)), 9);
    incomplete_list.write_report(&[&key(1)]);
    assert_refused(&incomplete_list, "key_1", "not all keys could be listed");
}

#[test]
fn a_match_by_a_short_mask_or_a_commit_date_is_not_deleted() {
    let assert_refused = |setup: &ProviderSetup, part: &str| {
        let output = revoke(setup, &["--yes", "key_1"]);
        assert_eq!((output.status.code(), count_changes(setup)), (Some(3), 0), "{}", printed_text(&output));
        assert!(printed_text(&output).contains(part), "{part}: {}", printed_text(&output));
    };
    let short = ProviderSetup::new();
    short.api.change(|state| state.short_masks = true);
    short.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    short.write_report(&[&key(1)]);
    assert_refused(&short, "a short form of the key");

    // An author can give a commit any date.
    let by_date = ProviderSetup::new();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    by_date.add_key("key_1", Some("proj_1"), &other, LEAK_TIME - DAY);
    by_date.add_key("key_2", Some("proj_1"), &key(1), LEAK_TIME + DAY);
    by_date.write_report(&[&key(1)]);
    assert_refused(&by_date, "other keys match as well and differ only in that they were created after");
}

#[test]
fn a_key_that_stays_listed_is_only_submitted() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.api.change(|state| state.lists_with_deleted_key = 99);
    setup.write_report(&[&key(1)]);
    let output = revoke(&setup, &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("submitted: key_1"), "{}", printed_text(&output));
}

#[test]
fn after_a_refused_deletion_the_keys_of_the_service_account_are_shown() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - DAY);
    setup.add_key("key_2", Some("proj_1"), &service_key(2), LEAK_TIME - DAY);
    setup.api.add_fault(
        "/api_keys/key_1",
        Fault::Response(400, error("belongs to a service account", None)),
        9,
    );
    setup.write_report(&[&service_key(1)]);
    let output = revoke(&setup, &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    for part in [
        "service account backend, svc_acct_1",
        "key_2 (name of key_2), last used 2026-03-04",
        "friskey does not",
    ] {
        assert!(printed_text(&output).contains(part), "{part}: {}", printed_text(&output));
    }
    // There is one attempt to delete the key, and none to delete the account.
    let changes: Vec<String> = setup
        .api
        .requests()
        .into_iter()
        .filter(|request| request.method != "GET")
        .map(|request| request.target)
        .collect();
    assert_eq!(changes, ["/v1/organization/projects/proj_1/api_keys/key_1"]);
    let account_lists =
        setup.api.requests().into_iter().filter(|request| request.target.contains("/service_accounts?"));
    assert_eq!(account_lists.count(), 1, "only the accounts of the key's project are listed");
}

#[test]
fn a_short_mask_is_no_proof_unless_the_project_is_named() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.api.change(|state| {
        state.short_masks = true;
        state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false));
    });
    setup.write_report(&[&key(1)]);
    let output = revoke(&setup, &["--yes", "key_1"]);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(3), 0), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("--project PROJECTID"), "{}", printed_text(&output));
    let output = revoke(&setup, &["--yes", "key_1", "--project", "proj_2"]);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(3), 0), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("none in this project"), "{}", printed_text(&output));
    let output = revoke(&setup, &["--project", "proj_1"]);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(1), 0), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("--project proj_1 "), "{}", printed_text(&output));
    let output = setup.run_next_step(&output);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(0), 1), "{}", printed_text(&output));
}

#[test]
fn the_project_distinguishes_keys_with_the_same_mask() {
    let setup = ProviderSetup::new();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.add_key("key_2", Some("proj_2"), &other, LEAK_TIME - DAY);
    setup.write_report(&[&key(1)]);
    assert_eq!(revoke(&setup, &["--yes", "key_1"]).status.code(), Some(3));
    let output = revoke(&setup, &["--yes", "key_1", "--project", "proj_1"]);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(0), 1), "{}", printed_text(&output));
}

#[test]
fn printed_commands_lead_from_a_report_in_another_directory_to_a_dead_key() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    std::fs::create_dir(setup.path("my reports")).unwrap();
    setup.write_report(&[&key(1)]);
    std::fs::rename(setup.path("report.json"), setup.path("my reports/a.json")).unwrap();
    let verify_output = setup.friskey(&["verify", "my reports/a.json"]);
    let dry_run = setup.run_next_step(&verify_output);
    assert_eq!((dry_run.status.code(), count_changes(&setup)), (Some(1), 0), "{}", printed_text(&dry_run));
    let output = setup.run_next_step(&dry_run);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(0), 1), "{}", printed_text(&output));
}

#[test]
fn evidence_is_not_written_to_devices_and_temporary_memory() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1)]);
    for path in ["/dev/null", "/dev/stdout", "/dev/shm/friskey-evidence", "/dev/fd/1"] {
        let output = revoke(&setup, &["--yes", "key_1", "--evidence", path]);
        assert_eq!(
            (output.status.code(), count_changes(&setup)),
            (Some(2), 0),
            "{path}: {}",
            printed_text(&output)
        );
    }
}

#[test]
fn waiting_for_a_deletion_ends_at_the_maximum_number_of_requests() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.api.change(|state| state.lists_with_deleted_key = 99);
    setup.write_report(&[&key(1)]);
    let requests = {
        assert_eq!(setup.friskey(&["revoke", "report.json"]).status.code(), Some(1));
        setup.api.requests().len() + 1
    };
    // Enough requests to delete the key, and none to check whether it is still listed.
    let limit = requests.to_string();
    let output = setup.friskey(&["revoke", "report.json", "--yes", "key_1", "--max-requests", &limit]);
    assert_eq!((output.status.code(), count_changes(&setup)), (Some(3), 1), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("submitted: ") && printed_text(&output).contains("--max-requests"),
        "{}",
        printed_text(&output)
    );
}
