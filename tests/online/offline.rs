//! Tests that commands that only scan open no network connection.

use crate::support::{ProviderSetup, key, printed_text};

#[cfg(target_os = "linux")]
#[test]
fn no_command_that_only_scans_opens_a_socket() {
    let setup = ProviderSetup::new();
    let has_strace = setup.command("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !has_strace {
        #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
        {
            eprintln!("skipped: there is no strace here");
        }
        return;
    }
    std::fs::write(setup.path("a"), key(1)).unwrap();
    for arguments in [&["init", "-q"][..], &["add", "a"], &["commit", "-q", "-m", "x"]] {
        assert!(crate::git::run(setup.command("git").args(arguments), b"").status.success());
    }
    let commands: &[&[&str]] = &[
        &["scan"],
        &["staged"],
        &["history"],
        &["ci"],
        &["trace", "--last-four", &key(1)[key(1).len() - 4..]],
        &["hook", "run", "pre-commit"],
        &["hook", "status"],
        &["explain"],
        &["purge", "--dry-run"],
        &["baseline", "create", "--reason", "x"],
    ];
    for arguments in commands {
        let mut command = setup.command("strace");
        command.args([
            "-f",
            "-qq",
            "-e",
            "trace=socket,connect",
            "-o",
            "trace",
            env!("CARGO_BIN_EXE_friskey"),
        ]);
        command.args(*arguments).env("OPENAI_ADMIN_KEY", crate::support::admin_key(1));
        let output = crate::git::run(&mut command, b"");
        assert_ne!(output.status.code(), Some(2), "{arguments:?}: {}", printed_text(&output));
        let trace = std::fs::read_to_string(setup.path("trace")).unwrap();
        assert!(!trace.contains("socket(") && !trace.contains("connect("), "{arguments:?}: {trace}");
    }
}
