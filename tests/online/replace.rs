//! Tests `friskey revoke --replace`: the new key reaches its program before the old one is deleted, and goes nowhere else.

#![cfg(unix)]

use std::process::Output;

use crate::openai::{Fault, error};
use crate::support::{LEAKED, Scene, key, said, service_key};

const DAY: i64 = 86_400;

fn replace(scene: &Scene, to: &str, more: &[&str]) -> Output {
    scene.friskey(&[&["revoke", "report.json", "--wait", "0.2", "--replace", "--to", to], more].concat())
}

fn writes(scene: &Scene) -> Vec<String> {
    let seen = scene.api.seen().into_iter().filter(|seen| seen.method != "GET");
    seen.map(|seen| format!("{} {}", seen.method, seen.target.rsplit_once('/').unwrap().1)).collect()
}

#[test]
fn a_new_key_goes_to_the_program_before_the_old_one_is_deleted() {
    let scene = Scene::replaceable();
    scene.api.set(|state| state.keys[1].scopes = Some(vec!["api.model.read".to_owned()]));
    let to = "sh -c 'cat >store; echo \"$OPENAI_ADMIN_KEY\" >environment; cat store; cat store >&2'";
    let dry = replace(&scene, to, &[]);
    assert_eq!(dry.status.code(), Some(1), "{}", said(&dry));
    assert!(said(&dry).contains("svc_acct_1 with the same permissions"), "{}", said(&dry));
    assert!(writes(&scene).is_empty() && !scene.path("store").exists());

    // What the dry run says to do is all of it again.
    assert!(said(&dry).contains("--replace --to "), "{}", said(&dry));
    let done = scene.follow(&dry);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(said(&done).contains("replaced: the new key key_new") && said(&done).contains("revoked: key_1"));
    assert_eq!(writes(&scene), ["POST api_keys", "DELETE key_1"]);
    assert_eq!(std::fs::read_to_string(scene.path("store")).unwrap(), service_key(2));
    assert_eq!(std::fs::read_to_string(scene.path("environment")).unwrap(), "\n");
    let state = scene.api.state.lock().unwrap();
    assert_eq!(state.keys.last().unwrap().scopes.as_deref(), Some(&["api.model.read".to_owned()][..]));
}

#[test]
fn a_program_that_fails_leaves_the_old_key_and_no_new_one() {
    for to in ["false", "sh -c 'cat; exit 3'", "./no-such-program"] {
        let scene = Scene::replaceable();
        let output = replace(&scene, to, &["--yes", "key_1"]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains("key_new was deleted again"), "{}", said(&output));
        assert_eq!(writes(&scene), ["POST api_keys", "DELETE key_new"]);
    }
}

#[test]
fn without_a_new_key_nothing_is_deleted() {
    let scene = Scene::replaceable();
    scene.api.fault("/service_accounts/", Fault::Answer(403, error("no", None)), 1);
    let output = replace(&scene, "touch started", &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("no new key was created"), "{}", said(&output));
    assert_eq!(writes(&scene), ["POST api_keys"]);
    assert!(!scene.path("started").exists());
}

#[test]
fn an_account_that_has_the_new_key_is_not_offered_for_deletion() {
    let scene = Scene::replaceable();
    scene.api.fault("/api_keys/key_1", Fault::Answer(400, error("of a service account", None)), 9);
    let output = replace(&scene, "sh -c 'cat >store'", &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for part in [
        "would also delete these keys and break whatever uses them: key_new (the replacement that was just created)",
        "repeat without --replace and --to",
    ] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    assert_eq!(writes(&scene), ["POST api_keys", "DELETE key_1"]);
}

#[test]
fn a_program_that_leaves_the_key_unread_does_not_have_it() {
    for to in ["true", "sh -c 'exec <&-; exit 0'", "head -c 20"] {
        let scene = Scene::replaceable();
        let output = replace(&scene, to, &["--yes", "key_1"]);
        assert_eq!(output.status.code(), Some(3), "{to}: {}", said(&output));
        assert!(said(&output).contains("did not read the key"), "{to}: {}", said(&output));
        assert_eq!(writes(&scene), ["POST api_keys", "DELETE key_new"], "{to}");
    }
}

#[test]
fn the_key_of_a_user_is_not_replaced() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1)]);
    let output = replace(&scene, "touch started", &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("service accounts only"), "{}", said(&output));
    assert!(writes(&scene).is_empty() && !scene.path("started").exists());
}

#[test]
fn the_program_is_not_a_shell_and_has_to_be_named() {
    let scene = Scene::replaceable();
    let output = replace(&scene, "cat >store; touch started", &["--yes", "key_1"]);
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!scene.path("started").exists() && !scene.path("store").exists());
    for more in [&["--replace"][..], &["--to", "cat"], &["--replace", "--to", ""]] {
        let output = scene.friskey(&[&["revoke", "report.json"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
}
