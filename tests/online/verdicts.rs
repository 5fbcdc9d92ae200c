//! Tests the verdict that follows from each kind of response of the provider to a request with a key.

use std::time::Duration;

use serde_json::json;

use crate::openai::{Fault, error, mask};
use crate::support::{LEAK_TIME, ProviderSetup, admin_key, key, only_verification, printed_text};

/// A row of the table of verdicts: a response to GET /v1/models, and what must follow from it.
struct VerdictRow {
    status: u16,
    code: Option<&'static str>,
    message: String,
    verdict: &'static str,
    exit_status: i32,
    /// A part of the expected reason, which shows that the verdict comes from this row.
    reason: &'static str,
}

fn row(
    (status, code, message): (u16, Option<&'static str>, &str),
    (verdict, exit_status, reason): (&'static str, i32, &'static str),
) -> VerdictRow {
    VerdictRow { status, code, message: message.to_owned(), verdict, exit_status, reason }
}

/// All rows except those for status 200, for time-outs and for pages of proxies.
fn rows() -> Vec<VerdictRow> {
    let incorrect_key = |key: &str| format!("Incorrect API key provided: {}. You can find it", mask(key));
    let scopes = "You have insufficient permissions for this operation. Missing scopes: api.model.read.";
    let host = "Use us.api.openai.com for this key.";
    vec![
        row((401, Some("invalid_api_key"), &incorrect_key(&key(1))), ("dead", 0, "rejected it twice")),
        // The message names another key than the one sent, as happened in an outage: no verdict.
        row((401, Some("invalid_api_key"), &incorrect_key(&key(2))), ("unknown", 3, "another key than")),
        row((401, Some("invalid_api_key"), "Incorrect API key"), ("unknown", 3, "without saying which")),
        row((401, None, scopes), ("live, but restricted", 1, "`api.model.read`")),
        row((403, None, scopes), ("live, but restricted", 1, "`api.model.read`")),
        row((401, Some("incorrect_hostname"), host), ("live, in another region", 1, "us.api.openai.com")),
        row((401, Some("ip_not_authorized"), "no"), ("blocked here", 1, "not from this address")),
        row((401, Some("mismatched_organization"), "no"), ("live", 1, "another organization")),
        row((401, Some("account_deactivated"), "no"), ("deactivated", 3, "not revoked")),
        row((401, Some("something_new"), "no"), ("unknown", 3, "401 (something_new)")),
        row((401, None, &incorrect_key(&key(1))), ("unknown", 3, "401")),
        row((403, Some("unsupported_country_region_territory"), "no"), ("unknown", 3, "this country")),
        row((429, Some("insufficient_quota"), "no"), ("live, without credit", 1, "(insufficient_quota)")),
        row((429, Some("billing_not_active"), "no"), ("live, without credit", 1, "(billing_not_active)")),
        row(
            (429, Some("project_spend_limit_exceeded"), "no"),
            ("live, without credit", 1, "(project_spend_limit_exceeded)"),
        ),
        row((429, Some("slow_down"), "no"), ("live", 1, "slow down")),
        row((429, Some("rate_limit_exceeded"), "no"), ("unknown", 3, "429 (rate_limit_exceeded)")),
        row((500, Some("server_error"), "no"), ("unknown", 3, "500 (server_error)")),
        row((502, Some("server_error"), "no"), ("unknown", 3, "502 (server_error)")),
        row((503, Some("invalid_api_key"), &incorrect_key(&key(1))), ("unknown", 3, "503 (invalid_api_key)")),
        row((504, Some("server_error"), "no"), ("unknown", 3, "504 (server_error)")),
    ]
}

/// Checks each row in a new setup, or all rows in the same one.
pub(crate) fn check_every_row(reused: Option<&ProviderSetup>) {
    for row in rows() {
        let new = reused.is_none().then(ProviderSetup::new);
        let setup = reused.or(new.as_ref()).unwrap();
        setup.api.change(|state| state.faults.clear());
        let body = error(&row.message, row.code);
        setup.api.add_fault("/v1/models", Fault::Header(row.status, "retry-after: 0", body), 9);
        let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1", "--format", "json"];
        let output = setup.friskey_with(&arguments, key(1).as_bytes());
        let description = format!("{} {:?}: {}", row.status, row.code, printed_text(&output));
        assert_eq!(only_verification(&output)["verdict"], row.verdict, "{description}");
        assert!(only_verification(&output)["reason"].as_str().unwrap().contains(row.reason), "{description}");
        assert_eq!(output.status.code(), Some(row.exit_status), "{description}");
    }
    if let Some(setup) = reused {
        setup.api.change(|state| state.faults.clear());
    }
}

#[test]
fn every_row_of_the_table_has_its_verdict_reason_and_status() {
    check_every_row(None);
}

/// These faults are tested without prism, which lets only responses of the API pass.
#[test]
fn silence_pages_of_proxies_and_other_responses_leave_a_key_unknown() {
    let page = "<html><title>Sign in</title></html>".to_owned();
    for fault in [
        Fault::Silence(Duration::from_secs(6)),
        Fault::Response(200, page.clone()),
        Fault::Response(401, page.clone()),
        Fault::Header(502, "retry-after: 0", page),
        Fault::Response(200, "{}".to_owned()),
        Fault::Response(401, r#"{"error":"invalid_api_key"}"#.to_owned()),
        Fault::Response(401, format!(r#"{{"error":{}}}"#, "[".repeat(1_000))),
        Fault::Truncated,
        Fault::Huge(5 << 20),
        Fault::Header(302, "location: https://evil.example/", String::new()),
    ] {
        let setup = ProviderSetup::new();
        let description = format!("{fault:?}").chars().take(60).collect::<String>();
        setup.api.add_fault("/v1/models", fault, 9);
        let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1", "--format", "json"];
        let output = setup.friskey_with(&arguments, key(1).as_bytes());
        assert_eq!(
            only_verification(&output)["verdict"],
            "unknown",
            "{description}: {}",
            printed_text(&output)
        );
        assert_eq!(output.status.code(), Some(3), "{description}: {}", printed_text(&output));
    }
}

/// A key is dead because of the field `code` of an error. Gateways may write anything into the field `type`.
#[test]
fn an_error_type_without_the_code_leaves_a_key_unknown() {
    let message = format!("Incorrect API key provided: {}.", mask(&key(1)));
    for code in [json!(null), json!(401), json!({"x": 1})] {
        let setup = ProviderSetup::new();
        let body =
            json!({"error": {"message": message, "type": "invalid_api_key", "param": null, "code": code}});
        setup.api.add_fault("/v1/models", Fault::Response(401, body.to_string()), 9);
        let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1", "--format", "json"];
        let output = setup.friskey_with(&arguments, key(1).as_bytes());
        assert_eq!(only_verification(&output)["verdict"], "unknown", "{code}: {}", printed_text(&output));
    }
}

/// Checks that project keys and admin keys are live if the provider answers with status 200, and that owners are reported.
pub(crate) fn check_accepted(setup: &ProviderSetup) {
    setup.add_key("key_live", Some("proj_1"), &key(1), LEAK_TIME);
    setup.add_key("key_admin_3", None, &admin_key(3), LEAK_TIME);
    let send = ["verify", "-", "--send-key", "--whoami", "--format", "json"];
    let output = setup.friskey_with(&send, key(1).as_bytes());
    assert_eq!(
        (&only_verification(&output)["verdict"], output.status.code()),
        (&json!("live"), Some(1)),
        "{}",
        printed_text(&output)
    );
    assert!(
        only_verification(&output)["whoami"].to_string().contains("ada@example.org"),
        "{}",
        printed_text(&output)
    );
    // Admin keys are sent to an endpoint that accepts only them.
    setup.api.change(|state| state.other_admin_keys.push(admin_key(3)));
    let send = ["verify", "-", "--send-key", "--format", "json"];
    let output = setup.friskey_with(&send, admin_key(3).as_bytes());
    assert_eq!(
        (&only_verification(&output)["verdict"], output.status.code()),
        (&json!("live"), Some(1)),
        "{}",
        printed_text(&output)
    );
    // For a service account, the provider names only the organization.
    let organization = json!({"object": "user", "orgs": {"object": "list", "data": [{"id": "org-1", "title": "Analytical Engines"}]}});
    setup.api.add_fault("/v1/me", Fault::Response(200, organization.to_string()), 1);
    let send = ["verify", "-", "--send-key", "--whoami", "--format", "json"];
    let output = setup.friskey_with(&send, key(1).as_bytes());
    assert_eq!(
        only_verification(&output)["whoami"],
        json!(["organization: Analytical Engines, org-1"]),
        "{}",
        printed_text(&output)
    );
}

#[test]
fn an_accepted_key_is_live_whatever_its_kind() {
    check_accepted(&ProviderSetup::new());
}
