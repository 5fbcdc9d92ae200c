//! Helpers for tests of the online commands: a fake organization, a report of a leak, and ways to run friskey.

use std::path::PathBuf;
use std::process::{Command, Output};

use friskey::model::Secret;
use friskey::rules::expand;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::git;
use crate::openai::{FakeKey, OpenAi};

/// When the key was leaked: 2026-03-03.
pub(crate) const LEAKED: i64 = 1_772_496_000;

pub(crate) fn key(number: u64) -> String {
    text("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number)
}

pub(crate) fn service_key(number: u64) -> String {
    text("sk-svcacct-{base64url:74}{marker}{base64url:72}{zero}", number)
}

pub(crate) fn user_key(number: u64) -> String {
    text("sk-{base62:20}{marker}{base62:20}", number)
}

pub(crate) fn admin_key(number: u64) -> String {
    text("sk-admin-{base64url:58}{marker}{base64url:56}{zero}", number)
}

fn text(template: &str, number: u64) -> String {
    String::from_utf8(expand(template, number).text).unwrap()
}

pub(crate) fn fingerprint(key: &str) -> String {
    Secret::new(key.as_bytes().to_vec(), 0).fingerprint().to_string()
}

/// A fake, and a directory to run friskey in.
pub(crate) struct Scene {
    pub(crate) api: OpenAi,
    dir: TempDir,
    admin: String,
}

impl Scene {
    /// An organization with the project `proj_1` and no keys but the admin key.
    pub(crate) fn new() -> Self {
        Self::behind(|port| port)
    }

    /// The same with `key_1`, a leaked key of a service account made a day before, and the key that replaces it.
    pub(crate) fn replaceable() -> Self {
        let scene = Self::new();
        scene.add("key_1", Some("proj_1"), &service_key(1), LEAKED - 86_400);
        scene.report(&[&service_key(1)]);
        scene.api.set(|state| {
            let old = state.keys.last().unwrap().clone();
            state.next_key = Some(FakeKey { id: "key_new".to_owned(), value: service_key(2), ..old });
        });
        scene
    }

    /// An organization without keys, with something between friskey and the fake, which gets the port of the fake and returns its own.
    pub(crate) fn behind(proxy: impl FnOnce(u16) -> u16) -> Self {
        let admin = admin_key(1);
        let api = OpenAi::start_behind(&admin, proxy);
        api.set(|state| state.projects.push(("proj_1".to_owned(), "Payments".to_owned(), false)));
        let account = ["proj_1", "svc_acct_1", "backend"].map(str::to_owned);
        api.set(|state| state.accounts.push(account.into()));
        let scene = Self { api, dir: tempfile::tempdir().unwrap(), admin: admin.clone() };
        scene.add("key_admin", None, &admin, LEAKED - 900_000);
        scene
    }

    pub(crate) fn add(&self, id: &str, project: Option<&str>, value: &str, created_at: i64) {
        self.api.set(|state| {
            state.keys.push(FakeKey {
                id: id.to_owned(),
                project: project.map(str::to_owned),
                value: value.to_owned(),
                name: format!("name of {id}"),
                created_at,
                last_used_at: Some(LEAKED + 86_400),
                is_service_account: value.starts_with("sk-svcacct"),
                scopes: None,
            });
        });
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command in the directory, with nothing of the caller's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = git::command(program, self.dir.path(), self.dir.path());
        for name in [
            "OPENAI_ADMIN_KEY",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "NO_PROXY",
            "no_proxy",
            "SSL_CERT_DIR",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn friskey(&self, arguments: &[&str]) -> Output {
        self.friskey_with(arguments, b"")
    }

    /// Runs friskey with the admin key and the fake as its host.
    pub(crate) fn friskey_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(arguments).args(["--host", &self.api.host(), "--timeout", "2"]);
        if arguments.contains(&"--send-key") {
            command.arg("--trust-host");
        }
        command.env("SSL_CERT_FILE", self.api.authority()).env("OPENAI_ADMIN_KEY", &self.admin);
        let output = git::run(&mut command, input);
        self.check_secrets(&output);
        output
    }

    /// Runs the command in the last step that was printed, word by word as it was, with nothing but the admin key and a
    /// certificate authority in the environment.
    pub(crate) fn follow(&self, output: &Output) -> Output {
        let printed = said(output);
        let step = printed.lines().rfind(|line| line.trim_start().starts_with("next: "));
        let step = step.unwrap_or_else(|| panic!("no next step: {printed}"));
        let command = &step[step.find(": friskey ").unwrap_or_else(|| panic!("no command: {step}")) + 2..];
        let words = shlex::split(command).unwrap();
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"));
        command
            .args(&words[1..])
            .env("SSL_CERT_FILE", self.api.authority())
            .env("OPENAI_ADMIN_KEY", &self.admin);
        let output = git::run(&mut command, b"");
        self.check_secrets(&output);
        output
    }

    /// No output contains a key, whatever happened.
    fn check_secrets(&self, output: &Output) {
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let state = self.api.state.lock().unwrap();
        let deleted = state.deleted.iter().map(|(key, _)| &key.value);
        for value in state.keys.iter().map(|key| &key.value).chain(deleted).chain([&self.admin]) {
            // Neither whole nor the random part before or after the marker.
            let (head, tail) = (&value[9..25], &value[value.len() - 16..]);
            assert!(!said.contains(value) && !said.contains(head) && !said.contains(tail), "{said}");
        }
    }

    /// Writes `report.json` with these leaked keys, as `friskey history` would.
    pub(crate) fn report(&self, keys: &[&str]) {
        let leaks: Vec<Value> = keys.iter().map(|key| leak(key)).collect();
        let report = json!({"schema": "friskey/report/v1", "tool": {"name": "friskey", "version": "0.1.0", "rules": "0"},
            "command": "history", "status": "findings", "min_confidence": "medium", "leaks": leaks, "unlisted": 0,
            "suppressed": 0, "below_threshold": 0, "notes": [], "coverage": {}, "elapsed_seconds": 0.1});
        std::fs::write(self.path("report.json"), report.to_string()).unwrap();
    }

    /// Asserts that no request was made with, or contains, this key.
    pub(crate) fn never_sent(&self, key: &str) {
        assert!(self.api.seen().iter().all(|seen| !seen.text.contains(key)), "the leaked key was sent");
    }
}

fn leak(key: &str) -> Value {
    let (rule, kind, prefix) = match key {
        key if key.starts_with("sk-proj-") => ("openai-project-key", "project", 8),
        key if key.starts_with("sk-svcacct-") => ("openai-service-account-key", "service-account", 11),
        key if key.starts_with("sk-admin-") => ("openai-admin-key", "admin", 9),
        _ => ("openai-user-key", "user", 3),
    };
    let change =
        json!({"commit": "0".repeat(40), "author": "Ann", "date": "2026-03-03T00:00:00+00:00", "path": "a"});
    let position = json!({"offset": 0, "line": 1, "column": 1});
    let place = json!({"id": "0", "surface": "blob", "path": "a", "blob": null, "commit": null, "encoding": "utf-8",
        "container": [], "versions": 1, "start": position, "end": position, "suppressed": null});
    json!({"fingerprint": fingerprint(key), "redacted": Secret::new(key.as_bytes().to_vec(), prefix).redacted(),
        "rule": rule, "kind": kind, "confidence": "high", "evidence": [], "length": key.len(), "status": "removed",
        "introduced": [change], "removed": [], "refs_at_tip": [], "refs_in_history": [], "held_by": [],
        "exposed_seconds": 1, "findings": [place]})
}

/// What friskey printed, as JSON.
pub(crate) fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// All that friskey printed.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The verification of the only leak.
pub(crate) fn only(output: &Output) -> Value {
    parsed(output)["leaks"][0]["verification"].clone()
}
