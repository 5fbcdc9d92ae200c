//! A temporary directory for tests with real git, in an environment that does not depend on the caller's.

use std::path::{Path, PathBuf};
use std::process::Command;

use friskey::model::Secret;
use friskey::rules::expand;
use tempfile::TempDir;

use crate::git;

/// A temporary directory, which is also the home directory of git.
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
        self.root().join(name)
    }

    /// Writes a file, creating its parent directories.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs git in the directory `name`, which must succeed. Returns its output, trimmed.
    pub(crate) fn git(&self, name: &str, args: &[&str]) -> String {
        self.git_with(name, args, b"")
    }

    /// Like [`Self::git`], with `input` on standard input.
    pub(crate) fn git_with(&self, name: &str, args: &[&str], input: &[u8]) -> String {
        let output = git::stdout(self.command("git", name).args(args), input);
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    /// A command in the directory `dir`, in a clean environment.
    pub(crate) fn command(&self, program: &str, dir: &str) -> Command {
        git::command(program, &self.path(dir), self.root())
    }

    /// Stages everything and commits it. Returns the id of the commit.
    pub(crate) fn commit(&self, name: &str, message: &str) -> String {
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "--allow-empty", "-m", message]);
        self.git(name, &["rev-parse", "HEAD"])
    }
}

/// A synthetic project key, a different one for each number.
pub(crate) fn key(number: u64) -> String {
    let text = expand("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", number).text;
    String::from_utf8(text).unwrap()
}

pub(crate) fn fingerprint(key: &str) -> String {
    Secret::new(key.as_bytes().to_vec(), 0).fingerprint().to_string()
}
