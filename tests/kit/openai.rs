//! A stateful fake of OpenAI's administration API over real TLS, written from its documentation: projects, keys, costs,
//! audit log, and the answers to requests with a leaked key. It records every request.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::tls;

/// A key that the organization has.
#[derive(Clone, Debug)]
pub(crate) struct FakeKey {
    pub(crate) id: String,
    /// The project; `None` for an admin key.
    pub(crate) project: Option<String>,
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) created_at: i64,
    pub(crate) last_used_at: Option<i64>,
    pub(crate) is_service_account: bool,
    /// What it may be used for, where the API says.
    pub(crate) scopes: Option<Vec<String>>,
}

/// What goes wrong with requests whose path contains some text.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// A status with a body, and how often.
    Answer(u16, String),
    /// The same with one more header.
    Header(u16, &'static str, String),
    /// No answer for that long.
    Silence(Duration),
    /// The connection ends in the middle of the body.
    Truncated,
    /// A body of that many bytes.
    Huge(usize),
}

/// A request as the fake saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The complete request, with headers and body.
    pub(crate) text: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) admin_key: String,
    /// Other admin keys that work.
    pub(crate) other_admins: Vec<String>,
    /// Id, name and whether archived.
    pub(crate) projects: Vec<(String, String, bool)>,
    pub(crate) keys: Vec<FakeKey>,
    /// Service accounts: project, id and name.
    pub(crate) accounts: Vec<(String, String, String)>,
    /// Amounts by key and start of day.
    pub(crate) costs: BTreeMap<String, Vec<(i64, f64)>>,
    /// Requests on each day with costs, by service and key.
    pub(crate) usage: BTreeMap<(String, String), u64>,
    pub(crate) events: Vec<Value>,
    /// Text in the target, the fault, and how often it still happens.
    pub(crate) faults: Vec<(String, Fault, usize)>,
    pub(crate) seen: Vec<Seen>,
    /// Whether the list of admin keys contains project keys as well, as has been seen.
    pub(crate) mislabels: bool,
    /// Masks as in the reference: `sk-abc...def`.
    pub(crate) short_masks: bool,
    /// The keys that were reported as compromised, as they came.
    pub(crate) reports: Vec<Value>,
    /// The key that the next request for a new one makes.
    pub(crate) next_key: Option<FakeKey>,
    /// How many lists lack a deleted key although it is still there.
    pub(crate) flickers: usize,
    /// How many more lists still contain a deleted key.
    pub(crate) lag: usize,
    pub(crate) deleted: Vec<(FakeKey, usize)>,
}

/// The running fake. It ends with the test's process.
pub(crate) struct OpenAi {
    pub(crate) state: Arc<Mutex<State>>,
    port: u16,
    dir: tempfile::TempDir,
}

impl OpenAi {
    /// Starts the fake without TLS on a port that is passed to `proxy`. TLS ends in front of the port that it
    /// returns: a proxy that passes everything on to the fake, or the fake itself.
    pub(crate) fn start_behind(admin_key: &str, proxy: impl FnOnce(u16) -> u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (config, authority) = tls::certificates("localhost");
        std::fs::write(dir.path().join("ca.pem"), authority).unwrap();
        let state = Arc::new(Mutex::new(State { admin_key: admin_key.to_owned(), ..State::default() }));
        let shared = Arc::clone(&state);
        let plain = listen(move |stream| serve(stream, &shared));
        let target = proxy(plain);
        let port = if target == plain {
            let state = Arc::clone(&state);
            listen(move |stream| serve(tls::accept(stream, &config), &state))
        } else {
            listen(move |stream| forward(tls::accept(stream, &config), target))
        };
        Self { state, port, dir }
    }

    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The certificate authority to trust, for `SSL_CERT_FILE`.
    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub(crate) fn fault(&self, target: &str, fault: Fault, times: usize) {
        self.set(|state| state.faults.push((target.to_owned(), fault, times)));
    }
}

/// Serves every connection to a new port in a thread of its own.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Passes one request on to another port, and its answer back.
fn forward(mut stream: impl Read + Write, port: u16) {
    let Some(seen) = request(&mut stream) else { return };
    let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // One answer a connection, so that its end is that of the answer.
    let text = seen.text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    let _ = stream.write_all(&answer);
}

fn serve(mut stream: impl Read + Write, state: &Mutex<State>) {
    while let Some(seen) = request(&mut stream) {
        let fault = {
            let mut state = state.lock().unwrap();
            state.seen.push(seen.clone());
            let fault = state
                .faults
                .iter_mut()
                .find(|(part, _, times)| *times > 0 && seen.target.contains(part.as_str()));
            fault.map(|(_, fault, times)| {
                *times -= 1;
                fault.clone()
            })
        };
        let keeps = match fault {
            None => {
                let (status, body) = answer(&mut state.lock().unwrap(), &seen);
                write(&mut stream, status, "", body.to_string().as_bytes())
            }
            Some(Fault::Answer(status, body)) => write(&mut stream, status, "", body.as_bytes()),
            Some(Fault::Header(status, header, body)) => write(&mut stream, status, header, body.as_bytes()),
            Some(Fault::Silence(time)) => {
                std::thread::sleep(time);
                false
            }
            Some(Fault::Truncated) => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"object\":";
                let _ = stream.write_all(head);
                false
            }
            Some(Fault::Huge(size)) => write(&mut stream, 200, "", &vec![b' '; size]),
        };
        if !keeps {
            return;
        }
    }
}

/// Reads one request; `None` at the end of the connection.
fn request(stream: &mut impl Read) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => bytes.extend(&buffer[..read]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    while bytes.len() < head + length.unwrap_or(0) {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => bytes.extend(&buffer[..read]),
            _ => return None,
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = text.split(' ');
    // A proxy may write brackets in other ways.
    let (method, target) = (words.next()?.to_owned(), words.next()?.replace("%5B%5D", "[]"));
    Some(Seen { method, target, text })
}

fn write(stream: &mut impl Write, status: u16, header: &str, body: &[u8]) -> bool {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{header}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_ok()
}

/// An error in the documented form.
pub(crate) fn error(message: &str, code: Option<&str>) -> String {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}})
        .to_string()
}

/// A key as the API shows it.
pub(crate) fn mask(key: &str) -> String {
    format!("{}{}{}", &key[..8], "*".repeat(key.len() - 12), &key[key.len() - 4..])
}

fn answer(state: &mut State, seen: &Seen) -> (u16, Value) {
    let bearer = seen.text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization")
            .then(|| value.trim_start_matches("Bearer ").trim().to_owned())
    });
    let bearer = bearer.unwrap_or_default();
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let parameters: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let incorrect = |key: &str| -> (u16, Value) {
        let shown = if key.len() > 12 { mask(key) } else { "***".to_owned() };
        let message = format!(
            "Incorrect API key provided: {shown}. You can find your API key at https://platform.openai.com."
        );
        (401, serde_json::from_str(&error(&message, Some("invalid_api_key"))).unwrap())
    };
    // In no document of OpenAI's: a key as compromised, from anybody.
    if (seen.method.as_str(), path) == ("POST", "/external/compromised_secret") {
        assert_eq!(bearer, "", "a report needs no key, and gets none");
        let body = seen.text.split_once("\r\n\r\n").unwrap().1;
        state.reports.push(serde_json::from_str(body).unwrap());
        return (200, json!({}));
    }
    if path == "/v1/models" || path == "/v1/me" {
        if !state.keys.iter().any(|key| key.value == bearer) {
            return incorrect(&bearer);
        }
        return match path {
            "/v1/models" => (200, json!({"object": "list", "data": []})),
            _ => (
                200,
                json!({"object": "user", "id": "user-1", "name": "Ada", "email": "ada@example.org",
                "orgs": {"object": "list", "data": [{"id": "org-1", "title": "Analytical Engines"}]}}),
            ),
        };
    }
    if bearer != state.admin_key && !state.other_admins.contains(&bearer) {
        return incorrect(&bearer);
    }
    let segments: Vec<&str> = path.trim_start_matches("/v1/organization").split('/').skip(1).collect();
    match (seen.method.as_str(), segments.as_slice()) {
        ("GET", ["projects"]) => {
            let archived = parameters.contains(&("include_archived", "true"));
            let projects = state.projects.iter().filter(|(_, _, is_archived)| archived || !is_archived);
            let items = projects.map(|(id, name, is_archived)| {
                let status = if *is_archived { "archived" } else { "active" };
                json!({"object": "organization.project", "id": id, "name": name, "created_at": 1, "archived_at": null, "status": status})
            });
            list(items.collect(), &parameters)
        }
        ("GET", ["projects", project, "api_keys"]) => {
            let all = parameters.contains(&("owner_project_access", "any"));
            let mut keys: Vec<FakeKey> =
                state.keys.iter().filter(|key| key.project.as_deref() == Some(project)).cloned().collect();
            for (key, left) in state
                .deleted
                .iter_mut()
                .filter(|(key, left)| *left > 0 && key.project.as_deref() == Some(project))
            {
                *left -= 1;
                if state.flickers > 0 {
                    state.flickers -= 1;
                } else {
                    keys.push(key.clone());
                }
            }
            let short = state.short_masks;
            // Without the parameter some keys are missing.
            list(keys.iter().skip(usize::from(!all)).map(|key| wire_key(key, short)).collect(), &parameters)
        }
        ("GET", ["projects", project, "service_accounts"]) => {
            let accounts = state.accounts.iter().filter(|(of, _, _)| of == project);
            let items = accounts.map(|(_, id, name)| {
                json!({"object": "organization.project.service_account", "id": id, "name": name, "role": "member", "created_at": 1_700_000_000})
            });
            list(items.collect(), &parameters)
        }
        ("GET", ["admin_api_keys"]) => {
            let mislabels = state.mislabels;
            let keys = state.keys.iter().filter(|key| key.project.is_none() || mislabels);
            list(keys.map(|key| wire_admin(key, state.short_masks)).collect(), &parameters)
        }
        ("POST", ["projects", project, "service_accounts", account, "api_keys"]) => {
            assert_eq!(*account, "svc_acct_1");
            let body = seen.text.split_once("\r\n\r\n").unwrap().1;
            let body: Value = serde_json::from_str(body).unwrap();
            let Some(mut key) = state.next_key.take() else {
                return (400, serde_json::from_str(&error("no more keys", None)).unwrap());
            };
            key.project = Some((*project).to_owned());
            key.name = body["name"].as_str().unwrap().to_owned();
            key.scopes = body.get("scopes").map(|scopes| serde_json::from_value(scopes.clone()).unwrap());
            assert!(key.scopes.as_ref().is_none_or(|scopes| !scopes.is_empty()), "[] allows everything");
            let made = json!({"object": "organization.project.service_account.api_key", "id": key.id, "name": key.name,
                "value": key.value, "created_at": key.created_at});
            state.keys.push(key);
            (200, made)
        }
        ("DELETE", [.., "api_keys" | "admin_api_keys", id]) => delete(state, id),
        ("GET", ["costs"]) => buckets(state, &parameters, "costs"),
        ("GET", ["usage", service]) => buckets(state, &parameters, service),
        ("GET", ["audit_logs"]) => {
            let wanted: Vec<&str> =
                parameters.iter().filter(|(name, _)| *name == "resource_ids[]").map(|(_, id)| *id).collect();
            let is_wanted = |event: &&Value| {
                let id = &event[event["type"].as_str().unwrap()]["id"];
                wanted.iter().any(|wanted| id == *wanted)
            };
            list(state.events.iter().filter(is_wanted).cloned().collect(), &parameters)
        }
        _ => (404, serde_json::from_str(&error("Invalid URL", None)).unwrap()),
    }
}

fn delete(state: &mut State, id: &str) -> (u16, Value) {
    let Some(at) = state.keys.iter().position(|key| key.id == id) else {
        return (404, serde_json::from_str(&error("No such key", Some("not_found"))).unwrap());
    };
    let key = state.keys.remove(at);
    let object = if key.project.is_some() {
        "organization.project.api_key.deleted"
    } else {
        "organization.admin_api_key.deleted"
    };
    let lag = state.lag;
    state.deleted.push((key, lag));
    (200, json!({"object": object, "id": id, "deleted": true}))
}

fn shown(value: &str, short: bool) -> String {
    if short { format!("{}...{}", &value[..6], &value[value.len() - 3..]) } else { mask(value) }
}

fn wire_key(key: &FakeKey, short: bool) -> Value {
    let owner = if key.is_service_account {
        json!({"type": "service_account", "service_account": {"id": "svc_acct_1", "name": "backend", "created_at": 1, "role": "member"}})
    } else {
        json!({"type": "user", "user": {"id": "user-1", "name": "Ada", "email": "ada@example.org", "created_at": 1, "role": "owner"}})
    };
    let mut wire = json!({"object": "organization.project.api_key", "id": key.id, "name": key.name, "redacted_value": shown(&key.value, short),
        "created_at": key.created_at, "last_used_at": key.last_used_at, "owner_project_access": "member", "owner": owner});
    if let Some(scopes) = &key.scopes {
        wire["scopes"] = json!(scopes);
    }
    wire
}

fn wire_admin(key: &FakeKey, short: bool) -> Value {
    json!({"object": "organization.admin_api_key", "id": key.id, "name": key.name, "redacted_value": shown(&key.value, short),
        "created_at": key.created_at, "last_used_at": key.last_used_at, "expires_at": null,
        "owner": {"type": "user", "object": "organization.user", "id": "user-1", "name": "Ada", "created_at": 1, "role": "owner"}})
}

/// One page of `items`.
fn list(items: Vec<Value>, parameters: &[(&str, &str)]) -> (u16, Value) {
    let of = |name: &str| parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let limit = of("limit").map_or(20, |limit| limit.parse::<usize>().unwrap());
    assert!((1..=100).contains(&limit), "limit={limit}");
    let start = of("after").map_or(0, |after| items.iter().position(|item| item["id"] == after).unwrap() + 1);
    let page: Vec<Value> = items.iter().skip(start).take(limit).cloned().collect();
    let has_more = start + page.len() < items.len();
    let id = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    (
        200,
        json!({"object": "list", "first_id": id(page.first()), "last_id": id(page.last()), "has_more": has_more, "data": page}),
    )
}

/// Costs, or the usage of one service: 7 completions for each day with costs, and what `usage` has of others.
fn buckets(state: &State, parameters: &[(&str, &str)], service: &str) -> (u16, Value) {
    let costs = service == "costs";
    let of = |name: &str| parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let start: i64 = of("start_time").unwrap().parse().unwrap();
    let limit: usize = of("limit").unwrap().parse().unwrap();
    assert!(limit <= if costs { 180 } else { 31 } && of("bucket_width") == Some("1d"));
    let ids: Vec<&str> =
        parameters.iter().filter(|(name, _)| *name == "api_key_ids").map(|(_, id)| *id).collect();
    let mut days: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for (id, amounts) in state.costs.iter().filter(|(id, _)| ids.contains(&id.as_str())) {
        for (day, amount) in amounts.iter().filter(|(day, _)| *day >= start) {
            let result = if costs {
                json!({"object": "organization.costs.result", "api_key_id": id, "amount": {"value": amount, "currency": "usd"}, "line_item": null, "project_id": null})
            } else {
                let used = state.usage.get(&(service.to_owned(), id.clone())).copied();
                let count = if service.ends_with("_calls") { "num_requests" } else { "num_model_requests" };
                let used = if service == "completions" { Some(7) } else { used };
                json!({"object": format!("organization.usage.{service}.result"), "api_key_id": id, count: used.unwrap_or(0)})
            };
            days.entry(*day).or_default().push(result);
        }
    }
    let at: usize = of("page").map_or(0, |page| page.trim_start_matches("page_").parse().unwrap());
    let page: Vec<Value> = days.iter().skip(at).take(limit).map(|(day, results)| {
        json!({"object": "bucket", "start_time": day, "end_time": day + 86_400, "results": results})
    }).collect();
    let next = at + page.len();
    let has_more = next < days.len();
    let cursor = if has_more { json!(format!("page_{next}")) } else { Value::Null };
    (200, json!({"object": "page", "data": page, "has_more": has_more, "next_page": cursor}))
}
