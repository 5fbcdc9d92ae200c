//! A stateful fake of OpenAI's API over real TLS, written from its documentation: an organization's projects, keys, costs
//! and audit log, and the responses to requests with a leaked key. It records every request.

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
    /// The permissions of the key; `None` if the API does not show them.
    pub(crate) scopes: Option<Vec<String>>,
}

/// A wrong or unusual response, in place of the usual one.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// A response with this status and body.
    Response(u16, String),
    /// A response with this status, additional header and body.
    Header(u16, &'static str, String),
    /// No response for this time, after which the connection ends.
    Silence(Duration),
    /// A response whose body ends before its announced length.
    Truncated,
    /// A response with a body of this number of bytes.
    Huge(usize),
}

/// A request that the fake received.
#[derive(Clone, Debug)]
pub(crate) struct RecordedRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The complete request, with headers and body.
    pub(crate) text: String,
}

/// A deleted key, which lists may still contain, as those of the real API do for a while.
pub(crate) struct DeletedKey {
    pub(crate) key: FakeKey,
    /// The number of further lists without the key, before those with it.
    lists_without_key: usize,
    /// The number of further lists with the key.
    lists_with_key: usize,
}

/// Everything that the fake knows about the organization, and what it received.
#[derive(Default)]
pub(crate) struct FakeState {
    pub(crate) admin_key: String,
    /// Other valid admin keys.
    pub(crate) other_admin_keys: Vec<String>,
    /// Projects: id, name, and whether the project is archived.
    pub(crate) projects: Vec<(String, String, bool)>,
    pub(crate) keys: Vec<FakeKey>,
    /// Service accounts: project, id and name.
    pub(crate) accounts: Vec<(String, String, String)>,
    /// The costs of each key, by its id: the start of a day (Unix time in seconds), and the amount in dollars.
    pub(crate) costs: BTreeMap<String, Vec<(i64, f64)>>,
    /// The number of requests on each day with costs, by service and id of the key.
    pub(crate) usage: BTreeMap<(String, String), u64>,
    /// The audit log.
    pub(crate) events: Vec<Value>,
    /// For requests whose target contains this text: the fault, and how many times it is still to happen.
    pub(crate) faults: Vec<(String, Fault, usize)>,
    pub(crate) requests: Vec<RecordedRequest>,
    /// Whether the list of admin keys also contains project keys, which the real API has been observed to do.
    pub(crate) admin_list_has_project_keys: bool,
    /// Whether masks are as short as in the API reference: `sk-abc...def`.
    pub(crate) short_masks: bool,
    /// The bodies of the requests that report a key as compromised.
    pub(crate) reports: Vec<Value>,
    /// The key that the next request for a new key creates.
    pub(crate) next_key: Option<FakeKey>,
    /// After a deletion, this many lists lack the key as they should, before it appears again.
    pub(crate) lists_without_deleted_key: usize,
    /// After those, this many lists still contain the deleted key.
    pub(crate) lists_with_deleted_key: usize,
    pub(crate) deleted: Vec<DeletedKey>,
}

/// The running fake. It ends with the test's process.
pub(crate) struct OpenAi {
    pub(crate) state: Arc<Mutex<FakeState>>,
    port: u16,
    dir: tempfile::TempDir,
}

impl OpenAi {
    /// Starts the fake. `proxy` gets the port of the fake without TLS, and returns the port to which decrypted requests are
    /// passed: that of a proxy which passes everything on to the fake, or the same port.
    pub(crate) fn start_behind(admin_key: &str, proxy: impl FnOnce(u16) -> u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (config, authority) = tls::certificates("localhost");
        std::fs::write(dir.path().join("ca.pem"), authority).unwrap();
        let state =
            Arc::new(Mutex::new(FakeState { admin_key: admin_key.to_owned(), ..FakeState::default() }));
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

    /// The host and port of the fake, for `--host`.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The certificate authority to trust, for `SSL_CERT_FILE`.
    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut FakeState)) {
        change(&mut self.state.lock().unwrap());
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Responses the next `times` requests whose target contains `target_part` with a fault.
    pub(crate) fn add_fault(&self, target_part: &str, fault: Fault, times: usize) {
        self.change(|state| state.faults.push((target_part.to_owned(), fault, times)));
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

/// Passes one request on to another port, and its response back.
fn forward(mut stream: impl Read + Write, port: u16) {
    let Some(request) = read_request(&mut stream) else { return };
    let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // The server closes the connection after its response, which shows where the response ends.
    let text = request.text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(text.as_bytes()).unwrap();
    let mut response = Vec::new();
    server.read_to_end(&mut response).unwrap();
    let _ = stream.write_all(&response);
}

/// Responses the requests on a connection.
fn serve(mut stream: impl Read + Write, state: &Mutex<FakeState>) {
    while let Some(request) = read_request(&mut stream) {
        let fault = {
            let mut state = state.lock().unwrap();
            state.requests.push(request.clone());
            let fault = state
                .faults
                .iter_mut()
                .find(|(part, _, times)| *times > 0 && request.target.contains(part.as_str()));
            fault.map(|(_, fault, times)| {
                *times -= 1;
                fault.clone()
            })
        };
        let is_open = match fault {
            None => {
                let (status, body) = respond(&mut state.lock().unwrap(), &request);
                write_response(&mut stream, status, "", body.to_string().as_bytes())
            }
            Some(Fault::Response(status, body)) => write_response(&mut stream, status, "", body.as_bytes()),
            Some(Fault::Header(status, header, body)) => {
                write_response(&mut stream, status, header, body.as_bytes())
            }
            Some(Fault::Silence(time)) => {
                std::thread::sleep(time);
                false
            }
            Some(Fault::Truncated) => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"object\":";
                let _ = stream.write_all(head);
                false
            }
            Some(Fault::Huge(size)) => write_response(&mut stream, 200, "", &vec![b' '; size]),
        };
        if !is_open {
            return;
        }
    }
}

/// Reads one request; `None` at the end of the connection.
fn read_request(stream: &mut impl Read) -> Option<RecordedRequest> {
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
    // A proxy may percent-encode brackets.
    let (method, target) = (words.next()?.to_owned(), words.next()?.replace("%5B%5D", "[]"));
    Some(RecordedRequest { method, target, text })
}

/// Writes a response. Returns whether the connection is still open.
fn write_response(stream: &mut impl Write, status: u16, header: &str, body: &[u8]) -> bool {
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

/// The mask with which the API shows a key.
pub(crate) fn mask(key: &str) -> String {
    format!("{}{}{}", &key[..8], "*".repeat(key.len() - 12), &key[key.len() - 4..])
}

/// The status and the body of the usual response to a request.
fn respond(state: &mut FakeState, request: &RecordedRequest) -> (u16, Value) {
    let bearer = request.text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization")
            .then(|| value.trim_start_matches("Bearer ").trim().to_owned())
    });
    let bearer = bearer.unwrap_or_default();
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let parameters: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let incorrect_key = |key: &str| -> (u16, Value) {
        let mask = if key.len() > 12 { mask(key) } else { "***".to_owned() };
        let message = format!(
            "Incorrect API key provided: {mask}. You can find your API key at https://platform.openai.com."
        );
        (401, serde_json::from_str(&error(&message, Some("invalid_api_key"))).unwrap())
    };
    // Anybody may report a compromised key at this endpoint, which OpenAI does not document.
    if (request.method.as_str(), path) == ("POST", "/external/compromised_secret") {
        assert_eq!(bearer, "", "a report must not be sent with a key");
        let body = request.text.split_once("\r\n\r\n").unwrap().1;
        state.reports.push(serde_json::from_str(body).unwrap());
        return (200, json!({}));
    }
    if path == "/v1/models" || path == "/v1/me" {
        if !state.keys.iter().any(|key| key.value == bearer) {
            return incorrect_key(&bearer);
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
    if bearer != state.admin_key && !state.other_admin_keys.contains(&bearer) {
        return incorrect_key(&bearer);
    }
    let segments: Vec<&str> = path.trim_start_matches("/v1/organization").split('/').skip(1).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["projects"]) => {
            let all = parameters.contains(&("include_archived", "true"));
            let projects = state.projects.iter().filter(|(_, _, is_archived)| all || !is_archived);
            let items = projects.map(|(id, name, is_archived)| {
                let status = if *is_archived { "archived" } else { "active" };
                json!({"object": "organization.project", "id": id, "name": name, "created_at": 1, "archived_at": null, "status": status})
            });
            page(items.collect(), &parameters)
        }
        ("GET", ["projects", project, "api_keys"]) => {
            let all = parameters.contains(&("owner_project_access", "any"));
            let mut keys: Vec<FakeKey> =
                state.keys.iter().filter(|key| key.project.as_deref() == Some(project)).cloned().collect();
            for deleted in
                state.deleted.iter_mut().filter(|deleted| deleted.key.project.as_deref() == Some(project))
            {
                if deleted.lists_without_key > 0 {
                    deleted.lists_without_key -= 1;
                } else if deleted.lists_with_key > 0 {
                    deleted.lists_with_key -= 1;
                    keys.push(deleted.key.clone());
                }
            }
            let short = state.short_masks;
            // Without the parameter, the list of the real API lacks some keys.
            let keys = keys.iter().skip(usize::from(!all));
            page(keys.map(|key| project_key_json(key, short)).collect(), &parameters)
        }
        ("GET", ["projects", project, "service_accounts"]) => {
            let accounts = state.accounts.iter().filter(|(account_project, _, _)| account_project == project);
            let items = accounts.map(|(_, id, name)| {
                json!({"object": "organization.project.service_account", "id": id, "name": name, "role": "member", "created_at": 1_700_000_000})
            });
            page(items.collect(), &parameters)
        }
        ("GET", ["admin_api_keys"]) => {
            let all = state.admin_list_has_project_keys;
            let keys = state.keys.iter().filter(|key| key.project.is_none() || all);
            page(keys.map(|key| admin_key_json(key, state.short_masks)).collect(), &parameters)
        }
        ("POST", ["projects", project, "service_accounts", account, "api_keys"]) => {
            assert_eq!(*account, "svc_acct_1");
            let body = request.text.split_once("\r\n\r\n").unwrap().1;
            let body: Value = serde_json::from_str(body).unwrap();
            let Some(mut key) = state.next_key.take() else {
                return (400, serde_json::from_str(&error("no more keys", None)).unwrap());
            };
            key.project = Some((*project).to_owned());
            key.name = body["name"].as_str().unwrap().to_owned();
            key.scopes = body.get("scopes").map(|scopes| serde_json::from_value(scopes.clone()).unwrap());
            assert!(
                key.scopes.as_ref().is_none_or(|scopes| !scopes.is_empty()),
                "an empty list of scopes would allow everything"
            );
            let created = json!({"object": "organization.project.service_account.api_key", "id": key.id, "name": key.name,
                "value": key.value, "created_at": key.created_at});
            state.keys.push(key);
            (200, created)
        }
        ("DELETE", [.., "api_keys" | "admin_api_keys", id]) => delete(state, id),
        ("GET", ["costs"]) => buckets(state, &parameters, "costs"),
        ("GET", ["usage", service]) => buckets(state, &parameters, service),
        ("GET", ["audit_logs"]) => {
            let resource_ids: Vec<&str> =
                parameters.iter().filter(|(name, _)| *name == "resource_ids[]").map(|(_, id)| *id).collect();
            let is_about_resource = |event: &&Value| {
                let event_id = &event[event["type"].as_str().unwrap()]["id"];
                resource_ids.iter().any(|id| event_id == *id)
            };
            page(state.events.iter().filter(is_about_resource).cloned().collect(), &parameters)
        }
        _ => (404, serde_json::from_str(&error("Invalid URL", None)).unwrap()),
    }
}

/// Deletes the key with this id.
fn delete(state: &mut FakeState, id: &str) -> (u16, Value) {
    let Some(index) = state.keys.iter().position(|key| key.id == id) else {
        return (404, serde_json::from_str(&error("No such key", Some("not_found"))).unwrap());
    };
    let key = state.keys.remove(index);
    let object = if key.project.is_some() {
        "organization.project.api_key.deleted"
    } else {
        "organization.admin_api_key.deleted"
    };
    let (lists_without_key, lists_with_key) = (state.lists_without_deleted_key, state.lists_with_deleted_key);
    state.deleted.push(DeletedKey { key, lists_without_key, lists_with_key });
    (200, json!({"object": object, "id": id, "deleted": true}))
}

/// The mask of a key, in the short form of the API reference if `is_short`.
fn redacted_value(value: &str, is_short: bool) -> String {
    if is_short { format!("{}...{}", &value[..6], &value[value.len() - 3..]) } else { mask(value) }
}

/// A project key as the API describes it.
fn project_key_json(key: &FakeKey, is_short: bool) -> Value {
    let owner = if key.is_service_account {
        json!({"type": "service_account", "service_account": {"id": "svc_acct_1", "name": "backend", "created_at": 1, "role": "member"}})
    } else {
        json!({"type": "user", "user": {"id": "user-1", "name": "Ada", "email": "ada@example.org", "created_at": 1, "role": "owner"}})
    };
    let mut description = json!({"object": "organization.project.api_key", "id": key.id, "name": key.name, "redacted_value": redacted_value(&key.value, is_short),
        "created_at": key.created_at, "last_used_at": key.last_used_at, "owner_project_access": "member", "owner": owner});
    if let Some(scopes) = &key.scopes {
        description["scopes"] = json!(scopes);
    }
    description
}

/// An admin key as the API describes it.
fn admin_key_json(key: &FakeKey, is_short: bool) -> Value {
    json!({"object": "organization.admin_api_key", "id": key.id, "name": key.name, "redacted_value": redacted_value(&key.value, is_short),
        "created_at": key.created_at, "last_used_at": key.last_used_at, "expires_at": null,
        "owner": {"type": "user", "object": "organization.user", "id": "user-1", "name": "Ada", "created_at": 1, "role": "owner"}})
}

/// The page of `items` that the parameters of the query select.
fn page(items: Vec<Value>, parameters: &[(&str, &str)]) -> (u16, Value) {
    let parameter = |name: &str| parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let limit = parameter("limit").map_or(20, |limit| limit.parse::<usize>().unwrap());
    assert!((1..=100).contains(&limit), "limit={limit}");
    let start =
        parameter("after").map_or(0, |after| items.iter().position(|item| item["id"] == after).unwrap() + 1);
    let page: Vec<Value> = items.iter().skip(start).take(limit).cloned().collect();
    let has_more = start + page.len() < items.len();
    let id = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    (
        200,
        json!({"object": "list", "first_id": id(page.first()), "last_id": id(page.last()), "has_more": has_more, "data": page}),
    )
}

/// A page of daily buckets with the costs of keys, if `service` is `costs`, or with the number of requests to a service: 7
/// completions on each day with costs, and for other services the number in [`FakeState::usage`].
fn buckets(state: &FakeState, parameters: &[(&str, &str)], service: &str) -> (u16, Value) {
    let is_costs = service == "costs";
    let parameter = |name: &str| parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let start: i64 = parameter("start_time").unwrap().parse().unwrap();
    let limit: usize = parameter("limit").unwrap().parse().unwrap();
    assert!(limit <= if is_costs { 180 } else { 31 } && parameter("bucket_width") == Some("1d"));
    let ids: Vec<&str> =
        parameters.iter().filter(|(name, _)| *name == "api_key_ids").map(|(_, id)| *id).collect();
    let mut days: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for (id, amounts) in state.costs.iter().filter(|(id, _)| ids.contains(&id.as_str())) {
        for (day, amount) in amounts.iter().filter(|(day, _)| *day >= start) {
            let result = if is_costs {
                json!({"object": "organization.costs.result", "api_key_id": id, "amount": {"value": amount, "currency": "usd"}, "line_item": null, "project_id": null})
            } else {
                let requests = state.usage.get(&(service.to_owned(), id.clone())).copied();
                let field = if service.ends_with("_calls") { "num_requests" } else { "num_model_requests" };
                let requests = if service == "completions" { Some(7) } else { requests };
                json!({"object": format!("organization.usage.{service}.result"), "api_key_id": id, field: requests.unwrap_or(0)})
            };
            days.entry(*day).or_default().push(result);
        }
    }
    let first_bucket: usize =
        parameter("page").map_or(0, |page| page.trim_start_matches("page_").parse().unwrap());
    let page: Vec<Value> = days.iter().skip(first_bucket).take(limit).map(|(day, results)| {
        json!({"object": "bucket", "start_time": day, "end_time": day + 86_400, "results": results})
    }).collect();
    let next = first_bucket + page.len();
    let has_more = next < days.len();
    let cursor = if has_more { json!(format!("page_{next}")) } else { Value::Null };
    (200, json!({"object": "page", "data": page, "has_more": has_more, "next_page": cursor}))
}
