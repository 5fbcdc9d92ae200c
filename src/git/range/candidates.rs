//! Lists the blobs that the commits of a range add, and the blobs that their parents had before.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::ObjectId;
use gix::hashtable::{HashMap as IdMap, HashSet as IdSet};
use gix::objs::tree::EntryRef;
use gix::objs::{Kind, TreeRefIter};

use super::super::attribution::MAX_DIRECTORY_LEN;
use super::super::commit::Header;
use super::super::lookup::{Gaps, Lookup};
use super::{Range, RangeCommit};
use crate::threads;

/// Maximum number of cached trees. Most trees of a commit are needed again for its child, whose parent the commit is.
const MAX_CACHED_TREES: usize = 4096;
/// Maximum depth of directories; deeper ones are gaps, and so are those with paths longer than [`MAX_DIRECTORY_LEN`]. git itself refuses trees of more levels.
const MAX_DEPTH: usize = 2048;

/// Maximum number of parents, with different trees, to which a commit is compared. Compared to fewer, a commit seems to add more,
/// so more is scanned. The work grows with the number of parents times that of entries, and hostile commits have thousands.
const MAX_PARENT_TREES: usize = 64;

/// What the commits of a range add.
#[derive(Debug, Default)]
pub struct RangeContent {
    /// The blobs to scan, each once.
    pub candidates: Vec<CandidateBlob>,
    /// Paths of files, directories and submodules that a commit has and none of its parents has, sorted and distinct. What is below
    /// equal directories is listed for one of them.
    pub names: Vec<Vec<u8>>,
    /// Paths of submodules, each with the submodule's commits that a commit of the range has there and no parent has.
    pub submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// A blob that a commit of the range has and none of its parents has at that path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateBlob {
    /// The blob.
    pub blob: ObjectId,
    /// The first path at which the blob was found, from the top of the tree.
    pub path: Vec<u8>,
    /// The first commit of the range, parents before children, that has the blob there. `None` if a ref points to the
    /// blob itself or to a tree with the blob.
    pub commit: Option<ObjectId>,
    /// The blobs that parents have at that path. A secret in one of these is most likely old.
    pub replaced_blobs: Vec<ObjectId>,
}

/// Number of commits that a thread takes at a time. They are consecutive, since their trees are often deltas based on each other.
const BATCH_LEN: usize = 64;

/// Lists what the commits of a range add, on up to `threads` threads, until `stop` is set.
///
/// Each changed tree is looked up by id. For more than some ten thousand commits, sweeping the whole object database would
/// be faster.
pub fn candidates(repo: &gix::Repository, range: &Range, threads: usize, stop: &AtomicBool) -> RangeContent {
    let range_trees: IdMap<ObjectId, ObjectId> =
        range.commits.iter().map(|commit| (commit.id, commit.tree)).collect();
    let batches: Vec<&[RangeCommit]> = range.commits.chunks(BATCH_LEN).collect();
    let next_batch = AtomicUsize::new(0);
    let work = |mut trees: TreeCache| {
        let mut diff = RangeDiff::default();
        let mut candidates = Vec::new();
        loop {
            let number = next_batch.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(number) else { break };
            for commit in batch.iter().take_while(|_| !stop.load(Ordering::Relaxed)) {
                let tree = |parent: &ObjectId| {
                    range_trees.get(parent).copied().or_else(|| trees.commit_tree(parent))
                };
                let parents = distinct(commit.parents.iter().filter_map(tree));
                diff.compare(&mut trees, Some(commit.id), commit.tree, parents);
            }
            candidates.push((number, std::mem::take(&mut diff.candidates)));
        }
        RangePart { candidates, names: diff.names, submodules: diff.submodules, gaps: trees.lookup.gaps }
    };
    let threads = threads.clamp(1, batches.len().max(1));
    let mut parts = Vec::new();
    std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..threads)
            .map(|_| TreeCache::new(repo))
            .map_while(|trees| threads::start(scope, move || work(trees)))
            .collect();
        parts.push(work(TreeCache::new(repo)));
        parts.extend(others.into_iter().map(threads::join));
    });
    parts.push(compare_objects(repo, range, batches.len()));
    let mut content = RangeContent::default();
    let mut numbered_batches = Vec::new();
    for RangePart { candidates, names, submodules, gaps } in parts {
        numbered_batches.extend(candidates);
        content.names.extend(names);
        submodules
            .into_iter()
            .for_each(|(path, ids)| content.submodules.entry(path).or_default().extend(ids));
        content.gaps.merge(gaps);
    }
    content.names.sort_unstable();
    content.names.dedup();
    // Of several candidates for a blob, the one from the first commit is kept, so that the result does not depend on timing.
    numbered_batches.sort_unstable_by_key(|&(number, _)| number);
    let mut seen = IdSet::default();
    let candidates = numbered_batches.into_iter().flat_map(|(_, candidates)| candidates);
    content.candidates = candidates.filter(|candidate| seen.insert(candidate.blob)).collect();
    content
}

/// The first [`MAX_PARENT_TREES`] different ids.
fn distinct(ids: impl Iterator<Item = ObjectId>) -> Vec<ObjectId> {
    let mut seen = IdSet::default();
    ids.filter(|id| seen.insert(*id)).take(MAX_PARENT_TREES).collect()
}

/// What one thread found.
struct RangePart {
    /// The candidates of each batch, with the number of the batch.
    candidates: Vec<(usize, Vec<CandidateBlob>)>,
    names: HashSet<Vec<u8>>,
    submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    gaps: Gaps,
}

/// Lists the blobs of trees and blobs that refs point to without a commit, as the batch with this number.
fn compare_objects(repo: &gix::Repository, range: &Range, number: usize) -> RangePart {
    let mut diff = RangeDiff::default();
    let mut trees = TreeCache::new(repo);
    for &(kind, id) in &range.objects {
        match kind {
            Kind::Tree => diff.compare(&mut trees, None, id, Vec::new()),
            _ => diff.add(CandidateBlob {
                blob: id,
                path: Vec::new(),
                commit: None,
                replaced_blobs: Vec::new(),
            }),
        }
    }
    let candidates = vec![(number, diff.candidates)];
    RangePart { candidates, names: diff.names, submodules: diff.submodules, gaps: trees.lookup.gaps }
}

/// Lists the blobs of parents outside the range, except those in `scanned`, until `stop` is set. A secret in one of these
/// blobs is not new.
pub fn blobs_outside(
    repo: &gix::Repository,
    range: &Range,
    scanned: &IdSet<ObjectId>,
    stop: &AtomicBool,
) -> (Vec<ObjectId>, Gaps) {
    let mut trees = TreeCache::new(repo);
    let in_range: IdSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    let mut seen = IdSet::default();
    let mut blobs = Vec::new();
    for parent in range.commits.iter().flat_map(|commit| &commit.parents) {
        if in_range.contains(parent) || !seen.insert(*parent) {
            continue;
        }
        let mut stack: Vec<_> = trees.commit_tree(parent).into_iter().collect();
        while let Some(tree) = stack.pop() {
            if stop.load(Ordering::Relaxed) {
                return (blobs, trees.lookup.gaps);
            }
            if !seen.insert(tree) {
                continue;
            }
            for entry in trees.get(tree).entries() {
                if entry.mode.is_tree() {
                    stack.push(entry.oid.to_owned());
                } else if !entry.mode.is_commit() && !scanned.contains(entry.oid) {
                    let blob = entry.oid.to_owned();
                    if seen.insert(blob) {
                        blobs.push(blob);
                    }
                }
            }
        }
    }
    (blobs, trees.lookup.gaps)
}

/// The bytes of a tree.
#[derive(Clone)]
struct Tree {
    bytes: Arc<[u8]>,
    hash_kind: gix::hash::Kind,
}

impl Tree {
    /// The entries, up to the first malformed one.
    fn entries(&self) -> impl Iterator<Item = EntryRef<'_>> {
        TreeRefIter::from_bytes(&self.bytes, self.hash_kind).map_while(Result::ok)
    }
}

/// Looks up trees, and caches up to [`MAX_CACHED_TREES`].
struct TreeCache {
    lookup: Lookup,
    trees: IdMap<ObjectId, Tree>,
    /// The trees of commits outside the range. A commit may name the same large parent thousands of times.
    commit_trees: IdMap<ObjectId, Option<ObjectId>>,
}

impl TreeCache {
    fn new(repo: &gix::Repository) -> Self {
        Self { lookup: Lookup::new(repo), trees: IdMap::default(), commit_trees: IdMap::default() }
    }

    /// The id of the tree of a commit; `None` if the commit cannot be read.
    fn commit_tree(&mut self, commit: &ObjectId) -> Option<ObjectId> {
        if let Some(tree) = self.commit_trees.get(commit) {
            return *tree;
        }
        let bytes = self.lookup.read_as(commit, Kind::Commit);
        let tree = bytes.and_then(|bytes| Header::new(bytes).tree());
        self.commit_trees.insert(*commit, tree);
        tree
    }

    /// The tree, or as much of it as can be read.
    fn get(&mut self, id: ObjectId) -> Tree {
        if let Some(tree) = self.trees.get(&id) {
            return tree.clone();
        }
        let hash_kind = self.lookup.hash_kind();
        let bytes = self.lookup.read_as(&id, Kind::Tree).unwrap_or_default();
        let tree = Tree { bytes: bytes.into(), hash_kind };
        if TreeRefIter::from_bytes(&tree.bytes, hash_kind).any(|entry| entry.is_err()) {
            self.lookup.gaps.push(format!("tree {id}"), "malformed; run `git fsck` for details");
        }
        if self.trees.len() >= MAX_CACHED_TREES {
            self.trees.clear();
        }
        self.trees.insert(id, tree.clone());
        tree
    }
}

/// What some commits of a range add.
#[derive(Default)]
struct RangeDiff {
    candidates: Vec<CandidateBlob>,
    /// The blobs of all candidates so far.
    candidate_ids: IdSet<ObjectId>,
    names: HashSet<Vec<u8>>,
    submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// Pairs of a tree and the trees of parents to which it was compared. A pair is compared once, however many paths lead
    /// to it.
    compared_trees: HashSet<(ObjectId, Vec<ObjectId>)>,
}

impl RangeDiff {
    /// Lists what a commit's tree has that none of its parents' trees has at the same path.
    fn compare(
        &mut self,
        trees: &mut TreeCache,
        commit: Option<ObjectId>,
        tree: ObjectId,
        parents: Vec<ObjectId>,
    ) {
        let mut stack = vec![(Vec::new(), 0, tree, parents)];
        while let Some((path, depth, tree, parents)) = stack.pop() {
            // An identical tree is inherited.
            if parents.contains(&tree) || !self.compared_trees.insert((tree, parents.clone())) {
                continue;
            }
            let tree = trees.get(tree);
            let parents: Vec<_> = parents.iter().map(|&parent| trees.get(parent)).collect();
            let mut parents: Vec<_> = parents.iter().map(|parent| parent.entries().peekable()).collect();
            let mut old = Vec::new();
            for entry in tree.entries() {
                // This requires sorted trees. In an unsorted one, fewer entries are recognized as old, so more is
                // scanned.
                old.clear();
                for parent in &mut parents {
                    while parent.next_if(|other| *other < entry).is_some() {}
                    old.extend(
                        parent.next_if(|other| have_same_path_and_type(other, &entry)).map(|other| other.oid),
                    );
                }
                if old.contains(&entry.oid) {
                    continue;
                }
                let old = distinct(old.iter().map(|&id| id.to_owned()));
                let mut path = path.clone();
                path.extend_from_slice(entry.filename);
                if old.is_empty() && !self.names.contains(&path) {
                    self.names.insert(path.clone());
                }
                // Only the name and the commit of a submodule are in this repository.
                if entry.mode.is_commit() {
                    self.submodules.entry(path).or_default().insert(entry.oid.to_owned());
                    continue;
                }
                let id = entry.oid.to_owned();
                if !entry.mode.is_tree() {
                    self.add(CandidateBlob { blob: id, path, commit, replaced_blobs: old });
                } else if depth < MAX_DEPTH && path.len() <= MAX_DIRECTORY_LEN {
                    path.push(b'/');
                    stack.push((path, depth + 1, id, old));
                } else {
                    trees.lookup.gaps.push(format!("tree {id}"), "nested too deep");
                }
            }
        }
    }

    /// Adds a candidate, unless there is one for the same blob.
    fn add(&mut self, candidate: CandidateBlob) {
        if self.candidate_ids.insert(candidate.blob) {
            self.candidates.push(candidate);
        }
    }
}

/// Whether two entries have the same name, and are both directories, both submodules, or both files.
fn have_same_path_and_type(a: &EntryRef<'_>, b: &EntryRef<'_>) -> bool {
    let kind = |entry: &EntryRef<'_>| (entry.mode.is_tree(), entry.mode.is_commit());
    a.filename == b.filename && kind(a) == kind(b)
}
