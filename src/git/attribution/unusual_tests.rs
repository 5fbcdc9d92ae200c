//! Tests attribution in unusual repositories: amended, shallow, partial, damaged, hostile.

use super::tests::NEVER_STOP;
use super::*;
use crate::git::refs;
use crate::git::scratch::Scratch;

/// A repository whose second commit adds `leak`.
fn repository_with_leak() -> (Scratch, ObjectId) {
    let scratch = Scratch::new(&[]);
    scratch.write("src/clean", "clean");
    scratch.commit("first");
    scratch.write("src/leak", "leak");
    scratch.commit("second");
    let blob = scratch.id("HEAD:src/leak");
    (scratch, blob)
}

fn options(include_unreachable: bool) -> Options<'static> {
    Options { threads: 2, stop: &NEVER_STOP, include_unreachable }
}

/// The history of the one secret in `objects`.
fn attribute_objects(scratch: &Scratch, objects: &[ObjectId], include_unreachable: bool) -> Attribution {
    let repo = scratch.open();
    let objects = objects.iter().map(|&id| (id, vec![0])).collect();
    let query = Query { objects, secret_count: 1, ..Query::default() };
    attribute(&repo, &refs::read(&repo), &query, &options(include_unreachable))
}

fn commits(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.commit.as_str()).collect()
}

fn gap_lines(answer: &Attribution) -> Vec<String> {
    answer
        .gaps
        .clone()
        .into_skips()
        .into_iter()
        .map(|skip| format!("{}: {}", skip.what, skip.reason))
        .collect()
}

#[test]
fn an_empty_query_reads_no_pack() {
    let scratch = Scratch::new(&[]);
    std::fs::remove_dir_all(scratch.path().join(".git/objects/pack")).unwrap();
    let answer = attribute_objects(&scratch, &[], false);
    assert_eq!((answer.secrets.len(), gap_lines(&answer).len()), (1, 0));
    assert_eq!(answer.secrets[0].reached_by, None);
}

#[test]
fn an_amended_commit_is_held_by_the_reflog() {
    let (scratch, blob) = repository_with_leak();
    let leaking = scratch.id("HEAD");
    std::fs::remove_file(scratch.path().join("src/leak")).unwrap();
    scratch.git(&["add", "-A"]);
    scratch.git(&["commit", "-q", "--allow-empty", "--amend", "-m", "second"]);
    let answer = attribute_objects(&scratch, &[blob], true);
    let history = &answer.secrets[0];
    assert_eq!(history.reached_by, Some(ReachedBy::Reflog));
    assert_eq!(commits(&history.introduced), [leaking.to_string()]);
    assert_eq!(history.reachability.held_by, ["HEAD@{1}", "refs/heads/main@{1}"]);
    assert_eq!(history.reachability.refs_in_history, Vec::<String>::new());
    assert_eq!(history.paths[0].path, b"src/leak");

    std::fs::remove_dir_all(scratch.path().join(".git/logs")).unwrap();
    let history = &attribute_objects(&scratch, &[blob], true).secrets[0];
    assert_eq!(
        (history.reached_by, commits(&history.introduced)),
        (Some(ReachedBy::Nothing), vec![leaking.to_string().as_str()])
    );
    let history = &attribute_objects(&scratch, &[blob], false).secrets[0];
    assert_eq!((history.reached_by, &history.unnamed_objects[..]), (None, &[blob][..]));
}

#[test]
fn a_removed_secret_is_exposed_until_its_removal() {
    let (scratch, blob) = repository_with_leak();
    let introduced = scratch.id("HEAD").to_string();
    std::fs::remove_file(scratch.path().join("src/leak")).unwrap();
    let removed = scratch.commit("third").to_string();
    let mut history = attribute_objects(&scratch, &[blob], false).secrets.remove(0);
    assert_eq!(
        (commits(&history.introduced), commits(&history.removed)),
        (vec![&introduced[..]], vec![&removed[..]])
    );
    assert_eq!(
        (history.reachability.refs_at_tip.len(), &history.reachability.refs_in_history[..]),
        (0, &["refs/heads/main".to_owned()][..])
    );
    history.introduced[0].seconds = 100;
    history.removed[0].seconds = 160;
    assert_eq!(history.exposed_seconds(false, 1000), Some(60));
    assert_eq!(history.exposed_seconds(true, 1000), Some(900));
    history.removed.clear();
    assert_eq!(history.exposed_seconds(false, 1000), None);
    assert_eq!(history.exposed_seconds(true, 50), Some(0));
}

#[test]
fn a_detached_head_and_tags_of_trees_and_blobs_count_as_refs() {
    let (scratch, blob) = repository_with_leak();
    scratch.git(&["checkout", "-q", "--detach"]);
    scratch.git(&["tag", "-a", "-m", "a tree", "tree", "HEAD:src"]);
    scratch.git(&["tag", "-a", "-m", "a blob", "blob", "HEAD:src/leak"]);
    scratch.git(&["tag", "-a", "-m", "a tag", "tag", "blob"]);
    let answer = attribute_objects(&scratch, &[blob], false);
    let refs = ["HEAD", "refs/heads/main", "refs/tags/blob", "refs/tags/tag", "refs/tags/tree"];
    assert_eq!(answer.secrets[0].reachability.refs_at_tip, refs);
    let paths: Vec<_> = answer.secrets[0].paths.iter().map(|secret_path| &secret_path.path[..]).collect();
    assert_eq!(paths, [&b"leak"[..], b"src/leak"]);
}

#[test]
fn reflog_entries_of_tags_are_no_tags() {
    let (scratch, blob) = repository_with_leak();
    scratch.git(&["config", "core.logAllRefUpdates", "always"]);
    scratch.git(&["tag", "moved"]);
    scratch.write("more", "more");
    scratch.commit("third");
    scratch.git(&["tag", "-f", "moved"]);
    scratch.git(&["tag", "new"]);
    let answer = attribute_objects(&scratch, &[blob], true);
    let tags: Vec<_> = answer.secrets[0].reachability.tags.iter().map(|tag| &tag.name[..]).collect();
    assert_eq!(tags, ["refs/tags/moved", "refs/tags/new"]);
}

#[test]
fn a_secret_in_the_name_of_an_entry_has_the_path_of_its_tree() {
    let (scratch, _) = repository_with_leak();
    let (top, src) = (scratch.id("HEAD^{tree}"), scratch.id("HEAD:src"));
    let history = attribute_objects(&scratch, &[src], false).secrets.remove(0);
    assert_eq!(history.introduced[0].path.as_deref(), Some(&b"src"[..]));
    assert_eq!((&history.paths[0].path[..], history.paths[0].newest), (&b"src"[..], src));
    let history = attribute_objects(&scratch, &[top], false).secrets.remove(0);
    assert_eq!(history.introduced[0].path.as_deref(), Some(&b""[..]));
}

#[test]
fn a_shallow_boundary_is_a_gap() {
    let (scratch, blob) = repository_with_leak();
    scratch.write("more", "more");
    let tip = scratch.commit("third");
    let url = format!("file://{}", scratch.path().display());
    scratch.git(&["clone", "-q", "--depth=1", &url, "shallow"]);
    let repo = gix::open_opts(scratch.path().join("shallow"), gix::open::Options::isolated()).unwrap();
    let query = Query { objects: HashMap::from([(blob, vec![0])]), secret_count: 1, ..Query::default() };
    let answer = attribute(&repo, &refs::read(&repo), &query, &options(false));
    assert_eq!(commits(&answer.secrets[0].introduced), [tip.to_string()]);
    let gaps = gap_lines(&answer);
    assert!(gaps.len() == 1 && gaps[0].contains("--unshallow"), "{gaps:?}");
}

#[test]
fn replace_refs_and_grafts_are_not_obeyed() {
    let (scratch, blob) = repository_with_leak();
    let (first, second) = (scratch.id("HEAD~1"), scratch.id("HEAD"));
    scratch.write("src/leak", "replaced");
    scratch.commit("third");
    scratch.git(&["replace", &second.to_string(), &first.to_string()]);
    scratch.git(&["replace", "-f", &scratch.id("HEAD:src/leak").to_string(), &blob.to_string()]);
    scratch.write(".git/info/grafts", &format!("{}\n", scratch.id("main")));
    let answer = attribute_objects(&scratch, &[blob], false);
    assert_eq!(commits(&answer.secrets[0].introduced), [second.to_string()]);
    assert_eq!(answer.secrets[0].removed.len(), 1);
}

#[test]
fn missing_and_damaged_objects_are_gaps() {
    let (scratch, blob) = repository_with_leak();
    let object = |id: ObjectId| {
        let hex = id.to_string();
        scratch.path().join(".git/objects").join(&hex[..2]).join(&hex[2..])
    };
    let (tree, commit) = (scratch.id("HEAD~1:src"), scratch.id("HEAD~1"));
    std::fs::remove_file(object(tree)).unwrap();
    let answer = attribute_objects(&scratch, &[blob], false);
    assert_eq!(answer.secrets[0].introduced.len(), 1);
    let gaps = gap_lines(&answer);
    assert!(gaps.len() == 1 && gaps[0].starts_with(&format!("tree {tree}: missing")), "{gaps:?}");

    std::fs::remove_file(object(commit)).unwrap();
    std::fs::write(object(commit), "not zlib").unwrap();
    let gaps = gap_lines(&attribute_objects(&scratch, &[blob], false));
    assert!(gaps.iter().any(|gap| gap.starts_with(&format!("commit {commit}: cannot be read"))), "{gaps:?}");
}

#[test]
fn alternates_and_several_packs_are_one_database() {
    let (scratch, blob) = repository_with_leak();
    scratch.git(&["repack", "-q", "-ad"]);
    scratch.git(&["clone", "-q", "--shared", ".", "borrower"]);
    scratch.write("borrower/own", "own");
    scratch.git(&["-C", "borrower", "add", "-A"]);
    scratch.git(&["-C", "borrower", "commit", "-q", "-m", "own"]);
    scratch.git(&["-C", "borrower", "repack", "-q", "-d", "-l"]);
    let repo = gix::open_opts(scratch.path().join("borrower"), gix::open::Options::isolated()).unwrap();
    let query = Query { objects: HashMap::from([(blob, vec![0])]), secret_count: 1, ..Query::default() };
    let answer = attribute(&repo, &refs::read(&repo), &query, &options(false));
    assert_eq!(commits(&answer.secrets[0].introduced), [scratch.id("HEAD").to_string()]);
    assert_eq!(gap_lines(&answer), Vec::<String>::new());
    assert!(answer.secrets[0].reachability.refs_at_tip.contains(&"refs/heads/main".to_owned()));
}

#[test]
fn objects_missing_from_a_partial_clone_are_gaps() {
    let (scratch, blob) = repository_with_leak();
    scratch.write("src/leak", "no longer");
    scratch.commit("third");
    scratch.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", scratch.path().display());
    let query = Query { objects: HashMap::from([(blob, vec![0])]), secret_count: 1, ..Query::default() };
    for (filter, missing) in [("blob:none", 0), ("tree:0", 3)] {
        let name = filter.replace(':', "-");
        scratch.git(&["clone", "-q", "--bare", &format!("--filter={filter}"), &url, &name]);
        let repo = gix::open_opts(scratch.path().join(&name), gix::open::Options::isolated()).unwrap();
        let answer = attribute(&repo, &refs::read(&repo), &query, &options(false));
        let gaps = gap_lines(&answer);
        assert_eq!(gaps.len(), missing, "{filter}: {gaps:?}");
        assert!(gaps.iter().all(|gap| gap.starts_with("tree ") && gap.contains("git fetch --refetch")));
        assert_eq!(answer.secrets[0].introduced.len(), usize::from(missing == 0));
    }
}

#[test]
fn a_pseudoref_to_a_pruned_object_is_not_a_gap() {
    let (scratch, blob) = repository_with_leak();
    scratch.write(".git/ORIG_HEAD", &format!("{}\n", "12".repeat(20)));
    assert_eq!(gap_lines(&attribute_objects(&scratch, &[blob], false)), Vec::<String>::new());
}

/// The attribution of `secret_count` secrets, all in one blob, in a repository with a single commit. `tree` returns the id of its
/// tree.
fn attribute_blob_in(secret_count: u32, tree: impl Fn(&Scratch, &str) -> String) -> (ObjectId, Attribution) {
    let scratch = Scratch::new(&["--bare"]);
    let blob = scratch.git_with(&["hash-object", "-w", "--stdin"], b"leak");
    let commit = scratch.git(&["commit-tree", "-m", "bomb", tree(&scratch, blob.trim()).trim()]);
    scratch.git(&["update-ref", "refs/heads/main", commit.trim()]);
    let blob = ObjectId::from_hex(blob.trim().as_bytes()).unwrap();
    let objects = HashMap::from([(blob, (0..secret_count).collect())]);
    let query = Query { objects, secret_count: secret_count as usize, ..Query::default() };
    let repo = scratch.open();
    (blob, attribute(&repo, &refs::read(&repo), &query, &options(false)))
}

#[test]
fn many_secrets_at_many_paths_each_keep_a_path() {
    const SECRET_COUNT: u32 = 600;
    let (_, answer) = attribute_blob_in(SECRET_COUNT, |scratch, blob| {
        let lines: String = (0..500).map(|nth| format!("100644 blob {blob}\tf{nth:03}\n")).collect();
        scratch.git_with(&["mktree"], lines.as_bytes())
    });
    let place_count: usize = answer.secrets.iter().map(|history| history.paths.len()).sum();
    assert!(place_count < secret_paths::MAX_PLACES + SECRET_COUNT as usize, "{place_count}");
    assert!(answer.secrets.iter().all(|history| !history.paths.is_empty() && history.introduced.len() == 1));
    assert!(gap_lines(&answer)[0].starts_with("paths of some findings"));
}

#[test]
fn an_object_below_a_directory_with_a_very_long_path_is_named_by_its_id() {
    let (blob, answer) = attribute_blob_in(1, |scratch, blob| {
        let name = "d".repeat(250);
        let mut tree = scratch.git_with(&["mktree"], format!("100644 blob {blob}\tf\n").as_bytes());
        for _ in 0..=MAX_DIRECTORY_LEN / name.len() {
            tree = scratch.git_with(&["mktree"], format!("040000 tree {}\t{name}\n", tree.trim()).as_bytes());
        }
        tree
    });
    let history = &answer.secrets[0];
    assert_eq!((history.paths.len(), &history.unnamed_objects[..]), (0, &[blob][..]));
    assert_eq!(history.introduced.iter().map(|change| change.path.clone()).collect::<Vec<_>>(), [None]);
    assert!(gap_lines(&answer)[0].starts_with("paths of some findings"));
}

#[test]
fn trees_with_billions_of_paths_are_truncated() {
    let scratch = Scratch::new(&["--bare"]);
    let blob = scratch.git_with(&["hash-object", "-w", "--stdin"], b"leak");
    let mut lines: String = (0..10).map(|nth| format!("100644 blob {}\tf{nth}\n", blob.trim())).collect();
    for _ in 0..9 {
        let tree = scratch.git_with(&["mktree"], lines.as_bytes());
        lines = (0..10).map(|nth| format!("040000 tree {}\td{nth}\n", tree.trim())).collect();
    }
    let tree = scratch.git_with(&["mktree"], lines.as_bytes());
    let commit = scratch.git(&["commit-tree", "-m", "bomb", tree.trim()]);
    scratch.git(&["update-ref", "refs/heads/main", commit.trim()]);
    let answer = attribute_objects(&scratch, &[ObjectId::from_hex(blob.trim().as_bytes()).unwrap()], false);
    assert_eq!(answer.secrets[0].introduced.len(), 1);
    assert!(gap_lines(&answer)[0].starts_with("paths of some findings"));
}
