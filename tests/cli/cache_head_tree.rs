//! Tests that the cache remembers that HEAD's tree lacks no object and has no submodule, until HEAD or an object changes.

use std::fs;

use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::cache::{audit_cached, packs};
use crate::support::Scratch;

/// Part of the note with `-v` if the tree is not read.
const KNOWN_TREE: &str = "HEAD's tree, read by an earlier audit";

/// A packed repository with subdirectories, a second branch, and no key.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("repo");
    scratch.write("repo/a/b/one", "one");
    scratch.write("repo/two", "two");
    scratch.commit("repo", "one");
    scratch.git("repo", &["branch", "side"]);
    scratch.write("repo/a/b/one", "another");
    scratch.commit("repo", "two");
    scratch.git("repo", &["repack", "-adq"]);
    scratch
}

/// Audits with the cache, and returns whether HEAD's tree was known.
fn knows_tree(scratch: &Scratch) -> bool {
    audit_cached(scratch, &[]).contains(KNOWN_TREE)
}

/// Runs git, which fails where objects are missing.
fn try_git(scratch: &Scratch, args: &[&str], input: &str) -> String {
    let output = scratch.try_git("repo", args, input.as_bytes());
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Commits all files.
fn commit(scratch: &Scratch) {
    try_git(scratch, &["add", "-A"], "");
    try_git(scratch, &["commit", "-qm", "files"], "");
}

/// Commits a submodule.
fn add_submodule(scratch: &Scratch) {
    let entry = format!("160000,{},sub", "1".repeat(40));
    try_git(scratch, &["update-index", "--add", "--cacheinfo", &entry], "");
    try_git(scratch, &["commit", "-qm", "a submodule"], "");
}

/// Replaces all packs by one without the object that `revision` names.
fn drop_object(scratch: &Scratch, revision: &str) {
    let dropped = try_git(scratch, &["rev-parse", revision], "");
    let all = ["rev-list", "--objects", "--no-object-names", "--missing=allow-any", "--all"];
    let all = try_git(scratch, &all, "");
    let kept: String = all.lines().filter(|id| *id != dropped).map(|id| format!("{id}\n")).collect();
    let old = packs(scratch);
    try_git(scratch, &["pack-objects", "-q", ".git/objects/pack/pack"], &kept);
    if packs(scratch).len() > old.len() {
        for file in old.iter().flat_map(|pack| ["pack", "idx", "rev"].map(|end| pack.with_extension(end))) {
            // Not every pack has every kind of file.
            let _ = fs::remove_file(file);
        }
    }
}

#[test]
fn the_tree_of_head_is_read_once() {
    let scratch = repository();
    assert!(!knows_tree(&scratch));
    assert!(knows_tree(&scratch));
    // Other refs do not matter.
    scratch.git("repo", &["tag", "old", "HEAD~1"]);
    assert!(knows_tree(&scratch));
    scratch.git("repo", &["symbolic-ref", "HEAD", "refs/heads/side"]);
    assert!(!knows_tree(&scratch));
    assert!(knows_tree(&scratch));
    // Loose objects may be in its place.
    scratch.git("repo", &["reset", "-q", "--hard"]);
    scratch.write("repo/new", "new");
    scratch.commit("repo", "new");
    assert!(!knows_tree(&scratch));
    assert!(!knows_tree(&scratch));
    scratch.git("repo", &["repack", "-adq"]);
    assert!(!knows_tree(&scratch));
    assert!(knows_tree(&scratch));
}

/// Copies of an object may differ, and it is not known which one is read.
#[test]
fn a_tree_of_head_in_two_packs_is_read_every_time() {
    let scratch = repository();
    for (revision, is_known) in
        [("HEAD~1:a/b/one", true), ("HEAD:two", true), ("HEAD~1:a", true), ("HEAD:a", false)]
    {
        let id = try_git(&scratch, &["rev-parse", revision], "");
        try_git(&scratch, &["pack-objects", "-q", ".git/objects/pack/pack"], &format!("{id}\n"));
        assert!(!knows_tree(&scratch), "{revision}");
        assert_eq!(knows_tree(&scratch), is_known, "{revision}");
    }
}

#[test]
fn a_tree_of_head_with_a_submodule_or_without_an_object_is_read_every_time() {
    let scratch = repository();
    knows_tree(&scratch);
    add_submodule(&scratch);
    scratch.git("repo", &["repack", "-adq"]);
    assert!(!knows_tree(&scratch));
    assert!(!knows_tree(&scratch));
    for revision in ["HEAD:a/b/one", "HEAD:a", "HEAD^{tree}"] {
        let scratch = repository();
        knows_tree(&scratch);
        assert!(knows_tree(&scratch));
        drop_object(&scratch, revision);
        assert!(!knows_tree(&scratch), "{revision}");
        assert!(!knows_tree(&scratch), "{revision}");
    }
}

#[test]
fn a_cached_audit_equals_an_uncached_one_after_random_changes_of_head() {
    let config = Config { cases: 3, rng_seed: RngSeed::Fixed(11), max_shrink_iters: 0, ..Config::default() };
    let events = proptest::collection::vec((0u8..8, 0u64..100), 4..8);
    let checked = TestRunner::new(config).run(&events, |events| {
        let scratch = repository();
        audit_cached(&scratch, &[]);
        for (kind, number) in events {
            let number = number as usize;
            let git = |args: &[&str]| drop(try_git(&scratch, args, ""));
            match kind {
                0 => {
                    scratch.write(&format!("repo/c/{}", number % 5), number.to_string());
                    commit(&scratch);
                }
                1 => git(&["symbolic-ref", "HEAD", ["refs/heads/main", "refs/heads/side"][number % 2]]),
                2 => git(&["update-ref", "--no-deref", "HEAD", ["HEAD~0", "HEAD~1"][number % 2]]),
                3 => add_submodule(&scratch),
                4 => git(&["reset", "-q", "--hard", "side"]),
                5 => drop_object(&scratch, ["HEAD:a", "HEAD:two", "HEAD"][number % 3]),
                _ => git(&["repack", "-adq"]),
            }
            audit_cached(&scratch, &[]);
            audit_cached(&scratch, &[]);
        }
        Ok(())
    });
    assert_eq!(checked, Ok(()));
}
