//! Tests `friskey revoke`: without `--yes` or with an uncertain match it changes nothing, and it calls a key revoked only when
//! the key is gone.

use std::process::Output;

use crate::openai::{Fault, error};
use crate::support::{LEAKED, Scene, admin_key, fingerprint, key, said, service_key};

const DAY: i64 = 86_400;

fn revoke(scene: &Scene, more: &[&str]) -> Output {
    scene.friskey(&[&["revoke", "report.json", "--wait", "0.2"], more].concat())
}

fn writes(scene: &Scene) -> usize {
    scene.api.seen().iter().filter(|seen| seen.method != "GET").count()
}

#[test]
fn the_printed_commands_lead_from_a_report_to_a_dead_key() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1), &key(2)]);
    let short = &fingerprint(&key(1))[..12];
    let verified = scene.friskey(&["verify", "report.json"]);
    let first = format!("friskey revoke report.json --key {short} --host {}", scene.api.host());
    assert!(said(&verified).contains(&first), "{}", said(&verified));
    // The other leak has no match, and the one that is live comes first.
    let dry = scene.friskey(&["revoke", "report.json", "--key", short]);
    assert_eq!(dry.status.code(), Some(1), "{}", said(&dry));
    assert!(said(&dry).contains("--yes key_1") && writes(&scene) == 0, "{}", said(&dry));
    let done = scene.follow(&dry);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(said(&done).contains("revoked: key_1 is gone from the list"), "{}", said(&done));
    let evidence = scene.path(&format!("evidence-{short}.json"));
    assert!(std::fs::read_to_string(evidence).unwrap().contains("\"key_1\""));
    assert_eq!(writes(&scene), 1);
    scene.never_sent(&key(1));
}

#[test]
fn the_wrong_id_changes_nothing() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1)]);
    let output = revoke(&scene, &["--yes", "key_2"]);
    assert_eq!((output.status.code(), writes(&scene)), (Some(2), 0), "{}", said(&output));
}

#[test]
fn uncertain_matches_are_refused() {
    let refused = |scene: &Scene, id: &str, part: &str| {
        let output = revoke(scene, &["--yes", id]);
        assert_eq!((output.status.code(), writes(scene)), (Some(3), 0), "{}", said(&output));
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    };
    let several = Scene::new();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    several.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    several.add("key_2", Some("proj_1"), &other, LEAKED - DAY);
    several.report(&[&key(1)]);
    refused(&several, "key_1", "several keys match");

    let own = Scene::new();
    own.report(&[&admin_key(1)]);
    refused(&own, "key_admin", "admin key in use");

    let late = Scene::new();
    late.add("key_1", Some("proj_1"), &key(1), LEAKED + DAY);
    late.report(&[&key(1)]);
    refused(&late, "key_1", "created after the commit");

    let none = Scene::new();
    none.report(&[&key(1)]);
    refused(&none, "key_1", "https://platform.openai.com/api-keys");

    let partly = Scene::new();
    partly.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    partly.api.set(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    partly.api.fault("/projects/proj_2/", Fault::Answer(403, error("no", None)), 9);
    partly.report(&[&key(1)]);
    refused(&partly, "key_1", "not all keys could be listed");
}

#[test]
fn a_match_that_rests_on_little_is_not_deleted() {
    let refused = |scene: &Scene, part: &str| {
        let output = revoke(scene, &["--yes", "key_1"]);
        assert_eq!((output.status.code(), writes(scene)), (Some(3), 0), "{}", said(&output));
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    };
    let short = Scene::new();
    short.api.set(|state| state.short_masks = true);
    short.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    short.report(&[&key(1)]);
    refused(&short, "a short form of the key");

    // The date of a commit is what its author says it is.
    let dated = Scene::new();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    dated.add("key_1", Some("proj_1"), &other, LEAKED - DAY);
    dated.add("key_2", Some("proj_1"), &key(1), LEAKED + DAY);
    dated.report(&[&key(1)]);
    refused(&dated, "several keys match and only their dates differ");
}

#[test]
fn a_key_that_stays_listed_is_only_submitted() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.api.set(|state| state.lag = 99);
    scene.report(&[&key(1)]);
    let output = revoke(&scene, &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("submitted: key_1"), "{}", said(&output));
}

#[test]
fn a_refused_service_account_key_shows_what_the_account_has() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - DAY);
    scene.add("key_2", Some("proj_1"), &service_key(2), LEAKED - DAY);
    scene.api.fault("/api_keys/key_1", Fault::Answer(400, error("belongs to a service account", None)), 9);
    scene.report(&[&service_key(1)]);
    let output = revoke(&scene, &["--yes", "key_1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for part in [
        "service account backend, svc_acct_1",
        "key_2 (name of key_2), last used 2026-03-04",
        "friskey does not",
    ] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    // It stops: one attempt at the key, none at the account.
    let written: Vec<String> =
        scene.api.seen().into_iter().filter(|seen| seen.method != "GET").map(|seen| seen.target).collect();
    assert_eq!(written, ["/v1/organization/projects/proj_1/api_keys/key_1"]);
    let listed = scene.api.seen().into_iter().filter(|seen| seen.target.contains("/service_accounts?"));
    assert_eq!(listed.count(), 1, "only those of its project");
}

#[test]
fn a_short_mask_is_no_proof_unless_the_project_is_named() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.api.set(|state| {
        state.short_masks = true;
        state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false));
    });
    scene.report(&[&key(1)]);
    let output = revoke(&scene, &["--yes", "key_1"]);
    assert_eq!((output.status.code(), writes(&scene)), (Some(3), 0), "{}", said(&output));
    assert!(said(&output).contains("--project PROJECTID"), "{}", said(&output));
    let output = revoke(&scene, &["--yes", "key_1", "--project", "proj_2"]);
    assert_eq!((output.status.code(), writes(&scene)), (Some(3), 0), "{}", said(&output));
    assert!(said(&output).contains("none in this project"), "{}", said(&output));
    let output = revoke(&scene, &["--project", "proj_1"]);
    assert_eq!((output.status.code(), writes(&scene)), (Some(1), 0), "{}", said(&output));
    assert!(said(&output).contains("--project proj_1 "), "{}", said(&output));
    let output = scene.follow(&output);
    assert_eq!((output.status.code(), writes(&scene)), (Some(0), 1), "{}", said(&output));
}

#[test]
fn the_project_distinguishes_keys_with_the_same_mask() {
    let scene = Scene::new();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    scene.api.set(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.add("key_2", Some("proj_2"), &other, LEAKED - DAY);
    scene.report(&[&key(1)]);
    assert_eq!(revoke(&scene, &["--yes", "key_1"]).status.code(), Some(3));
    let output = revoke(&scene, &["--yes", "key_1", "--project", "proj_1"]);
    assert_eq!((output.status.code(), writes(&scene)), (Some(0), 1), "{}", said(&output));
}

#[test]
fn a_report_alone_leads_to_a_dead_key_step_by_step() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    std::fs::create_dir(scene.path("my reports")).unwrap();
    scene.report(&[&key(1)]);
    std::fs::rename(scene.path("report.json"), scene.path("my reports/a.json")).unwrap();
    let verified = scene.friskey(&["verify", "my reports/a.json"]);
    let dry = scene.follow(&verified);
    assert_eq!((dry.status.code(), writes(&scene)), (Some(1), 0), "{}", said(&dry));
    let done = scene.follow(&dry);
    assert_eq!((done.status.code(), writes(&scene)), (Some(0), 1), "{}", said(&done));
}

#[test]
fn evidence_is_not_given_to_what_keeps_nothing() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1)]);
    for place in ["/dev/null", "/dev/stdout", "/dev/shm/friskey-evidence", "/dev/fd/1"] {
        let output = revoke(&scene, &["--yes", "key_1", "--evidence", place]);
        assert_eq!((output.status.code(), writes(&scene)), (Some(2), 0), "{place}: {}", said(&output));
    }
}

#[test]
fn waiting_ends_when_the_run_may_not_ask_any_more() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.api.set(|state| state.lag = 99);
    scene.report(&[&key(1)]);
    let requests = {
        assert_eq!(scene.friskey(&["revoke", "report.json"]).status.code(), Some(1));
        scene.api.seen().len() + 1
    };
    // Enough to delete, none to look whether it is gone.
    let limit = requests.to_string();
    let output = scene.friskey(&["revoke", "report.json", "--yes", "key_1", "--max-requests", &limit]);
    assert_eq!((output.status.code(), writes(&scene)), (Some(3), 1), "{}", said(&output));
    assert!(
        said(&output).contains("submitted: ") && said(&output).contains("--max-requests"),
        "{}",
        said(&output)
    );
}
