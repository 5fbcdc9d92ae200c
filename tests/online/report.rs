//! Tests `friskey revoke --report`: without consent it sends nothing, the request contains no other key, and the outcome is
//! never more than submitted.

use crate::openai::{Fault, error};
use crate::support::{Scene, admin_key, fingerprint, key, said, user_key};

fn writes(scene: &Scene) -> usize {
    scene.api.seen().len()
}

#[test]
fn a_report_is_sent_only_with_consent_and_is_only_submitted() {
    let scene = Scene::new();
    let leaked = user_key(1);
    let dry = scene.friskey_with(&["revoke", "-", "--report"], leaked.as_bytes());
    assert_eq!((dry.status.code(), writes(&scene)), (Some(1), 0), "{}", said(&dry));
    let short = &fingerprint(&leaked)[..12];
    let command =
        format!("friskey revoke - --key {short} --report --consent {short} --host {}", scene.api.host());
    assert!(said(&dry).contains(&command), "{}", said(&dry));
    assert!(said(&dry).contains("not certain") && !said(&dry).contains(&leaked), "{}", said(&dry));

    let arguments = ["revoke", "-", "--report", "--consent", short, "--email", "ada@example.org"];
    let sent = scene.friskey_with(&arguments, leaked.as_bytes());
    assert_eq!(sent.status.code(), Some(3), "{}", said(&sent));
    assert!(said(&sent).contains("submitted: ") && !said(&sent).contains("revoked"), "{}", said(&sent));
    assert!(!said(&sent).contains(&leaked), "{}", said(&sent));
    let reports = scene.api.state.lock().unwrap().reports.clone();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["secret"]["api_key"], *leaked);
    assert_eq!(reports[0]["reporter_email"], "ada@example.org");
    scene.never_sent(&admin_key(1));
    assert_eq!(writes(&scene), 1);
}

#[test]
fn consent_to_another_key_sends_nothing() {
    let scene = Scene::new();
    let wrong = &fingerprint(&user_key(2))[..12];
    for consent in [wrong, &fingerprint(&user_key(1))[..7]] {
        let arguments = ["revoke", "-", "--report", "--consent", consent];
        let output = scene.friskey_with(&arguments, user_key(1).as_bytes());
        assert_eq!((output.status.code(), writes(&scene)), (Some(2), 0), "{}", said(&output));
    }
}

#[test]
fn the_key_of_a_report_is_looked_for_in_its_repository() {
    let scene = Scene::new();
    scene.report(&[&key(1)]);
    let short = &fingerprint(&key(1))[..12];
    let arguments = ["revoke", "report.json", "--report", "--consent", short, "--repo", "."];
    let output = scene.friskey(&arguments);
    assert_eq!((output.status.code(), writes(&scene)), (Some(2), 0), "{}", said(&output));
    assert!(said(&output).contains("--repo"), "{}", said(&output));
    std::fs::write(scene.path("settings"), key(1)).unwrap();
    let output = scene.friskey(&arguments);
    assert_eq!((output.status.code(), writes(&scene)), (Some(3), 1), "{}", said(&output));
}

#[test]
fn a_refusal_or_timeout_is_reported_and_not_retried() {
    let scene = Scene::new();
    let short = &fingerprint(&user_key(1))[..12];
    let arguments = ["revoke", "-", "--report", "--consent", short];
    scene.api.fault("/external/", Fault::Answer(404, error("echo", None)), 1);
    let output = scene.friskey_with(&arguments, user_key(1).as_bytes());
    assert_eq!((output.status.code(), writes(&scene)), (Some(3), 1), "{}", said(&output));
    assert!(said(&output).contains("not accepted") && !said(&output).contains("echo"), "{}", said(&output));
    scene.api.fault("/external/", Fault::Silence(std::time::Duration::from_secs(4)), 1);
    let output = scene.friskey_with(&arguments, user_key(1).as_bytes());
    assert_eq!((output.status.code(), writes(&scene)), (Some(3), 2), "{}", said(&output));
    assert!(said(&output).contains("is unknown whether"), "{}", said(&output));
}
