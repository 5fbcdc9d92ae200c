//! What the commits of a range add, and what their parents had.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::ObjectId;
use gix::hashtable::{HashMap as IdMap, HashSet as IdSet};
use gix::objs::tree::EntryRef;
use gix::objs::{Kind, TreeRefIter};

use super::super::commit::Header;
use super::super::lookup::{Gaps, Lookup};
use super::{Range, RangeCommit};
use crate::threads;

/// Maximum number of cached trees: most trees of a commit are needed again as those of its child's parent.
const MAX_CACHED_TREES: usize = 4096;
/// Directories nested deeper are not entered; git itself refuses trees of more than 2048 levels.
const MAX_DEPTH: usize = 2048;

/// What the commits of a range add.
#[derive(Debug, Default)]
pub struct RangeContent {
    /// Blobs, each once.
    pub candidates: Vec<CandidateBlob>,
    /// Paths of files, directories and submodules that a commit has and none of its parents has, sorted and distinct.
    pub names: Vec<Vec<u8>>,
    /// Paths at which a commit points a submodule to a commit that none of its parents does, with those commits.
    pub submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// A blob that a commit of the range has and none of its parents has at that path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateBlob {
    /// The blob. Each is listed once.
    pub blob: ObjectId,
    /// The first path found, from the top of the tree.
    pub path: Vec<u8>,
    /// The first commit of the range that has it there, parents first. `None` if a ref points to the blob itself, or
    /// to a tree with it.
    pub commit: Option<ObjectId>,
    /// The blobs that parents have at that path. A secret in one of these is most likely old.
    pub replaced: Vec<ObjectId>,
}

/// Number of commits that a thread takes at a time. They are consecutive, since one tree is mostly a delta to the
/// next.
const BATCH: usize = 64;

/// Lists what the commits of a range add, on up to `threads` threads, until `stop` is set.
///
/// Looks up each changed tree by id. From some ten thousand commits on, sweeping the whole object database would be
/// faster.
pub fn candidates(repo: &gix::Repository, range: &Range, threads: usize, stop: &AtomicBool) -> RangeContent {
    let tree_of: IdMap<ObjectId, ObjectId> =
        range.commits.iter().map(|commit| (commit.id, commit.tree)).collect();
    let batches: Vec<&[RangeCommit]> = range.commits.chunks(BATCH).collect();
    let next = AtomicUsize::new(0);
    let work = |mut trees: TreeCache| {
        let mut found = RangeDiff::default();
        let mut listed = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(number) else { break };
            for commit in batch.iter().take_while(|_| !stop.load(Ordering::Relaxed)) {
                let tree =
                    |parent: &ObjectId| tree_of.get(parent).copied().or_else(|| trees.of_commit(parent));
                let parents = commit.parents.iter().filter_map(tree).collect();
                found.compare(&mut trees, Some(commit.id), commit.tree, parents);
            }
            listed.push((number, std::mem::take(&mut found.candidates)));
        }
        RangePart { listed, names: found.names, submodules: found.submodules, gaps: trees.lookup.gaps }
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
    parts.push(without_commit(repo, range, batches.len()));
    let mut content = RangeContent::default();
    let mut all = Vec::new();
    for RangePart { listed, names, submodules, gaps } in parts {
        all.extend(listed);
        content.names.extend(names);
        submodules
            .into_iter()
            .for_each(|(path, ids)| content.submodules.entry(path).or_default().extend(ids));
        content.gaps.merge(gaps);
    }
    content.names.sort_unstable();
    content.names.dedup();
    // Of the candidates for a blob, the one from the first commit is kept, whichever thread found it first.
    all.sort_unstable_by_key(|&(number, _)| number);
    let mut seen = IdSet::default();
    let all = all.into_iter().flat_map(|(_, candidates)| candidates);
    content.candidates = all.filter(|candidate| seen.insert(candidate.blob)).collect();
    content
}

/// What one thread found.
struct RangePart {
    /// With the number of the batch.
    listed: Vec<(usize, Vec<CandidateBlob>)>,
    names: HashSet<Vec<u8>>,
    submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    gaps: Gaps,
}

/// The trees and blobs that refs point to without a commit.
fn without_commit(repo: &gix::Repository, range: &Range, number: usize) -> RangePart {
    let mut found = RangeDiff::default();
    let mut trees = TreeCache::new(repo);
    for &(kind, id) in &range.objects {
        match kind {
            Kind::Tree => found.compare(&mut trees, None, id, Vec::new()),
            _ => found.list(CandidateBlob { blob: id, path: Vec::new(), commit: None, replaced: Vec::new() }),
        }
    }
    let listed = vec![(number, found.candidates)];
    RangePart { listed, names: found.names, submodules: found.submodules, gaps: trees.lookup.gaps }
}

/// Lists the blobs of the range's parents outside, except those in `scanned`, until `stop` is set. A secret in one of
/// them is an old one.
pub fn outside(
    repo: &gix::Repository,
    range: &Range,
    scanned: &IdSet<ObjectId>,
    stop: &AtomicBool,
) -> (Vec<ObjectId>, Gaps) {
    let mut trees = TreeCache::new(repo);
    let inside: IdSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    let mut seen = IdSet::default();
    let mut blobs = Vec::new();
    for parent in range.commits.iter().flat_map(|commit| &commit.parents) {
        if inside.contains(parent) || !seen.insert(*parent) {
            continue;
        }
        let mut todo: Vec<_> = trees.of_commit(parent).into_iter().collect();
        while let Some(tree) = todo.pop() {
            if stop.load(Ordering::Relaxed) {
                return (blobs, trees.lookup.gaps);
            }
            if !seen.insert(tree) {
                continue;
            }
            for entry in trees.get(tree).entries() {
                if entry.mode.is_tree() {
                    todo.push(entry.oid.to_owned());
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
    hash: gix::hash::Kind,
}

impl Tree {
    /// The entries, up to the first malformed one.
    fn entries(&self) -> impl Iterator<Item = EntryRef<'_>> {
        TreeRefIter::from_bytes(&self.bytes, self.hash).map_while(Result::ok)
    }
}

/// Looks up trees, and caches the last few thousand.
struct TreeCache {
    lookup: Lookup,
    cached: IdMap<ObjectId, Tree>,
}

impl TreeCache {
    fn new(repo: &gix::Repository) -> Self {
        Self { lookup: Lookup::new(repo), cached: IdMap::default() }
    }

    fn of_commit(&mut self, commit: &ObjectId) -> Option<ObjectId> {
        let bytes = self.lookup.of_kind(commit, Kind::Commit)?;
        Header::new(bytes).tree()
    }

    /// The tree, or as much of it as can be read.
    fn get(&mut self, id: ObjectId) -> Tree {
        if let Some(known) = self.cached.get(&id) {
            return known.clone();
        }
        let hash = self.lookup.hash();
        let bytes = self.lookup.of_kind(&id, Kind::Tree).unwrap_or_default();
        let tree = Tree { bytes: bytes.into(), hash };
        if TreeRefIter::from_bytes(&tree.bytes, hash).any(|entry| entry.is_err()) {
            self.lookup.gaps.push(format!("tree {id}"), "malformed; run `git fsck` for details");
        }
        if self.cached.len() >= MAX_CACHED_TREES {
            self.cached.clear();
        }
        self.cached.insert(id, tree.clone());
        tree
    }
}

#[derive(Default)]
struct RangeDiff {
    candidates: Vec<CandidateBlob>,
    listed: IdSet<ObjectId>,
    names: HashSet<Vec<u8>>,
    submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// Trees, each with the parents' trees that it was compared to. Once is enough, however many paths lead to it.
    compared: HashSet<(ObjectId, Vec<ObjectId>)>,
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
            if parents.contains(&tree) || !self.compared.insert((tree, parents.clone())) {
                continue;
            }
            let tree = trees.get(tree);
            let others: Vec<_> = parents.iter().map(|&parent| trees.get(parent)).collect();
            let mut others: Vec<_> = others.iter().map(|other| other.entries().peekable()).collect();
            let mut before = Vec::new();
            for entry in tree.entries() {
                // Relies on sorted trees. In an unsorted one, fewer entries are recognized as old, so more is
                // scanned.
                before.clear();
                for other in &mut others {
                    while other.next_if(|other| *other < entry).is_some() {}
                    before.extend(other.next_if(|other| same_place(other, &entry)).map(|other| other.oid));
                }
                if before.contains(&entry.oid) {
                    continue;
                }
                let before: Vec<_> = before.iter().map(|&id| id.to_owned()).collect();
                let mut path = path.clone();
                path.extend_from_slice(entry.filename);
                if before.is_empty() && !self.names.contains(&path) {
                    self.names.insert(path.clone());
                }
                // Only the name and the commit of a submodule are in this repository.
                if entry.mode.is_commit() {
                    self.submodules.entry(path).or_default().insert(entry.oid.to_owned());
                    continue;
                }
                let id = entry.oid.to_owned();
                if !entry.mode.is_tree() {
                    self.list(CandidateBlob { blob: id, path, commit, replaced: before });
                } else if depth < MAX_DEPTH {
                    path.push(b'/');
                    stack.push((path, depth + 1, id, before));
                } else {
                    trees.lookup.gaps.push(format!("tree {id}"), "nested too deep");
                }
            }
        }
    }

    fn list(&mut self, candidate: CandidateBlob) {
        if self.listed.insert(candidate.blob) {
            self.candidates.push(candidate);
        }
    }
}

/// Whether both are directories, both submodules, or both files, of one name.
fn same_place(a: &EntryRef<'_>, b: &EntryRef<'_>) -> bool {
    let kind = |entry: &EntryRef<'_>| (entry.mode.is_tree(), entry.mode.is_commit());
    a.filename == b.filename && kind(a) == kind(b)
}
