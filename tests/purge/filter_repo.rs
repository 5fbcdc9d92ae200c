//! Compares purges with `git filter-repo --replace-text`: of keys in plain text, with the same fillers, both programs must
//! write the same trees.

use std::collections::BTreeMap;

use friskey::git::HashKind;

use crate::git;
use crate::random_history::{KEYS, generate};
use crate::support::{Scratch, key, print_skipped, stderr};

/// The program that `GIT_FILTER_REPO` names, which `.ci/run` sets, or the one in `PATH`; `None` if there is none.
fn find_filter_repo() -> Option<String> {
    let variable = std::env::var("GIT_FILTER_REPO").ok();
    let program = variable.clone().unwrap_or_else(|| "git-filter-repo".to_owned());
    let scratch = Scratch::new();
    let is_installed =
        scratch.command(&program, "").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(is_installed || variable.is_none(), "GIT_FILTER_REPO names {program}, which does not run");
    is_installed.then_some(program)
}

#[test]
fn purge_and_filter_repo_write_the_same_trees() {
    let Some(program) = find_filter_repo() else {
        print_skipped("git-filter-repo is not installed (pip install git-filter-repo)");
        return;
    };
    for seed in 0..8 {
        compare(&program, 2000 + seed);
    }
}

fn compare(program: &str, seed: u64) {
    let scratch = Scratch::new();
    generate(&scratch, "old.git", seed, HashKind::Sha1, true);
    let purged = scratch.friskey(&["purge", "old.git", "--into", "new.git", "--report", "purge.json"]);
    assert_eq!(purged.status.code(), Some(0), "seed {seed}: {}", stderr(&purged));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.path("purge.json")).unwrap()).unwrap();
    let map = report["commit-map"].as_array().unwrap().iter();
    let id = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let our_map: BTreeMap<String, String> = map.map(|row| (id(&row["old"]), id(&row["new"]))).collect();
    let rules: String = (1..=KEYS).map(|n| format!("{}==>{}\n", key(n), filler(&scratch, &key(n)))).collect();
    scratch.write("rules", rules);
    scratch.git("", &["clone", "-q", "--mirror", "old.git", "theirs.git"]);
    let mut command = scratch.command(program, "theirs.git");
    command.args(["--force", "--quiet", "--replace-text", "../rules"]);
    git::stdout(command.args(["--prune-empty", "never", "--prune-degenerate", "never"]), b"");
    let their_map = std::fs::read_to_string(scratch.path("theirs.git/filter-repo/commit-map")).unwrap();
    let mut compared = 0;
    for (old, theirs) in their_map.lines().skip(1).filter_map(|line| line.split_once(' ')) {
        let ours = our_map.get(old).map_or(old, String::as_str);
        let tree =
            |name: &str, commit: &str| scratch.git(name, &["rev-parse", &format!("{commit}^{{tree}}")]);
        assert_eq!(
            tree("new.git", ours),
            tree("theirs.git", theirs.trim()),
            "seed {seed}: the tree of {old}"
        );
        compared += 1;
    }
    let commits = scratch.git("old.git", &["rev-list", "--all", "--count"]);
    assert_eq!(compared.to_string(), commits, "seed {seed}");
}

/// friskey's filler for `key`, read from a purged repository with nothing but the key.
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
