//! Tests purge, push and prove together with a git server that keeps the refs of pull requests, over `file://` and over the
//! network.

use std::net::TcpListener;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Scratch, json as parse, key, print_skipped, stderr, stdout};

const PULL_REFS: [&str; 2] = ["refs/pull/7/head", "refs/pull/8/head"];

/// `server.git`, which rejects pushes to `refs/pull/*` but offers these refs to fetches, as GitHub does.
fn server() -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "work"]);
    scratch.write("work/README", "hello\n");
    scratch.commit("work", "first");
    scratch.write("work/config.py", format!("KEY = \"{}\"\n", key(1)));
    scratch.commit("work", "add the configuration");
    scratch.git("work", &["tag", "-a", "-m", "first release", "v1"]);
    scratch.git("work", &["checkout", "-q", "-b", "feature"]);
    scratch.write("work/feature.py", "print()\n");
    scratch.commit("work", "a feature");
    scratch.git("work", &["checkout", "-q", "main"]);
    scratch.write("work/config.py", "KEY = os.environ[\"KEY\"]\n");
    scratch.commit("work", "read it from the environment");
    scratch.git("", &["clone", "-q", "--bare", "work", "server.git"]);
    scratch.git("server.git", &["remote", "remove", "origin"]);
    scratch.git("server.git", &["update-ref", PULL_REFS[0], "feature"]);
    scratch.git("server.git", &["update-ref", PULL_REFS[1], "v1^{commit}"]);
    let hook = "#!/bin/sh\ncase $1 in refs/pull/*) echo 'deny updating a hidden ref' >&2; exit 1;; esac\n";
    let path = scratch.write("server.git/hooks/update", hook);
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scratch
}

fn prove(scratch: &Scratch, clone: &str) -> (Option<i32>, Value) {
    let output = scratch.friskey(&["prove", clone, "--report", "purge.json", "--format", "json"]);
    (output.status.code(), parse(&output))
}

/// Purges, pushes to `push_to`, and proves on clones of `url`.
fn purge_push_and_prove(scratch: &Scratch, url: &str, push_to: &str) {
    scratch.git("", &["clone", "-q", "--mirror", url, "fresh.git"]);
    let purged = scratch.friskey(&["purge", "fresh.git", "--into", "purged.git", "--report", "purge.json"]);
    assert_eq!(purged.status.code(), Some(0), "{}", stderr(&purged));
    assert!(stdout(&purged).contains("git push --force --mirror"), "{}", stdout(&purged));
    let report: Value = serde_json::from_slice(&std::fs::read(scratch.path("purge.json")).unwrap()).unwrap();
    assert_eq!(report["refs"]["pull_requests"], 2);
    scratch.git("", &["clone", "-q", "--mirror", url, "before.git"]);
    assert_eq!(prove(scratch, "before.git").0, Some(1), "the server still has the old history");
    // The server rejects the refs of pull requests and accepts the rest.
    let push = scratch.try_git("purged.git", &["push", "--force", "--mirror", push_to]);
    let output = stderr(&push);
    assert!(output.contains("pull/7/head"), "{output}");
    assert_eq!(
        scratch.git("server.git", &["rev-parse", "main", "feature", "v1"]),
        scratch.git("purged.git", &["rev-parse", "main", "feature", "v1"]),
        "{output}"
    );
    scratch.git("", &["clone", "-q", url, "plain"]);
    let (status, proof) = prove(scratch, "plain");
    assert_eq!((status, &proof["status"]), (Some(3), &json!("incomplete")), "{proof:#}");
    scratch.git("", &["clone", "-q", "--mirror", url, "mirror.git"]);
    let (status, proof) = prove(scratch, "mirror.git");
    let names: Vec<_> =
        proof["refs"].as_array().unwrap().iter().map(|one| one["ref"].as_str().unwrap()).collect();
    assert_eq!((status, &names[..]), (Some(1), &PULL_REFS[..]), "{proof:#}");
    for name in PULL_REFS {
        scratch.git("server.git", &["update-ref", "-d", name]);
    }
    // The old history is unreachable now, so the server does not send it, even before it collects garbage.
    scratch.git("", &["clone", "-q", "--mirror", url, "after.git"]);
    let (status, proof) = prove(scratch, "after.git");
    assert_eq!((status, &proof["status"]), (Some(0), &json!("proven")), "{proof:#}");
    assert_eq!(
        prove(scratch, "server.git").0,
        Some(1),
        "the server has the old objects until it collects garbage"
    );
    scratch.git("server.git", &["reflog", "expire", "--expire=now", "--all"]);
    scratch.git("server.git", &["gc", "-q", "--prune=now"]);
    assert_eq!(
        prove(scratch, "server.git").0,
        Some(3),
        "a repository without a remote that lacks refs proves nothing"
    );
    // A clone from before the purge pushes the old branch again.
    scratch.try_git("work", &["push", "-q", "--force", "../server.git", "feature"]);
    scratch.git("", &["clone", "-q", "--mirror", url, "again.git"]);
    let (status, proof) = prove(scratch, "again.git");
    assert_eq!((status, &proof["refs"][0]["ref"]), (Some(1), &json!("refs/heads/feature")), "{proof:#}");
}

#[test]
fn purge_push_and_prove_on_a_bare_server() {
    let scratch = server();
    let url = format!("file://{}", scratch.path("server.git").display());
    purge_push_and_prove(&scratch, &url, &url);
}

/// A `git daemon` on a port of the loopback interface. It ends when this is dropped.
struct Daemon {
    process: Child,
    port: u16,
}

impl Daemon {
    /// `None` if this git has no daemon.
    fn start(scratch: &Scratch) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let exec_path = scratch.git("", &["--exec-path"]);
        if !std::path::Path::new(&exec_path).join("git-daemon").exists() {
            return None;
        }
        let base = format!("--base-path={}", scratch.root().display());
        let mut command = scratch.command(&format!("{exec_path}/git-daemon"), "");
        command.args(["--export-all", "--enable=receive-pack", "--reuseaddr", "--listen=127.0.0.1"]);
        command.args([&format!("--port={port}"), &base]);
        let mut daemon = Self { process: command.spawn().unwrap(), port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < deadline && daemon.process.try_wait().unwrap().is_none(),
                "git daemon does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn purge_push_and_prove_over_the_network() {
    let scratch = server();
    let Some(daemon) = Daemon::start(&scratch) else {
        print_skipped("this git has no daemon");
        return;
    };
    let url = format!("git://127.0.0.1:{}/server.git", daemon.port);
    purge_push_and_prove(&scratch, &url, &url);
}
