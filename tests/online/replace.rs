//! Tests `friskey revoke --replace`: the program that stores the new key gets it before the old key is deleted, and
//! nothing else gets it.

#![cfg(unix)]

use std::process::Output;

use crate::openai::{Fault, error};
use crate::support::{LEAK_TIME, ProviderSetup, key, printed_text, service_key};

const DAY: i64 = 86_400;

/// Replaces the leaked key, and passes the new one to the program `store`.
fn replace(setup: &ProviderSetup, store: &str, options: &[&str]) -> Output {
    setup
        .friskey(&[&["revoke", "report.json", "--wait", "0.2", "--replace", "--to", store], options].concat())
}

/// The method and the last part of the path of each request that is to change something.
fn changes(setup: &ProviderSetup) -> Vec<String> {
    let requests = setup.api.requests().into_iter().filter(|request| request.method != "GET");
    requests
        .map(|request| format!("{} {}", request.method, request.target.rsplit_once('/').unwrap().1))
        .collect()
}

#[test]
fn a_new_key_goes_to_the_program_before_the_old_one_is_deleted() {
    let setup = ProviderSetup::with_replaceable_key();
    setup.api.change(|state| state.keys[1].scopes = Some(vec!["api.model.read".to_owned()]));
    let store = "sh -c 'cat >store; echo \"$OPENAI_ADMIN_KEY\" >environment; cat store; cat store >&2'";
    let dry_run = replace(&setup, store, &[]);
    assert_eq!(dry_run.status.code(), Some(1), "{}", printed_text(&dry_run));
    assert!(
        printed_text(&dry_run).contains("svc_acct_1 with the same permissions"),
        "{}",
        printed_text(&dry_run)
    );
    assert!(changes(&setup).is_empty() && !setup.path("store").exists());

    // The command that the dry run prints has all the options again.
    assert!(printed_text(&dry_run).contains("--replace --to "), "{}", printed_text(&dry_run));
    let output = setup.run_next_step(&dry_run);
    assert_eq!(output.status.code(), Some(0), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("replaced: the new key key_new")
            && printed_text(&output).contains("revoked: key_1")
    );
    assert_eq!(changes(&setup), ["POST api_keys", "DELETE key_1"]);
    assert_eq!(std::fs::read_to_string(setup.path("store")).unwrap(), service_key(2));
    assert_eq!(std::fs::read_to_string(setup.path("environment")).unwrap(), "\n");
    let state = setup.api.state.lock().unwrap();
    assert_eq!(state.keys.last().unwrap().scopes.as_deref(), Some(&["api.model.read".to_owned()][..]));
}

#[test]
fn a_program_that_fails_leaves_the_old_key_and_no_new_one() {
    for store in ["false", "sh -c 'cat; exit 3'", "./no-such-program"] {
        let setup = ProviderSetup::with_replaceable_key();
        let output = replace(&setup, store, &["--yes", "key_1"]);
        assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
        assert!(printed_text(&output).contains("key_new was deleted again"), "{}", printed_text(&output));
        assert_eq!(changes(&setup), ["POST api_keys", "DELETE key_new"]);
    }
}

#[test]
fn without_a_new_key_nothing_is_deleted() {
    let setup = ProviderSetup::with_replaceable_key();
    setup.api.add_fault("/service_accounts/", Fault::Response(403, error("no", None)), 1);
    let output = replace(&setup, "touch started", &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("no new key was created"), "{}", printed_text(&output));
    assert_eq!(changes(&setup), ["POST api_keys"]);
    assert!(!setup.path("started").exists());
}

#[test]
fn deleting_an_account_is_not_suggested_without_a_warning_if_it_has_the_new_key() {
    let setup = ProviderSetup::with_replaceable_key();
    setup.api.add_fault("/api_keys/key_1", Fault::Response(400, error("of a service account", None)), 9);
    let output = replace(&setup, "sh -c 'cat >store'", &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    for part in [
        "would also delete these keys and break whatever uses them: key_new (the replacement that was just created)",
        "repeat without --replace and --to",
    ] {
        assert!(printed_text(&output).contains(part), "{part}: {}", printed_text(&output));
    }
    assert_eq!(changes(&setup), ["POST api_keys", "DELETE key_1"]);
}

#[test]
fn the_new_key_is_deleted_if_the_program_does_not_read_it() {
    for store in ["true", "sh -c 'exec <&-; exit 0'", "head -c 20"] {
        let setup = ProviderSetup::with_replaceable_key();
        let output = replace(&setup, store, &["--yes", "key_1"]);
        assert_eq!(output.status.code(), Some(3), "{store}: {}", printed_text(&output));
        assert!(printed_text(&output).contains("did not read the key"), "{store}: {}", printed_text(&output));
        assert_eq!(changes(&setup), ["POST api_keys", "DELETE key_new"], "{store}");
    }
}

#[test]
fn the_key_of_a_user_is_not_replaced() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1)]);
    let output = replace(&setup, "touch started", &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("service accounts only"), "{}", printed_text(&output));
    assert!(changes(&setup).is_empty() && !setup.path("started").exists());
}

#[test]
fn the_program_is_not_run_by_a_shell_and_is_required() {
    let setup = ProviderSetup::with_replaceable_key();
    let output = replace(&setup, "cat >store; touch started", &["--yes", "key_1"]);
    assert_ne!(output.status.code(), Some(0), "{}", printed_text(&output));
    assert!(!setup.path("started").exists() && !setup.path("store").exists());
    for options in [&["--replace"][..], &["--to", "cat"], &["--replace", "--to", ""]] {
        let output = setup.friskey(&[&["revoke", "report.json"], options].concat());
        assert_eq!(output.status.code(), Some(2), "{}", printed_text(&output));
    }
}
