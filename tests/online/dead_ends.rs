//! Tests runs that cannot continue: they say why and what to do instead, and promise nothing.

use serde_json::json;

use crate::openai::{Fault, error, mask};
use crate::support::{LEAKED, Scene, admin_key, fingerprint, key, only, parsed, said, service_key};

const DAY: i64 = 86_400;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1)]);
    scene
}

fn revoke(scene: &Scene, more: &[&str]) -> (Option<i32>, String) {
    let output = scene.friskey(&[&["revoke", "report.json", "--wait", "0.2"], more].concat());
    (output.status.code(), said(&output))
}

fn deletions(scene: &Scene) -> usize {
    scene.api.seen().iter().filter(|seen| seen.method == "DELETE").count()
}

#[test]
fn a_key_without_a_usable_id_is_never_called_revoked() {
    for id in ["key.abc", "key:1", &"k".repeat(129)] {
        let scene = Scene::new();
        scene.add(id, Some("proj_1"), &key(1), LEAKED - DAY);
        scene.report(&[&key(1)]);
        for more in [&[][..], &["--yes", "?"]] {
            let (status, said) = revoke(&scene, more);
            assert_eq!((status, deletions(&scene)), (Some(3), 0), "{id}: {said}");
            assert!(said.contains("id that friskey cannot use") && !said.contains("is gone"), "{said}");
        }
    }
}

#[test]
fn only_a_refusal_speaks_of_the_service_account() {
    let fault = |status, fault: Fault| {
        let scene = Scene::new();
        scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - DAY);
        scene.add("key_2", Some("proj_1"), &service_key(2), LEAKED - DAY);
        scene.api.fault("/api_keys/key_1", fault, 9);
        scene.report(&[&service_key(1)]);
        let (exit, said) = revoke(&scene, &["--yes", "key_1"]);
        assert_eq!(exit, Some(3), "{said}");
        assert_eq!(said.contains("would also delete"), status, "{said}");
        (deletions(&scene), said)
    };
    fault(true, Fault::Answer(400, error("belongs to a service account", None)));
    fault(true, Fault::Answer(403, error("no", None)));
    let scopes = "Missing scopes: api.management.write";
    assert!(fault(false, Fault::Answer(403, error(scopes, None))).1.contains("`api.management.write`"));
    fault(false, Fault::Answer(401, error("no", Some("invalid_api_key"))));
    // Turned away for its rate, nothing was deleted, so it is repeated.
    let limit = Fault::Header(429, "retry-after: 0", error("no", Some("rate_limit_exceeded")));
    assert_eq!(fault(false, limit).0, 4);
}

#[test]
fn an_answer_that_is_no_refusal_is_looked_up_in_the_list() {
    for fault in [
        Fault::Answer(204, String::new()),
        Fault::Answer(202, "{}".to_owned()),
        Fault::Header(303, "location: /v1/x", String::new()),
        Fault::Answer(500, error("no", None)),
    ] {
        let scene = scene();
        scene.api.fault("/api_keys/key_1", fault, 9);
        let (status, said) = revoke(&scene, &["--yes", "key_1"]);
        assert_eq!(status, Some(3), "{said}");
        assert!(said.contains("submitted: key_1 is still listed") && !said.contains("not revoked"), "{said}");
    }
}

#[test]
fn a_list_that_lacks_the_key_for_a_moment_does_not_make_it_gone() {
    let scene = scene();
    scene.api.set(|state| state.flickers = 1);
    scene.api.set(|state| state.lag = 99);
    let (status, said) = revoke(&scene, &["--yes", "key_1"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains("submitted: ") && !said.contains("is gone"), "{said}");
}

#[test]
fn an_incomplete_list_is_named_and_nobody_is_sent_to_report_the_key() {
    let scene = Scene::new();
    scene.report(&[&key(1)]);
    scene.api.fault("/projects/proj_1/api_keys", Fault::Answer(403, error("no", None)), 9);
    let (status, said) = revoke(&scene, &["--yes", "key_1"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(
        said.contains("not all could be (keys of the project proj_1") && !said.contains("--report"),
        "{said}"
    );
}

#[test]
fn a_wrong_project_is_distinguished_from_a_key_outside_the_organization() {
    let scene = scene();
    scene.api.set(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    for (project, part) in
        [("Payments", "no project with this id"), ("proj_2", "none in this project matches")]
    {
        let (status, said) = revoke(&scene, &["--yes", "key_1", "--project", project]);
        assert_eq!((status, deletions(&scene)), (Some(3), 0), "{said}");
        assert!(said.contains(part) && said.contains("keys that match are in proj_1"), "{said}");
        assert!(!said.contains("--report"), "{said}");
    }
}

#[test]
fn a_younger_key_with_the_same_mask_is_named_and_advice_does_not_go_round_in_circles() {
    let scene = scene();
    let other = format!("{}{}", &key(2)[..160], &key(1)[160..]);
    scene.add("key_2", Some("proj_1"), &other, LEAKED + DAY);
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert!(
        only(&output)["notes"].to_string().contains("after the leaking commit: key_2"),
        "{}",
        said(&output)
    );
    assert!(revoke(&scene, &[]).1.contains("--project PROJECTID"));
    let (status, said) = revoke(&scene, &["--project", "proj_1"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(
        !said.contains("--project PROJECTID") && said.contains("settings/organization/projects"),
        "{said}"
    );
}

#[test]
fn evidence_is_never_overwritten_and_says_what_it_is_about() {
    let scene = scene();
    std::fs::write(scene.path("kept.json"), "older evidence").unwrap();
    for taken in ["kept.json", "report.json"] {
        let (status, said) = revoke(&scene, &["--yes", "key_1", "--evidence", taken]);
        assert_eq!((status, deletions(&scene)), (Some(2), 0), "{said}");
        assert!(said.contains("already exists"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(scene.path("kept.json")).unwrap(), "older evidence");
    assert_eq!(revoke(&scene, &["--yes", "key_1", "--evidence", "new.json"]).0, Some(0));
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scene.path("new.json")).unwrap()).unwrap();
    assert_eq!(
        (&kept["fingerprint"], &kept["keys"][0]["id"]),
        (&json!(fingerprint(&key(1))), &json!("key_1"))
    );
    assert_eq!(kept["host"], json!(scene.api.host()));
}

#[test]
fn without_any_evidence_nothing_is_deleted_unless_none_was_asked_for() {
    let scene = scene();
    for path in ["/costs", "/usage/", "/audit_logs"] {
        scene.api.fault(path, Fault::Answer(403, error("Missing scopes: api.usage.read", None)), 99);
    }
    let (status, said) = revoke(&scene, &["--yes", "key_1", "--evidence", "new.json"]);
    assert_eq!((status, deletions(&scene)), (Some(3), 0), "{said}");
    assert!(said.contains("no evidence to keep") && said.contains("`api.usage.read`"), "{said}");
    assert!(!scene.path("new.json").exists());
    // What the dry run prints works.
    let dry = scene.friskey(&["revoke", "report.json"]);
    assert!(!crate::support::said(&dry).contains("--evidence"), "{}", crate::support::said(&dry));
    assert_eq!(scene.follow(&dry).status.code(), Some(0));
}

#[test]
fn a_refusal_after_the_replacement_counts_the_new_key_among_what_would_go() {
    let scene = Scene::replaceable();
    scene.api.fault("/api_keys/key_1", Fault::Answer(400, error("belongs to a service account", None)), 9);
    let (status, said) = revoke(&scene, &["--replace", "--to", "tee store", "--yes", "key_1"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(
        said.contains("would also delete these keys") && said.contains("key_new (the replacement"),
        "{said}"
    );
    // It was named before the program got it, so that an interruption leaves nobody without its id.
    assert!(said.find("created the new key key_new").unwrap() < said.find("not revoked").unwrap(), "{said}");
}

#[test]
fn a_server_error_leaves_open_whether_a_new_key_was_made() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - DAY);
    scene.report(&[&service_key(1)]);
    scene.api.fault("/service_accounts/svc_acct_1/", Fault::Answer(500, error("no", None)), 9);
    let (status, said) = revoke(&scene, &["--replace", "--to", "cat", "--yes", "key_1"]);
    assert_eq!((status, deletions(&scene)), (Some(3), 0), "{said}");
    assert!(said.contains("it is unknown whether a new key was created"), "{said}");
}

/// Without `--send-key` no request carries a leaked key, not even as the admin key.
#[test]
fn a_leaked_key_is_not_used_as_the_admin_key() {
    let scene = Scene::new();
    scene.report(&[&admin_key(1), &key(1)]);
    let output = scene.friskey(&["verify", "report.json"]);
    assert_eq!((output.status.code(), scene.api.seen().len()), (Some(2), 0), "{}", said(&output));
    assert!(said(&output).contains("one of the leaked keys"), "{}", said(&output));
    for wrong in [
        key(1),
        service_key(1),
        format!("\"{}\"", admin_key(1)),
        format!("OPENAI_ADMIN_KEY={}", admin_key(1)),
    ] {
        let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "report.json"]).env("OPENAI_ADMIN_KEY", &wrong);
        // Nobody listens there: nothing may be sent at all.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        let output = crate::git::run(&mut command, b"");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("no admin key: these begin with sk-admin-"), "{}", said(&output));
        assert!(!said(&output).contains(&wrong[20..40]), "{}", said(&output));
    }
}

#[test]
fn a_rejected_admin_key_is_named_as_such() {
    let scene = scene();
    let body =
        error(&format!("Incorrect API key provided: {}.", mask(&admin_key(1))), Some("invalid_api_key"));
    scene.api.fault("/organization/", Fault::Answer(401, body), 99);
    for arguments in [&["verify", "report.json"][..], &["revoke", "report.json"], &["keys"]] {
        let output = scene.friskey(arguments);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(
            said(&output).contains("the admin key in OPENAI_ADMIN_KEY is wrong or was revoked"),
            "{}",
            said(&output)
        );
        assert!(!said(&output).contains("nothing due"), "{}", said(&output));
    }
}

#[test]
fn another_region_is_named_with_the_command_that_asks_there() {
    let scene = scene();
    let body = error("Use us.api.openai.com for this key.", Some("incorrect_hostname"));
    scene.api.fault("/organization/projects?", Fault::Answer(401, body.clone()), 9);
    let output = scene.friskey(&["verify", "report.json"]);
    assert!(said(&output).contains("repeat with --host us.api.openai.com"), "{}", said(&output));
    scene.api.fault("/v1/models", Fault::Answer(401, body), 9);
    let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
    command.args([
        "verify",
        "-",
        "--send-key",
        "--trust-host",
        "--host",
        &scene.api.host(),
        "--format",
        "json",
    ]);
    command.env("SSL_CERT_FILE", scene.api.authority());
    let output = crate::git::run(&mut command, key(1).as_bytes());
    let step = only(&output)["next_steps"][0].as_str().unwrap().to_owned();
    assert!(step.contains("friskey verify - --host us.api.openai.com"), "{step}");
    assert_eq!(only(&output)["works_at"], "us.api.openai.com");
}

#[test]
fn every_verdict_but_none_at_all_has_a_next_step() {
    for (status, code) in
        [(401, "account_deactivated"), (401, "new"), (403, "unsupported_country_region_territory")]
    {
        let scene = Scene::new();
        scene.report(&[]);
        scene.api.fault("/v1/models", Fault::Answer(status, error("no", Some(code))), 9);
        let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(["verify", "-", "--send-key", "--host", &scene.api.host(), "--format", "json"]);
        command.env("SSL_CERT_FILE", scene.api.authority());
        let output = crate::git::run(&mut command, key(1).as_bytes());
        let step = only(&output)["next_steps"][0].as_str().unwrap_or_default().to_owned();
        assert!(step.contains("friskey verify -") && step.contains("same standard input"), "{code}: {step}");
    }
}

#[test]
fn accepted_keys_are_counted_as_not_verified() {
    let scene = scene();
    let path = scene.path("report.json");
    let mut report: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    report["leaks"][0]["findings"] = json!([{"suppressed": {"by": "baseline"}}]);
    std::fs::write(&path, report.to_string()).unwrap();
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    let summary = parsed(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not verified: 1 accepted key"), "{summary}");
    report["leaks"][0]["findings"] = json!([{"suppressed": false}]);
    std::fs::write(&path, report.to_string()).unwrap();
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(only(&output)["verdict"], "live", "{}", said(&output));
}

#[test]
fn reports_in_the_encodings_of_windows_and_keys_in_json_are_read() {
    let scene = scene();
    let text = std::fs::read_to_string(scene.path("report.json")).unwrap();
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [format!("\u{feff}{text}").into_bytes(), utf16] {
        std::fs::write(scene.path("report.json"), bytes).unwrap();
        let output = scene.friskey(&["verify", "report.json"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    }
    let input = json!({"OPENAI_API_KEY": key(1)}).to_string();
    let output = scene.friskey_with(&["verify", "-"], input.as_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn several_leaks_are_named_to_choose_from() {
    let scene = scene();
    scene.report(&[&key(1), &key(2)]);
    let (status, said) = revoke(&scene, &[]);
    assert_eq!(status, Some(2), "{said}");
    for number in [1, 2] {
        assert!(said.contains(&fingerprint(&key(number))[..12]), "{said}");
    }
}

#[test]
fn a_commit_from_the_future_hides_no_costs() {
    let scene = scene();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    scene.api.set(|state| {
        state.costs.insert("key_1".to_owned(), vec![(now / DAY * DAY, 42.0)]);
    });
    let path = scene.path("report.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("2026-03-03", "2099-03-03");
    std::fs::write(path, text).unwrap();
    let output = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(only(&output)["spending"]["since_leak"], 42.0, "{}", said(&output));
    assert!(only(&output)["notes"].to_string().contains("in the future"), "{}", said(&output));
}
