//! Tests that a clone proves nothing if it looks like a mirror of the server but lacks refs.

use serde_json::Value;

use crate::support::{Scratch, json, key, stderr};

/// A purged server, `server.git`, that still has the old history on the ref of a pull request.
fn server() -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("K={}\n", key(50)));
    scratch.commit("repo", "leak");
    scratch.git("repo", &["branch", "feature"]);
    scratch.git("", &["clone", "-q", "--bare", "repo", "server.git"]);
    scratch.git("server.git", &["update-ref", "refs/pull/7/head", "main"]);
    scratch.git("", &["clone", "-q", "--mirror", "server.git", "old.git"]);
    let output = scratch.friskey(&["purge", "old.git", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    scratch.git("new.git", &["push", "-q", "--force", "../server.git", "refs/heads/*:refs/heads/*"]);
    scratch
}

fn prove(scratch: &Scratch, clone: &str) -> (Option<i32>, Value) {
    let output = scratch.friskey(&["prove", clone, "--report", "report.json", "--format", "json"]);
    (output.status.code(), json(&output))
}

#[test]
fn a_mirror_of_all_refs_shows_the_key_that_the_server_still_has() {
    let scratch = server();
    scratch.git("", &["clone", "-q", "--mirror", "server.git", "clone.git"]);
    assert_eq!(prove(&scratch, "clone.git").0, Some(1));
}

#[test]
fn a_mirror_of_a_single_branch_proves_nothing() {
    let scratch = server();
    let url = format!("file://{}", scratch.path("server.git").display());
    scratch.git("", &["clone", "-q", "--mirror", "--single-branch", &url, "clone.git"]);
    let (status, proof) = prove(&scratch, "clone.git");
    assert_eq!(status, Some(3), "{proof:#}");
    assert!(proof["not_seen"].to_string().contains("--single-branch"), "{proof:#}");
}

#[test]
fn a_bundle_without_the_hidden_refs_proves_nothing() {
    let scratch = server();
    scratch.git("server.git", &["bundle", "create", "-q", "../branches.bundle", "--branches"]);
    scratch.git("", &["clone", "-q", "--mirror", "branches.bundle", "clone.git"]);
    let (status, proof) = prove(&scratch, "clone.git");
    assert_eq!(status, Some(3), "{proof:#}");
    assert!(proof["not_seen"].to_string().contains("refs/pull/7/head"), "{proof:#}");
}

#[test]
fn a_mirror_remote_that_was_never_fetched_proves_nothing() {
    let scratch = server();
    let url = format!("file://{}", scratch.path("server.git").display());
    scratch.git("", &["clone", "-q", "--bare", &url, "clone.git"]);
    scratch.git("clone.git", &["config", "remote.x.url", "/elsewhere"]);
    scratch.git("clone.git", &["config", "remote.x.fetch", "+refs/*:refs/*"]);
    let (status, proof) = prove(&scratch, "clone.git");
    assert_eq!(status, Some(3), "{proof:#}");
}
