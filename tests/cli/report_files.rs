//! Tests that nothing in a scanned repository, such as a link or a pipe, redirects reports or step summaries.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Scratch;

#[test]
fn a_report_is_not_written_through_a_link_or_to_a_special_file() {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("victim", "precious");
    scratch.write("elsewhere/keep", "");
    symlink("../victim", scratch.path("r/link.json")).unwrap();
    symlink("../elsewhere", scratch.path("r/out")).unwrap();
    symlink("nowhere", scratch.path("r/dangling.json")).unwrap();
    fs::create_dir(scratch.path("r/directory")).unwrap();
    assert!(scratch.command("mkfifo", "r").arg("pipe").status().unwrap().success());
    let absolute = scratch.path("r/out/r.json").display().to_string();
    for target in ["link.json", "out/r.json", "dangling.json", "directory", "pipe", &absolute] {
        let output = scratch.friskey("r", &["scan", "--output", &format!("json={target}")]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{target}: {message}");
        assert!(message.contains("cannot write to"), "{target}: {message}");
    }
    // The scan would skip the pipe and be incomplete.
    fs::remove_file(scratch.path("r/pipe")).unwrap();
    // A hard link is replaced; the file under its other name is not changed.
    fs::hard_link(scratch.path("victim"), scratch.path("r/hard.json")).unwrap();
    let output = scratch.friskey("r", &["scan", "--output", "json=hard.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(scratch.path("victim")).unwrap(), b"precious");
    assert_eq!(fs::read_dir(scratch.path("elsewhere")).unwrap().count(), 1);
    assert!(!scratch.path("r/nowhere").exists());
}

#[test]
fn a_step_summary_is_appended_to_a_regular_file_only() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing");
    scratch.write("victim", "precious");
    symlink("victim", scratch.path("summary")).unwrap();
    let run = |summary: &str| {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), "t");
        command.args(["scan", "--format", "github"]).env("GITHUB_ACTIONS", "true");
        command.env("GITHUB_STEP_SUMMARY", scratch.path(summary)).output().unwrap()
    };
    assert_eq!(run("summary").status.code(), Some(2));
    assert_eq!(fs::read(scratch.path("victim")).unwrap(), b"precious");
    assert_eq!(run("plain").status.code(), Some(0));
    assert_eq!(run("plain").status.code(), Some(0));
    let text = fs::read_to_string(scratch.path("plain")).unwrap();
    assert_eq!(text.matches("## friskey").count(), 2, "{text}");
}

#[test]
fn two_reports_in_one_file_are_refused() {
    let scratch = Scratch::new();
    scratch.write("t/a", "nothing\n");
    let output = scratch.friskey(".", &["scan", "t", "--output", "json=r", "--output", "html=r"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("a path of its own"), "{message}");
    assert!(!scratch.path("r").exists());
}
