//! Compares the index with HEAD, using `git diff --cached` as the oracle.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::git::scratch::Scratch;

/// Path, HEAD's side, the index's side.
type Line = (Vec<u8>, Option<Side>, Option<Side>);

/// The changes according to git, without submodules, and the paths in conflict.
fn git_diff(scratch: &Scratch) -> (BTreeSet<Line>, BTreeSet<Vec<u8>>) {
    let raw = scratch.git(&["diff", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64"]);
    let (mut lines, mut conflicts) = (BTreeSet::new(), BTreeSet::new());
    let mut fields = raw.split('\0');
    while let (Some(line), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = line.trim_start_matches(':').split(' ').collect();
        let side = |mode: &str, id: &str| {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            let id = ObjectId::from_hex(id.as_bytes()).unwrap();
            matches!(mode >> 12, 0o10 | 0o12).then_some(Side { id, mode })
        };
        if words[4] == "U" {
            conflicts.insert(path.as_bytes().to_vec());
            continue;
        }
        let line = (path.as_bytes().to_vec(), side(words[0], words[2]), side(words[1], words[3]));
        if line.1.is_some() || line.2.is_some() {
            lines.insert(line);
        }
    }
    lines.retain(|line| !conflicts.contains(&line.0));
    (lines, conflicts)
}

/// Checks that the result is that of git.
fn check(scratch: &Scratch) -> Staged {
    let staged = staged(&scratch.open(), None, &[], &[]).unwrap();
    assert!(staged.gaps.is_empty(), "{:?}", staged.gaps);
    assert!(staged.changes.is_sorted_by(|a, b| a.path < b.path));
    let (lines, conflicts) = git_diff(scratch);
    let (mut found, mut found_conflicts) = (BTreeSet::new(), BTreeSet::new());
    for change in &staged.changes {
        if conflicts.contains(&change.path) {
            found_conflicts.insert(change.path.clone());
        } else {
            assert!(change.new.len() <= 1);
            found.insert((change.path.clone(), change.old, change.new.first().copied()));
        }
    }
    assert_eq!(found, lines);
    assert_eq!(found_conflicts, conflicts);
    staged
}

fn paths(staged: &Staged) -> Vec<&str> {
    staged.changes.iter().map(|change| std::str::from_utf8(&change.path).unwrap()).collect()
}

/// A commit of some directories, all in the index, with its trees.
fn committed() -> Scratch {
    let scratch = Scratch::new(&[]);
    for path in ["a", "d/e/f", "d/e/g", "d/h", "d.x", "z/y"] {
        scratch.write(path, path);
    }
    scratch.commit("first");
    scratch
}

#[test]
fn nothing_staged_is_nothing_changed() {
    let scratch = committed();
    scratch.write("a", "only in the work tree");
    assert_eq!(paths(&check(&scratch)), Vec::<&str>::new());
}

#[test]
fn an_unborn_branch_has_an_empty_tree() {
    let scratch = Scratch::new(&[]);
    assert_eq!(paths(&check_unborn(&scratch)), Vec::<&str>::new());
    scratch.write("d/a", "1");
    scratch.git(&["add", "-A"]);
    assert_eq!(paths(&check_unborn(&scratch)), ["d/a"]);
}

fn check_unborn(scratch: &Scratch) -> Staged {
    staged(&scratch.open(), None, &[], &[]).unwrap()
}

#[test]
fn links_modes_and_moves() {
    let scratch = committed();
    scratch.git(&["mv", "d/e", "moved"]);
    scratch.git(&["update-index", "--chmod=+x", "a"]);
    scratch.git(&["rm", "-q", "--cached", "z/y"]);
    let link = scratch.git_with(&["hash-object", "-w", "--stdin"], b"target");
    scratch.git(&["update-index", "--add", "--cacheinfo", &format!("120000,{},d.x", link.trim())]);
    let module = scratch.id("HEAD");
    scratch.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{module},module")]);
    let staged = check(&scratch);
    assert_eq!(paths(&staged), ["a", "d.x", "d/e/f", "d/e/g", "moved/f", "moved/g", "z/y"]);
    scratch.git(&["commit", "-q", "-m", "module"]);
    scratch.git(&["rm", "-q", "--cached", "module"]);
    assert_eq!(paths(&check(&scratch)), Vec::<&str>::new());
}

#[test]
fn a_file_that_is_only_announced_has_no_blob() {
    let scratch = committed();
    scratch.write("d/new", "later");
    scratch.git(&["add", "-N", "d/new"]);
    assert_eq!(paths(&check(&scratch)), Vec::<&str>::new());
}

#[test]
fn every_side_of_a_conflict_is_there() {
    let scratch = committed();
    scratch.git(&["checkout", "-q", "-b", "theirs"]);
    scratch.write("d/e/f", "theirs");
    scratch.commit("theirs");
    scratch.git(&["checkout", "-q", "main"]);
    scratch.write("d/e/f", "ours");
    scratch.commit("ours");
    assert!(!scratch.command(&["merge", "-q", "theirs"]).output().unwrap().status.success());
    let staged = check(&scratch);
    assert_eq!(paths(&staged), ["d/e/f"]);
    let new: Vec<_> = staged.changes[0].new.iter().map(|side| side.id).collect();
    assert_eq!(new, [scratch.id("main~1:d/e/f"), scratch.id("main:d/e/f"), scratch.id("theirs:d/e/f")]);
    assert_eq!(staged.changes[0].old.unwrap().id, scratch.id("main:d/e/f"));
}

#[test]
fn another_index_and_a_linked_work_tree() {
    let scratch = committed();
    scratch.write("a", "partial");
    let other = scratch.path().join("other-index");
    std::fs::copy(scratch.path().join(".git/index"), &other).unwrap();
    let output = scratch.command(&["add", "a"]).env("GIT_INDEX_FILE", &other).output().unwrap();
    assert!(output.status.success());
    let found = staged(&scratch.open(), Some(&other), &[], &[]).unwrap();
    assert_eq!((paths(&found), check(&scratch).changes.len()), (vec!["a"], 0));
    scratch.git(&["worktree", "add", "-q", "linked"]);
    scratch.write("linked/d/h", "linked");
    scratch.git(&["-C", "linked", "add", "-A"]);
    let repo = gix::open_opts(scratch.path().join("linked"), gix::open::Options::isolated()).unwrap();
    assert_eq!(paths(&staged(&repo, None, &[], &[]).unwrap()), ["d/h"]);
}

#[test]
fn split_indexes_and_other_versions() {
    for arguments in [
        &["update-index", "--split-index"][..],
        &["update-index", "--index-version=4"],
        &["update-index", "--index-version=3"],
    ] {
        let scratch = committed();
        scratch.git(arguments);
        scratch.write("d/e/f", "changed");
        scratch.write("d/new", "new");
        scratch.git(&["rm", "-q", "--cached", "a"]);
        scratch.git(&["add", "d"]);
        assert_eq!(paths(&check(&scratch)), ["a", "d/e/f", "d/new"], "{arguments:?}");
    }
}

#[test]
fn a_sparse_index_has_whole_dirs() {
    let scratch = committed();
    scratch.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "z"]);
    assert!(scratch.git(&["ls-files", "--sparse"]).contains("d/\n"));
    scratch.write("z/y", "changed");
    scratch.git(&["add", "z"]);
    assert_eq!(paths(&check(&scratch)), ["z/y"]);
    scratch.git(&["reset", "-q", "--soft", "HEAD"]);
    scratch.git(&["commit", "-q", "-m", "second"]);
    // HEAD moves, the index stays: the directory that is one row differs.
    let tree = scratch.git_with(&["mktree"], b"");
    let commit = scratch.git(&["commit-tree", "-m", "empty", tree.trim()]);
    scratch.git(&["update-ref", "refs/heads/main", commit.trim()]);
    assert_eq!(paths(&check(&scratch)), ["a", "d.x", "d/e/f", "d/e/g", "d/h", "z/y"]);
}

#[test]
fn named_files_that_did_not_change() {
    let scratch = committed();
    scratch.write("d/h", "changed");
    scratch.git(&["add", "d/h"]);
    let named = ["a", "d", "d/h", "nowhere"].map(|name| name.as_bytes().to_vec());
    let staged = staged(&scratch.open(), None, &named, &[]).unwrap();
    let unchanged: Vec<_> = staged.unchanged.iter().map(|(path, _)| &path[..]).collect();
    assert_eq!(unchanged, [&b"a"[..], b"d/e/f", b"d/e/g"]);
    assert_eq!(staged.unchanged[0].1.id, scratch.id("HEAD:a"));
    assert_eq!(staged.unknown, [b"nowhere".to_vec()]);
}

#[test]
fn broken_indexes_and_heads_are_errors_with_a_way_out() {
    let scratch = committed();
    let index = scratch.path().join(".git/index");
    let bytes = std::fs::read(&index).unwrap();
    for length in [0, 3, 12, 50, bytes.len() / 2] {
        std::fs::write(&index, &bytes[..length]).unwrap();
        let error = staged(&scratch.open(), None, &[], &[]).unwrap_err().to_string();
        assert!(error.contains("git read-tree HEAD"), "{error}");
    }
    std::fs::write(&index, &bytes).unwrap();
    scratch.write(".git/refs/heads/main", &format!("{}\n", "12".repeat(20)));
    let error = staged(&scratch.open(), None, &[], &[]).unwrap_err();
    assert!(matches!(error, StagedError::Head { .. }), "{error}");
}

const PATHS: [&str; 9] = ["a", "a.b", "a/b", "a/b.c", "a/b/c", "d/e", "d/f/g", "d/f/h", "e"];

/// Files by number of path and content; one stage or, in the index, another.
fn files(most: usize) -> impl Strategy<Value = BTreeMap<usize, (usize, usize)>> {
    prop::collection::btree_map(0..PATHS.len(), (0usize..4, 0usize..5), 0..most)
}

/// Leaves out paths that cannot coexist with a file whose name is that of their directory.
fn compatible(files: &BTreeMap<usize, (usize, usize)>) -> Vec<(&'static str, usize, usize)> {
    let mut kept: Vec<(&str, usize, usize)> = Vec::new();
    for (&path, &(content, kind)) in files {
        let path = PATHS[path];
        let clash =
            |other: &str| path.starts_with(&format!("{other}/")) || other.starts_with(&format!("{path}/"));
        if !kept.iter().any(|(other, ..)| clash(other)) {
            kept.push((path, content, kind));
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_git(head in files(7), edits in files(5), version in 2u8..5, trees in any::<bool>()) {
        let scratch = Scratch::new(&[]);
        let blobs: Vec<String> = (0..4).map(|n| scratch.git_with(&["hash-object", "-w", "--stdin"], format!("{n}").as_bytes()).trim().to_owned()).collect();
        let line = |mode: &str, content: usize, stage: usize, path: &str| format!("{mode} {} {stage}\t{path}\n", blobs[content]);
        let lines: String = compatible(&head).iter().map(|&(path, content, _)| line("100644", content, 0, path)).collect();
        scratch.git_with(&["update-index", "--add", "--index-info"], lines.as_bytes());
        scratch.git(&["commit", "-q", "--allow-empty", "-m", "head"]);
        let zero = "0".repeat(40);
        let mut info = String::new();
        for (path, content, kind) in compatible(&edits) {
            info += &match kind {
                0 => format!("0 {zero}\t{path}\n"),
                1 => line("120000", content, 0, path),
                2 => format!("0 {zero}\t{path}\n{}{}", line("100644", content, 2, path), line("100755", (content + 1) % 4, 3, path)),
                3 => line("100755", content, 0, path),
                _ => line("100644", content, 0, path),
            };
        }
        scratch.git_with(&["update-index", "--add", "--replace", "--index-info"], info.as_bytes());
        scratch.git(&["update-index", &format!("--index-version={version}")]);
        if trees && scratch.git(&["ls-files", "-u"]).is_empty() {
            // Makes all directories known again.
            scratch.git(&["write-tree"]);
        }
        check(&scratch);
    }
}
