//! Tests `friskey verify --send-key`: the verdicts about a key that the provider accepts or rejects.

use std::process::Output;

use crate::openai::{Fault, error, mask};
use crate::support::{LEAK_TIME, ProviderSetup, key, only_verification, printed_text};

/// Verifies the leaked key by sending it.
fn send(setup: &ProviderSetup, leaked: &str) -> Output {
    let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1", "--format", "json"];
    setup.friskey_with(&arguments, leaked.as_bytes())
}

#[test]
fn a_key_that_the_provider_accepts_is_live() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME);
    let arguments = ["verify", "-", "--send-key", "--whoami", "--format", "json"];
    let output = setup.friskey_with(&arguments, key(1).as_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    assert_eq!(only_verification(&output)["key_sent"], true);
    assert!(
        only_verification(&output)["whoami"].to_string().contains("Analytical Engines"),
        "{}",
        only_verification(&output)
    );
    assert!(printed_text(&output).contains("sending 1 leaked key"), "{}", printed_text(&output));
}

#[test]
fn a_key_is_dead_only_after_two_rejections_that_are_about_it() {
    let setup = ProviderSetup::new();
    let output = send(&setup, &key(1));
    assert_eq!(
        (only_verification(&output)["verdict"].as_str(), output.status.code()),
        (Some("dead"), Some(0)),
        "{}",
        printed_text(&output)
    );
    assert_eq!(setup.api.requests().iter().filter(|request| request.target == "/v1/models").count(), 2);

    // Rejected once, then accepted.
    let rejected_once = ProviderSetup::new();
    let rejection =
        error(&format!("Incorrect API key provided: {}.", mask(&key(1))), Some("invalid_api_key"));
    rejected_once.add_key("key_x", None, &key(1), LEAK_TIME);
    rejected_once.api.add_fault("/v1/models", Fault::Response(401, rejection), 1);
    assert_eq!(only_verification(&send(&rejected_once, &key(1)))["verdict"], "live");

    // A rejection with a mask that shows hardly anything may be about another key.
    let vague = ProviderSetup::new();
    let rejection = error("Incorrect API key provided: sk-***.", Some("invalid_api_key"));
    vague.api.add_fault("/v1/models", Fault::Response(401, rejection), 9);
    assert_eq!(only_verification(&send(&vague, &key(1)))["verdict"], "unknown");

    // In an outage, the provider has rejected requests with the masks of other keys.
    let outage = ProviderSetup::new();
    let rejection =
        error(&format!("Incorrect API key provided: {}.", mask(&key(2))), Some("invalid_api_key"));
    outage.api.add_fault("/v1/models", Fault::Response(401, rejection), 9);
    let output = send(&outage, &key(1));
    assert_eq!(
        (only_verification(&output)["verdict"].as_str(), output.status.code()),
        (Some("unknown"), Some(3))
    );
}

#[test]
fn a_listed_key_that_is_rejected_is_not_called_dead() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME);
    let rejection =
        error(&format!("Incorrect API key provided: {}.", mask(&key(1))), Some("invalid_api_key"));
    setup.api.add_fault("/v1/models", Fault::Response(401, rejection), 9);
    let output = send(&setup, &key(1));
    assert_eq!(
        (only_verification(&output)["verdict"].as_str(), output.status.code()),
        (Some("unknown"), Some(3))
    );
}

#[test]
fn only_this_flag_sends_a_leaked_key() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME);
    for arguments in [&["verify", "-"][..], &["verify", "-", "--format", "html"], &["verify", "-", "-v"]] {
        assert_eq!(setup.friskey_with(arguments, key(1).as_bytes()).status.code(), Some(1));
    }
    setup.assert_never_sent(&key(1));
    assert!(setup.api.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn keys_of_a_report_are_found_in_its_repository() {
    let setup = ProviderSetup::new();
    std::fs::create_dir(setup.path("repo")).unwrap();
    std::fs::write(setup.path("repo/a"), key(1)).unwrap();
    setup.write_report(&[&key(1)]);
    let arguments =
        ["verify", "report.json", "--send-key", "--recheck-after", "0", "--format", "json", "--repo"];
    let output = setup.friskey(&[&arguments[..], &["repo"]].concat());
    assert_eq!(only_verification(&output)["verdict"], "dead", "{}", printed_text(&output));
    std::fs::write(setup.path("repo/a"), "nothing").unwrap();
    let output = setup.friskey(&[&arguments[..], &["repo"]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(only_verification(&output)["notes"].to_string().contains("--repo"), "{}", printed_text(&output));
    // The directory is not a git repository, so it has no history to search.
    let summary = crate::support::json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not searched for keys: the history: "), "{summary}");
}
