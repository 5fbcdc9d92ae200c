//! Tests that the requests of friskey and the responses of the fake are as in a description of the API,
//! `tests/kit/provider-api.json`.
//!
//! `prism proxy --errors` runs between friskey and the fake. It answers a request with an error of its own if the
//! description does not allow the request or the fake's response. Therefore all of them are valid if no error is printed.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::openai::{Fault, RecordedRequest};
use crate::support::{
    LEAK_TIME, ProviderSetup, fingerprint, key, only_verification, printed_text, service_key, user_key,
};
use crate::verdicts;

const DAY: i64 = 86_400;
const DESCRIPTION_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/provider-api.json");

/// A running prism, which ends with the test.
struct Prism(Child);

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program prism: the one in `FRISKEY_TEST_PRISM`, which must work, or else an installed one, if any.
fn prism_program() -> Option<String> {
    let required = std::env::var("FRISKEY_TEST_PRISM").ok().filter(|path| !path.is_empty());
    let is_installed = || {
        let version = Command::new("prism").arg("--version").stdin(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    required.or_else(|| is_installed().then(|| "prism".to_owned()))
}

impl Prism {
    /// Starts prism as a proxy for the port `upstream`. Returns its own port once it listens.
    fn start(program: &str, upstream: u16) -> (Self, u16) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port.to_string(), DESCRIPTION_PATH]);
        command.arg(format!("http://127.0.0.1:{upstream}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut prism = Self(command.spawn().expect("prism starts"));
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let exit_status = prism.0.try_wait().unwrap();
            let is_waiting = exit_status.is_none() && started.elapsed().as_secs() < 120;
            assert!(is_waiting, "prism does not listen: {exit_status:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        (prism, port)
    }
}

/// A setup with prism between friskey and the fake. Prints a message and returns `None` if there is no prism.
fn setup() -> Option<(ProviderSetup, Prism)> {
    let Some(program) = prism_program() else {
        #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
        {
            eprintln!("skipped: there is no prism here (npm install -g @stoplight/prism-cli)");
        }
        return None;
    };
    let mut running = None;
    let setup = ProviderSetup::with_proxy(|upstream| {
        let (prism, port) = Prism::start(&program, upstream);
        running = Some(prism);
        port
    });
    Some((setup, running?))
}

#[test]
fn every_request_and_response_of_all_online_commands_is_as_described() {
    let Some((setup, _prism)) = setup() else { return };
    fill_organization(&setup);
    let leaked = service_key(1);
    setup.write_report(&[&leaked]);
    let verify_output = setup.friskey(&["verify", "report.json", "--format", "json"]);
    assert_eq!(verify_output.status.code(), Some(1), "{}", printed_text(&verify_output));
    let verification = only_verification(&verify_output);
    assert_eq!((&verification["verdict"], &verification["matching"]), (&json!("live"), &json!("one")));
    assert_eq!(verification["spending"]["since_leak"], 3.0 * 200.0);
    assert_eq!(verification["audit_events"][0]["event"], "api_key.created");

    let keys_output = setup.friskey(&["keys", "--format", "json"]);
    assert_eq!(keys_output.status.code(), Some(1), "{}", printed_text(&keys_output));
    let abbreviated = &fingerprint(&leaked)[..12];
    let arguments =
        ["revoke", "report.json", "--key", abbreviated, "--wait", "0.2", "--evidence", "evidence.json"];
    let replace = ["--replace", "--to", "tee store", "--yes", "key_1"];
    let replace_output = setup.friskey(&[&arguments[..], &replace].concat());
    assert_eq!(replace_output.status.code(), Some(0), "{}", printed_text(&replace_output));
    assert_eq!(std::fs::read_to_string(setup.path("store")).unwrap(), service_key(2));

    // Requests with the deleted key itself, and with another key that is live.
    let send = ["verify", "-", "--send-key", "--whoami", "--recheck-after", "0.1", "--format", "json"];
    let send_output = setup.friskey_with(&send, leaked.as_bytes());
    assert_eq!(only_verification(&send_output)["verdict"], "dead", "{}", printed_text(&send_output));
    let send_output = setup.friskey_with(&send, key(9).as_bytes());
    assert!(
        only_verification(&send_output)["whoami"].to_string().contains("Analytical Engines"),
        "{}",
        printed_text(&send_output)
    );
    let arguments = ["revoke", "-", "--report", "--consent", &fingerprint(&user_key(1))[..12]];
    let output = setup.friskey_with(&arguments, user_key(1).as_bytes());
    assert!(printed_text(&output).contains("submitted: "), "{}", printed_text(&output));
    delete_admin_key(&setup);

    // Everything could be read, so prism refused nothing.
    for output in [&verify_output, &keys_output, &replace_output, &send_output] {
        assert!(
            !printed_text(output).contains("not read") && !printed_text(output).contains("HTTP status"),
            "{}",
            printed_text(output)
        );
    }
    let requests = setup.api.requests();
    let made_calls: BTreeSet<String> =
        requests.iter().map(|request| described_call(request).unwrap()).collect();
    assert_eq!(made_calls, described_calls(), "every described call must be made");
}

/// Adds more keys, days with costs and events than a page can contain, and the key that the next request creates.
fn fill_organization(setup: &ProviderSetup) {
    setup.api.change(|state| {
        state.projects.push(("proj_old".to_owned(), "Old".to_owned(), true));
        let days = (-3..197).map(|day| (LEAK_TIME + day * DAY, 3.0));
        state.costs.insert("key_1".to_owned(), days.collect());
        state.costs.get_mut("key_1").unwrap().extend((197..200).map(|day| (LEAK_TIME + day * DAY, 3.0)));
        for number in 0..101 {
            state.events.push(json!({"id": format!("audit_{number}"), "type": "api_key.created",
                "effective_at": LEAK_TIME - 40 * DAY + number,
                "actor": {"type": "session", "session": {"user": {"id": "user-1", "email": "ada@example.org"}, "ip_address": "192.0.2.1"}},
                "api_key.created": {"id": "key_1", "data": {"scopes": []}}}));
        }
    });
    for number in 10..115 {
        setup.add_key(&format!("key_{number}"), Some("proj_old"), &key(number), LEAK_TIME - DAY);
    }
    setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - 40 * DAY);
    setup.add_key("key_9", Some("proj_1"), &key(9), LEAK_TIME);
    setup.api.change(|state| {
        let mut new = state.keys.iter().find(|key| key.id == "key_1").unwrap().clone();
        (new.id, new.value) = ("key_new".to_owned(), service_key(2));
        state.next_key = Some(new);
    });
}

/// Revokes an admin key, and sends it to see that it is dead.
fn delete_admin_key(setup: &ProviderSetup) {
    let leaked = crate::support::admin_key(2);
    setup.add_key("key_admin_2", None, &leaked, LEAK_TIME - DAY);
    setup.write_report(&[&leaked]);
    let output = setup.friskey(&["revoke", "report.json", "--wait", "0.2", "--yes", "key_admin_2"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed_text(&output));
    setup.write_report(&[&leaked, &leaked]);
    let arguments = ["verify", "-", "--send-key", "--recheck-after", "0.1"];
    let output = setup.friskey_with(&arguments, leaked.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", printed_text(&output));
}

/// The same requests fail if a response is not as described. This proves that prism checks responses.
#[test]
fn a_response_that_is_not_as_described_is_refused() {
    let Some((setup, _prism)) = setup() else { return };
    fill_organization(&setup);
    setup.write_report(&[&service_key(1)]);
    let page = json!({"object": "list", "data": [{"object": "organization.project.api_key", "id": "key_1"}],
        "first_id": null, "last_id": null, "has_more": false});
    setup.api.add_fault("/projects/proj_1/api_keys", Fault::Response(200, page.to_string()), 9);
    let output = setup.friskey(&["verify", "report.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("keys of the project proj_1: "), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("HTTP status 500"), "{}", printed_text(&output));
}

/// All responses of the API to a request with a key: the documented codes of 401, 403, 429 and 5xx, and 200 with the owner of
/// the key. Other responses, such as pages of proxies, are tested without prism.
#[test]
fn every_row_of_the_verdict_table_is_as_described() {
    let Some((setup, _prism)) = setup() else { return };
    verdicts::check_every_row(Some(&setup));
    verdicts::check_accepted(&setup);
}

fn description() -> Value {
    serde_json::from_slice(&std::fs::read(DESCRIPTION_PATH).unwrap()).unwrap()
}

/// The method and the path of every described call.
fn described_calls() -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for (path, item) in description()["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
        calls.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    calls
}

/// The method and the path of the described call that a request makes. It is an error if the path, the method or a
/// parameter of the query is not described; prism lets unknown parameters pass.
fn described_call(request: &RecordedRequest) -> Result<String, String> {
    let description = description();
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let fits = |template: &str| {
        let parts = (path.split('/'), template.split('/'));
        parts.0.clone().count() == parts.1.clone().count()
            && parts.0.zip(parts.1).all(|(part, template)| part == template || template.starts_with('{'))
    };
    let paths = description["paths"].as_object().unwrap();
    let (template, item) = paths
        .iter()
        .find(|(template, _)| fits(template))
        .ok_or_else(|| format!("{} is not described", request.target))?;
    let operation = &item[request.method.to_lowercase()];
    if operation.is_null() {
        return Err(format!("{} {template} is not described", request.method));
    }
    let resolve = |parameter: &Value| match parameter["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap().clone(),
        None => parameter.clone(),
    };
    let lists = [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array);
    let names: BTreeSet<String> =
        lists.flatten().map(|parameter| resolve(parameter)["name"].as_str().unwrap().to_owned()).collect();
    for (name, _) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if !names.contains(name) {
            return Err(format!("{template} has no parameter {name}"));
        }
    }
    Ok(format!("{} {template}", request.method))
}

/// Checks paths and parameters also where prism is not installed.
#[test]
fn verify_and_keys_make_only_described_calls() {
    let setup = ProviderSetup::new();
    fill_organization(&setup);
    setup.write_report(&[&service_key(1), &key(9)]);
    for arguments in [&["verify", "report.json"][..], &["keys"]] {
        assert_eq!(setup.friskey(arguments).status.code(), Some(1));
    }
    for request in setup.api.requests() {
        described_call(&request).unwrap();
    }
}
