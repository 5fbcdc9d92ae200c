//! Helpers for tests of the binary: running friskey in a scratch directory, and reading its reports.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

pub(crate) use crate::git::run;
use crate::sarif;
pub(crate) use crate::scratch::{Scratch, fingerprint, key};

impl Scratch {
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

    /// A repository with one commit, on `main`.
    pub(crate) fn repository(&self, name: &str) {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self.git(name, &["init", "-q", "-b", "main"]);
        self.write(&format!("{name}/README"), "hello\n");
        self.commit(name, "first");
    }
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
