//! Tests `friskey keys`: it lists every key with its age, marks keys that are due for a change, and changes nothing.

use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::openai::{FakeKey, Fault, error};
use crate::support::{ProviderSetup, admin_key, json_report, key, printed_text, service_key};

const DAY: i64 = 86_400;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// An organization whose only key, the admin key, is one day old and in use.
fn setup() -> ProviderSetup {
    let setup = ProviderSetup::new();
    setup.api.change(|state| {
        state.keys[0].created_at = now() - DAY;
        state.keys[0].last_used_at = Some(now());
    });
    setup
}

/// Adds a key of a service account. Ages are in days; `last_use_age` is `None` if the key was never used.
fn add_key(
    setup: &ProviderSetup,
    number: u64,
    age: i64,
    last_use_age: Option<i64>,
    change: impl FnOnce(&mut FakeKey),
) {
    setup.add_key(&format!("key_{number}"), Some("proj_1"), &service_key(number), now() - age * DAY);
    setup.api.change(|state| {
        let key = state.keys.last_mut().unwrap();
        key.last_used_at = last_use_age.map(|days| now() - days * DAY);
        change(key);
    });
}

/// The id of each key in the order of the report, with the reasons why it is due.
fn due_reasons(output: &Output) -> Vec<(String, Value)> {
    let keys = json_report(output)["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| (key["id"].as_str().unwrap().to_owned(), key["due"].clone())).collect()
}

#[test]
fn a_key_is_due_for_each_of_four_reasons_and_the_oldest_due_key_comes_first() {
    let setup = setup();
    add_key(&setup, 2, 3, Some(0), |_| {});
    add_key(&setup, 3, 120, Some(0), |_| {});
    add_key(&setup, 4, 60, None, |_| {});
    add_key(&setup, 5, 400, Some(100), |_| {});
    add_key(&setup, 6, 5, Some(0), |key| key.scopes = Some(Vec::new()));
    add_key(&setup, 7, 4, Some(0), |key| key.scopes = Some(vec!["api.model.read".to_owned()]));
    add_key(&setup, 8, 2, Some(0), |key| key.is_service_account = false);
    let output = setup.friskey(&["keys", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    let expected = [
        ("key_5", json!(["old", "unused"])),
        ("key_3", json!(["old"])),
        ("key_4", json!(["unused"])),
        ("key_6", json!(["unrestricted"])),
        ("key_7", json!([])),
        ("key_2", json!([])),
        ("key_8", json!(["user-owned"])),
        ("key_admin", json!([])),
    ];
    assert_eq!(due_reasons(&output), expected.map(|(id, due)| (id.to_owned(), due)));
    assert_eq!(json_report(&output)["due"], 5);
    let human = printed_text(&setup.friskey(&["keys"]));
    assert!(human.contains("due: older than 90 days, so replace it; not used for 90 days"), "{human}");
    assert!(human.contains("8 keys in 1 project: 5 keys due"), "{human}");
    assert!(setup.api.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn max_age_sets_the_age_at_which_a_key_is_due() {
    let setup = setup();
    add_key(&setup, 2, 120, Some(0), |_| {});
    assert_eq!(setup.friskey(&["keys"]).status.code(), Some(1));
    let output = setup.friskey(&["keys", "--max-age", "120"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("nothing due") && printed_text(&output).contains("key_2"),
        "{}",
        printed_text(&output)
    );
    assert!(setup.friskey(&["keys", "--max-age", "120", "--quiet"]).stdout.is_empty());
}

#[test]
fn a_list_that_could_not_be_read_is_named_and_makes_the_report_incomplete() {
    let setup = setup();
    add_key(&setup, 2, 1, Some(0), |_| {});
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    setup.api.add_fault("/projects/proj_2/", Fault::Response(403, error("no", None)), 1);
    let output = setup.friskey(&["keys"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("not read: keys of the project proj_2"),
        "{}",
        printed_text(&output)
    );
    setup.api.add_fault("/organization/projects?", Fault::Response(401, error("no", None)), 1);
    let output = setup.friskey(&["keys", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert_eq!(json_report(&output)["not_read"].as_array().map(Vec::len), Some(1));
}

#[test]
fn keys_in_names_are_redacted_and_keys_of_archived_projects_are_not_due() {
    let setup = setup();
    add_key(&setup, 2, 1, Some(0), |key| key.name = format!("see {}", admin_key(1)));
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), key(9), true)));
    setup.add_key("key_3", Some("proj_2"), &key(3), now() - 900 * DAY);
    let output = setup.friskey(&["keys"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("archived") && !printed_text(&output).contains(&key(9)[9..30]),
        "{}",
        printed_text(&output)
    );
}
