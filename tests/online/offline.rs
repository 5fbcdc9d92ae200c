//! Tests that scanning opens no connection, whatever it finds.

use crate::support::{Scene, key, said};

#[cfg(target_os = "linux")]
#[test]
fn no_command_but_those_that_say_so_makes_a_socket() {
    let scene = Scene::new();
    let has_strace = scene.command("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !has_strace {
        #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
        {
            eprintln!("skipped: there is no strace here");
        }
        return;
    }
    std::fs::write(scene.path("a"), key(1)).unwrap();
    for arguments in [&["init", "-q"][..], &["add", "a"], &["commit", "-q", "-m", "x"]] {
        assert!(crate::git::run(scene.command("git").args(arguments), b"").status.success());
    }
    let calls: &[&[&str]] = &[
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
    for call in calls {
        let mut command = scene.command("strace");
        command.args([
            "-f",
            "-qq",
            "-e",
            "trace=socket,connect",
            "-o",
            "trace",
            env!("CARGO_BIN_EXE_friskey"),
        ]);
        command.args(*call).env("OPENAI_ADMIN_KEY", crate::support::admin_key(1));
        let output = crate::git::run(&mut command, b"");
        assert_ne!(output.status.code(), Some(2), "{call:?}: {}", said(&output));
        let trace = std::fs::read_to_string(scene.path("trace")).unwrap();
        assert!(!trace.contains("socket(") && !trace.contains("connect("), "{call:?}: {trace}");
    }
}
