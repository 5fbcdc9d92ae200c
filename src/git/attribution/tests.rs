//! Compares attribution of random histories with brute force, which uses git's output for each commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use gix::ObjectId;
use proptest::prelude::*;

use super::*;
use crate::git::refs;
use crate::git::scratch::Scratch;

const PATHS: [&str; 7] = ["a", "d/x", "d/e/y", "d.z", "d0", "e/x", "z"];
/// Contents of files, each with the numbers of its secrets.
const CONTENTS: [(&str, &[u32]); 6] =
    [("nothing", &[]), ("plain", &[]), ("k0", &[0]), ("k0 again", &[0]), ("k1", &[1]), ("k0 k2", &[0, 2])];
/// Number of secrets. The last one is in no content.
pub(crate) const SECRET_COUNT: usize = 4;
/// A flag that is never set.
pub(super) static NEVER_STOP: AtomicBool = AtomicBool::new(false);

/// A commit of a random history.
#[derive(Clone, Debug)]
pub(crate) struct RandomCommit {
    /// The numbers of earlier commits.
    parents: Vec<usize>,
    /// Changes to the files of the first parent: number of the path, and number of the content or `None` for a deletion.
    edits: Vec<(usize, Option<usize>)>,
    /// Seconds since 1970.
    time: i64,
}

/// A random history.
#[derive(Clone, Debug)]
pub(crate) struct RandomHistory {
    pub(crate) commits: Vec<RandomCommit>,
    branches: Vec<usize>,
    tags: Vec<usize>,
    /// 0 for loose objects, 1 for a pack without deltas, 2 for one with deltas.
    packing: u8,
}

pub(crate) fn random_history() -> impl Strategy<Value = RandomHistory> {
    let edit = (0..PATHS.len(), prop::option::weighted(0.7, 0..CONTENTS.len()));
    let commit = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        prop::collection::vec(edit, 0..4),
        0i64..6,
    );
    let commits = prop::collection::vec(commit, 1..14).prop_map(|all| {
        let mut commits: Vec<RandomCommit> = Vec::new();
        for (nth, (parents, edits, time)) in all.into_iter().enumerate() {
            let mut seen = BTreeSet::new();
            let mut parents: Vec<usize> =
                if nth == 0 { Vec::new() } else { parents.iter().map(|p| p.index(nth)).collect() };
            parents.retain(|&parent| seen.insert(parent));
            commits.push(RandomCommit { parents, edits, time: 1_000_000 + time * 100 });
        }
        commits
    });
    let few_commits = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (commits, few_commits(), few_commits(), 0u8..3).prop_map(|(commits, branches, tags, packing)| {
        RandomHistory {
            branches: branches.iter().map(|choice| choice.index(commits.len())).collect(),
            tags: tags.iter().map(|choice| choice.index(commits.len())).collect(),
            commits,
            packing,
        }
    })
}

/// Creates the repository, and returns the ids of the commits in the order of the history.
pub(crate) fn build(history: &RandomHistory) -> (Scratch, Vec<ObjectId>) {
    let scratch = Scratch::new(&["--bare"]);
    let mut stream = String::new();
    let mut trees: Vec<BTreeMap<&str, usize>> = Vec::new();
    for (nth, commit) in history.commits.iter().enumerate() {
        let mut tree = commit.parents.first().map_or_else(BTreeMap::new, |&parent| trees[parent].clone());
        for &(path, content) in &commit.edits {
            match content {
                Some(content) => tree.insert(PATHS[path], content),
                None => tree.remove(PATHS[path]),
            };
        }
        let _ = writeln!(stream, "commit refs/made/{nth}\nmark :{}", nth + 1);
        let _ = writeln!(
            stream,
            "author A <a@b> {} +0130\ncommitter C <c@d> {} +0000\ndata 0",
            commit.time - 7,
            commit.time
        );
        for (position, parent) in commit.parents.iter().enumerate() {
            let _ = writeln!(stream, "{} :{}", if position == 0 { "from" } else { "merge" }, parent + 1);
        }
        let _ = writeln!(stream, "deleteall");
        for (path, &content) in &tree {
            let _ = writeln!(
                stream,
                "M 100644 inline {path}\ndata {}\n{}",
                CONTENTS[content].0.len(),
                CONTENTS[content].0
            );
        }
        trees.push(tree);
    }
    for (nth, commit) in history.branches.iter().enumerate() {
        let _ = writeln!(stream, "reset refs/heads/b{nth}\nfrom :{}\n", commit + 1);
    }
    for (nth, commit) in history.tags.iter().enumerate() {
        let _ = writeln!(stream, "tag t{nth}\nfrom :{}\ntagger T <t@t> 0 +0000\ndata 0\n", commit + 1);
    }
    let limit = if history.packing == 0 { "fastimport.unpackLimit=1000" } else { "fastimport.unpackLimit=1" };
    scratch.git_with(&["-c", limit, "fast-import", "--quiet"], stream.as_bytes());
    let ids_by_ref: HashMap<String, ObjectId> = scratch
        .git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/made"])
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(id, name)| (name.to_owned(), ObjectId::from_hex(id.as_bytes()).unwrap()))
        .collect();
    if history.packing == 2 {
        scratch.git(&["repack", "-q", "-adf", "--depth=50"]);
    }
    let deletions: String = ids_by_ref.keys().map(|name| format!("delete {name}\n")).collect();
    scratch.git_with(&["update-ref", "--stdin"], deletions.as_bytes());
    let ids = (0..history.commits.len()).map(|nth| ids_by_ref[&format!("refs/made/{nth}")]).collect();
    (scratch, ids)
}

/// A commit according to git.
pub(crate) struct ListedCommit {
    pub(crate) parents: Vec<ObjectId>,
    pub(crate) files: Vec<(String, ObjectId)>,
    time: i64,
}

/// What git lists, and the secrets in each blob.
pub(crate) struct Oracle {
    pub(crate) commits: HashMap<ObjectId, ListedCommit>,
    pub(crate) secrets: HashMap<ObjectId, Vec<u32>>,
    tips: Vec<(String, ObjectId)>,
}

impl Oracle {
    pub(crate) fn new(scratch: &Scratch, ids: &[ObjectId]) -> Self {
        let parse = |text: &str| ObjectId::from_hex(text.as_bytes()).unwrap();
        let revisions: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let list =
            scratch.git_with(&["rev-list", "--parents", "--timestamp", "--stdin"], revisions.as_bytes());
        let mut commits = HashMap::new();
        for line in list.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let listing = scratch.git(&["ls-tree", "-r", words[1]]);
            let files = listing.lines().map(|line| {
                let (head, path) = line.split_once('\t').unwrap();
                (path.to_owned(), parse(head.split(' ').nth(2).unwrap()))
            });
            let commit = ListedCommit {
                parents: words[2..].iter().map(|id| parse(id)).collect(),
                files: files.collect(),
                time: words[0].parse().unwrap(),
            };
            commits.insert(parse(words[1]), commit);
        }
        let mut secrets = HashMap::new();
        for (content, numbers) in CONTENTS {
            let id =
                gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, content.as_bytes())
                    .unwrap();
            secrets.insert(id, numbers.to_vec());
        }
        let tips = scratch.git(&["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"]);
        let tips = tips.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_owned(), parse(words.last().unwrap()))
        });
        Self { commits, secrets, tips: tips.collect() }
    }

    fn has_secret(&self, blob: &ObjectId, secret: u32) -> bool {
        self.secrets.get(blob).is_some_and(|secrets| secrets.contains(&secret))
    }

    /// The paths at which a commit has a secret.
    pub(crate) fn paths(&self, commit: &ObjectId, secret: u32) -> BTreeSet<&str> {
        let files = self.commits[commit].files.iter();
        files.filter(|(_, blob)| self.has_secret(blob, secret)).map(|(path, _)| path.as_str()).collect()
    }

    pub(crate) fn ancestors(&self, commit: &ObjectId) -> BTreeSet<ObjectId> {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![*commit]);
        while let Some(commit) = todo.pop() {
            if seen.insert(commit) {
                todo.extend(&self.commits[&commit].parents);
            }
        }
        seen
    }

    /// The names of the refs whose tips are `wanted`.
    fn names(&self, wanted: &dyn Fn(&ObjectId) -> bool) -> Vec<String> {
        self.tips.iter().filter(|(_, tip)| wanted(tip)).map(|(name, _)| name.clone()).collect()
    }

    /// Checks everything about one secret.
    fn check(&self, secret: u32, history: &SecretHistory) -> Result<(), TestCaseError> {
        let has = |commit: &ObjectId| !self.paths(commit, secret).is_empty();
        let reachable: BTreeSet<ObjectId> =
            self.tips.iter().flat_map(|(_, tip)| self.ancestors(tip)).collect();
        let reached_by = if reachable.iter().any(has) {
            Some(ReachedBy::Ref)
        } else {
            self.commits.keys().any(has).then_some(ReachedBy::Nothing)
        };
        prop_assert_eq!(history.reached_by, reached_by);
        let (mut introduced, mut removed) = (BTreeSet::new(), BTreeSet::new());
        for (id, commit) in &self.commits {
            if reached_by == Some(ReachedBy::Ref) && !reachable.contains(id) {
                continue;
            }
            let parent = commit.parents.iter().find(|parent| has(parent));
            let first = |commit| self.paths(commit, secret).first().map(|path| path.as_bytes().to_vec());
            match (has(id), parent) {
                (true, None) => introduced.insert((id.to_string(), first(id))),
                (false, Some(parent)) => removed.insert((id.to_string(), first(parent))),
                _ => false,
            };
        }
        for (changes, expected) in [(&history.introduced, introduced), (&history.removed, removed)] {
            let actual: BTreeSet<_> =
                changes.iter().map(|change| (change.commit.clone(), change.path.clone())).collect();
            prop_assert_eq!(actual, expected);
            prop_assert!(changes.is_sorted_by_key(|change| change.seconds));
            prop_assert!(
                changes.iter().all(|change| change.author == "A <a@b>" && change.date.ends_with("+01:30"))
            );
        }
        self.check_moves(secret, history, &reachable)?;
        let named = |wanted: &dyn Fn(&ObjectId) -> bool| self.names(wanted);
        prop_assert_eq!(&history.reachability.refs_at_tip, &named(&has));
        prop_assert_eq!(
            &history.reachability.refs_in_history,
            &named(&|tip| self.ancestors(tip).iter().any(has))
        );
        self.check_paths(secret, history, &reachable)
    }

    /// Checks moves. A commit moves a secret from paths at which every parent has the secret and the commit does not,
    /// to paths at which the commit has it and no parent does.
    fn check_moves(
        &self,
        secret: u32,
        history: &SecretHistory,
        reachable: &BTreeSet<ObjectId>,
    ) -> Result<(), TestCaseError> {
        let mut expected = 0;
        for (id, commit) in &self.commits {
            if history.reached_by == Some(ReachedBy::Ref) && !reachable.contains(id) {
                continue;
            }
            let paths = self.paths(id, secret);
            let parents: Vec<_> = commit.parents.iter().map(|parent| self.paths(parent, secret)).collect();
            let Some(first) = parents.first() else { continue };
            let in_all = |path: &&&str| parents.iter().all(|parent| parent.contains(**path));
            let old: BTreeSet<&str> =
                first.iter().filter(|path| !paths.contains(**path)).filter(in_all).copied().collect();
            let in_none = |path: &&&str| parents.iter().all(|parent| !parent.contains(**path));
            let new: BTreeSet<&str> = paths.iter().filter(in_none).copied().collect();
            let moves = history.moves.iter().filter(|moved| moved.change.commit == *id);
            let pairs: Vec<_> =
                moves.map(|moved| (&moved.from, moved.change.path.as_ref().unwrap())).collect();
            prop_assert_eq!(pairs.len(), old.len().min(new.len()));
            expected += pairs.len();
            let text = |path: &Vec<u8>| String::from_utf8(path.clone()).unwrap();
            prop_assert!(
                pairs.iter().all(|(from, to)| old.contains(&*text(from)) && new.contains(&*text(to)))
            );
            let distinct: BTreeSet<_> = pairs.iter().flat_map(|(from, to)| [from, to]).collect();
            prop_assert_eq!(distinct.len(), 2 * pairs.len());
        }
        prop_assert_eq!(history.moves.len(), expected);
        Ok(())
    }

    fn check_paths(
        &self,
        secret: u32,
        history: &SecretHistory,
        reachable: &BTreeSet<ObjectId>,
    ) -> Result<(), TestCaseError> {
        let mut expected: BTreeMap<&str, Vec<(bool, i64, ObjectId, ObjectId)>> = BTreeMap::new();
        for (id, commit) in &self.commits {
            for (path, blob) in commit.files.iter().filter(|(_, blob)| self.has_secret(blob, secret)) {
                expected.entry(path).or_default().push((reachable.contains(id), commit.time, *id, *blob));
            }
        }
        prop_assert_eq!(history.paths.len(), expected.len());
        for (actual, (path, versions)) in history.paths.iter().zip(&expected) {
            prop_assert_eq!(&actual.path, path.as_bytes());
            let blobs: BTreeSet<_> = versions.iter().map(|(_, _, _, blob)| blob).collect();
            prop_assert_eq!(actual.versions, blobs.len() as u64);
            // Several commits may have the newest date. The chosen one is an ancestor of no other.
            let newest = versions.iter().map(|&(reachable, time, ..)| (reachable, time)).max().unwrap();
            let candidates: Vec<_> =
                versions.iter().filter(|&&(reachable, time, ..)| (reachable, time) == newest).collect();
            let commit = actual.commit.unwrap();
            prop_assert!(candidates.iter().any(|&&(.., id, blob)| id == commit && blob == actual.newest));
            let later =
                candidates.iter().any(|&&(.., id, _)| id != commit && self.ancestors(&id).contains(&commit));
            prop_assert!(!later, "a descendant of the chosen commit has the same date");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_agree_with_brute_force(history in random_history()) {
        let (scratch, ids) = build(&history);
        let oracle = Oracle::new(&scratch, &ids);
        let repo = scratch.open();
        let refs = refs::read(&repo);
        let query = Query { objects: oracle.secrets.clone(), commits: ids.clone(), secret_count: SECRET_COUNT };
        let answer = attribute(&repo, &refs, &query, &Options { threads: 2, stop: &NEVER_STOP, include_unreachable: true });
        prop_assert_eq!(answer.gaps.into_skips(), BTreeSet::new());
        for (secret, secret_history) in (0u32..).zip(&answer.secrets) {
            oracle.check(secret, secret_history)?;
        }
        for (id, reachability) in ids.iter().zip(&answer.commits) {
            let names = |wanted: &dyn Fn(&ObjectId) -> bool| oracle.names(wanted);
            prop_assert_eq!(&reachability.refs_at_tip, &names(&|tip| tip == id));
            prop_assert_eq!(&reachability.refs_in_history, &names(&|tip| oracle.ancestors(tip).contains(id)));
            prop_assert_eq!(&reachability.held_by, &Vec::<String>::new());
        }
    }
}

/// Input of `git fast-import`: commits that change, add and delete a few of many files, so that trees are deltas of each other.
pub(crate) fn many_files(commits: u64) -> String {
    let mut state = 7u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut stream = String::new();
    let path = |random: &mut dyn FnMut(u64) -> u64| format!("d{}/e{}/f{}", random(4), random(3), random(90));
    for commit in 0..commits {
        let _ = writeln!(stream, "commit refs/heads/main\ncommitter C <c@d> {commit} +0000\ndata 0");
        for _ in 0..if commit == 0 { 900 } else { 1 + random(6) } {
            let _ = match random(8) {
                0 => writeln!(stream, "D {}", path(&mut random)),
                _ => {
                    let content = format!("content {}", random(400));
                    writeln!(
                        stream,
                        "M 100644 inline {}\ndata {}\n{content}",
                        path(&mut random),
                        content.len()
                    )
                }
            };
        }
    }
    stream
}

#[test]
fn reading_packs_and_looking_up_objects_give_the_same_answer() {
    let scratch = Scratch::new(&["--bare"]);
    let limit = "fastimport.unpackLimit=1";
    scratch.git_with(&["-c", limit, "fast-import", "--quiet"], many_files(300).as_bytes());
    scratch.git(&["repack", "-q", "-adf", "--depth=50"]);
    let repo = scratch.open();
    let objects =
        scratch.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]);
    let blobs = objects.lines().filter_map(|line| line.strip_prefix("blob ")).step_by(9);
    let objects =
        (0u32..).zip(blobs).map(|(nth, id)| (ObjectId::from_hex(id.as_bytes()).unwrap(), vec![nth % 7]));
    let query = Query { objects: objects.collect(), secret_count: 7, ..Query::default() };
    let refs = refs::read(&repo);
    let from_lookups =
        attribute_history(&mut ObjectGraph::new(&repo, &query, &NEVER_STOP), &repo, &refs, &query, false);
    assert!(from_lookups.secrets.iter().all(|history| history.paths.len() > 5));
    for threads in [1, 2, 3] {
        let from_packs = attribute(
            &repo,
            &refs,
            &query,
            &Options { threads, stop: &NEVER_STOP, include_unreachable: false },
        );
        assert_eq!(from_packs.secrets, from_lookups.secrets);
        assert!(from_packs.gaps.is_empty());
    }
}
