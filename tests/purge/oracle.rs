//! Uses `git filter-repo --replace-text` as an oracle where it works: on plain text and with friskey's filler, both programs
//! must write the same trees.

use std::collections::BTreeMap;

use friskey::git::HashKind;

use crate::git;
use crate::random_history::{KEYS, make};
use crate::support::{Scratch, key, skipped, stderr};

/// The program: `GIT_FILTER_REPO`, which `.ci/run` sets after installing it, or the one in `PATH`.
fn filter_repo() -> Option<String> {
    let named = std::env::var("GIT_FILTER_REPO").ok();
    let program = named.clone().unwrap_or_else(|| "git-filter-repo".to_owned());
    let scratch = Scratch::new();
    let is_there =
        scratch.command(&program, "").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(is_there || named.is_none(), "GIT_FILTER_REPO names {program}, which does not run");
    is_there.then_some(program)
}

#[test]
fn text_is_purged_as_filter_repo_does_it() {
    let Some(program) = filter_repo() else {
        skipped("git-filter-repo is not installed (pip install git-filter-repo)");
        return;
    };
    for seed in 0..8 {
        compare(&program, 2000 + seed);
    }
}

fn compare(program: &str, seed: u64) {
    let scratch = Scratch::new();
    make(&scratch, "old.git", seed, HashKind::Sha1, true);
    let purged = scratch.friskey(&["purge", "old.git", "--into", "new.git", "--report", "purge.json"]);
    assert_eq!(purged.status.code(), Some(0), "seed {seed}: {}", stderr(&purged));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.path("purge.json")).unwrap()).unwrap();
    let map = report["commit-map"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let ours: BTreeMap<String, String> = map.map(|one| (text(&one["old"]), text(&one["new"]))).collect();
    let rules: String = (1..=KEYS).map(|n| format!("{}==>{}\n", key(n), filler(&scratch, &key(n)))).collect();
    scratch.write("rules", rules);
    scratch.git("", &["clone", "-q", "--mirror", "old.git", "theirs.git"]);
    let mut command = scratch.command(program, "theirs.git");
    command.args(["--force", "--quiet", "--replace-text", "../rules"]);
    git::stdout(command.args(["--prune-empty", "never", "--prune-degenerate", "never"]), b"");
    let theirs = std::fs::read_to_string(scratch.path("theirs.git/filter-repo/commit-map")).unwrap();
    let mut compared = 0;
    for (old, their) in theirs.lines().skip(1).filter_map(|line| line.split_once(' ')) {
        let our = ours.get(old).map_or(old, String::as_str);
        let tree =
            |name: &str, commit: &str| scratch.git(name, &["rev-parse", &format!("{commit}^{{tree}}")]);
        assert_eq!(tree("new.git", our), tree("theirs.git", their.trim()), "seed {seed}: the tree of {old}");
        compared += 1;
    }
    let commits = scratch.git("old.git", &["rev-list", "--all", "--count"]);
    assert_eq!(compared.to_string(), commits, "seed {seed}");
}

/// Friskey's filler for the key: the content of a file that had nothing but the key, after a purge.
fn filler(scratch: &Scratch, key: &str) -> String {
    let _ = std::fs::remove_dir_all(scratch.path("one"));
    let _ = std::fs::remove_dir_all(scratch.path("one.git"));
    scratch.git("", &["init", "-q", "-b", "main", "one"]);
    scratch.write("one/a", format!("[{key}]\n"));
    scratch.commit("one", "a key");
    let purged = scratch.friskey(&["purge", "one", "--into", "one.git"]);
    assert_eq!(purged.status.code(), Some(0), "{}", stderr(&purged));
    let text = scratch.git("one.git", &["show", "main:a"]);
    text.trim_start_matches('[').trim_end_matches(']').to_owned()
}
