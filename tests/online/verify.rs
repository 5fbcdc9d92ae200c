//! Tests `friskey verify` with the admin key: which of the organization's keys was leaked, who owns it, and what it cost.

use std::process::Output;

use serde_json::json;

use crate::openai::{Fault, error};
use crate::support::{
    LEAK_TIME, ProviderSetup, admin_key, fingerprint, json_report, key, only_verification, printed_text,
    service_key, user_key,
};

const DAY: i64 = 86_400;

fn verify(setup: &ProviderSetup) -> Output {
    setup.friskey(&["verify", "report.json", "--format", "json"])
}

#[test]
fn one_match_is_live_and_shown_with_owner_costs_and_audit_log() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - 40 * DAY);
    setup.api.change(|state| {
        let days = [(-3, 1.0), (-1, 6.0), (0, 100.0), (1, 250.5)];
        state.costs.insert("key_1".to_owned(), days.map(|(day, amount)| (LEAK_TIME + day * DAY, amount)).to_vec());
        state.events.push(json!({"id": "audit_1", "type": "api_key.created", "effective_at": LEAK_TIME - 40 * DAY,
            "actor": {"type": "session", "session": {"user": {"id": "user-1", "email": "ada@example.org"}, "ip_address": "192.0.2.1"}},
            "api_key.created": {"id": "key_1", "data": {"scopes": []}}}));
    });
    setup.write_report(&[&service_key(1)]);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    let verification = only_verification(&output);
    assert_eq!(verification["verdict"], "live");
    assert_eq!((&verification["matching"], &verification["key_sent"]), (&json!("one"), &json!(false)));
    let matching_key = &verification["keys"][0];
    assert_eq!((&matching_key["id"], &matching_key["name"]), (&json!("key_1"), &json!("name of key_1")));
    assert_eq!(matching_key["project"], json!({"id": "proj_1", "name": "Payments", "archived": false}));
    assert_eq!(
        (&matching_key["owner"]["kind"], &matching_key["owner"]["name"]),
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
    let human = printed_text(&setup.friskey(&["verify", "report.json"]));
    for part in [
        "live: one match",
        "key_1 (name of key_1)",
        "$350.50 since the leaking commit; $1.00 a day",
        "service account backend",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
    let html = printed_text(&setup.friskey(&["verify", "report.json", "--format", "html"]));
    assert!(html.contains(">live<") && html.contains("key_1") && !html.contains("<script src"), "{html}");
    for part in ["$350.50", "2026-03-04", "api_key.created", "ada@example.org", "service account backend"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    setup.assert_never_sent(&service_key(1));
}

#[test]
fn amounts_that_are_not_numbers_are_named_as_not_read() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - 40 * DAY);
    setup.write_report(&[&service_key(1)]);
    let cost = |amount: serde_json::Value| json!({"api_key_id": "key_1", "amount": amount});
    let results = json!([
        cost(json!({"value": "2.5", "currency": "usd"})),
        cost(json!({"value": "much", "currency": "usd"})),
        cost(json!({"currency": "usd"})),
        cost(json!(null)),
    ]);
    let page = json!({"data": [{"start_time": LEAK_TIME, "results": results}], "has_more": false, "next_page": null});
    setup.api.add_fault("/costs", Fault::Response(200, page.to_string()), 9);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    assert_eq!(only_verification(&output)["spending"]["since_leak"], json!(2.5));
    let summary = json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not read: costs: 3 amounts are not numbers"), "{summary}");
}

#[test]
fn a_service_account_is_named_with_its_other_keys() {
    let setup = ProviderSetup::new();
    setup.api.change(|state| {
        state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false));
        state.accounts[0].2 = "billing jobs".to_owned();
        let further_accounts =
            (0..104).map(|n| ("proj_1".to_owned(), format!("svc_acct_{}", n + 2), format!("account {n}")));
        state.accounts.extend(further_accounts);
    });
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - DAY);
    setup.add_key("key_2", Some("proj_1"), &service_key(2), LEAK_TIME - DAY);
    setup.add_key("key_3", Some("proj_1"), &key(3), LEAK_TIME - DAY);
    setup.write_report(&[&service_key(1), &key(3)]);
    let output = verify(&setup);
    let matching_key = &only_verification(&output)["keys"][0];
    let owner = &matching_key["owner"];
    assert_eq!(
        (&owner["id"], &owner["name"]),
        (&json!("svc_acct_1"), &json!("billing jobs")),
        "{}",
        printed_text(&output)
    );
    assert_eq!((&owner["role"], &owner["created_at"]), (&json!("member"), &json!(1_700_000_000)));
    assert_eq!(
        matching_key["account_keys"],
        json!([{"id": "key_2", "name": "name of key_2", "last_used_at": LEAK_TIME + DAY}])
    );
    // The key of a person belongs to no service account.
    assert_eq!(json_report(&output)["leaks"][1]["verification"]["keys"][0]["account_keys"], json!([]));
    let summary = json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("with 105 service accounts"), "{summary}");
    // There are two pages of accounts of the first project, and one of the other project.
    let account_lists =
        setup.api.requests().into_iter().filter(|request| request.target.contains("/service_accounts?"));
    assert_eq!(account_lists.count(), 3);
    let human = printed_text(&setup.friskey(&["verify", "report.json"]));
    for part in [
        "service account billing jobs, svc_acct_1, created 2023-11-14",
        "other keys   key_2 (name of key_2), of the same service account",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
}

#[test]
fn service_accounts_that_cannot_be_listed_are_named_and_change_no_verdict() {
    let setup = ProviderSetup::new();
    setup.api.change(|state| state.projects.push(("proj_2".to_owned(), "Other".to_owned(), false)));
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - DAY);
    setup.write_report(&[&service_key(1)]);
    let refusal = error("You have insufficient permissions. Missing scopes: api.management.read.", None);
    setup.api.add_fault("/service_accounts?", Fault::Response(403, refusal), 9);
    let output = verify(&setup);
    assert_eq!((output.status.code(), &only_verification(&output)["verdict"]), (Some(1), &json!("live")));
    let summary = json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("not read: service accounts of 2 projects: "), "{summary}");
    assert!(
        !only_verification(&output)["reason"].to_string().contains("as far as"),
        "{}",
        only_verification(&output)
    );
    // The key itself can still be deleted.
    let dry_run = setup.friskey(&["revoke", "report.json"]);
    assert_eq!(dry_run.status.code(), Some(1), "{}", printed_text(&dry_run));
}

#[test]
fn the_requests_of_a_key_to_every_service_are_reported() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.api.change(|state| {
        state.costs.insert(
            "key_1".to_owned(),
            vec![(LEAK_TIME - DAY, 1.0), (LEAK_TIME, 1.0), (LEAK_TIME + DAY, 1.0)],
        );
        for (service, requests) in [("images", 3), ("embeddings", 1_000), ("web_search_calls", 5)] {
            state.usage.insert((service.to_owned(), "key_1".to_owned()), requests);
        }
    });
    setup.write_report(&[&key(1)]);
    let output = verify(&setup);
    let spending = &only_verification(&output)["spending"];
    assert_eq!(
        spending["services"],
        json!([
            {"service": "completions", "since_leak": 14, "before": 7},
            {"service": "embeddings", "since_leak": 2_000, "before": 1_000},
            {"service": "images", "since_leak": 6, "before": 3},
            {"service": "web_search_calls", "since_leak": 10, "before": 5},
        ]),
        "{}",
        printed_text(&output)
    );
    // Searches are not counted here, since each is part of a request to a model.
    assert_eq!(spending["days"][0]["requests"], 7 + 1_000 + 3);
    let requested_services: std::collections::BTreeSet<String> = setup
        .api
        .requests()
        .iter()
        .filter_map(|request| {
            Some(request.target.strip_prefix("/v1/organization/usage/")?.split('?').next()?.to_owned())
        })
        .collect();
    let services = "audio_speeches audio_transcriptions completions embeddings file_search_calls images moderations web_search_calls";
    assert_eq!(requested_services, services.split(' ').map(str::to_owned).collect());
    let human = printed_text(&setup.friskey(&["verify", "report.json"]));
    assert!(
        human.contains("2,000 embeddings, 6 images, 10 web search calls since the leaking commit"),
        "{human}"
    );
}

#[test]
fn a_leak_that_is_in_a_report_twice_is_verified_once() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1), &key(2), &key(1)]);
    let output = verify(&setup);
    let summary = json_report(&output)["verification"]["summary"].to_string();
    assert!(summary.contains("2 leaks: 1 live"), "{summary}");
    let log_request =
        setup.api.requests().into_iter().find(|request| request.target.contains("/audit_logs")).unwrap();
    assert_eq!(log_request.target.matches("key_1").count(), 1, "{}", log_request.target);
    // Both leaks in the report get the verdict.
    let verdicts =
        [0, 2].map(|index| json_report(&output)["leaks"][index]["verification"]["verdict"].clone());
    assert_eq!(verdicts, [json!("live"), json!("live")]);
    let dry_run = setup.friskey(&["revoke", "report.json", "--key", &fingerprint(&key(1))[..12]]);
    assert_eq!(dry_run.status.code(), Some(1), "{}", printed_text(&dry_run));
}

#[test]
fn the_report_about_a_key_from_standard_input_has_all_fields() {
    let setup = ProviderSetup::new();
    std::fs::write(setup.path("a"), key(1)).unwrap();
    let mut scan = setup.command(env!("CARGO_BIN_EXE_friskey"));
    let scan_report = json_report(&crate::git::run(scan.args(["scan", "a", "--format", "json"]), b""));
    let verify_report =
        json_report(&setup.friskey_with(&["verify", "-", "--format", "json"], key(1).as_bytes()));
    let fields = |value: &serde_json::Value| -> Vec<String> {
        let names = value.as_object().unwrap().keys().filter(|name| *name != "verification");
        names.cloned().collect()
    };
    assert_eq!(fields(&verify_report), fields(&scan_report));
    assert_eq!(fields(&verify_report["leaks"][0]), fields(&scan_report["leaks"][0]));
    assert_eq!(verify_report["leaks"][0]["findings"][0]["surface"], "stdin");
    assert_eq!(verify_report["command"], "verify");
}

#[test]
fn a_key_that_is_younger_than_the_leaking_commit_is_left_out_of_several_matches() {
    let setup = ProviderSetup::new();
    let leaked = key(1);
    // Another key with the same mask.
    let other = format!("{}{}", &key(2)[..leaked.len() - 4], &leaked[leaked.len() - 4..]);
    setup.add_key("key_1", Some("proj_1"), &leaked, LEAK_TIME - DAY);
    setup.add_key("key_2", Some("proj_1"), &other, LEAK_TIME - 2 * DAY);
    setup.write_report(&[&leaked]);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert_eq!(only_verification(&output)["matching"], "several");
    assert_eq!(only_verification(&output)["keys"].as_array().unwrap().len(), 2);
    setup.api.change(|state| state.keys.last_mut().unwrap().created_at = LEAK_TIME + 1);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(only_verification(&output)["keys"][0]["id"], "key_1");
    assert_eq!(only_verification(&output)["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_is_unknown_if_the_only_match_is_younger_than_the_leak() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME + DAY);
    setup.write_report(&[&key(1)]);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert_eq!(only_verification(&output)["keys"][0]["created_after_leak"], true);
}

#[test]
fn a_key_outside_the_organization_is_unknown() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(2), LEAK_TIME - DAY);
    setup.write_report(&[&key(1), &user_key(1)]);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(only_verification(&output)["matching"], "none");
    let user_key_verification = &json_report(&output)["leaks"][1]["verification"];
    assert!(
        user_key_verification["next_steps"][0]
            .as_str()
            .unwrap()
            .contains("https://platform.openai.com/api-keys"),
        "{user_key_verification}"
    );
}

#[test]
fn keys_match_in_archived_projects_and_in_the_list_of_admin_keys() {
    let setup = ProviderSetup::new();
    setup.api.change(|state| {
        state.projects.push(("proj_old".to_owned(), "Old".to_owned(), true));
        state.admin_list_has_project_keys = true;
    });
    setup.add_key("key_old", Some("proj_old"), &key(1), LEAK_TIME - DAY);
    setup.add_key("key_admin_2", None, &admin_key(2), LEAK_TIME - DAY);
    setup.write_report(&[&key(1), &admin_key(2)]);
    let output = verify(&setup);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    let leaks = &json_report(&output)["leaks"];
    assert_eq!(leaks[0]["verification"]["keys"][0]["project"]["archived"], true);
    assert_eq!(leaks[1]["verification"]["keys"][0]["id"], "key_admin_2");
    // Each key matches once, although the list of admin keys also contains project keys.
    assert!(
        leaks.as_array().unwrap().iter().all(|leak| leak["verification"]["matching"] == "one"),
        "{leaks}"
    );
}

#[test]
fn keys_with_short_masks_match_and_are_marked() {
    let setup = ProviderSetup::new();
    setup.api.change(|state| state.short_masks = true);
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    setup.write_report(&[&key(1)]);
    let output = verify(&setup);
    assert_eq!(only_verification(&output)["keys"][0]["short_mask"], true, "{}", printed_text(&output));
}

#[test]
fn verify_adds_only_the_verification_to_a_report() {
    let setup = ProviderSetup::new();
    setup.write_report(&[&key(1)]);
    let before: serde_json::Value =
        serde_json::from_slice(&std::fs::read(setup.path("report.json")).unwrap()).unwrap();
    let mut after = json_report(&verify(&setup));
    assert!(after["leaks"][0].as_object_mut().unwrap().remove("verification").is_some());
    assert!(after.as_object_mut().unwrap().remove("verification").is_some());
    assert_eq!(after, before);
}

#[test]
fn the_repository_is_audited_if_no_report_is_given() {
    let setup = ProviderSetup::new();
    setup.add_key("key_1", Some("proj_1"), &key(1), LEAK_TIME - DAY);
    for arguments in [&["init", "-q"][..], &["add", "a"], &["commit", "-q", "-m", "x"]] {
        std::fs::write(setup.path("a"), key(1)).unwrap();
        git(&setup, arguments);
    }
    let output = setup.friskey(&["verify", "--format", "json"]);
    let report = json_report(&output);
    assert_eq!(report["leaks"][0]["fingerprint"], *fingerprint(&key(1)), "{}", printed_text(&output));
    // The commit dates from 2024, before the key was created, so it cannot be this key.
    assert_eq!(output.status.code(), Some(3));
    setup.assert_never_sent(&key(1));
}

fn git(setup: &ProviderSetup, arguments: &[&str]) {
    crate::git::stdout(setup.command("git").args(arguments), b"");
}

#[test]
fn three_thousand_keys_are_listed_in_as_many_requests_as_there_are_pages() {
    let setup = ProviderSetup::new();
    setup.api.change(|state| {
        for project in 2..=40 {
            state.projects.push((format!("proj_{project}"), format!("Project {project}"), false));
        }
    });
    for number in 0..3_000 {
        let project = format!("proj_{}", if number < 300 { 1 } else { number % 40 + 1 });
        setup.add_key(&format!("key_{number}"), Some(&project), &key(number), LEAK_TIME - DAY);
    }
    let leaked: Vec<String> = (0..100).map(|number| key(number * 29)).collect();
    let leaked: Vec<&str> = leaked.iter().map(String::as_str).collect();
    setup.write_report(&leaked);
    let started = std::time::Instant::now();
    let output = verify(&setup);
    assert!(started.elapsed().as_secs() < 30);
    assert_eq!(output.status.code(), Some(1), "{}", printed_text(&output));
    let report = json_report(&output);
    for (leak, number) in report["leaks"].as_array().unwrap().iter().zip((0..100).map(|number| number * 29)) {
        let ids: Vec<_> =
            leak["verification"]["keys"].as_array().unwrap().iter().map(|key| key["id"].clone()).collect();
        assert!(ids.contains(&json!(format!("key_{number}"))), "key_{number}: {ids:?}");
    }
    let single_matches =
        report["leaks"].as_array().unwrap().iter().filter(|leak| leak["verification"]["matching"] == "one");
    assert!(single_matches.count() > 80);
    // One page of projects, 4 of keys of the large project, 39 of keys of the other projects, 40 of service accounts, and
    // one of admin keys; and, for all single matches together, one of costs, one for each of 8 services, and one of events.
    let requests = setup.api.requests();
    assert_eq!(requests.len(), 1 + 4 + 39 + 40 + 1 + (1 + 8 + 1));
    // Servers commonly limit the first line of a request to 8000 bytes.
    assert!(requests.iter().all(|request| request.target.len() < 8_000));
}

#[test]
fn nothing_is_requested_without_an_admin_key() {
    let setup = ProviderSetup::new();
    setup.write_report(&[&key(1)]);
    let mut command = setup.command(env!("CARGO_BIN_EXE_friskey"));
    let output = crate::git::run(command.args(["verify", "report.json", "--host", &setup.api.host()]), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        printed_text(&output).contains("OPENAI_ADMIN_KEY") && setup.api.requests().is_empty(),
        "{}",
        printed_text(&output)
    );
}

#[cfg(unix)]
#[test]
fn a_file_with_the_admin_key_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let setup = ProviderSetup::new();
    setup.write_report(&[]);
    let file = setup.path("admin");
    std::fs::write(&file, format!("{}\n", admin_key(1))).unwrap();
    for (mode, status) in [(0o644, 2), (0o640, 2), (0o600, 0), (0o400, 0)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let output = setup.friskey(&["verify", "report.json", "--admin-key-file", "admin"]);
        assert_eq!(output.status.code(), Some(status), "{mode:o}: {}", printed_text(&output));
    }
}

#[test]
fn a_key_as_an_argument_is_refused_and_not_repeated() {
    let setup = ProviderSetup::new();
    let output = setup.friskey(&["verify", &key(7)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        !printed_text(&output).contains(&key(7)[9..30]) && setup.api.requests().is_empty(),
        "{}",
        printed_text(&output)
    );
}

#[test]
fn the_html_page_of_verify_has_the_sections_of_the_audit_and_the_verification() {
    let setup = ProviderSetup::new();
    // The key is older than the commit, which has a date of 2024.
    setup.add_key("key_1", Some("proj_1"), &service_key(1), 1_600_000_000);
    std::fs::create_dir(setup.path("r")).unwrap();
    git(&setup, &["init", "-q", "-b", "main", "r"]);
    std::fs::write(setup.path("r/app.py"), format!("key = '{}'\n", service_key(1))).unwrap();
    git(&setup, &["-C", "r", "add", "-A"]);
    git(&setup, &["-C", "r", "commit", "-qm", "Add the client"]);
    let friskey = |arguments: &[&str]| {
        crate::git::run(setup.command(env!("CARGO_BIN_EXE_friskey")).args(arguments), b"")
    };
    std::fs::write(setup.path("audit.json"), friskey(&["history", "r", "--format", "json"]).stdout).unwrap();
    let before = printed_text(&friskey(&["history", "r", "--format", "html"]));
    assert!(before.contains("Add the client") && !before.contains(">Validity<"), "{before}");
    for arguments in [&["verify", "audit.json"][..], &["verify", "--repo", "r"]] {
        let page = printed_text(&setup.friskey(&[arguments, &["--format", "html"]].concat()));
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
    setup.assert_never_sent(&service_key(1));
}
