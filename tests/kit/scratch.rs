//! A temporary directory for tests that run real git and friskey, in an environment that does not depend on the caller's.

use std::path::{Path, PathBuf};
use std::process::Command;

use friskey::model::Secret;
use friskey::rules::expand_template;
use tempfile::TempDir;

use crate::git;

/// A temporary directory, which is also the home directory (`HOME`) of the programs that a test runs.
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

    /// The absolute path of a file or directory.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// Writes a file, creating its parent directories. Returns its absolute path.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs git in the directory `dir`; panics unless it succeeds. Returns what it prints, trimmed.
    pub(crate) fn git(&self, dir: &str, args: &[&str]) -> String {
        self.git_with(dir, args, b"")
    }

    /// Like [`Self::git`], with `input` on standard input.
    pub(crate) fn git_with(&self, dir: &str, args: &[&str], input: &[u8]) -> String {
        let output = git::stdout(self.command("git", dir).args(args), input);
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    /// A command that starts `program` in the directory `dir`, in a clean environment.
    pub(crate) fn command(&self, program: &str, dir: &str) -> Command {
        git::command(program, &self.path(dir), self.root())
    }

    /// Stages and commits everything in the repository `dir`. Returns the id of the commit.
    pub(crate) fn commit(&self, dir: &str, message: &str) -> String {
        self.git(dir, &["add", "-A"]);
        self.git(dir, &["commit", "-q", "--allow-empty", "-m", message]);
        self.git(dir, &["rev-parse", "HEAD"])
    }
}

/// A synthetic project key, a different one for each number.
pub(crate) fn key(number: u64) -> String {
    let text = expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number).text;
    String::from_utf8(text).unwrap()
}

/// The fingerprint of a key as reports and baselines show it.
pub(crate) fn fingerprint(key: &str) -> String {
    Secret::new(key.as_bytes().to_vec(), 0).fingerprint().to_string()
}
