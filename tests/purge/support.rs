//! Scratch directories, real git, keys.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use friskey::model::Secret;
use friskey::rules::expand;
use serde_json::Value;
use tempfile::TempDir;

use crate::git;

/// A directory that goes with the test, with a home of its own for git.
pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
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
        self.git_with(name, args, b"")
    }

    /// The same with `input` on standard input.
    pub(crate) fn git_with(&self, name: &str, args: &[&str], input: &[u8]) -> String {
        let output = git::stdout(self.command("git", name).args(args), input);
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    pub(crate) fn try_git(&self, name: &str, args: &[&str]) -> Output {
        git::run(self.command("git", name).args(args), b"")
    }

    /// Runs friskey in the root of the scratch directory.
    pub(crate) fn friskey(&self, args: &[&str]) -> Output {
        git::run(self.command(env!("CARGO_BIN_EXE_friskey"), "").args(args), b"")
    }

    /// A command with nothing of the caller's environment that could matter.
    pub(crate) fn command(&self, program: &str, dir: &str) -> Command {
        git::command(program, &self.path(dir), self.dir.path())
    }

    /// Stages everything and commits it.
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

/// The JSON that friskey wrote to standard output.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Says that a test could not be tried here.
#[expect(clippy::print_stderr, reason = "whoever reads the log of a test is to know")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
