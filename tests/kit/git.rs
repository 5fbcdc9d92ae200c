//! Runs git and friskey for tests, independent of the caller's environment. Unit tests include this file, too.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Prefixes of the environment variables that git, friskey and CI systems set or read. Tests run without them.
const REMOVED_PREFIXES: &[&str] =
    &["GIT_", "GITHEAD_", "PRE_COMMIT_", "FRISKEY_", "GITHUB_", "CI", "NO_COLOR", "CLICOLOR"];

/// A command that starts `program` in `directory` with a fixed author and date for commits, and without the caller's
/// variables and configuration of git.
pub(crate) fn command(program: &str, directory: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if REMOVED_PREFIXES.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            command.env_remove(name);
        }
    }
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Ann")
            .env(format!("GIT_{role}_EMAIL"), "ann@example.org")
            .env(format!("GIT_{role}_DATE"), "2024-01-01T00:00:00Z");
    }
    command.current_dir(directory).env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// Runs a command with `input` on its standard input, and captures its output.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_vec();
    // From another thread, since the program may fill its output before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer does not panic");
    output
}

/// Runs a command, panics unless it succeeds, and returns what it prints to standard output.
pub(crate) fn stdout(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = run(command, input);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {errors}");
    output.stdout
}
