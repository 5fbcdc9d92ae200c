//! What tests of the binary share: scratch folders, real git in a scrubbed environment, keys.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use friskey::model::Secret;
use friskey::rules::expand;
use serde_json::Value;
use tempfile::TempDir;

/// A folder that goes with the test, with a home of its own for git.
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

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs git in the folder `name`, which must work; gives its output, trimmed.
    pub(crate) fn git(&self, name: &str, args: &[&str]) -> String {
        let output = self.try_git(name, args, b"");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn try_git(&self, name: &str, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command("git", name);
        command.args(args);
        run(&mut command, input)
    }

    /// Runs friskey in the folder `name`.
    pub(crate) fn friskey(&self, name: &str, args: &[&str]) -> Output {
        self.friskey_with(name, args, b"")
    }

    pub(crate) fn friskey_with(&self, name: &str, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_friskey"), name);
        command.args(args);
        run(&mut command, input)
    }

    /// A command with nothing of the caller's environment that could matter.
    pub(crate) fn command(&self, program: &str, folder: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path(folder)).env("HOME", self.dir.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            let matters =
                ["GIT_", "GITHEAD_", "PRE_COMMIT_", "FRISKEY_", "GITHUB_", "CI", "NO_COLOR", "CLICOLOR"];
            if matters.iter().any(|prefix| name_text.starts_with(prefix))
                && name_text != "GIT_CONFIG_NOSYSTEM"
            {
                command.env_remove(name);
            }
        }
        for (role, date) in [("AUTHOR", "2024-01-01T00:00:00Z"), ("COMMITTER", "2024-01-01T00:00:00Z")] {
            command
                .env(format!("GIT_{role}_NAME"), "Ann")
                .env(format!("GIT_{role}_EMAIL"), "ann@example.org")
                .env(format!("GIT_{role}_DATE"), date);
        }
        command
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

pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    use std::io::Write;
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
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
