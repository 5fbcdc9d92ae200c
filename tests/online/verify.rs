//! Tests `friskey verify` with the admin key: which key it is, whose, and what it cost.

use std::process::Output;

use serde_json::json;

use crate::openai::{Fault, error};
use crate::support::{LEAKED, Scene, admin_key, fingerprint, key, only, parsed, said, service_key, user_key};

const DAY: i64 = 86_400;

fn verify(scene: &Scene) -> Output {
    scene.friskey(&["verify", "report.json", "--format", "json"])
}

#[test]
fn one_match_is_live_and_shown_with_owner_costs_and_audit_log() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - 40 * DAY);
    scene.api.set(|state| {
        let days = [(-3, 1.0), (-1, 6.0), (0, 100.0), (1, 250.5)];
        state.costs.insert("key_1".to_owned(), days.map(|(day, amount)| (LEAKED + day * DAY, amount)).to_vec());
        state.events.push(json!({"id": "audit_1", "type": "api_key.created", "effective_at": LEAKED - 40 * DAY,
            "actor": {"type": "session", "session": {"user": {"id": "user-1", "email": "ada@example.org"}, "ip_address": "192.0.2.1"}},
            "api_key.created": {"id": "key_1", "data": {"scopes": []}}}));
    });
    scene.report(&[&service_key(1)]);
    let output = verify(&scene);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let verification = only(&output);
    assert_eq!(verification["verdict"], "live");
    assert_eq!((&verification["matching"], &verification["key_sent"]), (&json!("one"), &json!(false)));
    let found = &verification["keys"][0];
    assert_eq!((&found["id"], &found["name"]), (&json!("key_1"), &json!("name of key_1")));
    assert_eq!(found["project"], json!({"id": "proj_1", "name": "Payments", "archived": false}));
    assert_eq!(
        (&found["owner"]["kind"], &found["owner"]["name"]),
        (&json!("service-account"), &json!("backend"))
    );
    let spending = &verification["spending"];
    assert_eq!((&spending["since_leak"], &spending["per_day_before"]), (&json!(350.5), &json!(1.0)));
    assert_eq!(spending["days"].as_array().unwrap().len(), 4);
    assert_eq!(
        spending["days"][3],
        json!({"date": "2026-03-04", "amount": 250.5, "requests": 7, "since_leak": true})
    );
    assert_eq!(verification["audit_events"][0]["event"], "api_key.created");
    assert_eq!(verification["audit_events"][0]["ip_address"], "192.0.2.1");
    let human = said(&scene.friskey(&["verify", "report.json"]));
    for part in [
        "live: one match",
        "key_1 (name of key_1)",
        "$350.50 since the leaking commit; $1.00 a day",
        "service account backend",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
    let html = said(&scene.friskey(&["verify", "report.json", "--format", "html"]));
    assert!(html.contains(">live<") && html.contains("key_1") && !html.contains("<script src"), "{html}");
    for part in ["$350.50", "2026-03-04", "api_key.created", "ada@example.org", "service account backend"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    scene.never_sent(&service_key(1));
}

#[test]
fn a_service_account_is_named_with_its_other_keys() {
    let scene = Scene::new();
    scene.api.set(|state| {
        state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false));
        state.accounts[0].2 = "billing jobs".to_owned();
        let more =
            (0..104).map(|n| ("proj_1".to_owned(), format!("svc_acct_{}", n + 2), format!("account {n}")));
        state.accounts.extend(more);
    });
    scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - DAY);
    scene.add("key_2", Some("proj_1"), &service_key(2), LEAKED - DAY);
    scene.add("key_3", Some("proj_1"), &key(3), LEAKED - DAY);
    scene.report(&[&service_key(1), &key(3)]);
    let output = verify(&scene);
    let found = &only(&output)["keys"][0];
    let owner = &found["owner"];
    assert_eq!(
        (&owner["id"], &owner["name"]),
        (&json!("svc_acct_1"), &json!("billing jobs")),
        "{}",
        said(&output)
    );
    assert_eq!((&owner["role"], &owner["created_at"]), (&json!("member"), &json!(1_700_000_000)));
    assert_eq!(
        found["account_keys"],
        json!([{"id": "key_2", "name": "name of key_2", "last_used_at": LEAKED + DAY}])
    );
    // A person has no account to delete.
    assert_eq!(parsed(&output)["leaks"][1]["verification"]["keys"][0]["account_keys"], json!([]));
    let summary = parsed(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("with 105 service accounts"), "{summary}");
    // Two pages of the one project, one of the other.
    let asked = scene.api.seen().into_iter().filter(|seen| seen.target.contains("/service_accounts?"));
    assert_eq!(asked.count(), 3);
    let human = said(&scene.friskey(&["verify", "report.json"]));
    for part in [
        "service account billing jobs, svc_acct_1, created 2023-11-14",
        "other keys   key_2 (name of key_2), of the same service account",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
}

#[test]
fn service_accounts_that_cannot_be_listed_are_named_and_change_no_verdict() {
    let scene = Scene::new();
    scene.api.set(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - DAY);
    scene.report(&[&service_key(1)]);
    let refusal = error("You have insufficient permissions. Missing scopes: api.management.read.", None);
    scene.api.fault("/service_accounts?", Fault::Answer(403, refusal), 9);
    let output = verify(&scene);
    assert_eq!((output.status.code(), &only(&output)["verdict"]), (Some(1), &json!("live")));
    let summary = parsed(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not read: service accounts of 2 projects: "), "{summary}");
    assert!(!only(&output)["reason"].to_string().contains("as far as"), "{}", only(&output));
    // The key itself can be deleted all the same.
    let dry = scene.friskey(&["revoke", "report.json"]);
    assert_eq!(dry.status.code(), Some(1), "{}", said(&dry));
}

#[test]
fn every_service_that_counts_by_key_is_evidence() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.api.set(|state| {
        state.costs.insert("key_1".to_owned(), vec![(LEAKED - DAY, 1.0), (LEAKED, 1.0), (LEAKED + DAY, 1.0)]);
        for (service, requests) in [("images", 3), ("embeddings", 1_000), ("web_search_calls", 5)] {
            state.usage.insert((service.to_owned(), "key_1".to_owned()), requests);
        }
    });
    scene.report(&[&key(1)]);
    let output = verify(&scene);
    let spending = &only(&output)["spending"];
    assert_eq!(
        spending["services"],
        json!([
            {"service": "completions", "since_leak": 14, "before": 7},
            {"service": "embeddings", "since_leak": 2_000, "before": 1_000},
            {"service": "images", "since_leak": 6, "before": 3},
            {"service": "web_search_calls", "since_leak": 10, "before": 5},
        ]),
        "{}",
        said(&output)
    );
    // Searches come with requests to models, which are counted once.
    assert_eq!(spending["days"][0]["requests"], 7 + 1_000 + 3);
    let asked: std::collections::BTreeSet<String> = scene
        .api
        .seen()
        .iter()
        .filter_map(|seen| {
            Some(seen.target.strip_prefix("/v1/organization/usage/")?.split('?').next()?.to_owned())
        })
        .collect();
    let services = "audio_speeches audio_transcriptions completions embeddings file_search_calls images moderations web_search_calls";
    assert_eq!(asked, services.split(' ').map(str::to_owned).collect());
    let human = said(&scene.friskey(&["verify", "report.json"]));
    assert!(
        human.contains("2,000 embeddings, 6 images, 10 web search calls since the leaking commit"),
        "{human}"
    );
}

#[test]
fn a_leak_that_a_report_has_twice_is_asked_about_once() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1), &key(2), &key(1)]);
    let output = verify(&scene);
    let summary = parsed(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("2 leaks: 1 live"), "{summary}");
    let logs = scene.api.seen().into_iter().find(|seen| seen.target.contains("/audit_logs")).unwrap();
    assert_eq!(logs.target.matches("key_1").count(), 1, "{}", logs.target);
    // Both of its places have the answer.
    let verdicts = [0, 2].map(|at| parsed(&output)["leaks"][at]["verification"]["verdict"].clone());
    assert_eq!(verdicts, [json!("live"), json!("live")]);
    let revoked = scene.friskey(&["revoke", "report.json", "--key", &fingerprint(&key(1))[..12]]);
    assert_eq!(revoked.status.code(), Some(1), "{}", said(&revoked));
}

#[test]
fn a_key_from_standard_input_makes_a_whole_report() {
    let scene = Scene::new();
    std::fs::write(scene.path("a"), key(1)).unwrap();
    let mut scan = scene.command(env!("CARGO_BIN_EXE_friskey"));
    let scanned = parsed(&crate::git::run(scan.args(["scan", "a", "--format", "json"]), b""));
    let verified = parsed(&scene.friskey_with(&["verify", "-", "--format", "json"], key(1).as_bytes()));
    let fields = |value: &serde_json::Value| -> Vec<String> {
        let names = value.as_object().unwrap().keys().filter(|name| *name != "verification");
        names.cloned().collect()
    };
    assert_eq!(fields(&verified), fields(&scanned));
    assert_eq!(fields(&verified["leaks"][0]), fields(&scanned["leaks"][0]));
    assert_eq!(verified["leaks"][0]["findings"][0]["surface"], "stdin");
    assert_eq!(verified["command"], "verify");
}

#[test]
fn several_matches_are_listed_and_narrowed_by_the_leaking_commit() {
    let scene = Scene::new();
    let leaked = key(1);
    // Another key with the same length and end.
    let other = format!("{}{}", &key(2)[..leaked.len() - 4], &leaked[leaked.len() - 4..]);
    scene.add("key_1", Some("proj_1"), &leaked, LEAKED - DAY);
    scene.add("key_2", Some("proj_1"), &other, LEAKED - 2 * DAY);
    scene.report(&[&leaked]);
    let output = verify(&scene);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(only(&output)["matching"], "several");
    assert_eq!(only(&output)["keys"].as_array().unwrap().len(), 2);
    scene.api.set(|state| state.keys.last_mut().unwrap().created_at = LEAKED + 1);
    let output = verify(&scene);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(only(&output)["keys"][0]["id"], "key_1");
    assert_eq!(only(&output)["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_match_that_is_younger_than_the_leak_proves_nothing() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED + DAY);
    scene.report(&[&key(1)]);
    let output = verify(&scene);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(only(&output)["keys"][0]["created_after_leak"], true);
}

#[test]
fn a_key_outside_the_organization_is_unknown() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(2), LEAKED - DAY);
    scene.report(&[&key(1), &user_key(1)]);
    let output = verify(&scene);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(only(&output)["matching"], "none");
    let user = &parsed(&output)["leaks"][1]["verification"];
    assert!(
        user["next_steps"][0].as_str().unwrap().contains("https://platform.openai.com/api-keys"),
        "{user}"
    );
}

#[test]
fn archived_projects_admin_keys_and_mislabelled_lists_are_understood() {
    let scene = Scene::new();
    scene.api.set(|state| {
        state.projects.push(("proj_old".to_owned(), "Old".to_owned(), true));
        state.mislabels = true;
    });
    scene.add("key_old", Some("proj_old"), &key(1), LEAKED - DAY);
    scene.add("key_admin_2", None, &admin_key(2), LEAKED - DAY);
    scene.report(&[&key(1), &admin_key(2)]);
    let output = verify(&scene);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let leaks = &parsed(&output)["leaks"];
    assert_eq!(leaks[0]["verification"]["keys"][0]["project"]["archived"], true);
    assert_eq!(leaks[1]["verification"]["keys"][0]["id"], "key_admin_2");
    // Once each, although the list of admin keys repeats project keys.
    assert!(
        leaks.as_array().unwrap().iter().all(|leak| leak["verification"]["matching"] == "one"),
        "{leaks}"
    );
}

#[test]
fn short_masks_of_the_reference_match_but_are_marked() {
    let scene = Scene::new();
    scene.api.set(|state| state.short_masks = true);
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    scene.report(&[&key(1)]);
    let output = verify(&scene);
    assert_eq!(only(&output)["keys"][0]["short_mask"], true, "{}", said(&output));
}

#[test]
fn the_report_keeps_its_fields_and_gains_one() {
    let scene = Scene::new();
    scene.report(&[&key(1)]);
    let before: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scene.path("report.json")).unwrap()).unwrap();
    let mut after = parsed(&verify(&scene));
    assert!(after["leaks"][0].as_object_mut().unwrap().remove("verification").is_some());
    assert!(after.as_object_mut().unwrap().remove("verification").is_some());
    assert_eq!(after, before);
}

#[test]
fn a_repository_is_audited_if_there_is_no_report() {
    let scene = Scene::new();
    scene.add("key_1", Some("proj_1"), &key(1), LEAKED - DAY);
    for arguments in [&["init", "-q"][..], &["add", "a"], &["commit", "-q", "-m", "x"]] {
        std::fs::write(scene.path("a"), key(1)).unwrap();
        git(&scene, arguments);
    }
    let output = scene.friskey(&["verify", "--format", "json"]);
    let report = parsed(&output);
    assert_eq!(report["leaks"][0]["fingerprint"], *fingerprint(&key(1)), "{}", said(&output));
    // The commit dates from 2024, before the key was created, so it cannot be this key.
    assert_eq!(output.status.code(), Some(3));
    scene.never_sent(&key(1));
}

fn git(scene: &Scene, arguments: &[&str]) {
    crate::git::stdout(scene.command("git").args(arguments), b"");
}

#[test]
fn three_thousand_keys_are_listed_in_as_many_requests_as_there_are_pages() {
    let scene = Scene::new();
    scene.api.set(|state| {
        for project in 2..=40 {
            state.projects.push((format!("proj_{project}"), format!("Project {project}"), false));
        }
    });
    for number in 0..3_000 {
        let project = format!("proj_{}", if number < 300 { 1 } else { number % 40 + 1 });
        scene.add(&format!("key_{number}"), Some(&project), &key(number), LEAKED - DAY);
    }
    let leaked: Vec<String> = (0..100).map(|number| key(number * 29)).collect();
    let leaked: Vec<&str> = leaked.iter().map(String::as_str).collect();
    scene.report(&leaked);
    let started = std::time::Instant::now();
    let output = verify(&scene);
    assert!(started.elapsed().as_secs() < 30);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let report = parsed(&output);
    for (leak, number) in report["leaks"].as_array().unwrap().iter().zip((0..100).map(|number| number * 29)) {
        let ids: Vec<_> =
            leak["verification"]["keys"].as_array().unwrap().iter().map(|key| key["id"].clone()).collect();
        assert!(ids.contains(&json!(format!("key_{number}"))), "key_{number}: {ids:?}");
    }
    let single =
        report["leaks"].as_array().unwrap().iter().filter(|leak| leak["verification"]["matching"] == "one");
    assert!(single.count() > 80);
    // One page of projects, 4 of keys of the large project, 39 of those of the others, 40 of service accounts, one of
    // admin keys; and, for all keys that match alone, one of costs, one of each of 8 services and one of the audit log.
    let seen = scene.api.seen();
    assert_eq!(seen.len(), 1 + 4 + 39 + 40 + 1 + (1 + 8 + 1));
    // No server has to accept a longer line.
    assert!(seen.iter().all(|seen| seen.target.len() < 8_000));
}

#[test]
fn without_an_admin_key_nothing_is_asked() {
    let scene = Scene::new();
    scene.report(&[&key(1)]);
    let mut command = scene.command(env!("CARGO_BIN_EXE_friskey"));
    let output = crate::git::run(command.args(["verify", "report.json", "--host", &scene.api.host()]), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("OPENAI_ADMIN_KEY") && scene.api.seen().is_empty(), "{}", said(&output));
}

#[cfg(unix)]
#[test]
fn a_file_with_the_admin_key_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.report(&[]);
    let file = scene.path("admin");
    std::fs::write(&file, format!("{}\n", admin_key(1))).unwrap();
    for (mode, status) in [(0o644, 2), (0o640, 2), (0o600, 0), (0o400, 0)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let output = scene.friskey(&["verify", "report.json", "--admin-key-file", "admin"]);
        assert_eq!(output.status.code(), Some(status), "{mode:o}: {}", said(&output));
    }
}

#[test]
fn a_key_as_an_argument_is_refused_and_not_repeated() {
    let scene = Scene::new();
    let output = scene.friskey(&["verify", &key(7)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!said(&output).contains(&key(7)[9..30]) && scene.api.seen().is_empty(), "{}", said(&output));
}

#[test]
fn the_page_of_a_verified_report_is_the_whole_dossier() {
    let scene = Scene::new();
    // Before the commit, which tests date to 2024.
    scene.add("key_1", Some("proj_1"), &service_key(1), 1_600_000_000);
    std::fs::create_dir(scene.path("r")).unwrap();
    git(&scene, &["init", "-q", "-b", "main", "r"]);
    std::fs::write(scene.path("r/app.py"), format!("key = '{}'\n", service_key(1))).unwrap();
    git(&scene, &["-C", "r", "add", "-A"]);
    git(&scene, &["-C", "r", "commit", "-qm", "Add the client"]);
    let friskey = |arguments: &[&str]| {
        crate::git::run(scene.command(env!("CARGO_BIN_EXE_friskey")).args(arguments), b"")
    };
    std::fs::write(scene.path("audit.json"), friskey(&["history", "r", "--format", "json"]).stdout).unwrap();
    let before = said(&friskey(&["history", "r", "--format", "html"]));
    assert!(before.contains("Add the client") && !before.contains(">Validity<"), "{before}");
    for arguments in [&["verify", "audit.json"][..], &["verify", "--repo", "r"]] {
        let page = said(&scene.friskey(&[arguments, &["--format", "html"]].concat()));
        for part in [
            ">Validity<",
            ">live<",
            "<svg class=\"time\"",
            "Add the client",
            "What to do next",
            "Revoke the key now",
            "Where it is",
            "<mark>sk-svcacct-…",
            ">HEAD<",
            "1 live, 0 dead",
            "Coverage",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains(&service_key(1)));
    }
    scene.never_sent(&service_key(1));
}
