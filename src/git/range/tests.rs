//! Compares ranges with `git rev-list`, and what random ranges introduce with brute force.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::*;
use crate::git::attribution::tests::{HistoryPlan, Oracle, SECRETS, build, many_files, plan};
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
fn forked() -> Scratch {
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
    let scratch = forked();
    let repo = scratch.open();
    let abbreviated = scratch.id("HEAD~2").to_string()[..9].to_owned();
    let abbreviated = format!("{abbreviated}..main");
    let all: &[&[&str]] = &[
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
    for words in all {
        let listed = scratch.git(&[&["rev-list"], *words, &["--"]].concat());
        let listed = listed.lines().map(|line| ObjectId::from_hex(line.as_bytes()).unwrap()).collect();
        assert_eq!(ids(&quick_range(&repo, words)), listed, "{words:?}");
    }
}

#[test]
fn annotated_tags_among_the_tips_are_in_the_range() {
    let scratch = forked();
    let range = quick_range(&scratch.open(), &["one"]);
    assert_eq!(range.tags, [scratch.id("refs/tags/one")]);
}

#[test]
fn errors_for_unresolved_revisions_name_cause_and_remedy() {
    let scratch = forked();
    let repo = scratch.open();
    let gone = "12".repeat(20);
    let missing = parse(&repo, &[format!("{gone}..main")]).unwrap_err();
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
    let scratch = forked();
    let url = format!("file://{}", scratch.path().display());
    scratch.git(&["clone", "-q", "--depth=2", "--no-single-branch", &url, "shallow"]);
    let repo = gix::open_opts(scratch.path().join("shallow"), gix::open::Options::isolated()).unwrap();
    let cut = quick_range(&repo, &["origin/main"]).gaps.into_skips();
    assert!(cut.iter().all(|skip| skip.reason.contains("fetch-depth: 0")) && !cut.is_empty());
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
    let RangeContent { candidates: found, gaps, .. } = candidates(&repo, &range, 2, &NEVER_STOP);
    assert!(gaps.is_empty());
    let (blob, replaced) = (scratch.id("HEAD:dir/file"), vec![scratch.id("HEAD~1:dir/file")]);
    assert_eq!(
        found,
        [CandidateBlob {
            blob,
            path: b"dir/file".to_vec(),
            commit: Some(commit),
            replaced: replaced.clone()
        }]
    );
    let (before, _) =
        blobs_outside(&repo, &range, &found.iter().map(|found| found.blob).collect(), &NEVER_STOP);
    assert_eq!(BTreeSet::from_iter(before), BTreeSet::from([replaced[0], scratch.id("HEAD:other")]));
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
    let revisions = Revisions { tips: vec![first], hidden: vec![tip], common: Vec::new() };
    assert_eq!(select(&repo, &revisions, ExclusionMode::Exact).unwrap().commits, []);
    assert_eq!(ids(&select(&repo, &revisions, ExclusionMode::Quick).unwrap()), BTreeSet::from([first]));
}

#[test]
fn candidates_do_not_depend_on_the_number_of_threads() {
    let scratch = Scratch::new(&["--bare"]);
    scratch.git_with(&["fast-import", "--quiet"], many_files(300).as_bytes());
    let repo = scratch.open();
    let range = quick_range(&repo, &["main"]);
    let alone = candidates(&repo, &range, 1, &NEVER_STOP).candidates;
    assert!(alone.len() > 300);
    for threads in [2, 3, 50] {
        assert_eq!(candidates(&repo, &range, threads, &NEVER_STOP).candidates, alone);
    }
}

#[test]
fn a_stopped_run_finds_nothing() {
    let scratch = forked();
    let repo = scratch.open();
    let range = quick_range(&repo, &["side..main"]);
    let stop = AtomicBool::new(true);
    let RangeContent { candidates: found, names, gaps, .. } = candidates(&repo, &range, 2, &stop);
    assert!(found.is_empty() && names.is_empty() && gaps.is_empty());
    let (before, gaps) = blobs_outside(&repo, &range, &Default::default(), &stop);
    assert!(before.is_empty() && gaps.is_empty());
    let objects = HashMap::from([(scratch.id("main:main"), vec![0])]);
    let query = Query { objects, commits: vec![scratch.id("main")], secrets: 1 };
    let options = Options { threads: 2, stop: &stop, include_unreachable: true };
    let (within, whole) = attribute_range(&repo, &refs::read(&repo), &range, &query, &options);
    assert_eq!((within, whole.secrets), (vec![SecretHistory::default()], vec![SecretHistory::default()]));
    assert_eq!(whole.commits, [Reachability::default()]);
    assert!(whole.gaps.is_empty());
}

/// A plan, whether to write a commit-graph file, and which commits are tips and which are excluded.
fn ranged() -> impl Strategy<Value = (HistoryPlan, bool, Vec<usize>, Vec<usize>)> {
    let some = |size| prop::collection::vec(any::<prop::sample::Index>(), size);
    (plan(), any::<bool>(), some(1..3), some(0..3)).prop_map(|(plan, graph, tips, hidden)| {
        let among =
            |all: Vec<prop::sample::Index>| all.iter().map(|at| at.index(plan.commits.len())).collect();
        let (tips, hidden) = (among(tips), among(hidden));
        (plan, graph, tips, hidden)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_ranges_agree_with_brute_force((plan, graph, tips, hidden) in ranged()) {
        let (scratch, made) = build(&plan);
        if graph {
            let all: String = made.iter().map(|id| format!("{id}\n")).collect();
            scratch.git_with(&["commit-graph", "write", "--stdin-commits"], all.as_bytes());
        }
        let oracle = Oracle::new(&scratch, &made);
        let repo = scratch.open();
        let pick = |numbers: &[usize]| numbers.iter().map(|&number| made[number]).collect::<Vec<_>>();
        let revisions = Revisions { tips: pick(&tips), hidden: pick(&hidden), common: Vec::new() };
        let history = |ids: &[ObjectId]| ids.iter().flat_map(|id| oracle.ancestors(id)).collect::<BTreeSet<_>>();
        let hidden = history(&revisions.hidden);
        let expected: BTreeSet<_> = history(&revisions.tips).into_iter().filter(|id| !hidden.contains(id)).collect();
        let range = select(&repo, &revisions, ExclusionMode::Exact).unwrap();
        prop_assert_eq!(&ids(&range), &expected);
        // The plan's dates are off by minutes only.
        prop_assert_eq!(&ids(&select(&repo, &revisions, ExclusionMode::Quick).unwrap()), &expected);

        let RangeContent { candidates: found, gaps, .. } = candidates(&repo, &range, 2, &NEVER_STOP);
        prop_assert!(gaps.is_empty());
        let mut added = BTreeSet::new();
        for commit in &expected {
            let commit = &oracle.commits[commit];
            let inherited = |file| commit.parents.iter().any(|parent| oracle.commits[parent].files.contains(file));
            added.extend(commit.files.iter().filter(|file| !inherited(file)).map(|(_, blob)| *blob));
        }
        prop_assert_eq!(found.iter().map(|found| found.blob).collect::<BTreeSet<_>>(), added);

        let scanned = found.iter().map(|found| found.blob).collect();
        let (before, _) = blobs_outside(&repo, &range, &scanned, &NEVER_STOP);
        let searched = before.into_iter().chain(scanned);
        let objects: HashMap<_, _> =
            searched.filter_map(|id| Some((id, oracle.secrets.get(&id)?.clone()))).collect();
        let query = Query { objects, secrets: SECRETS, ..Query::default() };
        let options = Options { threads: 2, stop: &NEVER_STOP, include_unreachable: false };
        let (histories, _) = attribute_range(&repo, &refs::read(&repo), &range, &query, &options);
        for (secret, history) in (0u32..).zip(&histories) {
            let has = |commit: &ObjectId| !oracle.paths(commit, secret).is_empty();
            let new = |id: &&ObjectId| has(id) && !oracle.commits[*id].parents.iter().any(has);
            let introduced: BTreeSet<_> = history.introduced.iter().map(|change| change.commit.clone()).collect();
            prop_assert_eq!(introduced, expected.iter().filter(new).map(ToString::to_string).collect());
            let places: BTreeSet<_> = history.paths.iter().map(|place| place.path.clone()).collect();
            let paths = expected.iter().flat_map(|id| oracle.paths(id, secret));
            prop_assert_eq!(places, paths.map(|path| path.as_bytes().to_vec()).collect());
        }
    }
}
