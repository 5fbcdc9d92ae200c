//! Tests how findings are accepted, by markers and baselines, and how friskey is configured. Runs the real binary in
//! temporary directories.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod baseline;
mod config;
#[path = "../kit/git.rs"]
mod git;
mod history;
mod inline;

use std::fs;
use std::path::{Path, PathBuf};

use friskey::rules::expand_template;
use serde_json::Value;

/// A fake key, the same for the same number.
fn key(number: u64) -> String {
    let body = |seed| String::from_utf8(expand_template("{base62:74}", seed).text).unwrap();
    format!("sk-proj-{}{}{}", body(number * 2), friskey::rules::MARKER, body(number * 2 + 1))
}

/// A directory with an empty `.git`, which suffices for friskey to treat it as the root of a repository.
struct Scratch {
    dir: tempfile::TempDir,
}

/// The output of a run.
struct FriskeyOutput {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Scratch {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> FriskeyOutput {
        self.run_in("", args)
    }

    /// Runs friskey in the directory `dir`.
    fn run_in(&self, dir: &str, args: &[&str]) -> FriskeyOutput {
        self.run_with(dir, args, &[])
    }

    /// Runs friskey in the directory `dir` with environment `variables`.
    fn run_with(&self, dir: &str, args: &[&str], variables: &[(&str, &str)]) -> FriskeyOutput {
        let mut command = git::command(env!("CARGO_BIN_EXE_friskey"), &self.path(dir), &self.path(".git"));
        let output = git::run(command.args(args).envs(variables.iter().copied()), b"");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        FriskeyOutput {
            status: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs git, which must succeed.
    fn git(&self, args: &[&str]) {
        git::stdout(git::command("git", &self.path(""), &self.path(".git")).args(args), b"");
    }

    /// Runs friskey, and returns the report that it prints as JSON.
    fn json(&self, args: &[&str]) -> Value {
        self.json_in("", args)
    }

    fn json_in(&self, dir: &str, args: &[&str]) -> Value {
        self.json_with(dir, args, &[])
    }

    fn json_with(&self, dir: &str, args: &[&str], variables: &[(&str, &str)]) -> Value {
        let output = self.run_with(dir, &[args, &["--format", "json"]].concat(), variables);
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("no report: {}", output.stderr))
    }
}

/// Where the findings are that are not suppressed, as `path:line`, sorted.
fn open_findings(report: &Value) -> Vec<String> {
    let findings =
        report["leaks"].as_array().unwrap().iter().flat_map(|leak| leak["findings"].as_array().unwrap());
    let mut locations: Vec<_> = findings
        .filter(|finding| finding["suppressed"].is_null())
        .map(|finding| format!("{}:{}", finding["path"].as_str().unwrap(), finding["start"]["line"]))
        .collect();
    locations.sort();
    locations
}

fn notes(report: &Value) -> Vec<&str> {
    report["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect()
}

/// Asserts that friskey rejected its arguments or configuration (status 2) with `message`.
fn assert_refused(output: &FriskeyOutput, message: &str) {
    assert_eq!(output.status, 2, "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains(message), "{}", output.stderr);
}

/// Whether `path` is a file that friskey writes before it renames it.
fn is_temporary(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".tmp")
}
