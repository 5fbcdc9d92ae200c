//! Tests that the differences between index and HEAD are those that `git diff --cached` lists.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::git::scratch::Scratch;

/// A changed path, its file in HEAD, and its file in the index.
type ChangeLine = (Vec<u8>, Option<FileVersion>, Option<FileVersion>);

/// The changes according to git, without submodules, and the paths in conflict.
fn git_diff(scratch: &Scratch) -> (BTreeSet<ChangeLine>, BTreeSet<Vec<u8>>) {
    let raw = scratch.git(&["diff", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64"]);
    let (mut lines, mut conflicts) = (BTreeSet::new(), BTreeSet::new());
    let mut fields = raw.split('\0');
    while let (Some(line), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = line.trim_start_matches(':').split(' ').collect();
        let version = |mode: &str, id: &str| {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            let id = ObjectId::from_hex(id.as_bytes()).unwrap();
            matches!(mode >> 12, 0o10 | 0o12).then_some(FileVersion { id, mode })
        };
        if words[4] == "U" {
            conflicts.insert(path.as_bytes().to_vec());
            continue;
        }
        let line = (path.as_bytes().to_vec(), version(words[0], words[2]), version(words[1], words[3]));
        if line.1.is_some() || line.2.is_some() {
            lines.insert(line);
        }
    }
    (lines, conflicts)
}

/// Asserts that the changes are those that git lists, and returns them.
fn assert_matches_git(scratch: &Scratch) -> StagedChanges {
    let staged = compare_index(&scratch.open(), None, &[], &[]).unwrap();
    assert!(staged.gaps.is_empty(), "{:?}", staged.gaps);
    assert!(staged.changes.is_sorted_by(|a, b| a.path < b.path));
    let (lines, conflicts) = git_diff(scratch);
    let (mut actual_lines, mut actual_conflicts) = (BTreeSet::new(), BTreeSet::new());
    for change in &staged.changes {
        if conflicts.contains(&change.path) {
            actual_conflicts.insert(change.path.clone());
        } else {
            assert!(change.new.len() <= 1);
            actual_lines.insert((change.path.clone(), change.old, change.new.first().copied()));
        }
    }
    assert_eq!(actual_lines, lines);
    assert_eq!(actual_conflicts, conflicts);
    staged
}

fn paths(staged: &StagedChanges) -> Vec<&str> {
    staged.changes.iter().map(|change| std::str::from_utf8(&change.path).unwrap()).collect()
}

/// A repository with some directories, all committed, so that the index records the ids of their trees.
fn repository_with_directories() -> Scratch {
    let scratch = Scratch::new(&[]);
    for path in ["a", "d/e/f", "d/e/g", "d/h", "d.x", "z/y"] {
        scratch.write(path, path);
    }
    scratch.commit("first");
    scratch
}

#[test]
fn changes_in_the_work_tree_alone_are_not_listed() {
    let scratch = repository_with_directories();
    scratch.write("a", "only in the work tree");
    assert_eq!(paths(&assert_matches_git(&scratch)), Vec::<&str>::new());
}

#[test]
fn an_unborn_branch_has_an_empty_tree() {
    let scratch = Scratch::new(&[]);
    assert_eq!(paths(&staged_changes(&scratch)), Vec::<&str>::new());
    scratch.write("d/a", "1");
    scratch.git(&["add", "-A"]);
    assert_eq!(paths(&staged_changes(&scratch)), ["d/a"]);
}

fn staged_changes(scratch: &Scratch) -> StagedChanges {
    compare_index(&scratch.open(), None, &[], &[]).unwrap()
}

#[test]
fn links_modes_and_moves_are_listed_as_by_git() {
    let scratch = repository_with_directories();
    scratch.git(&["mv", "d/e", "moved"]);
    scratch.git(&["update-index", "--chmod=+x", "a"]);
    scratch.git(&["rm", "-q", "--cached", "z/y"]);
    let link = scratch.git_with(&["hash-object", "-w", "--stdin"], b"target");
    scratch.git(&["update-index", "--add", "--cacheinfo", &format!("120000,{},d.x", link.trim())]);
    let module = scratch.id("HEAD");
    scratch.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{module},module")]);
    let staged = assert_matches_git(&scratch);
    assert_eq!(paths(&staged), ["a", "d.x", "d/e/f", "d/e/g", "moved/f", "moved/g", "z/y"]);
    scratch.git(&["commit", "-q", "-m", "module"]);
    scratch.git(&["rm", "-q", "--cached", "module"]);
    assert_eq!(paths(&assert_matches_git(&scratch)), Vec::<&str>::new());
}

#[test]
fn a_file_that_is_only_intended_to_be_added_is_no_change() {
    let scratch = repository_with_directories();
    scratch.write("d/new", "later");
    scratch.git(&["add", "-N", "d/new"]);
    assert_eq!(paths(&assert_matches_git(&scratch)), Vec::<&str>::new());
}

#[test]
fn every_side_of_a_conflict_is_listed() {
    let scratch = repository_with_directories();
    scratch.git(&["checkout", "-q", "-b", "theirs"]);
    scratch.write("d/e/f", "theirs");
    scratch.commit("theirs");
    scratch.git(&["checkout", "-q", "main"]);
    scratch.write("d/e/f", "ours");
    scratch.commit("ours");
    assert!(!scratch.command(&["merge", "-q", "theirs"]).output().unwrap().status.success());
    let staged = assert_matches_git(&scratch);
    assert_eq!(paths(&staged), ["d/e/f"]);
    let new: Vec<_> = staged.changes[0].new.iter().map(|version| version.id).collect();
    assert_eq!(new, [scratch.id("main~1:d/e/f"), scratch.id("main:d/e/f"), scratch.id("theirs:d/e/f")]);
    assert_eq!(staged.changes[0].old.unwrap().id, scratch.id("main:d/e/f"));
}

#[test]
fn another_index_and_that_of_a_linked_work_tree_can_be_compared() {
    let scratch = repository_with_directories();
    scratch.write("a", "partial");
    let other = scratch.path().join("other-index");
    std::fs::copy(scratch.path().join(".git/index"), &other).unwrap();
    let output = scratch.command(&["add", "a"]).env("GIT_INDEX_FILE", &other).output().unwrap();
    assert!(output.status.success());
    let staged = compare_index(&scratch.open(), Some(&other), &[], &[]).unwrap();
    assert_eq!((paths(&staged), assert_matches_git(&scratch).changes.len()), (vec!["a"], 0));
    scratch.git(&["worktree", "add", "-q", "linked"]);
    scratch.write("linked/d/h", "linked");
    scratch.git(&["-C", "linked", "add", "-A"]);
    let repo = gix::open_opts(scratch.path().join("linked"), gix::open::Options::isolated()).unwrap();
    assert_eq!(paths(&compare_index(&repo, None, &[], &[]).unwrap()), ["d/h"]);
}

#[test]
fn split_indexes_and_all_versions_are_read() {
    for arguments in [
        &["update-index", "--split-index"][..],
        &["update-index", "--index-version=4"],
        &["update-index", "--index-version=3"],
    ] {
        let scratch = repository_with_directories();
        scratch.git(arguments);
        scratch.write("d/e/f", "changed");
        scratch.write("d/new", "new");
        scratch.git(&["rm", "-q", "--cached", "a"]);
        scratch.git(&["add", "d"]);
        assert_eq!(paths(&assert_matches_git(&scratch)), ["a", "d/e/f", "d/new"], "{arguments:?}");
    }
}

#[test]
fn directories_in_a_sparse_index_are_compared() {
    let scratch = repository_with_directories();
    scratch.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "z"]);
    assert!(scratch.git(&["ls-files", "--sparse"]).contains("d/\n"));
    scratch.write("z/y", "changed");
    scratch.git(&["add", "z"]);
    assert_eq!(paths(&assert_matches_git(&scratch)), ["z/y"]);
    scratch.git(&["commit", "-q", "-m", "second"]);
    // HEAD gets an empty tree. The index does not change, and has a directory in a single row.
    let tree = scratch.git_with(&["mktree"], b"");
    let commit = scratch.git(&["commit-tree", "-m", "empty", tree.trim()]);
    scratch.git(&["update-ref", "refs/heads/main", commit.trim()]);
    assert_eq!(paths(&assert_matches_git(&scratch)), ["a", "d.x", "d/e/f", "d/e/g", "d/h", "z/y"]);
}

#[test]
fn requested_files_that_did_not_change_are_listed() {
    let scratch = repository_with_directories();
    scratch.write("d/h", "changed");
    scratch.git(&["add", "d/h"]);
    let requested = ["a", "d", "d/h", "nowhere"].map(|name| name.as_bytes().to_vec());
    let staged = compare_index(&scratch.open(), None, &requested, &[]).unwrap();
    let unchanged: Vec<_> = staged.unchanged_files.iter().map(|(path, _)| &path[..]).collect();
    assert_eq!(unchanged, [&b"a"[..], b"d/e/f", b"d/e/g"]);
    assert_eq!(staged.unchanged_files[0].1.id, scratch.id("HEAD:a"));
    assert_eq!(staged.unknown_paths, [b"nowhere".to_vec()]);
}

#[test]
fn errors_for_damaged_indexes_name_a_remedy() {
    let scratch = repository_with_directories();
    let index = scratch.path().join(".git/index");
    let bytes = std::fs::read(&index).unwrap();
    for length in [0, 3, 12, 50, bytes.len() / 2] {
        std::fs::write(&index, &bytes[..length]).unwrap();
        let error = compare_index(&scratch.open(), None, &[], &[]).unwrap_err().to_string();
        assert!(error.contains("git read-tree HEAD"), "{error}");
    }
}

#[test]
fn a_head_that_leads_to_no_commit_is_an_error() {
    let scratch = repository_with_directories();
    scratch.write(".git/refs/heads/main", &format!("{}\n", "12".repeat(20)));
    let error = compare_index(&scratch.open(), None, &[], &[]).unwrap_err();
    assert!(matches!(error, StagedError::Head { .. }), "{error}");
}

const PATHS: [&str; 9] = ["a", "a.b", "a/b", "a/b.c", "a/b/c", "d/e", "d/f/g", "d/f/h", "e"];

/// Random files: position in [`PATHS`], number of the content, and kind of change, which only edits use: 0 is a removed file,
/// 1 a link, 2 a conflict, 3 an executable file, 4 a regular file.
fn files(max: usize) -> impl Strategy<Value = BTreeMap<usize, (usize, usize)>> {
    prop::collection::btree_map(0..PATHS.len(), (0usize..4, 0usize..5), 0..max)
}

/// Omits paths below a directory of the same name as a file, since the two cannot coexist.
fn without_clashes(files: &BTreeMap<usize, (usize, usize)>) -> Vec<(&'static str, usize, usize)> {
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
    fn random_changes_are_listed_as_by_git(head in files(7), edits in files(5), version in 2u8..5, writes_trees in any::<bool>()) {
        let scratch = Scratch::new(&[]);
        let blobs: Vec<String> = (0..4).map(|n| scratch.git_with(&["hash-object", "-w", "--stdin"], format!("{n}").as_bytes()).trim().to_owned()).collect();
        let line = |mode: &str, content: usize, stage: usize, path: &str| format!("{mode} {} {stage}\t{path}\n", blobs[content]);
        let lines: String = without_clashes(&head).iter().map(|&(path, content, _)| line("100644", content, 0, path)).collect();
        scratch.git_with(&["update-index", "--add", "--index-info"], lines.as_bytes());
        scratch.git(&["commit", "-q", "--allow-empty", "-m", "head"]);
        let zero = "0".repeat(40);
        let mut index_info = String::new();
        for (path, content, kind) in without_clashes(&edits) {
            index_info += &match kind {
                0 => format!("0 {zero}\t{path}\n"),
                1 => line("120000", content, 0, path),
                2 => format!("0 {zero}\t{path}\n{}{}", line("100644", content, 2, path), line("100755", (content + 1) % 4, 3, path)),
                3 => line("100755", content, 0, path),
                _ => line("100644", content, 0, path),
            };
        }
        scratch.git_with(&["update-index", "--add", "--replace", "--index-info"], index_info.as_bytes());
        scratch.git(&["update-index", &format!("--index-version={version}")]);
        if writes_trees && scratch.git(&["ls-files", "-u"]).is_empty() {
            // The index records the trees of all directories again.
            scratch.git(&["write-tree"]);
        }
        assert_matches_git(&scratch);
    }
}
