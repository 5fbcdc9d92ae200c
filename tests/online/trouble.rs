//! Tests errors of the network and the provider: none counts as a response about a key, none is shown as it was
//! received, and none makes friskey hang.

use std::time::Duration;

use crate::openai::{Fault, error};
use crate::support::{LEAK_TIME, ProviderSetup, key, only_verification, printed_text};
use crate::tls::write_unrelated_authority;

const LIST_OF_PROJECTS: &str = "/v1/organization/projects?";

fn setup() -> ProviderSetup {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - 86_400);
    setup.write_report(&[&key(1)]);
    setup
}

/// The exit status and the output of `verify` if every request for the list of projects fails in this way.
fn verify_with_fault(fault: Fault) -> (Option<i32>, String) {
    let setup = setup();
    setup.api.add_fault(LIST_OF_PROJECTS, fault, 99);
    let output = setup.friskey(&["verify", "report.json"]);
    (output.status.code(), printed_text(&output))
}

#[test]
fn invalid_responses_leave_the_key_unknown_and_are_not_shown() {
    let page = "<html><title>Sign in to the corporate proxy</title>SECRET-MARK</html>".to_owned();
    let deeply_nested = format!("{}{}", "[".repeat(100_000), "SECRET-MARK");
    let retry = |status| Fault::Header(status, "retry-after: 0", error("SECRET-MARK", None));
    for (fault, part) in [
        (Fault::Response(200, page.clone()), "instead of the documented JSON"),
        (Fault::Response(403, page), "HTTP status 403"),
        (Fault::Response(200, deeply_nested), "instead of the documented JSON"),
        (Fault::Response(200, r#"{"object":"list","data":[{"id":7}]}"#.to_owned()), "documented JSON"),
        (
            Fault::Response(
                200,
                r#"{"data":[{"id":"../../x","name":"SECRET-MARK"}],"has_more":true}"#.to_owned(),
            ),
            "documented JSON",
        ),
        (
            Fault::Response(200, r#"{"data":[{"id":"a"}],"has_more":true}"#.to_owned()),
            "repeats the same page",
        ),
        (Fault::Response(200, "null".to_owned()), "documented JSON"),
        (retry(429), "HTTP status 429"),
        (retry(500), "HTTP status 500"),
        (retry(503), "HTTP status 503"),
        (Fault::Truncated, "no connection to"),
        (Fault::Huge(5 << 20), "more than 4 MiB"),
        (Fault::Silence(Duration::from_secs(6)), "did not answer within 2 s"),
        (Fault::Header(302, "location: https://evil.example/SECRET-MARK", String::new()), "redirects"),
        (Fault::Header(307, "location: /v1/x", String::new()), "redirects"),
        (
            Fault::Response(401, error("Incorrect API key SECRET-MARK", Some("invalid_api_key"))),
            "invalid_api_key",
        ),
        (
            Fault::Response(403, error("Missing scopes: api.management.read SECRET-MARK", None)),
            "`api.management.read`",
        ),
    ] {
        let description = format!("{fault:?}").chars().take(80).collect::<String>();
        let (status, printed) = verify_with_fault(fault);
        assert_eq!(status, Some(3), "{description}: {printed}");
        assert!(printed.contains(part) && !printed.contains("SECRET-MARK"), "{description}: {printed}");
    }
}

#[test]
fn a_request_is_repeated_after_a_temporary_error() {
    for fault in [
        Fault::Header(429, "retry-after: 1", error("slow", Some("rate_limit_exceeded"))),
        Fault::Header(502, "retry-after: 0", String::new()),
        Fault::Truncated,
    ] {
        let setup = setup();
        setup.api.add_fault(LIST_OF_PROJECTS, fault, 2);
        let output = setup.friskey(&["verify", "report.json"]);
        assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    }
}

#[test]
fn an_untrusted_certificate_ends_the_connection_before_a_key_is_sent() {
    let setup = setup();
    write_unrelated_authority(&setup.path("other.pem"));
    let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
    command.args(["verify", "report.json", "--host", &setup.api.host()]);
    command
        .env("SSL_CERT_FILE", setup.path("other.pem"))
        .env("OPENAI_ADMIN_KEY", crate::support::admin_key(1));
    let output = crate::git::run(&mut command, b"");
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("certificate") && setup.api.requests().is_empty(),
        "{}",
        printed_text(&output)
    );
}

#[test]
fn a_part_that_cannot_be_listed_is_named() {
    let setup = setup();
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    let refusal = error("You have insufficient permissions. Missing scopes: api.management.read.", None);
    setup.api.add_fault("/projects/proj_2/api_keys", Fault::Response(403, refusal), 9);
    setup.api.add_fault("/costs", Fault::Response(403, error("Missing scopes: api.usage.read", None)), 9);
    let output = setup.friskey(&["verify", "report.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    for part in [
        "as far as its keys could be listed",
        "proj_2",
        "`api.management.read`",
        "costs: ",
        "`api.usage.read`",
    ] {
        assert!(printed_text(&output).contains(part), "{part}: {}", printed_text(&output));
    }
}

/// Members of the organization choose the names of keys and projects, so these may contain anything, even keys.
#[test]
fn hostile_names_are_sanitized_and_redacted() {
    let setup = setup();
    let admin = crate::support::admin_key(1);
    setup.api.change(|state| {
        state.keys.last_mut().unwrap().name = format!("\u{1b}[2J {} {admin} <script src=x>", key(1));
        state.projects[0].1 = format!("::error::{}", key(1));
    });
    for format in ["human", "json", "html"] {
        // `friskey` itself asserts that the output contains no key.
        let output = setup.friskey(&["verify", "report.json", "--format", format]);
        assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
        assert!(!printed_text(&output).contains('\u{1b}'), "{}", printed_text(&output));
        assert!(
            format != "html" || !printed_text(&output).contains("<script src"),
            "{}",
            printed_text(&output)
        );
    }
}

#[test]
fn there_is_a_warning_about_an_unknown_host_and_an_invalid_host_is_an_error() {
    let setup = setup();
    assert!(
        printed_text(&setup.friskey(&["verify", "report.json"])).contains("is not one of OpenAI's hosts")
    );
    for invalid in ["https://x", "x/y", "user@x"] {
        let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "report.json", "--host", invalid]).env("OPENAI_ADMIN_KEY", "x");
        assert_eq!(crate::git::run(&mut command, b"").status.code(), Some(2), "{invalid}");
    }
    assert_eq!(
        only_verification(&setup.friskey(&["verify", "report.json", "--format", "json"]))["verdict"],
        "live"
    );
}

/// A proxy that friskey does not support is an error, since requests would otherwise be sent without it.
#[test]
fn proxies_that_cannot_be_used_are_refused() {
    let verify = |setup: &ProviderSetup, variables: &[(&str, &str)]| {
        let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "report.json", "--host", &setup.api.host(), "--timeout", "2"]);
        command.env("SSL_CERT_FILE", setup.api.authority());
        command.env("OPENAI_ADMIN_KEY", crate::support::admin_key(1)).envs(variables.iter().copied());
        crate::git::run(&mut command, b"")
    };
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"] {
        for url in
            ["socks5://user:PASS-MARK@127.0.0.1:1", "socks5h://127.0.0.1:1", "socks4://x", "http://", "::"]
        {
            let setup = setup();
            let output = verify(&setup, &[(name, url)]);
            assert_eq!(output.status.code(), Some(2), "{name} {url}: {}", printed_text(&output));
            assert!(
                printed_text(&output).contains(name) && !printed_text(&output).contains("PASS-MARK"),
                "{}",
                printed_text(&output)
            );
            assert!(setup.api.requests().is_empty(), "{name} {url}");
        }
    }
    // A supported proxy is used, and the connection fails since nothing listens there.
    let with_proxy = setup();
    let output = verify(&with_proxy, &[("HTTPS_PROXY", "http://127.0.0.1:1"), ("ALL_PROXY", "socks5://x")]);
    assert_eq!(
        (output.status.code(), with_proxy.api.requests().len()),
        (Some(3), 0),
        "{}",
        printed_text(&output)
    );
    // An unsupported proxy does not matter if NO_PROXY excepts this host.
    let without_proxy = setup();
    let output =
        verify(&without_proxy, &[("ALL_PROXY", "socks5://127.0.0.1:1"), ("NO_PROXY", "x,localhost")]);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
}

#[test]
fn the_number_of_requests_and_the_time_of_a_run_are_limited() {
    let setup = setup();
    setup.api.change(|state| {
        for number in 2..=9 {
            state.projects.push((format!("proj_{number}"), "Other".to_owned(), false));
        }
    });
    setup.write_report(&[&key(2)]);
    let output = setup.friskey(&["verify", "report.json", "--max-requests", "4"]);
    assert_eq!((output.status.code(), setup.api.requests().len()), (Some(3), 4), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("--max-requests")
            && printed_text(&output).contains("of 6 more projects"),
        "{}",
        printed_text(&output)
    );
    let output = setup.friskey(&["keys", "--max-age", "99999", "--max-requests", "1"]);
    assert_ne!(output.status.code(), Some(0), "{}", printed_text(&output));
    setup.api.add_fault(LIST_OF_PROJECTS, Fault::Silence(Duration::from_secs(6)), 9);
    let started = std::time::Instant::now();
    let output = setup.friskey(&["verify", "report.json", "--max-time", "0.3"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(
        printed_text(&output).contains("--max-time") && started.elapsed().as_secs() < 2,
        "{}",
        printed_text(&output)
    );
}

#[test]
fn a_very_long_audit_log_is_read_in_part_and_the_rest_is_named() {
    let setup = setup();
    setup.api.change(|state| {
        for number in 0..10_100 {
            state.events.push(serde_json::json!({"id": format!("audit_{number}"), "type": "api_key.updated",
                "effective_at": LEAK_TIME + number, "actor": {"type": "api_key"}, "api_key.updated": {"id": "key_1"}}));
        }
    });
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let summary = crate::support::json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("more than 100 pages") && summary.contains("9000 later events"), "{summary}");
    assert_eq!(only_verification(&output)["audit_events"].as_array().map(Vec::len), Some(1_000));
}

#[test]
fn many_keys_with_the_same_mask_are_counted_and_a_hundred_are_listed() {
    let setup = ProviderSetup::new();
    for number in 0..150 {
        let key_with_same_mask = format!("{}{}", &key(number)[..160], &key(1)[160..]);
        setup.add_key(&format!("key_{number}"), Some("proj_1"), &key_with_same_mask, LEAK_TIME - 86_400);
    }
    setup.write_report(&[&key(1)]);
    let output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(only_verification(&output)["keys"].as_array().map(Vec::len), Some(100));
    assert!(
        only_verification(&output)["notes"].to_string().contains("100 of the 150 keys"),
        "{}",
        only_verification(&output)["notes"]
    );
}
