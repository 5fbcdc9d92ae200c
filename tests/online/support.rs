//! Helpers for tests of the online commands: keys, a fake organization, a report of a leak, and ways to run friskey.

use std::path::PathBuf;
use std::process::{Command, Output};

use friskey::model::Secret;
use friskey::rules::expand_template;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::git;
use crate::openai::{FakeKey, OpenAi};

/// The date of the commits that leaked a key: 2026-03-03, in Unix time.
pub(crate) const LEAK_TIME: i64 = 1_772_496_000;

/// A synthetic project key, a different one for each number.
pub(crate) fn key(number: u64) -> String {
    key_like("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number)
}

pub(crate) fn service_key(number: u64) -> String {
    key_like("sk-svcacct-{base64url:74}{marker}{base64url:72}{zero}", number)
}

pub(crate) fn user_key(number: u64) -> String {
    key_like("sk-{base62:20}{marker}{base62:20}", number)
}

pub(crate) fn admin_key(number: u64) -> String {
    key_like("sk-admin-{base64url:58}{marker}{base64url:56}{zero}", number)
}

/// A key as in `template`, a different one for each number.
fn key_like(template: &str, number: u64) -> String {
    String::from_utf8(expand_template(template, number).text).unwrap()
}

pub(crate) fn fingerprint(key: &str) -> String {
    Secret::new(key.as_bytes().to_vec(), 0).fingerprint().to_string()
}

/// A fake of the provider, and a directory in which friskey is run.
pub(crate) struct ProviderSetup {
    pub(crate) api: OpenAi,
    dir: TempDir,
    admin_key: String,
}

impl ProviderSetup {
    /// An organization with the project `proj_1` and no keys but the admin key.
    pub(crate) fn new() -> Self {
        Self::with_proxy(|port| port)
    }

    /// An organization with `key_1`, a key of a service account that was created a day before it was leaked, and with a key
    /// to replace it; and a report of the leak.
    pub(crate) fn with_replaceable_key() -> Self {
        let setup = Self::new();
        setup.add_key("key_1", Some("proj_1"), &service_key(1), LEAK_TIME - 86_400);
        setup.write_report(&[&service_key(1)]);
        setup.api.change(|state| {
            let old = state.keys.last().unwrap().clone();
            state.next_key = Some(FakeKey { id: "key_new".to_owned(), value: service_key(2), ..old });
        });
        setup
    }

    /// An organization like that of [`Self::new`], with a proxy between friskey and the fake, as in
    /// [`OpenAi::start_behind`].
    pub(crate) fn with_proxy(proxy: impl FnOnce(u16) -> u16) -> Self {
        let admin_key = admin_key(1);
        let api = OpenAi::start_behind(&admin_key, proxy);
        api.change(|state| state.projects.push(("proj_1".to_owned(), "Payments".to_owned(), false)));
        let account = ["proj_1", "svc_acct_1", "backend"].map(str::to_owned);
        api.change(|state| state.accounts.push(account.into()));
        let setup = Self { api, dir: tempfile::tempdir().unwrap(), admin_key: admin_key.clone() };
        setup.add_key("key_admin", None, &admin_key, LEAK_TIME - 900_000);
        setup
    }

    /// Adds a key, last used a day after the leak, to a project or, without one, to the admin keys.
    pub(crate) fn add_key(&self, id: &str, project: Option<&str>, value: &str, created_at: i64) {
        self.api.change(|state| {
            state.keys.push(FakeKey {
                id: id.to_owned(),
                project: project.map(str::to_owned),
                value: value.to_owned(),
                name: format!("name of {id}"),
                created_at,
                last_used_at: Some(LEAK_TIME + 86_400),
                is_service_account: value.starts_with("sk-svcacct"),
                scopes: None,
            });
        });
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command that starts `program` in the directory, without the caller's variables for git, friskey and proxies.
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

    /// Runs friskey with the admin key, and the fake as its host.
    pub(crate) fn friskey(&self, arguments: &[&str]) -> Output {
        self.friskey_with(arguments, b"")
    }

    /// Like [`Self::friskey`], with `input` on standard input.
    pub(crate) fn friskey_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"));
        command.args(arguments).args(["--host", &self.api.host(), "--timeout", "2"]);
        if arguments.contains(&"--send-key") {
            command.arg("--trust-host");
        }
        command.env("SSL_CERT_FILE", self.api.authority()).env("OPENAI_ADMIN_KEY", &self.admin_key);
        let output = git::run(&mut command, input);
        self.assert_no_secret(&output);
        output
    }

    /// Runs the command in the last next step that friskey printed, exactly as printed, with only the admin key and a
    /// certificate authority added to the environment.
    pub(crate) fn run_next_step(&self, output: &Output) -> Output {
        let printed = printed_text(output);
        let step = printed.lines().rfind(|line| line.trim_start().starts_with("next: "));
        let step = step.unwrap_or_else(|| panic!("no next step: {printed}"));
        let command = &step[step.find(": friskey ").unwrap_or_else(|| panic!("no command: {step}")) + 2..];
        let words = shlex::split(command).unwrap();
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"));
        command
            .args(&words[1..])
            .env("SSL_CERT_FILE", self.api.authority())
            .env("OPENAI_ADMIN_KEY", &self.admin_key);
        let output = git::run(&mut command, b"");
        self.assert_no_secret(&output);
        output
    }

    /// Asserts that the output contains no key of the organization, nor a long part of one.
    fn assert_no_secret(&self, output: &Output) {
        let printed = [&output.stdout[..], &output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let state = self.api.state.lock().unwrap();
        let deleted = state.deleted.iter().map(|deleted| &deleted.key.value);
        for value in state.keys.iter().map(|key| &key.value).chain(deleted).chain([&self.admin_key]) {
            let (start, end) = (&value[9..25], &value[value.len() - 16..]);
            assert!(
                !printed.contains(value) && !printed.contains(start) && !printed.contains(end),
                "{printed}"
            );
        }
    }

    /// Writes `report.json` with these leaked keys, as `friskey history` would.
    pub(crate) fn write_report(&self, keys: &[&str]) {
        let leaks: Vec<Value> = keys.iter().map(|key| leak(key)).collect();
        let report = json!({"schema": "friskey/report/v1", "tool": {"name": "friskey", "version": "0.1.0", "rules": "0"},
            "command": "history", "status": "findings", "min_confidence": "medium", "leaks": leaks, "unlisted": 0,
            "suppressed": 0, "below_threshold": 0, "notes": [], "coverage": {}, "elapsed_seconds": 0.1});
        std::fs::write(self.path("report.json"), report.to_string()).unwrap();
    }

    /// Asserts that no request was made with, or contains, this key.
    pub(crate) fn assert_never_sent(&self, key: &str) {
        assert!(
            self.api.requests().iter().all(|request| !request.text.contains(key)),
            "the leaked key was sent"
        );
    }
}

/// The leak of a key in a JSON report.
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
    let finding = json!({"id": "0", "surface": "blob", "path": "a", "blob": null, "commit": null, "encoding": "utf-8",
        "container": [], "versions": 1, "start": position, "end": position, "suppressed": null});
    json!({"fingerprint": fingerprint(key), "redacted": Secret::new(key.as_bytes().to_vec(), prefix).redacted(),
        "rule": rule, "kind": kind, "confidence": "high", "evidence": [], "length": key.len(), "status": "removed",
        "introduced": [change], "removed": [], "refs_at_tip": [], "refs_in_history": [], "held_by": [],
        "exposed_seconds": 1, "findings": [finding]})
}

/// The JSON report that friskey printed.
pub(crate) fn json_report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", printed_text(output)))
}

/// Everything that friskey printed, to either stream.
pub(crate) fn printed_text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The verification of the first leak of a JSON report, which is usually the only one.
pub(crate) fn only_verification(output: &Output) -> Value {
    json_report(output)["leaks"][0]["verification"].clone()
}
