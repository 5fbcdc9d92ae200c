//! Temporary repositories for unit tests, created by git.

use std::path::Path;
use std::process::Command;

use gix::ObjectId;

use super::test_git;

/// A repository in a temporary directory, which is its work tree unless it is bare.
pub(crate) struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    /// Runs `git init` with these additional arguments.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let scratch = Self { directory: tempfile::tempdir().unwrap() };
        scratch.git(&[&["init", "-q", "-b", "main"], arguments].concat());
        scratch
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A git command in the repository that does not depend on the caller's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = test_git::command("git", self.path(), &self.path().join("no-home"));
        command.args(arguments);
        command
    }

    /// Runs git with `input` on its standard input, and returns what it prints.
    pub(crate) fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = test_git::stdout(&mut self.command(arguments), input);
        String::from_utf8_lossy(&output).into_owned()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    /// The id to which git resolves `revision`.
    pub(crate) fn id(&self, revision: &str) -> ObjectId {
        ObjectId::from_hex(self.git(&["rev-parse", "--verify", revision]).trim().as_bytes()).unwrap()
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Stages everything, commits it, and returns the commit.
    pub(crate) fn commit(&self, message: &str) -> ObjectId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.id("HEAD")
    }

    pub(crate) fn open(&self) -> gix::Repository {
        gix::open_opts(self.path(), gix::open::Options::isolated()).unwrap()
    }
}
