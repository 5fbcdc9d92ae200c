//! Tests `friskey keys`: it lists every key with its age, marks those that are due, and changes nothing.

use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::openai::{FakeKey, Fault, error};
use crate::support::{Scene, admin_key, key, parsed, said, service_key};

const DAY: i64 = 86_400;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// An organization whose admin key is one day old and in use.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.api.set(|state| {
        state.keys[0].created_at = now() - DAY;
        state.keys[0].last_used_at = Some(now());
    });
    scene
}

/// Adds a key of a service account, created and last used so many days ago.
fn add(scene: &Scene, number: u64, age: i64, unused: Option<i64>, change: impl FnOnce(&mut FakeKey)) {
    scene.add(&format!("key_{number}"), Some("proj_1"), &service_key(number), now() - age * DAY);
    scene.api.set(|state| {
        let key = state.keys.last_mut().unwrap();
        key.last_used_at = unused.map(|days| now() - days * DAY);
        change(key);
    });
}

fn due(output: &Output) -> Vec<(String, Value)> {
    let keys = parsed(output)["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| (key["id"].as_str().unwrap().to_owned(), key["due"].clone())).collect()
}

#[test]
fn each_kind_of_trouble_is_due_and_the_oldest_key_comes_first() {
    let scene = scene();
    add(&scene, 2, 3, Some(0), |_| {});
    add(&scene, 3, 120, Some(0), |_| {});
    add(&scene, 4, 60, None, |_| {});
    add(&scene, 5, 400, Some(100), |_| {});
    add(&scene, 6, 5, Some(0), |key| key.scopes = Some(Vec::new()));
    add(&scene, 7, 4, Some(0), |key| key.scopes = Some(vec!["api.model.read".to_owned()]));
    add(&scene, 8, 2, Some(0), |key| key.is_service_account = false);
    let output = scene.friskey(&["keys", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
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
    assert_eq!(due(&output), expected.map(|(id, due)| (id.to_owned(), due)));
    assert_eq!(parsed(&output)["due"], 5);
    let human = said(&scene.friskey(&["keys"]));
    assert!(human.contains("due: older than 90 days, so replace it; not used for 90 days"), "{human}");
    assert!(human.contains("8 keys in 1 project: 5 keys due"), "{human}");
    assert!(scene.api.seen().iter().all(|seen| seen.method == "GET"));
}

#[test]
fn the_longest_age_is_the_users_choice_and_nothing_due_is_status_0() {
    let scene = scene();
    add(&scene, 2, 120, Some(0), |_| {});
    assert_eq!(scene.friskey(&["keys"]).status.code(), Some(1));
    let output = scene.friskey(&["keys", "--max-age", "120"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("nothing due") && said(&output).contains("key_2"), "{}", said(&output));
    assert!(scene.friskey(&["keys", "--max-age", "120", "--quiet"]).stdout.is_empty());
}

#[test]
fn what_could_not_be_listed_is_named_and_never_fine() {
    let scene = scene();
    add(&scene, 2, 1, Some(0), |_| {});
    scene.api.set(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    scene.api.fault("/projects/proj_2/", Fault::Answer(403, error("no", None)), 1);
    let output = scene.friskey(&["keys"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("not read: keys of the project proj_2"), "{}", said(&output));
    scene.api.fault("/organization/projects?", Fault::Answer(401, error("no", None)), 1);
    let output = scene.friskey(&["keys", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(parsed(&output)["not_read"].as_array().map(Vec::len), Some(1));
}

#[test]
fn keys_in_names_are_redacted_and_archived_projects_need_nothing() {
    let scene = scene();
    add(&scene, 2, 1, Some(0), |key| key.name = format!("see {}", admin_key(1)));
    scene.api.set(|state| state.projects.push(("proj_2".to_owned(), key(9), true)));
    scene.add("key_3", Some("proj_2"), &key(3), now() - 900 * DAY);
    let output = scene.friskey(&["keys"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("archived") && !said(&output).contains(&key(9)[9..30]),
        "{}",
        said(&output)
    );
}
