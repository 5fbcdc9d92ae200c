//! What tests of the binary share: scratch directories, real git in a scrubbed environment, keys.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use friskey::model::Secret;
use friskey::rules::expand;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use crate::git::run;
use crate::{git, sarif};

/// A directory that goes with the test, with a home of its own for git.
pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs git in the directory `name`, which must succeed; returns its output, trimmed.
    pub(crate) fn git(&self, name: &str, args: &[&str]) -> String {
        let output = git::stdout(self.command("git", name).args(args), b"");
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    pub(crate) fn try_git(&self, name: &str, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command("git", name);
        command.args(args);
        run(&mut command, input)
    }

    /// Runs friskey in the directory `name`.
    pub(crate) fn friskey(&self, name: &str, args: &[&str]) -> Output {
        self.friskey_with(name, args, b"")
    }

    pub(crate) fn friskey_with(&self, name: &str, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"), name);
        command.args(args);
        run(&mut command, input)
    }

    /// A command with nothing of the caller's environment that could matter.
    pub(crate) fn command(&self, program: &str, dir: &str) -> Command {
        git::command(program, &self.path(dir), self.dir.path())
    }

    /// A repository with one commit, on `main`.
    pub(crate) fn repository(&self, name: &str) {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self.git(name, &["init", "-q", "-b", "main"]);
        self.write(&format!("{name}/README"), "hello\n");
        self.commit(name, "first");
    }

    pub(crate) fn commit(&self, name: &str, message: &str) -> String {
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "--allow-empty", "-m", message]);
        self.git(name, &["rev-parse", "HEAD"])
    }
}

/// A genuine-looking project key; another one for each number.
pub(crate) fn key(number: u64) -> String {
    let text = expand("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number).text;
    String::from_utf8(text).unwrap()
}

pub(crate) fn fingerprint(key: &str) -> String {
    Secret::new(key.as_bytes().to_vec(), 0).fingerprint().to_string()
}

/// The report that friskey wrote to standard output.
pub(crate) fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The leak of that key in a report.
pub(crate) fn leak<'r>(report: &'r Value, key: &str) -> Option<&'r Value> {
    let fingerprint = fingerprint(key);
    report["leaks"].as_array().unwrap().iter().find(|leak| leak["fingerprint"] == *fingerprint)
}

/// The strings in a list of a report.
pub(crate) fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// The SARIF report in a file.
pub(crate) fn sarif_report(path: impl AsRef<Path>) -> Value {
    sarif::parse(&std::fs::read_to_string(path).unwrap())
}
