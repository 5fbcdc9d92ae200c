//! Tests errors of the network and the provider: no error is taken for an answer, none is repeated, none makes friskey hang.

use std::time::Duration;

use crate::openai::{Fault, error};
use crate::support::{LEAKED, Scene, key, only, said};
use crate::tls::strange_authority;

const PROJECTS: &str = "/v1/organization/projects?";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - 86_400);
    scene.report(&[&key(1)]);
    scene
}

/// The exit status and what was said when the list of projects always fails so.
fn with(fault: Fault) -> (Option<i32>, String) {
    let scene = scene();
    scene.api.fault(PROJECTS, fault, 99);
    let output = scene.friskey(&["verify", "report.json"]);
    (output.status.code(), said(&output))
}

#[test]
fn invalid_responses_leave_the_key_unknown_and_are_not_shown() {
    let page = "<html><title>Sign in to the corporate proxy</title>SECRET-MARK</html>".to_owned();
    let deep = format!("{}{}", "[".repeat(100_000), "SECRET-MARK");
    let retry = |status| Fault::Header(status, "retry-after: 0", error("SECRET-MARK", None));
    for (fault, part) in [
        (Fault::Answer(200, page.clone()), "instead of the documented JSON"),
        (Fault::Answer(403, page), "HTTP status 403"),
        (Fault::Answer(200, deep), "instead of the documented JSON"),
        (Fault::Answer(200, r#"{"object":"list","data":[{"id":7}]}"#.to_owned()), "documented JSON"),
        (
            Fault::Answer(
                200,
                r#"{"data":[{"id":"../../x","name":"SECRET-MARK"}],"has_more":true}"#.to_owned(),
            ),
            "documented JSON",
        ),
        (Fault::Answer(200, r#"{"data":[{"id":"a"}],"has_more":true}"#.to_owned()), "repeats the same page"),
        (Fault::Answer(200, "null".to_owned()), "documented JSON"),
        (retry(429), "HTTP status 429"),
        (retry(500), "HTTP status 500"),
        (retry(503), "HTTP status 503"),
        (Fault::Truncated, "no connection to"),
        (Fault::Huge(5 << 20), "more than 4 MiB"),
        (Fault::Silence(Duration::from_secs(6)), "did not answer within 2 s"),
        (Fault::Header(302, "location: https://evil.example/SECRET-MARK", String::new()), "redirects"),
        (Fault::Header(307, "location: /v1/x", String::new()), "redirects"),
        (
            Fault::Answer(401, error("Incorrect API key SECRET-MARK", Some("invalid_api_key"))),
            "invalid_api_key",
        ),
        (
            Fault::Answer(403, error("Missing scopes: api.management.read SECRET-MARK", None)),
            "`api.management.read`",
        ),
    ] {
        let shown = format!("{fault:?}").chars().take(80).collect::<String>();
        let (status, said) = with(fault);
        assert_eq!(status, Some(3), "{shown}: {said}");
        assert!(said.contains(part) && !said.contains("SECRET-MARK"), "{shown}: {said}");
    }
}

#[test]
fn trouble_that_passes_is_waited_for() {
    for fault in [
        Fault::Header(429, "retry-after: 1", error("slow", Some("rate_limit_exceeded"))),
        Fault::Header(502, "retry-after: 0", String::new()),
        Fault::Truncated,
    ] {
        let scene = scene();
        scene.api.fault(PROJECTS, fault, 2);
        let output = scene.friskey(&["verify", "report.json"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    }
}

#[test]
fn an_untrusted_certificate_ends_the_connection_before_a_key_is_sent() {
    let scene = scene();
    strange_authority(&scene.path("other.pem"));
    let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
    command.args(["verify", "report.json", "--host", &scene.api.host()]);
    command
        .env("SSL_CERT_FILE", scene.path("other.pem"))
        .env("OPENAI_ADMIN_KEY", crate::support::admin_key(1));
    let output = crate::git::run(&mut command, b"");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("certificate") && scene.api.seen().is_empty(), "{}", said(&output));
}

#[test]
fn a_part_that_cannot_be_listed_is_named() {
    let scene = scene();
    scene.api.set(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    let refusal = error("You have insufficient permissions. Missing scopes: api.management.read.", None);
    scene.api.fault("/projects/proj_2/api_keys", Fault::Answer(403, refusal), 9);
    scene.api.fault("/costs", Fault::Answer(403, error("Missing scopes: api.usage.read", None)), 9);
    let output = scene.friskey(&["verify", "report.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for part in [
        "as far as its keys could be listed",
        "proj_2",
        "`api.management.read`",
        "costs: ",
        "`api.usage.read`",
    ] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}

/// Names chosen by others may contain anything, even keys.
#[test]
fn hostile_names_are_sanitized_and_redacted() {
    let scene = scene();
    let admin = crate::support::admin_key(1);
    scene.api.set(|state| {
        state.keys.last_mut().unwrap().name = format!("\u{1b}[2J {} {admin} <script src=x>", key(1));
        state.projects[0].1 = format!("::error::{}", key(1));
    });
    for format in ["human", "json", "html"] {
        // The scene itself looks for keys in all output.
        let output = scene.friskey(&["verify", "report.json", "--format", format]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(!said(&output).contains('\u{1b}'), "{}", said(&output));
        assert!(format != "html" || !said(&output).contains("<script src"), "{}", said(&output));
    }
}

#[test]
fn other_hosts_are_warned_about_and_regions_known() {
    let scene = scene();
    assert!(said(&scene.friskey(&["verify", "report.json"])).contains("is not one of OpenAI's hosts"));
    for bad in ["https://x", "x/y", "user@x"] {
        let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "report.json", "--host", bad]).env("OPENAI_ADMIN_KEY", "x");
        assert_eq!(crate::git::run(&mut command, b"").status.code(), Some(2), "{bad}");
    }
    assert_eq!(only(&scene.friskey(&["verify", "report.json", "--format", "json"]))["verdict"], "live");
}

/// A proxy that requests would pass by is no proxy.
#[test]
fn proxies_that_cannot_be_used_are_refused() {
    let verify = |scene: &Scene, variables: &[(&str, &str)]| {
        let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "report.json", "--host", &scene.api.host(), "--timeout", "2"]);
        command.env("SSL_CERT_FILE", scene.api.authority());
        command.env("OPENAI_ADMIN_KEY", crate::support::admin_key(1)).envs(variables.iter().copied());
        crate::git::run(&mut command, b"")
    };
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"] {
        for url in
            ["socks5://user:PASS-MARK@127.0.0.1:1", "socks5h://127.0.0.1:1", "socks4://x", "http://", "::"]
        {
            let scene = scene();
            let output = verify(&scene, &[(name, url)]);
            assert_eq!(output.status.code(), Some(2), "{name} {url}: {}", said(&output));
            assert!(
                said(&output).contains(name) && !said(&output).contains("PASS-MARK"),
                "{}",
                said(&output)
            );
            assert!(scene.api.seen().is_empty(), "{name} {url}");
        }
    }
    // Used, although nothing listens there.
    let through = scene();
    let output = verify(&through, &[("HTTPS_PROXY", "http://127.0.0.1:1"), ("ALL_PROXY", "socks5://x")]);
    assert_eq!((output.status.code(), through.api.seen().len()), (Some(3), 0), "{}", said(&output));
    // Not needed for this host.
    let excepted = scene();
    let output = verify(&excepted, &[("ALL_PROXY", "socks5://127.0.0.1:1"), ("NO_PROXY", "x,localhost")]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn a_run_has_an_end_whatever_the_host_answers() {
    let scene = scene();
    scene.api.set(|state| {
        for number in 2..=9 {
            state.projects.push((format!("proj_{number}"), "Other".to_owned(), false));
        }
    });
    scene.report(&[&key(2)]);
    let output = scene.friskey(&["verify", "report.json", "--max-requests", "4"]);
    assert_eq!((output.status.code(), scene.api.seen().len()), (Some(3), 4), "{}", said(&output));
    assert!(
        said(&output).contains("--max-requests") && said(&output).contains("of 6 more projects"),
        "{}",
        said(&output)
    );
    let output = scene.friskey(&["keys", "--max-age", "99999", "--max-requests", "1"]);
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    scene.api.fault(PROJECTS, Fault::Silence(Duration::from_secs(6)), 9);
    let started = std::time::Instant::now();
    let output = scene.friskey(&["verify", "report.json", "--max-time", "0.3"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("--max-time") && started.elapsed().as_secs() < 2, "{}", said(&output));
}

#[test]
fn a_log_that_goes_on_forever_is_cut_off_and_says_so() {
    let scene = scene();
    scene.api.set(|state| {
        for number in 0..10_100 {
            state.events.push(serde_json::json!({"id": format!("audit_{number}"), "type": "api_key.updated",
                "effective_at": LEAKED + number, "actor": {"type": "api_key"}, "api_key.updated": {"id": "key_1"}}));
        }
    });
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let summary = crate::support::parsed(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("more than 100 pages") && summary.contains("9000 later events"), "{summary}");
    assert_eq!(only(&output)["audit_events"].as_array().map(Vec::len), Some(1_000));
}

#[test]
fn keys_that_all_look_alike_are_counted_and_not_all_listed() {
    let scene = Scene::new();
    for number in 0..150 {
        let alike = format!("{}{}", &key(number)[..160], &key(1)[160..]);
        scene.add(&format!("key_{number}"), Some("proj_1"), &alike, LEAKED - 86_400);
    }
    scene.report(&[&key(1)]);
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(only(&output)["keys"].as_array().map(Vec::len), Some(100));
    assert!(only(&output)["notes"].to_string().contains("100 of the 150 keys"), "{}", only(&output)["notes"]);
}
