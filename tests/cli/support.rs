//! Helpers for tests of the binary: running friskey in a scratch directory, and reading its reports.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

pub(crate) use crate::git::run;
use crate::sarif;
pub(crate) use crate::scratch::{Scratch, fingerprint, key};

impl Scratch {
    /// Like [`Self::git_with`], but git may fail.
    pub(crate) fn try_git(&self, dir: &str, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command("git", dir);
        command.args(args);
        run(&mut command, input)
    }

    /// Runs friskey in the directory `dir`.
    pub(crate) fn friskey(&self, dir: &str, args: &[&str]) -> Output {
        self.friskey_with(dir, args, b"")
    }

    /// Like [`Self::friskey`], with `input` on standard input.
    pub(crate) fn friskey_with(&self, dir: &str, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"), dir);
        command.args(args);
        run(&mut command, input)
    }

    /// Creates a repository in the directory `dir`, with one commit on `main`.
    pub(crate) fn repository(&self, dir: &str) {
        std::fs::create_dir_all(self.path(dir)).unwrap();
        self.git(dir, &["init", "-q", "-b", "main"]);
        self.write(&format!("{dir}/README"), "hello\n");
        self.commit(dir, "first");
    }
}

/// The JSON report that friskey wrote to standard output.
pub(crate) fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The leak of a key in a JSON report.
pub(crate) fn leak<'r>(report: &'r Value, key: &str) -> Option<&'r Value> {
    let fingerprint = fingerprint(key);
    report["leaks"].as_array().unwrap().iter().find(|leak| leak["fingerprint"] == *fingerprint)
}

/// The elements of an array of strings in a JSON report.
pub(crate) fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// Reads a SARIF report from a file, and checks it against the schema.
pub(crate) fn sarif_report(path: impl AsRef<Path>) -> Value {
    sarif::parse(&std::fs::read_to_string(path).unwrap())
}
