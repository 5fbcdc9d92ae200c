//! Compares ranges with `git rev-list`, and what random ranges introduce with brute force.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::*;
use crate::git::attribution::tests::{
    Oracle, RandomHistory, SECRET_COUNT, build, many_files, random_history,
};
use crate::git::attribution::{Options, Query, SecretHistory, attribute_range};
use crate::git::refs;
use crate::git::scratch::Scratch;
use crate::model::Reachability;

/// A flag that is never set.
static NEVER_STOP: AtomicBool = AtomicBool::new(false);

fn ids(range: &Range) -> BTreeSet<ObjectId> {
    range.commits.iter().map(|commit| commit.id).collect()
}

/// The range of these arguments.
fn quick_range(repo: &gix::Repository, words: &[&str]) -> Range {
    select(repo, &parse(repo, words).unwrap(), ExclusionMode::Quick).unwrap()
}

/// A repository with a merge of a side branch into `main`, remote-tracking refs and tags.
fn forked_repository() -> Scratch {
    let scratch = Scratch::new(&[]);
    scratch.commit("0");
    scratch.commit("1");
    scratch.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    scratch.git(&["tag", "-a", "-m", "one", "one"]);
    scratch.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    scratch.write("side", "side");
    scratch.commit("2");
    scratch.git(&["update-ref", "refs/remotes/fork/side", "HEAD"]);
    scratch.git(&["checkout", "-q", "main"]);
    scratch.write("main", "main");
    scratch.commit("3");
    scratch.git(&["merge", "-q", "--no-edit", "side"]);
    scratch.write("main", "more");
    scratch.commit("4");
    scratch
}

#[test]
fn revisions_select_the_same_commits_as_git() {
    let scratch = forked_repository();
    let repo = scratch.open();
    let abbreviated = scratch.id("HEAD~2").to_string()[..9].to_owned();
    let abbreviated = format!("{abbreviated}..main");
    let cases: &[&[&str]] = &[
        &["origin/main..main"],
        &["origin/main..."],
        &["..side"],
        &["side...main~2"],
        &["main", "^side"],
        &["main", "--not", "--remotes"],
        &["main", "--not", "--remotes=origin"],
        &["main", "--not", "side", "--not", "origin/main"],
        &["--all", "--not", "--tags"],
        &["--branches", "^one", "^HEAD~3"],
        &["--not", "main..side"],
        &["one..HEAD~1^2", "side~1..main~1"],
        &[&abbreviated],
    ];
    for words in cases {
        let list = scratch.git(&[&["rev-list"], *words, &["--"]].concat());
        let expected = list.lines().map(|line| ObjectId::from_hex(line.as_bytes()).unwrap()).collect();
        assert_eq!(ids(&quick_range(&repo, words)), expected, "{words:?}");
    }
}

#[test]
fn annotated_tags_among_the_tips_are_in_the_range() {
    let scratch = forked_repository();
    let range = quick_range(&scratch.open(), &["one"]);
    assert_eq!(range.tags, [scratch.id("refs/tags/one")]);
}

#[test]
fn errors_for_unresolved_revisions_name_cause_and_remedy() {
    let scratch = forked_repository();
    let repo = scratch.open();
    let missing_id = "12".repeat(20);
    let missing = parse(&repo, &[format!("{missing_id}..main")]).unwrap_err();
    assert!(matches!(missing, RangeError::Missing { .. }) && missing.to_string().contains("fetch-depth: 0"));
    let unknown = parse(&repo, &["nowhere..main"]).unwrap_err();
    assert!(matches!(unknown, RangeError::Unknown { .. }) && unknown.to_string().contains("`nowhere`"));
    for (word, expected) in [
        ("nowhere", "no branch, tag or commit has that name"),
        ("main~50", "`main` exists, but `~50` leads to no commit from there; check it"),
        ("main~x", "`~x` leads to no commit"),
        ("nowhere~1", "`nowhere` does not exist; check the spelling"),
        ("@{u}", "`@{u}` depends on the configuration of branches"),
        ("main@{Upstream}~2", "`@{Upstream}` depends on the configuration of branches"),
        ("@{push}", "name the branch instead"),
        ("@{9}", "`@{9}` leads to no commit"),
        ("badc0de", "it abbreviates the id of no commit"),
        ("main^!", "it means several revisions"),
        ("..", "has no revision on either side"),
    ] {
        let error = parse(&repo, &[word]).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("delegate"), "{error}");
    }
    assert!(matches!(parse(&repo, &["main^{tree}..main"]), Err(RangeError::NotCommit { .. })));
    assert!(matches!(parse(&repo, &["main", "--no-walk"]), Err(RangeError::Option { .. })));
    let empty = parse(&repo, &["--not", "main"]).unwrap();
    assert!(matches!(select(&repo, &empty, ExclusionMode::Exact), Err(RangeError::Empty)));
}

#[test]
fn a_shallow_boundary_within_the_range_is_a_gap() {
    let scratch = forked_repository();
    let url = format!("file://{}", scratch.path().display());
    scratch.git(&["clone", "-q", "--depth=2", "--no-single-branch", &url, "shallow"]);
    let repo = gix::open_opts(scratch.path().join("shallow"), gix::open::Options::isolated()).unwrap();
    let skips = quick_range(&repo, &["origin/main"]).gaps.into_skips();
    assert!(skips.iter().all(|skip| skip.reason.contains("fetch-depth: 0")) && !skips.is_empty());
    assert!(quick_range(&repo, &["origin/main~1..origin/main"]).gaps.is_empty());
}

#[test]
fn a_candidate_lists_the_blob_it_replaces() {
    let scratch = Scratch::new(&[]);
    scratch.write("dir/file", "key");
    scratch.write("other", "key too");
    scratch.commit("old");
    scratch.write("dir/file", "key, touched");
    let commit = scratch.commit("touch");
    let repo = scratch.open();
    let range = quick_range(&repo, &["HEAD~1..HEAD"]);
    let content = candidates(&repo, &range, 2, &NEVER_STOP);
    assert!(content.gaps.is_empty());
    let (blob, replaced_blobs) = (scratch.id("HEAD:dir/file"), vec![scratch.id("HEAD~1:dir/file")]);
    assert_eq!(
        content.candidates,
        [CandidateBlob {
            blob,
            path: b"dir/file".to_vec(),
            commit: Some(commit),
            replaced_blobs: replaced_blobs.clone()
        }]
    );
    let scanned = content.candidates.iter().map(|candidate| candidate.blob).collect();
    let (outside, _) = blobs_outside(&repo, &range, &scanned, &NEVER_STOP);
    assert_eq!(BTreeSet::from_iter(outside), BTreeSet::from([replaced_blobs[0], scratch.id("HEAD:other")]));
}

#[test]
fn commits_may_name_many_parents_and_one_of_them_repeatedly() {
    let scratch = forked_repository();
    scratch.write("new", "new");
    scratch.git(&["add", "-A"]);
    let tree = scratch.git(&["write-tree"]);
    let (base, head) = (scratch.id("origin/main"), scratch.id("main"));
    let parent = |id: &ObjectId| format!("parent {id}\n");
    let mut parents = parent(&head).repeat(3000) + &parent(&base).repeat(3000);
    for nth in 0..100 {
        scratch.write("each", &nth.to_string());
        scratch.git(&["add", "-A"]);
        let each = scratch.git(&["write-tree"]);
        let commit = scratch.git(&["commit-tree", "-m", "each", "-p", &head.to_string(), each.trim()]);
        parents.push_str(&format!("parent {}\n", commit.trim()));
    }
    let text = format!("tree {}\n{parents}author A <a> 0 +0\ncommitter A <a> 0 +0\n\nmany\n", tree.trim());
    let store = ["hash-object", "-t", "commit", "--literally", "-w", "--stdin"];
    let commit = scratch.git_with(&store, text.as_bytes());
    let repo = scratch.open();
    let range = quick_range(&repo, &[commit.trim(), &format!("^{head}")]);
    let content = candidates(&repo, &range, 1, &NEVER_STOP);
    assert!(content.gaps.is_empty(), "{:?}", content.gaps);
    let mut paths: Vec<_> = content.candidates.iter().map(|candidate| &candidate.path[..]).collect();
    paths.sort_unstable();
    // Each of the hundred parents has its own version of `each`.
    assert_eq!((paths.len(), paths[100]), (101, &b"new"[..]));
}

#[test]
fn wrong_dates_enlarge_a_quick_range_but_not_an_exact_one() {
    let scratch = Scratch::new(&["--bare"]);
    let tree = scratch.git_with(&["mktree"], b"");
    let mut parent: Option<String> = None;
    // A commit dated far back between two recent ones.
    for date in [2_000_000_000, 1_000_000, 2_000_000_001] {
        let mut words = vec!["commit-tree", "-m", "x", tree.trim()];
        words.extend(parent.iter().flat_map(|parent| ["-p", parent]));
        let mut command = scratch.command(&words);
        let output = command.env("GIT_COMMITTER_DATE", format!("@{date} +0000")).output().unwrap();
        parent = Some(String::from_utf8(output.stdout).unwrap().trim().to_owned());
    }
    let tip = ObjectId::from_hex(parent.unwrap().as_bytes()).unwrap();
    let repo = scratch.open();
    let first = repo.rev_parse_single(format!("{tip}~2").as_str()).unwrap().detach();
    let revisions = Revisions { tips: vec![first], exclusions: vec![tip], symmetric_pairs: Vec::new() };
    assert_eq!(select(&repo, &revisions, ExclusionMode::Exact).unwrap().commits, []);
    assert_eq!(ids(&select(&repo, &revisions, ExclusionMode::Quick).unwrap()), BTreeSet::from([first]));
}

#[test]
fn candidates_do_not_depend_on_the_number_of_threads() {
    let scratch = Scratch::new(&["--bare"]);
    scratch.git_with(&["fast-import", "--quiet"], many_files(300).as_bytes());
    let repo = scratch.open();
    let range = quick_range(&repo, &["main"]);
    let expected = candidates(&repo, &range, 1, &NEVER_STOP).candidates;
    assert!(expected.len() > 300);
    for threads in [2, 3, 50] {
        assert_eq!(candidates(&repo, &range, threads, &NEVER_STOP).candidates, expected);
    }
}

#[test]
fn directories_with_very_long_paths_are_gaps() {
    let scratch = Scratch::new(&["--bare"]);
    let name = "d".repeat(250);
    let blob = scratch.git_with(&["hash-object", "-w", "--stdin"], b"content");
    let mut tree = scratch.git_with(&["mktree"], format!("100644 blob {}\tf\n", blob.trim()).as_bytes());
    for _ in 0..100 {
        tree = scratch.git_with(&["mktree"], format!("040000 tree {}\t{name}\n", tree.trim()).as_bytes());
    }
    let commit = scratch.git(&["commit-tree", "-m", "x", tree.trim()]);
    scratch.git(&["update-ref", "refs/heads/main", commit.trim()]);
    let repo = scratch.open();
    let content = candidates(&repo, &quick_range(&repo, &["main"]), 1, &NEVER_STOP);
    assert!(content.candidates.is_empty() && content.names.len() < 20, "{}", content.names.len());
    assert_eq!(content.gaps.into_skips().len(), 1);
}

#[test]
fn a_stopped_run_finds_nothing() {
    let scratch = forked_repository();
    let repo = scratch.open();
    let range = quick_range(&repo, &["side..main"]);
    let stop = AtomicBool::new(true);
    let content = candidates(&repo, &range, 2, &stop);
    assert!(content.candidates.is_empty() && content.names.is_empty() && content.gaps.is_empty());
    let (outside, gaps) = blobs_outside(&repo, &range, &Default::default(), &stop);
    assert!(outside.is_empty() && gaps.is_empty());
    let objects = HashMap::from([(scratch.id("main:main"), vec![0])]);
    let query = Query { objects, commits: vec![scratch.id("main")], secret_count: 1 };
    let options = Options { threads: 2, stop: &stop, include_unreachable: true };
    let (range_histories, attribution) = attribute_range(&repo, &refs::read(&repo), &range, &query, &options);
    let empty = vec![SecretHistory::default()];
    assert_eq!((&range_histories, &attribution.secrets), (&empty, &empty));
    assert_eq!(attribution.commits, [Reachability::default()]);
    assert!(attribution.gaps.is_empty());
}

/// A history, whether to write a commit-graph file, and the numbers of the commits that are tips and that are exclusions.
fn random_range() -> impl Strategy<Value = (RandomHistory, bool, Vec<usize>, Vec<usize>)> {
    let choices = |size| prop::collection::vec(any::<prop::sample::Index>(), size);
    (random_history(), any::<bool>(), choices(1..3), choices(0..3)).prop_map(
        |(history, has_commit_graph, tips, exclusions)| {
            let numbers = |choices: Vec<prop::sample::Index>| {
                choices.iter().map(|choice| choice.index(history.commits.len())).collect()
            };
            let (tips, exclusions) = (numbers(tips), numbers(exclusions));
            (history, has_commit_graph, tips, exclusions)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_ranges_agree_with_brute_force((history, has_commit_graph, tips, exclusions) in random_range()) {
        let (scratch, commits) = build(&history);
        if has_commit_graph {
            let list: String = commits.iter().map(|id| format!("{id}\n")).collect();
            scratch.git_with(&["commit-graph", "write", "--stdin-commits"], list.as_bytes());
        }
        let oracle = Oracle::new(&scratch, &commits);
        let repo = scratch.open();
        let pick = |numbers: &[usize]| numbers.iter().map(|&number| commits[number]).collect::<Vec<_>>();
        let revisions = Revisions { tips: pick(&tips), exclusions: pick(&exclusions), symmetric_pairs: Vec::new() };
        let ancestors = |ids: &[ObjectId]| ids.iter().flat_map(|id| oracle.ancestors(id)).collect::<BTreeSet<_>>();
        let excluded = ancestors(&revisions.exclusions);
        let expected: BTreeSet<_> =
            ancestors(&revisions.tips).into_iter().filter(|id| !excluded.contains(id)).collect();
        let range = select(&repo, &revisions, ExclusionMode::Exact).unwrap();
        prop_assert_eq!(&ids(&range), &expected);
        // The dates of a random history are off by minutes only.
        prop_assert_eq!(&ids(&select(&repo, &revisions, ExclusionMode::Quick).unwrap()), &expected);

        let RangeContent { candidates, gaps, .. } = candidates(&repo, &range, 2, &NEVER_STOP);
        prop_assert!(gaps.is_empty());
        let mut added = BTreeSet::new();
        for commit in &expected {
            let commit = &oracle.commits[commit];
            let inherited = |file| commit.parents.iter().any(|parent| oracle.commits[parent].files.contains(file));
            added.extend(commit.files.iter().filter(|file| !inherited(file)).map(|(_, blob)| *blob));
        }
        prop_assert_eq!(candidates.iter().map(|candidate| candidate.blob).collect::<BTreeSet<_>>(), added);

        let scanned = candidates.iter().map(|candidate| candidate.blob).collect();
        let (outside, _) = blobs_outside(&repo, &range, &scanned, &NEVER_STOP);
        let searched = outside.into_iter().chain(scanned);
        let objects: HashMap<_, _> =
            searched.filter_map(|id| Some((id, oracle.secrets.get(&id)?.clone()))).collect();
        let query = Query { objects, secret_count: SECRET_COUNT, ..Query::default() };
        let options = Options { threads: 2, stop: &NEVER_STOP, include_unreachable: false };
        let (histories, _) = attribute_range(&repo, &refs::read(&repo), &range, &query, &options);
        for (secret, history) in (0u32..).zip(&histories) {
            let has = |commit: &ObjectId| !oracle.paths(commit, secret).is_empty();
            let new = |id: &&ObjectId| has(id) && !oracle.commits[*id].parents.iter().any(has);
            let introduced: BTreeSet<_> = history.introduced.iter().map(|change| change.commit.clone()).collect();
            prop_assert_eq!(introduced, expected.iter().filter(new).map(ToString::to_string).collect());
            let paths: BTreeSet<_> = history.paths.iter().map(|secret_path| secret_path.path.clone()).collect();
            let expected_paths = expected.iter().flat_map(|id| oracle.paths(id, secret));
            prop_assert_eq!(paths, expected_paths.map(|path| path.as_bytes().to_vec()).collect());
        }
    }
}
