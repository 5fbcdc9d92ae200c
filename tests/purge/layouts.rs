//! Tests purges of each kind of repository: both hashes, both ref formats, packed or loose, work trees, alternates, any HEAD.

use crate::replacement::purge_and_check;
use crate::support::{Scratch, key, stderr, stdout};

/// Makes the repository `repo` with a key, tags of every kind of object, merges, two roots and a submodule. `options` are for
/// `git init`.
fn make_repository(scratch: &Scratch, options: &[&str]) {
    scratch.git("", &[&["init", "-q", "-b", "main"], options, &["repo"]].concat());
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
    let submodule = format!("160000 commit {root}\tsub\n");
    let tree = scratch.git_with("repo", &["mktree"], submodule.as_bytes());
    let other = scratch.git("repo", &["commit-tree", "-m", "another root", &tree]);
    scratch.git("repo", &["update-ref", "refs/heads/other", &other]);
    scratch.git("repo", &["merge", "-q", "-m", "both", "--allow-unrelated-histories", "-s", "ours", "other"]);
}

/// The refs, commits and HEAD of a repository without object ids, which must be the same before and after a purge.
fn describe_history(scratch: &Scratch, repo: &str) -> String {
    let refs = scratch.git(repo, &["for-each-ref", "--format=%(refname) %(objecttype) %(*objecttype)"]);
    let log = scratch.git(repo, &["log", "--all", "--topo-order", "--format=%s %at %ct %an <%ae>"]);
    let merges = scratch.git(repo, &["log", "--all", "--merges", "--format=%s", "--topo-order"]);
    let head = scratch.git(repo, &["rev-parse", "--symbolic-full-name", "HEAD"]);
    [refs, log, merges, head].join("\n--\n")
}

#[test]
fn a_purge_keeps_the_history_with_every_hash_ref_format_and_object_store() {
    for options in [&["--object-format=sha1"][..], &["--object-format=sha256"], &["--ref-format=reftable"]] {
        for packed in [false, true] {
            let scratch = Scratch::new();
            make_repository(&scratch, options);
            if packed {
                scratch.git("repo", &["gc", "-q"]);
            }
            purge_and_check(&scratch);
            assert_eq!(
                describe_history(&scratch, "repo"),
                describe_history(&scratch, "new.git"),
                "{options:?} {packed}"
            );
            let format = scratch.git("new.git", &["rev-parse", "--show-object-format"]);
            assert_eq!(format, scratch.git("repo", &["rev-parse", "--show-object-format"]));
            let clone = scratch.try_git("", &["clone", "-q", "new.git", "clone"]);
            assert!(clone.status.success(), "{}", stderr(&clone));
        }
    }
}

#[test]
fn a_purge_has_the_same_result_for_every_path_to_the_repository() {
    let scratch = Scratch::new();
    make_repository(&scratch, &[]);
    scratch.git("repo", &["worktree", "add", "-q", "../linked"]);
    scratch.git("", &["clone", "-q", "--mirror", "repo", "bare.git"]);
    let mut tips = Vec::new();
    for (index, repo) in ["repo", "repo/dir", "repo/.git", "linked", "bare.git"].iter().enumerate() {
        let into = format!("new{index}.git");
        let output = scratch.friskey(&["purge", repo, "--into", &into, "--no-config"]);
        assert_eq!(output.status.code(), Some(0), "{repo}: {}", stderr(&output));
        tips.push(scratch.git(&into, &["rev-parse", "main"]));
    }
    tips.dedup();
    assert_eq!(tips.len(), 1);
}

/// All objects of the old repository are in an alternate, and the new one must not need it.
#[test]
fn objects_of_alternates_are_carried_over() {
    let scratch = Scratch::new();
    make_repository(&scratch, &[]);
    scratch.git("", &["clone", "-q", "--mirror", "--shared", "repo", "borrowing.git"]);
    let output = scratch.friskey(&["purge", "borrowing.git", "--into", "new.git"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let old_history = describe_history(&scratch, "borrowing.git");
    std::fs::remove_dir_all(scratch.path("repo")).unwrap();
    assert!(!scratch.path("new.git/objects/info/alternates").exists());
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{}{}", stdout(&fsck), stderr(&fsck));
    assert_eq!(old_history, describe_history(&scratch, "new.git"));
}

#[test]
fn a_detached_or_unborn_head_is_carried_over() {
    for (checkout, expected) in [
        (&["checkout", "-q", "--detach"][..], "detached"),
        (&["checkout", "-q", "--orphan", "empty"], "unborn"),
    ] {
        let scratch = Scratch::new();
        make_repository(&scratch, &[]);
        scratch.git("repo", checkout);
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
fn unchanged_deltas_are_copied_as_deltas() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    let lines: String = (0..2000).map(|n| format!("line {n} of a long file {}\n", n * n)).collect();
    let key = key(21);
    for version in 0..20 {
        let key_line = if (5..10).contains(&version) { format!("K={key}\n") } else { String::new() };
        scratch.write("repo/long", format!("{lines}{key_line}version {version}\n"));
        scratch.commit("repo", &format!("version {version}"));
    }
    scratch.git("repo", &["repack", "-q", "-adf", "--depth=50", "--window=50"]);
    purge_and_check(&scratch);
    let pack_size = |dir: &str| -> u64 {
        let packs = std::fs::read_dir(scratch.path(dir)).unwrap().map(|entry| entry.unwrap());
        packs
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "pack"))
            .map(|e| e.metadata().unwrap().len())
            .sum()
    };
    let (old, new) = (pack_size("repo/.git/objects/pack"), pack_size("new.git/objects/pack"));
    // One compressed version takes about 13,000 bytes. At most the five with the key and some next to them are stored whole.
    assert!(new < old + 8 * 20_000, "{old} {new}");
    for version in 0..20 {
        let revision = format!("main~{}:long", 19 - version);
        let old = scratch.git("repo", &["cat-file", "-p", &revision]);
        let new = scratch.git("new.git", &["cat-file", "-p", &revision]);
        assert_eq!(old.len(), new.len());
        assert_eq!(old == new, !(5..10).contains(&version), "{version}");
    }
}
