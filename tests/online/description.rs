//! What friskey asks and what the fake answers, held against a description of the API.
//!
//! `prism proxy --errors` is between the two: it answers a call that the description does not allow, and one whose
//! answer it does not allow, with an error of its own. So a run that comes to its end shows that all of them are valid.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::openai::{Fault, Seen};
use crate::support::{LEAKED, Scene, fingerprint, key, only, said, service_key, user_key};
use crate::verdicts;

const DAY: i64 = 86_400;
const DESCRIPTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/provider-api.json");

/// A running prism, which ends with the test.
struct Prism(Child);

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program: `FRISKEY_TEST_PRISM`, which then has to work, or else whatever is installed.
fn prism() -> Option<String> {
    let demanded = std::env::var("FRISKEY_TEST_PRISM").ok().filter(|path| !path.is_empty());
    let is_installed = || {
        let version = Command::new("prism").arg("--version").stdin(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    demanded.or_else(|| is_installed().then(|| "prism".to_owned()))
}

impl Prism {
    /// Starts it in front of `upstream`, and returns its port once it listens.
    fn start(program: &str, upstream: u16) -> (Self, u16) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port.to_string(), DESCRIPTION]);
        command.arg(format!("http://127.0.0.1:{upstream}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut prism = Self(command.spawn().expect("prism starts"));
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = prism.0.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed().as_secs() < 120, "prism does not listen: {ended:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        (prism, port)
    }
}

/// A scene with prism between friskey and the fake; `None`, said so, where there is no prism.
fn scene() -> Option<(Scene, Prism)> {
    let Some(program) = prism() else {
        #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
        {
            eprintln!("skipped: there is no prism here (npm install -g @stoplight/prism-cli)");
        }
        return None;
    };
    let mut running = None;
    let scene = Scene::behind(|upstream| {
        let (prism, port) = Prism::start(&program, upstream);
        running = Some(prism);
        port
    });
    Some((scene, running?))
}

#[test]
fn every_call_and_answer_from_a_report_to_a_dead_key_is_as_described() {
    let Some((scene, _prism)) = scene() else { return };
    organization(&scene);
    let leaked = service_key(1);
    scene.report(&[&leaked]);
    let verified = scene.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(verified.status.code(), Some(1), "{}", said(&verified));
    let verification = only(&verified);
    assert_eq!((&verification["verdict"], &verification["matching"]), (&json!("live"), &json!("one")));
    assert_eq!(verification["spending"]["since_leak"], 3.0 * 200.0);
    assert_eq!(verification["audit_events"][0]["event"], "api_key.created");

    let reviewed = scene.friskey(&["keys", "--format", "json"]);
    assert_eq!(reviewed.status.code(), Some(1), "{}", said(&reviewed));
    let short = &fingerprint(&leaked)[..12];
    let arguments = ["revoke", "report.json", "--key", short, "--wait", "0.2", "--evidence", "evidence.json"];
    let replace = ["--replace", "--to", "tee store", "--yes", "key_1"];
    let replaced = scene.friskey(&[&arguments[..], &replace].concat());
    assert_eq!(replaced.status.code(), Some(0), "{}", said(&replaced));
    assert_eq!(std::fs::read_to_string(scene.path("store")).unwrap(), service_key(2));

    // The provider is asked with the key itself, and output of another.
    let send = ["verify", "-", "--send-key", "--whoami", "--recheck-after", "0.1", "--format", "json"];
    let sent = scene.friskey_with(&send, leaked.as_bytes());
    assert_eq!(only(&sent)["verdict"], "dead", "{}", said(&sent));
    let sent = scene.friskey_with(&send, key(9).as_bytes());
    assert!(only(&sent)["whoami"].to_string().contains("Analytical Engines"), "{}", said(&sent));
    let arguments = ["revoke", "-", "--report", "--consent", &fingerprint(&user_key(1))[..12]];
    let output = scene.friskey_with(&arguments, user_key(1).as_bytes());
    assert!(said(&output).contains("submitted: "), "{}", said(&output));
    admin_key_is_deleted(&scene);

    // Nothing that could not be read, so nothing that prism refused.
    for output in [&verified, &reviewed, &replaced, &sent] {
        assert!(
            !said(output).contains("not read") && !said(output).contains("HTTP status"),
            "{}",
            said(output)
        );
    }
    let seen = scene.api.seen();
    let called: BTreeSet<String> = seen.iter().map(|seen| described(seen).unwrap()).collect();
    assert_eq!(called, calls(), "every call that is described was made");
}

/// More keys than a page holds, costs of more days than a page holds, and events.
fn organization(scene: &Scene) {
    scene.api.set(|state| {
        state.projects.push(("proj_old".to_owned(), "Old".to_owned(), true));
        let days = (-3..197).map(|day| (LEAKED + day * DAY, 3.0));
        state.costs.insert("key_1".to_owned(), days.collect());
        state.costs.get_mut("key_1").unwrap().extend((197..200).map(|day| (LEAKED + day * DAY, 3.0)));
        for number in 0..101 {
            state.events.push(json!({"id": format!("audit_{number}"), "type": "api_key.created",
                "effective_at": LEAKED - 40 * DAY + number,
                "actor": {"type": "session", "session": {"user": {"id": "user-1", "email": "ada@example.org"}, "ip_address": "192.0.2.1"}},
                "api_key.created": {"id": "key_1", "data": {"scopes": []}}}));
        }
    });
    for number in 10..115 {
        scene.add(&format!("key_{number}"), Some("proj_old"), &key(number), LEAKED - DAY);
    }
    scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - 40 * DAY);
    scene.add("key_9", Some("proj_1"), &key(9), LEAKED);
    scene.api.set(|state| {
        let mut new = state.keys.iter().find(|key| key.id == "key_1").unwrap().clone();
        (new.id, new.value) = ("key_new".to_owned(), service_key(2));
        state.next_key = Some(new);
    });
}

fn admin_key_is_deleted(scene: &Scene) {
    let leaked = crate::support::admin_key(2);
    scene.add("key_admin_2", None, &leaked, LEAKED - DAY);
    scene.report(&[&leaked]);
    let output = scene.friskey(&["revoke", "report.json", "--wait", "0.2", "--yes", "key_admin_2"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    scene.report(&[&leaked, &leaked]);
    let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1"];
    let output = scene.friskey_with(&arguments, leaked.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// The same run fails if an answer is not as described: the proof that somebody looks.
#[test]
fn an_answer_that_is_not_as_described_is_refused() {
    let Some((scene, _prism)) = scene() else { return };
    organization(&scene);
    scene.report(&[&service_key(1)]);
    let page = json!({"object": "list", "data": [{"object": "organization.project.api_key", "id": "key_1"}],
        "first_id": null, "last_id": null, "has_more": false});
    scene.api.fault("/projects/proj_1/api_keys", Fault::Answer(200, page.to_string()), 9);
    let output = scene.friskey(&["verify", "report.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("keys of the project proj_1: "), "{}", said(&output));
    assert!(said(&output).contains("HTTP status 500"), "{}", said(&output));
}

/// All answers to a key: the documented codes of 401, 403, 429 and 5xx, 200, and who owns the key. Silence and the pages
/// of proxies are no answers of the API, so they are tried without prism.
#[test]
fn every_row_of_the_verdict_table_is_as_described() {
    let Some((scene, _prism)) = scene() else { return };
    verdicts::check_every_row(Scene::new, Some(&scene));
    verdicts::check_accepted(&scene);
}

fn description() -> Value {
    serde_json::from_slice(&std::fs::read(DESCRIPTION).unwrap()).unwrap()
}

/// Every call that is described: method and path.
fn calls() -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for (path, item) in description()["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
        calls.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    calls
}

/// The described call that a request is, unless its path, or a parameter of its query, is not described: prism lets
/// other parameters pass.
fn described(seen: &Seen) -> Result<String, String> {
    let description = description();
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let fits = |template: &str| {
        let parts = (path.split('/'), template.split('/'));
        parts.0.clone().count() == parts.1.clone().count()
            && parts.0.zip(parts.1).all(|(part, template)| part == template || template.starts_with('{'))
    };
    let paths = description["paths"].as_object().unwrap();
    let (template, item) = paths
        .iter()
        .find(|(template, _)| fits(template))
        .ok_or_else(|| format!("{} is not described", seen.target))?;
    let operation = &item[seen.method.to_lowercase()];
    if operation.is_null() {
        return Err(format!("{} {template} is not described", seen.method));
    }
    let resolved = |parameter: &Value| match parameter["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap().clone(),
        None => parameter.clone(),
    };
    let lists = [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array);
    let names: BTreeSet<String> =
        lists.flatten().map(|parameter| resolved(parameter)["name"].as_str().unwrap().to_owned()).collect();
    for (name, _) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if !names.contains(name) {
            return Err(format!("{template} has no parameter {name}"));
        }
    }
    Ok(format!("{} {template}", seen.method))
}

/// Without prism, too: no path and no parameter that is not described.
#[test]
fn no_call_is_made_that_is_not_described() {
    let scene = Scene::new();
    organization(&scene);
    scene.report(&[&service_key(1), &key(9)]);
    for arguments in [&["verify", "report.json"][..], &["keys"]] {
        assert_eq!(scene.friskey(arguments).status.code(), Some(1));
    }
    for seen in scene.api.seen() {
        described(&seen).unwrap();
    }
}
