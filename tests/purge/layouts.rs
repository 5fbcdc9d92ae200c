//! Tests purges of each kind of repository and ref: both hashes, both ref stores, packs, worktrees, tags of any object.

use crate::support::{Scratch, key, stderr, stdout};
use crate::treatments::purged;

/// A repository with a key, and everything that refs can name.
fn repository(scratch: &Scratch, init: &[&str]) {
    scratch.git("", &[&["init", "-q", "-b", "main"], init, &["repo"]].concat());
    let key = key(20);
    scratch.write("repo/README", "hello\n");
    let root = scratch.commit("repo", "root");
    scratch.write("repo/dir/.env", format!("K={key}\n"));
    scratch.commit("repo", "leak");
    scratch.git("repo", &["tag", "-a", "-m", "a tag", "v1"]);
    scratch.git("repo", &["tag", "-a", "-m", "a tag of a tag", "v2", "v1"]);
    scratch.git("repo", &["tag", "-a", "-m", "a tree", "tree", "main^{tree}"]);
    scratch.git("repo", &["tag", "-a", "-m", "a blob", "blob", "main:dir/.env"]);
    scratch.git("repo", &["tag", "light-tree", "main:dir"]);
    for branch in ["one", "two", "three"] {
        scratch.git("repo", &["checkout", "-q", "-b", branch, &root]);
        scratch.write(&format!("repo/{branch}"), branch);
        scratch.commit("repo", branch);
    }
    scratch.git("repo", &["checkout", "-q", "main"]);
    scratch.git("repo", &["merge", "-q", "-m", "octopus", "one", "two", "three"]);
    let link = format!("160000 commit {root}\tsub\n");
    let tree = scratch.git_with("repo", &["mktree"], link.as_bytes());
    let other = scratch.git("repo", &["commit-tree", "-m", "another root", &tree]);
    scratch.git("repo", &["update-ref", "refs/heads/other", &other]);
    scratch.git("repo", &["merge", "-q", "-m", "both", "--allow-unrelated-histories", "-s", "ours", "other"]);
}

/// A description of a history without object ids, to compare the old one with the new one.
fn shape(scratch: &Scratch, repo: &str) -> String {
    let refs = scratch.git(repo, &["for-each-ref", "--format=%(refname) %(objecttype) %(*objecttype)"]);
    let log = scratch.git(repo, &["log", "--all", "--topo-order", "--format=%s %at %ct %an <%ae>"]);
    let merges = scratch.git(repo, &["log", "--all", "--merges", "--format=%s", "--topo-order"]);
    let head = scratch.git(repo, &["rev-parse", "--symbolic-full-name", "HEAD"]);
    [refs, log, merges, head].join("\n--\n")
}

#[test]
fn every_hash_ref_store_and_object_store() {
    for init in [&["--object-format=sha1"][..], &["--object-format=sha256"], &["--ref-format=reftable"]] {
        for packed in [false, true] {
            let scratch = Scratch::new();
            repository(&scratch, init);
            if packed {
                scratch.git("repo", &["gc", "-q"]);
            }
            purged(&scratch);
            assert_eq!(shape(&scratch, "repo"), shape(&scratch, "new.git"), "{init:?} {packed}");
            let format = scratch.git("new.git", &["rev-parse", "--show-object-format"]);
            assert_eq!(format, scratch.git("repo", &["rev-parse", "--show-object-format"]));
            let clone = scratch.try_git("", &["clone", "-q", "new.git", "clone"]);
            assert!(clone.status.success(), "{}", stderr(&clone));
        }
    }
}

#[test]
fn every_way_to_name_the_repository() {
    let scratch = Scratch::new();
    repository(&scratch, &[]);
    scratch.git("repo", &["worktree", "add", "-q", "../linked"]);
    scratch.git("", &["clone", "-q", "--mirror", "repo", "bare.git"]);
    let mut tips = Vec::new();
    for (at, repo) in ["repo", "repo/dir", "repo/.git", "linked", "bare.git"].iter().enumerate() {
        let into = format!("new{at}.git");
        let output = scratch.friskey(&["purge", repo, "--into", &into, "--no-config"]);
        assert_eq!(output.status.code(), Some(0), "{repo}: {}", stderr(&output));
        tips.push(scratch.git(&into, &["rev-parse", "main"]));
    }
    tips.dedup();
    assert_eq!(tips.len(), 1);
}

/// The new repository contains all of its objects, even if those of the old one are all in an alternate.
#[test]
fn objects_of_alternates_are_carried_over() {
    let scratch = Scratch::new();
    repository(&scratch, &[]);
    scratch.git("", &["clone", "-q", "--mirror", "--shared", "repo", "borrowing.git"]);
    let output = scratch.friskey(&["purge", "borrowing.git", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shape_before = shape(&scratch, "borrowing.git");
    std::fs::remove_dir_all(scratch.path("repo")).unwrap();
    assert!(!scratch.path("new.git/objects/info/alternates").exists());
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{}{}", stdout(&fsck), stderr(&fsck));
    assert_eq!(shape_before, shape(&scratch, "new.git"));
}

#[test]
fn a_detached_or_unborn_head_is_carried_over() {
    for (head, expected) in [
        (&["checkout", "-q", "--detach"][..], "detached"),
        (&["checkout", "-q", "--orphan", "empty"], "unborn"),
    ] {
        let scratch = Scratch::new();
        repository(&scratch, &[]);
        scratch.git("repo", head);
        let output = scratch.friskey(&["purge", "repo", "--into", "new.git"]);
        assert_eq!(output.status.code(), Some(0), "{expected}: {}{}", stdout(&output), stderr(&output));
        let new = std::fs::read_to_string(scratch.path("new.git/HEAD")).unwrap();
        match expected {
            "detached" => assert_eq!(new.trim(), scratch.git("new.git", &["rev-parse", "main"])),
            _ => assert_eq!(new, "ref: refs/heads/empty\n"),
        }
    }
}

/// Deltas stay deltas, except for one whose base contained the key, which is stored whole.
#[test]
fn unchanged_objects_keep_their_packed_form() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    let lines: String = (0..2000).map(|n| format!("line {n} of a long file {}\n", n * n)).collect();
    let key = key(21);
    for version in 0..20 {
        let leaked = if (5..10).contains(&version) { format!("K={key}\n") } else { String::new() };
        scratch.write("repo/long", format!("{lines}{leaked}version {version}\n"));
        scratch.commit("repo", &format!("version {version}"));
    }
    scratch.git("repo", &["repack", "-q", "-adf", "--depth=50", "--window=50"]);
    purged(&scratch);
    let size = |repo: &str| -> u64 {
        let packs = std::fs::read_dir(scratch.path(repo)).unwrap().map(|entry| entry.unwrap());
        packs
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "pack"))
            .map(|e| e.metadata().unwrap().len())
            .sum()
    };
    let (old, new) = (size("repo/.git/objects/pack"), size("new.git/objects/pack"));
    // Twenty whole versions would take twenty times as much as one.
    assert!(new < old + 8 * 20_000, "{old} {new}");
    for version in 0..20 {
        let revision = format!("main~{}:long", 19 - version);
        let old = scratch.git("repo", &["cat-file", "-p", &revision]);
        let new = scratch.git("new.git", &["cat-file", "-p", &revision]);
        assert_eq!(old.len(), new.len());
        assert_eq!(old == new, !(5..10).contains(&version), "{version}");
    }
}
