//! Tests `friskey verify --send-key`: its verdicts, and when it calls a key dead.

use std::process::Output;

use crate::openai::{Fault, error, mask};
use crate::support::{LEAKED, Scene, key, only, said};

fn send(scene: &Scene, leaked: &str) -> Output {
    let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1", "--format", "json"];
    scene.friskey_with(&arguments, leaked.as_bytes())
}

/// A setup in which the organization does not list the key, so only a request with the key can identify it.
fn scene() -> Scene {
    Scene::new()
}

#[test]
fn a_key_that_the_provider_accepts_is_live() {
    let scene = scene();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED);
    let arguments = ["verify", "-", "--send-key", "--whoami", "--format", "json"];
    let output = scene.friskey_with(&arguments, key(1).as_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(only(&output)["key_sent"], true);
    assert!(only(&output)["whoami"].to_string().contains("Analytical Engines"), "{}", only(&output));
    assert!(said(&output).contains("sending 1 leaked key"), "{}", said(&output));
}

#[test]
fn dead_takes_two_rejections_of_this_very_key() {
    let scene = scene();
    let output = send(&scene, &key(1));
    assert_eq!(
        (only(&output)["verdict"].as_str(), output.status.code()),
        (Some("dead"), Some(0)),
        "{}",
        said(&output)
    );
    assert_eq!(scene.api.seen().iter().filter(|seen| seen.target == "/v1/models").count(), 2);

    // Rejected once, then accepted.
    let once = self::scene();
    let rejection =
        error(&format!("Incorrect API key provided: {}.", mask(&key(1))), Some("invalid_api_key"));
    once.add("key_x", None, &key(1), LEAKED);
    once.api.fault("/v1/models", Fault::Answer(401, rejection), 1);
    assert_eq!(only(&send(&once, &key(1)))["verdict"], "live");

    // A mask that shows next to nothing fits many keys.
    let vague = self::scene();
    let rejection = error("Incorrect API key provided: sk-***.", Some("invalid_api_key"));
    vague.api.fault("/v1/models", Fault::Answer(401, rejection), 9);
    assert_eq!(only(&send(&vague, &key(1)))["verdict"], "unknown");

    // The outage that rejected keys that were never sent.
    let outage = self::scene();
    let rejection =
        error(&format!("Incorrect API key provided: {}.", mask(&key(2))), Some("invalid_api_key"));
    outage.api.fault("/v1/models", Fault::Answer(401, rejection), 9);
    let output = send(&outage, &key(1));
    assert_eq!((only(&output)["verdict"].as_str(), output.status.code()), (Some("unknown"), Some(3)));
}

#[test]
fn a_listed_key_that_is_rejected_is_not_called_dead() {
    let scene = scene();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED);
    let rejection =
        error(&format!("Incorrect API key provided: {}.", mask(&key(1))), Some("invalid_api_key"));
    scene.api.fault("/v1/models", Fault::Answer(401, rejection), 9);
    let output = send(&scene, &key(1));
    assert_eq!((only(&output)["verdict"].as_str(), output.status.code()), (Some("unknown"), Some(3)));
}

#[test]
fn only_this_flag_sends_a_leaked_key() {
    let scene = scene();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED);
    for arguments in [&["verify", "-"][..], &["verify", "-", "--format", "html"], &["verify", "-", "-v"]] {
        assert_eq!(scene.friskey_with(arguments, key(1).as_bytes()).status.code(), Some(1));
    }
    scene.never_sent(&key(1));
    assert!(scene.api.seen().iter().all(|seen| seen.method == "GET"));
}

#[test]
fn keys_of_a_report_are_found_in_its_repository() {
    let scene = scene();
    std::fs::create_dir(scene.path("repo")).unwrap();
    std::fs::write(scene.path("repo/a"), key(1)).unwrap();
    scene.report(&[&key(1)]);
    let arguments =
        ["verify", "report.json", "--send-key", "--recheck-after", "0", "--format", "json", "--repo"];
    let output = scene.friskey(&[&arguments[..], &["repo"]].concat());
    assert_eq!(only(&output)["verdict"], "dead", "{}", said(&output));
    std::fs::write(scene.path("repo/a"), "nothing").unwrap();
    let output = scene.friskey(&[&arguments[..], &["repo"]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(only(&output)["notes"].to_string().contains("--repo"), "{}", said(&output));
    // The directory is no repository, so that half of it could not be searched.
    let summary = crate::support::parsed(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not searched for keys: the history: "), "{summary}");
}
