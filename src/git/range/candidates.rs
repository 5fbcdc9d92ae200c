//! What the commits of a range brought, and what was there before.

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

/// Trees kept at hand: a commit's are, for the most part, the next one's parents'.
const KEPT: usize = 4096;
/// Folders nested deeper are not entered; git itself refuses trees of more than 2048 levels.
const DEEPEST: usize = 2048;

/// What the commits of a range brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// Blobs, each once.
    pub candidates: Vec<Candidate>,
    /// Paths that a commit has and none of its parents: of files, folders and submodules, each once and sorted.
    pub names: Vec<Vec<u8>>,
    /// Paths at which a commit has a submodule as none of its parents has it, with the commits of the submodule.
    pub submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// A blob that a commit of the range has, and none of its parents has at that path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The blob. Each is listed once.
    pub blob: ObjectId,
    /// The first path met, from the top of the tree.
    pub path: Vec<u8>,
    /// The commit that has it there: the first of the range, parents first. `None` when a ref names the blob, or a
    /// tree that has it.
    pub commit: Option<ObjectId>,
    /// What parents have at that path in its place. A secret that is in one of these is most likely an
    /// old one.
    pub replaced: Vec<ObjectId>,
}

/// Commits given to a thread at a time. One tree is mostly a delta to the next, so they come in a row.
const BATCH: usize = 64;

/// Lists what the commits of a range brought, and what could not be read, on up to `threads` threads.
///
/// Each commit costs reading what changed in its trees, by id. From some ten thousand on, sweeping the
/// whole object database is quicker.
pub fn candidates(repo: &gix::Repository, range: &Range, threads: usize, stop: &AtomicBool) -> Brought {
    let tree_of: IdMap<ObjectId, ObjectId> =
        range.commits.iter().map(|commit| (commit.id, commit.tree)).collect();
    let batches: Vec<&[RangeCommit]> = range.commits.chunks(BATCH).collect();
    let next = AtomicUsize::new(0);
    let work = |mut trees: Trees| {
        let mut found = Found::default();
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
        Part { listed, names: found.names, submodules: found.submodules, gaps: trees.lookup.gaps }
    };
    let threads = threads.clamp(1, batches.len().max(1));
    let mut parts = Vec::new();
    std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..threads)
            .map(|_| Trees::new(repo))
            .map_while(|trees| threads::start(scope, move || work(trees)))
            .collect();
        parts.push(work(Trees::new(repo)));
        parts.extend(others.into_iter().map(threads::join));
    });
    parts.push(alone(repo, range, batches.len()));
    let mut brought = Brought::default();
    let mut all = Vec::new();
    for Part { listed, names, submodules, gaps } in parts {
        all.extend(listed);
        brought.names.extend(names);
        submodules
            .into_iter()
            .for_each(|(path, ids)| brought.submodules.entry(path).or_default().extend(ids));
        brought.gaps.merge(gaps);
    }
    brought.names.sort_unstable();
    brought.names.dedup();
    // Whichever thread met a blob first, the first commit to bring it is the one that is listed.
    all.sort_unstable_by_key(|&(number, _)| number);
    let mut met = IdSet::default();
    let all = all.into_iter().flat_map(|(_, candidates)| candidates);
    brought.candidates = all.filter(|candidate| met.insert(candidate.blob)).collect();
    brought
}

/// What one thread listed.
struct Part {
    /// By the number of the batch.
    listed: Vec<(usize, Vec<Candidate>)>,
    names: HashSet<Vec<u8>>,
    submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    gaps: Gaps,
}

/// What refs name without a commit.
fn alone(repo: &gix::Repository, range: &Range, number: usize) -> Part {
    let mut found = Found::default();
    let mut trees = Trees::new(repo);
    for &(kind, id) in &range.objects {
        match kind {
            Kind::Tree => found.compare(&mut trees, None, id, Vec::new()),
            _ => found.list(Candidate { blob: id, path: Vec::new(), commit: None, replaced: Vec::new() }),
        }
    }
    let listed = vec![(number, found.candidates)];
    Part { listed, names: found.names, submodules: found.submodules, gaps: trees.lookup.gaps }
}

/// Lists the blobs of the trees just before the range, except those in `scanned`: whether a secret is
/// among them decides whether it is an old one.
pub fn outside(
    repo: &gix::Repository,
    range: &Range,
    scanned: &IdSet<ObjectId>,
    stop: &AtomicBool,
) -> (Vec<ObjectId>, Gaps) {
    let mut trees = Trees::new(repo);
    let inside: IdSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    let mut met = IdSet::default();
    let mut blobs = Vec::new();
    for parent in range.commits.iter().flat_map(|commit| &commit.parents) {
        if inside.contains(parent) || !met.insert(*parent) {
            continue;
        }
        let mut todo: Vec<_> = trees.of_commit(parent).into_iter().collect();
        while let Some(tree) = todo.pop() {
            if stop.load(Ordering::Relaxed) {
                return (blobs, trees.lookup.gaps);
            }
            if !met.insert(tree) {
                continue;
            }
            for entry in trees.get(tree).entries() {
                if entry.mode.is_tree() {
                    todo.push(entry.oid.to_owned());
                } else if !entry.mode.is_commit() && !scanned.contains(entry.oid) {
                    let blob = entry.oid.to_owned();
                    if met.insert(blob) {
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
    /// The entries, up to the first that makes no sense.
    fn entries(&self) -> impl Iterator<Item = EntryRef<'_>> {
        TreeRefIter::from_bytes(&self.bytes, self.hash).map_while(Result::ok)
    }
}

/// Reads trees, and keeps the last few thousand.
struct Trees {
    lookup: Lookup,
    kept: IdMap<ObjectId, Tree>,
}

impl Trees {
    fn new(repo: &gix::Repository) -> Self {
        Self { lookup: Lookup::new(repo), kept: IdMap::default() }
    }

    fn of_commit(&mut self, commit: &ObjectId) -> Option<ObjectId> {
        let bytes = self.lookup.of_kind(commit, Kind::Commit)?;
        Header::new(bytes).tree()
    }

    /// The tree, as far as it can be read.
    fn get(&mut self, id: ObjectId) -> Tree {
        if let Some(known) = self.kept.get(&id) {
            return known.clone();
        }
        let hash = self.lookup.hash();
        let bytes = self.lookup.of_kind(&id, Kind::Tree).unwrap_or_default();
        let tree = Tree { bytes: bytes.into(), hash };
        if TreeRefIter::from_bytes(&tree.bytes, hash).any(|entry| entry.is_err()) {
            self.lookup.gaps.push(format!("tree {id}"), "malformed; `git fsck` tells more");
        }
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        self.kept.insert(id, tree.clone());
        tree
    }
}

#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    listed: IdSet<ObjectId>,
    names: HashSet<Vec<u8>>,
    submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// Trees, with what they were compared to: once is enough, whatever the number of paths to them.
    compared: HashSet<(ObjectId, Vec<ObjectId>)>,
}

impl Found {
    /// Lists what a commit's tree has that none of the others has at the same path.
    fn compare(
        &mut self,
        trees: &mut Trees,
        commit: Option<ObjectId>,
        tree: ObjectId,
        parents: Vec<ObjectId>,
    ) {
        let mut stack = vec![(Vec::new(), 0, tree, parents)];
        while let Some((path, depth, tree, parents)) = stack.pop() {
            // What one parent has just so came from there.
            if parents.contains(&tree) || !self.compared.insert((tree, parents.clone())) {
                continue;
            }
            let tree = trees.get(tree);
            let others: Vec<_> = parents.iter().map(|&parent| trees.get(parent)).collect();
            let mut others: Vec<_> = others.iter().map(|other| other.entries().peekable()).collect();
            let mut before = Vec::new();
            for entry in tree.entries() {
                // Trees are sorted. In one that is not, less is found to be old, and more is scanned.
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
                // Of a submodule there is nothing here but its name and its commit.
                if entry.mode.is_commit() {
                    self.submodules.entry(path).or_default().insert(entry.oid.to_owned());
                    continue;
                }
                let id = entry.oid.to_owned();
                if !entry.mode.is_tree() {
                    self.list(Candidate { blob: id, path, commit, replaced: before });
                } else if depth < DEEPEST {
                    path.push(b'/');
                    stack.push((path, depth + 1, id, before));
                } else {
                    trees.lookup.gaps.push(format!("tree {id}"), "nested too deep");
                }
            }
        }
    }

    fn list(&mut self, candidate: Candidate) {
        if self.listed.insert(candidate.blob) {
            self.candidates.push(candidate);
        }
    }
}

/// Whether both are folders, both submodules, or both files, of one name.
fn same_place(a: &EntryRef<'_>, b: &EntryRef<'_>) -> bool {
    let kind = |entry: &EntryRef<'_>| (entry.mode.is_tree(), entry.mode.is_commit());
    a.filename == b.filename && kind(a) == kind(b)
}
