//! Tests `--max-time`: what is not scanned within the limit is reported.

use crate::support::{Scratch, key, report, run};

/// The reason of the skips of a run that has no time at all.
const REASON: &str = "not reached within the time limit of 0 s (`--max-time`)";

#[test]
fn unreached_work_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/key", key(1));
    scratch.commit("a", "key");
    scratch.write("a/other", key(2));
    scratch.git("a", &["add", "-A"]);
    for command in [&["scan", "."][..], &["history"], &["history", "--range=HEAD"], &["staged"], &["ci"]] {
        let args = [command, &["--format", "json", "--max-time", "0"]].concat();
        let output = scratch.friskey("a", &args);
        let status = output.status.code();
        assert_eq!(status, Some(3), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        let reasons = report(&output)["coverage"]["skipped"].to_string();
        assert!(reasons.contains(REASON), "{args:?}: {reasons}");
        // A limit that is not reached changes nothing.
        let args = [command, &["--format", "json", "--max-time", "3600"]].concat();
        assert_eq!(scratch.friskey("a", &args).status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn a_scan_that_takes_too_long_ends_and_reports_the_files_that_it_did_not_reach() {
    let scratch = Scratch::new();
    scratch.repository("a");
    for index in 0..64 {
        // Searching each file takes milliseconds even in an optimized build.
        scratch.write(&format!("a/{index}"), "sk-proj-&quot;".repeat(1 << 12));
    }
    let args = ["scan", ".", "--threads", "1", "--format", "json", "--max-time", "0.05"];
    let output = scratch.friskey("a", &args);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let reasons = report(&output)["coverage"]["skipped"].to_string();
    assert!(reasons.contains("not reached within the time limit of 0.05 s (`--max-time`)"), "{reasons}");
}

#[test]
fn a_hook_that_runs_out_of_time_blocks() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/other", "nothing");
    scratch.git("a", &["add", "-A"]);
    let hook = |time: &str| {
        let mut command = scratch.command(env!("CARGO_BIN_EXE_friskey"), "a");
        run(command.env("FRISKEY_MAX_TIME", time).args(["hook", "run", "pre-commit"]), b"")
    };
    assert_eq!(hook("3600").status.code(), Some(0));
    let output = hook("0");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains(REASON));
    scratch.write("a/friskey.toml", "max-time = 0\n");
    assert_eq!(scratch.friskey("a", &["hook", "run", "pre-commit"]).status.code(), Some(3));
    assert_eq!(hook("soon").status.code(), Some(2));
}
