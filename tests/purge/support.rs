//! Runs friskey in a scratch directory, and reads its output.

use std::process::Output;

use serde_json::Value;

use crate::git;
pub(crate) use crate::scratch::{Scratch, fingerprint, key};

impl Scratch {
    /// Runs git in the directory `name`; it may fail.
    pub(crate) fn try_git(&self, name: &str, args: &[&str]) -> Output {
        git::run(self.command("git", name).args(args), b"")
    }

    /// Runs friskey in the root of the scratch directory.
    pub(crate) fn friskey(&self, args: &[&str]) -> Output {
        git::run(self.command(env!("CARGO_BIN_EXE_friskey"), "").args(args), b"")
    }
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

/// Prints why a test cannot run on this machine.
#[expect(clippy::print_stderr, reason = "shown in the log of the tests")]
pub(crate) fn print_skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
