//! Tests which purges are refused, which keys a purge leaves, what it does not carry over, and that it never changes the old
//! repository.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::replacement::purge_and_check;
use crate::support::{Scratch, fingerprint, key, stderr, stdout};

fn repository_with_key() -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/README", "hello\n");
    scratch.commit("repo", "root");
    scratch.write("repo/.env", format!("K={}\n", key(30)));
    scratch.commit("repo", "leak");
    scratch
}

/// The content of every file below a directory, by path.
fn read_all(dir: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut contents = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                contents.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    contents
}

#[test]
fn an_existing_destination_is_not_overwritten() {
    let scratch = repository_with_key();
    scratch.write("full.git/file", "mine");
    scratch.write("file.git", "mine");
    for into in ["full.git", "file.git", "repo/inside.git", "repo/.git/inside.git"] {
        let output = scratch.friskey(&["purge", "repo", "--into", into]);
        assert_eq!(output.status.code(), Some(2), "{into}");
    }
    assert_eq!(std::fs::read(scratch.path("full.git/file")).unwrap(), b"mine");
    assert!(!scratch.path("repo/inside.git").exists());
    // An empty directory may be replaced.
    std::fs::create_dir(scratch.path("empty.git")).unwrap();
    let output = scratch.friskey(&["purge", "repo", "--into", "empty.git"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn an_incomplete_repository_is_refused() {
    let scratch = repository_with_key();
    scratch.git(
        "",
        &["clone", "-q", "--depth=1", &format!("file://{}", scratch.path("repo").display()), "shallow"],
    );
    let output = scratch.friskey(&["purge", "shallow", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("shallow"), "{}", stderr(&output));
    scratch.git("repo", &["config", "uploadpack.allowFilter", "true"]);
    scratch.git(
        "",
        &[
            "clone",
            "-q",
            "--bare",
            "--filter=blob:none",
            &format!("file://{}", scratch.path("repo").display()),
            "partial",
        ],
    );
    let output = scratch.friskey(&["purge", "partial", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("partial") && !scratch.path("new.git").exists(), "{}", stderr(&output));
    let blob = scratch.git("repo", &["rev-parse", "HEAD:README"]);
    std::fs::remove_file(scratch.path(&format!("repo/.git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(!scratch.path("new.git").exists());
}

#[test]
fn a_repository_without_a_key_is_not_purged() {
    let scratch = repository_with_key();
    purge_and_check(&scratch);
    let again = scratch.friskey(&["purge", "new.git", "--into", "newer.git", "--report", "nothing.json"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stdout(&again).starts_with("nothing to purge"), "{}", stdout(&again));
    assert!(!scratch.path("newer.git").exists());
    let report: Value =
        serde_json::from_slice(&std::fs::read(scratch.path("nothing.json")).unwrap()).unwrap();
    assert_eq!((&report["status"], &report["keys"]), (&"nothing".into(), &serde_json::json!([])));
}

#[test]
fn a_purge_leaves_the_old_repository_unchanged() {
    let scratch = repository_with_key();
    let before = read_all(&scratch.path("repo"));
    purge_and_check(&scratch);
    assert_eq!(before, read_all(&scratch.path("repo")));
    let names: Vec<_> = std::fs::read_dir(scratch.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("unfinished")), "{names:?}");
}

#[test]
fn the_report_of_a_dry_run_equals_that_of_the_purge() {
    let scratch = repository_with_key();
    let output = scratch.friskey(&["purge", "repo", "--dry-run", "--report", "plan.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let plan: Value = serde_json::from_slice(&std::fs::read(scratch.path("plan.json")).unwrap()).unwrap();
    let report = purge_and_check(&scratch);
    assert_eq!(plan["status"], "planned");
    for field in
        ["commit-map", "ref-map", "first-changed-commits", "objects", "dropped", "counts", "places", "keys"]
    {
        assert_eq!(plan[field], report[field], "{field}");
    }
}

#[test]
fn the_key_option_selects_keys_by_fingerprint() {
    let scratch = repository_with_key();
    let other = key(31);
    scratch.write("repo/other", format!("K={other}\n"));
    scratch.commit("repo", "another");
    let selected = fingerprint(&key(30));
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--key", &selected[..12]]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(scratch.git("new.git", &["cat-file", "-p", "main:other"]), format!("K={other}"));
    assert!(!scratch.git("new.git", &["cat-file", "-p", "main:.env"]).contains(&key(30)));
    let output = scratch.friskey(&["purge", "repo", "--into", "newer.git", "--key", "not hex"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn accepted_keys_are_not_purged() {
    let scratch = repository_with_key();
    let baseline = scratch.friskey(&[
        "baseline",
        "add",
        &fingerprint(&key(30)),
        "--reason",
        "test",
        "--baseline",
        "accepted.toml",
    ]);
    assert_eq!(baseline.status.code(), Some(0), "{}", stderr(&baseline));
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--baseline", "accepted.toml"]);
    assert!(stdout(&output).starts_with("nothing to purge"), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn the_report_names_what_is_not_carried_over() {
    let scratch = repository_with_key();
    let head = scratch.git("repo", &["rev-parse", "HEAD"]);
    scratch.write("repo/README", "changed");
    scratch.git("repo", &["stash", "-q"]);
    scratch.git("repo", &["replace", &head, "HEAD~1"]);
    scratch.git("repo", &["worktree", "add", "-q", "--detach", "../linked"]);
    scratch.write("repo/.git/hooks/pre-commit", "#!/bin/sh\n");
    scratch.git("repo", &["update-ref", "ORIG_HEAD", "HEAD"]);
    let report = purge_and_check(&scratch);
    let rows = report["not_carried_over"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["what"].as_str().unwrap()).collect();
    for name in
        ["reflogs", "replace-refs", "stash", "work-trees", "index", "configuration", "hooks", "unreachable"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

/// Git and friskey refuse the unfinished repository that an interrupted run leaves.
#[test]
fn an_unfinished_repository_is_refused() {
    let scratch = repository_with_key();
    purge_and_check(&scratch);
    scratch.write("new.git/friskey-unfinished", "");
    for command in [
        &["history", "new.git"][..],
        &["purge", "new.git", "--into", "newer.git"],
        &["purge", "repo", "--into", "new.git"],
    ] {
        let output = scratch.friskey(command);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert!(stderr(&output).contains("interrupted `friskey purge`"), "{}", stderr(&output));
    }
    // Just before the end of a purge, the file that marks the repository as unfinished is removed already, and only the
    // extension in its configuration makes git and friskey refuse it.
    std::fs::remove_file(scratch.path("new.git/friskey-unfinished")).unwrap();
    assert_eq!(scratch.friskey(&["history", "new.git"]).status.code(), Some(0));
    scratch.git("new.git", &["config", "core.repositoryFormatVersion", "1"]);
    scratch.git("new.git", &["config", "extensions.friskeyUnfinished", "true"]);
    let refused = scratch.try_git("new.git", &["rev-parse", "--git-dir"]);
    assert!(!refused.status.success(), "{}", stdout(&refused));
    let output = scratch.friskey(&["history", "new.git"]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("interrupted `friskey purge`"), "{}", stderr(&output));
}

#[test]
fn next_steps_name_the_affected_pull_requests_and_commits() {
    let scratch = repository_with_key();
    let tip = scratch.git("repo", &["rev-parse", "HEAD"]);
    scratch.git("repo", &["update-ref", "refs/pull/7/head", &tip]);
    scratch.git("repo", &["update-ref", "refs/pull/8/head", "HEAD~1"]);
    scratch.git("repo", &["update-ref", "refs/merge-requests/3/head", &tip]);
    let report = purge_and_check(&scratch);
    assert_eq!(report["refs"], serde_json::json!({"pull_requests": 1, "merge_requests": 1}));
    let steps = report["next_steps"].as_array().unwrap();
    let step = |audience: &str| steps.iter().find(|step| step["for"] == audience).unwrap().to_string();
    assert!(
        steps[0]["title"].as_str().unwrap().starts_with("Revoke"),
        "revoking the key is not the first step"
    );
    assert!(steps[1]["commands"][0].as_str().unwrap().contains("push --force --mirror"));
    assert!(steps[1]["text"].as_str().unwrap().contains("refs/pull/"));
    assert!(step("github").contains("affected pull requests (1)") && step("github").contains(&tip));
    for audience in ["gitlab", "server", "colleagues"] {
        assert!(!step(audience).is_empty());
    }
}
