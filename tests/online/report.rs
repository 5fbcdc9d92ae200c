//! Tests `friskey revoke --report`: without consent it sends nothing, the request contains no other key, and the outcome is
//! never more than submitted.

use crate::openai::{Fault, error};
use crate::support::{ProviderSetup, admin_key, fingerprint, key, printed_text, user_key};

fn count_requests(setup: &ProviderSetup) -> usize {
    setup.api.requests().len()
}

#[test]
fn a_report_is_sent_only_with_consent_and_is_only_submitted() {
    let setup = ProviderSetup::new();
    let leaked = user_key(1);
    let dry_run = setup.friskey_with(&["revoke", "-", "--report"], leaked.as_bytes());
    assert_eq!((dry_run.status.code(), count_requests(&setup)), (Some(1), 0), "{}", printed_text(&dry_run));
    let abbreviated = &fingerprint(&leaked)[..12];
    let command = format!(
        "friskey revoke - --key {abbreviated} --report --consent {abbreviated} --host {}",
        setup.api.host()
    );
    assert!(printed_text(&dry_run).contains(&command), "{}", printed_text(&dry_run));
    assert!(
        printed_text(&dry_run).contains("not certain") && !printed_text(&dry_run).contains(&leaked),
        "{}",
        printed_text(&dry_run)
    );

    let arguments = ["revoke", "-", "--report", "--consent", abbreviated, "--email", "ada@example.org"];
    let output = setup.friskey_with(&arguments, leaked.as_bytes());
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("submitted: ") && !printed_text(&output).contains("revoked"),
        "{}",
        printed_text(&output)
    );
    assert!(!printed_text(&output).contains(&leaked), "{}", printed_text(&output));
    let reports = setup.api.state.lock().unwrap().reports.clone();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["secret"]["api_key"], *leaked);
    assert_eq!(reports[0]["reporter_email"], "ada@example.org");
    setup.assert_never_sent(&admin_key(1));
    assert_eq!(count_requests(&setup), 1);
}

#[test]
fn consent_to_another_key_sends_nothing() {
    let setup = ProviderSetup::new();
    let wrong = &fingerprint(&user_key(2))[..12];
    for consent in [wrong, &fingerprint(&user_key(1))[..7]] {
        let arguments = ["revoke", "-", "--report", "--consent", consent];
        let output = setup.friskey_with(&arguments, user_key(1).as_bytes());
        assert_eq!((output.status.code(), count_requests(&setup)), (Some(2), 0), "{}", printed_text(&output));
    }
}

#[test]
fn the_key_of_a_report_is_searched_for_in_its_repository() {
    let setup = ProviderSetup::new();
    setup.write_report(&[&key(1)]);
    let abbreviated = &fingerprint(&key(1))[..12];
    let arguments = ["revoke", "report.json", "--report", "--consent", abbreviated, "--repo", "."];
    let output = setup.friskey(&arguments);
    assert_eq!((output.status.code(), count_requests(&setup)), (Some(2), 0), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("--repo"), "{}", printed_text(&output));
    std::fs::write(setup.path("settings"), key(1)).unwrap();
    let output = setup.friskey(&arguments);
    assert_eq!((output.status.code(), count_requests(&setup)), (Some(3), 1), "{}", printed_text(&output));
}

#[test]
fn a_refusal_or_timeout_is_reported_and_not_retried() {
    let setup = ProviderSetup::new();
    let abbreviated = &fingerprint(&user_key(1))[..12];
    let arguments = ["revoke", "-", "--report", "--consent", abbreviated];
    setup.api.add_fault("/external/", Fault::Response(404, error("echo", None)), 1);
    let output = setup.friskey_with(&arguments, user_key(1).as_bytes());
    assert_eq!((output.status.code(), count_requests(&setup)), (Some(3), 1), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("not accepted") && !printed_text(&output).contains("echo"),
        "{}",
        printed_text(&output)
    );
    setup.api.add_fault("/external/", Fault::Silence(std::time::Duration::from_secs(4)), 1);
    let output = setup.friskey_with(&arguments, user_key(1).as_bytes());
    assert_eq!((output.status.code(), count_requests(&setup)), (Some(3), 2), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("is unknown whether"), "{}", printed_text(&output));
}
