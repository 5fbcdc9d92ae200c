//! All trees and commits, as far as attribution cares: which tree holds which secrets, and what to
//! follow to find where.
//!
//! Packs are harvested whole, in pack order; what they do not have is read by id when it is needed.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::Kind;

use super::super::commit::Header;
use super::super::database::Database;
use super::super::lookup::{Gaps, Lookup};
use super::harvest::{Edge, FromPack, Harvest, Hit, Names, Outline, Shared, Targets};
use super::numbers::Numbers;
use super::sets::{SetId, Sets};
use super::unfold::unfold;
use crate::model::Change;

/// Where a tree's subtrees are: `harvests[harvest].edges[start..][..count]`.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    count: u32,
    harvest: u32,
}

const UNREAD: Span = Span { start: 0, count: 0, harvest: u32::MAX };

/// A commit of the history.
pub(super) struct Commit<'a> {
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    pub(super) parents: &'a [u32],
}

/// The trees and commits of one repository.
pub(super) struct Forest {
    pub(super) numbers: Numbers,
    targets: Targets,
    names: Mutex<Names>,
    lookup: Lookup,
    /// One of each thread and pack; the last is for what is read by id.
    harvests: Vec<Harvest>,
    trees: Vec<Span>,
    hits: HashMap<u32, Vec<Hit>>,
    /// Those targets that are trees, by number.
    tree_targets: HashMap<u32, u32>,
    /// By number: harvest and row.
    commits: HashMap<u32, (u32, u32)>,
    /// By number, once known.
    holds: Vec<Option<SetId>>,
    /// By target: the secrets in it.
    pub(super) target_sets: Vec<SetId>,
    pub(super) sets: Sets,
}

impl Forest {
    /// Opens the trees and commits of `repo`; `targets` are the objects that hold secrets, with which.
    pub(super) fn new(repo: &gix::Repository, targets: &[(ObjectId, Vec<u32>)], secrets: usize) -> Self {
        let mut sets = Sets::new(secrets);
        let target_sets = targets.iter().map(|(_, secrets)| sets.of(secrets)).collect();
        let numbers = Numbers::new(&Database::new(repo.objects.store_ref().path(), repo.object_hash()));
        let mut lookup = Lookup::new(repo);
        let trees = (0u32..).zip(targets).filter(|(_, (id, _))| lookup.kind(id) == Some(Kind::Tree));
        let tree_targets = trees.map(|(target, (id, _))| (numbers.number(id), target)).collect();
        Self {
            numbers,
            targets: Targets::new(targets.iter().map(|(id, _)| id)),
            names: Mutex::default(),
            lookup,
            tree_targets,
            harvests: vec![Harvest::new()],
            trees: Vec::new(),
            hits: HashMap::new(),
            commits: HashMap::new(),
            holds: Vec::new(),
            target_sets,
            sets,
        }
    }

    /// Reads every pack, in pack order. Without this, each tree and commit is read by id, which is
    /// quicker for a few and much slower for all.
    pub(super) fn harvest_packs(&mut self, threads: usize, stop: &AtomicBool) {
        let mut harvested = Vec::new();
        let shared = Shared {
            numbers: &self.numbers,
            targets: &self.targets,
            names: &self.names,
            hash: self.lookup.hash(),
        };
        for numbered in self.numbers.packs() {
            let mut visitors: Vec<_> = (0..threads.max(1))
                .map(|_| FromPack { harvest: Harvest::new(), shared: &shared, numbered })
                .collect();
            unfold(&numbered.pack, &mut visitors, stop);
            harvested.extend(visitors.into_iter().map(|visitor| visitor.harvest));
        }
        self.harvests.splice(0..0, harvested);
        for nth in 0..self.harvests.len() {
            self.register(nth, 0, 0, 0);
        }
    }

    /// Makes known what `harvests[nth]` has gathered since it had that many trees, hits and commits.
    fn register(&mut self, nth: usize, trees: usize, hits: usize, commits: usize) {
        let harvest = &mut self.harvests[nth];
        let which = u32::try_from(nth).unwrap_or(u32::MAX);
        if self.trees.len() < self.numbers.count() {
            self.trees.resize(self.numbers.count(), UNREAD);
        }
        for row in &harvest.trees[trees..] {
            self.trees[row.number as usize] = Span { start: row.start, count: row.count, harvest: which };
        }
        for &(tree, hit) in &harvest.hits[hits..] {
            self.hits.entry(tree).or_default().push(hit);
        }
        for (row, commit) in (0u32..).zip(&harvest.commits).skip(commits) {
            self.commits.insert(commit.number, (which, row));
        }
        for number in harvest.malformed.drain(..) {
            let id = self.numbers.id(number);
            self.lookup.gaps.push(format!("object {id}"), "malformed; `git fsck` tells more");
        }
    }

    /// Reads an object by id into the last harvest. Only a tree or commit that is not there, or cannot
    /// be read, is not known afterwards; a gap says so.
    fn read(&mut self, number: u32, kind: Kind) {
        let id = self.numbers.id(number);
        let shared = Shared {
            numbers: &self.numbers,
            targets: &self.targets,
            names: &self.names,
            hash: self.lookup.hash(),
        };
        let nth = self.harvests.len() - 1;
        let harvest = &mut self.harvests[nth];
        let had = (harvest.trees.len(), harvest.hits.len(), harvest.commits.len());
        match (kind, self.lookup.of_kind(&id, kind)) {
            (_, None) => {}
            (Kind::Tree, Some(bytes)) => harvest.tree(&shared, number, bytes, None, &mut Outline::default()),
            (_, Some(bytes)) => harvest.commit(&shared, number, bytes),
        }
        self.register(nth, had.0, had.1, had.2);
    }

    /// The commit, or `None` when it cannot be read.
    pub(super) fn commit(&mut self, number: u32) -> Option<Commit<'_>> {
        if !self.commits.contains_key(&number) {
            self.read(number, Kind::Commit);
        }
        let &(harvest, row) = self.commits.get(&number)?;
        let harvest = &self.harvests[harvest as usize];
        let row = harvest.commits[row as usize];
        let parents = &harvest.parents[row.start as usize..][..row.count as usize];
        Some(Commit { tree: row.tree, time: row.time, parents })
    }

    /// Whether the commit has been read already.
    pub(super) fn knows_commit(&self, number: u32) -> bool {
        self.commits.contains_key(&number)
    }

    /// Follows tags to what they stand for.
    pub(super) fn peel(&mut self, id: ObjectId) -> Option<(Kind, ObjectId)> {
        self.lookup.peel(id)
    }

    /// The number of an object asked for.
    pub(super) fn target(&self, id: &ObjectId) -> Option<u32> {
        self.targets.find(id)
    }

    fn edges_of(&self, span: Span) -> &[Edge] {
        match self.harvests.get(span.harvest as usize) {
            Some(harvest) => &harvest.edges[span.start as usize..][..span.count as usize],
            None => &[],
        }
    }

    /// The subtrees of a tree that [`Self::holds`] was asked about.
    pub(super) fn edges(&self, tree: u32) -> &[Edge] {
        self.trees.get(tree as usize).map_or(&[], |&span| self.edges_of(span))
    }

    /// The blobs asked for that stand in a tree that [`Self::holds`] was asked about.
    pub(super) fn hits(&self, tree: u32) -> &[Hit] {
        self.hits.get(&tree).map_or(&[], |hits| hits)
    }

    /// The secrets in a tree or anywhere below it, if that has been found out.
    pub(super) fn known(&self, tree: u32) -> SetId {
        self.holds.get(tree as usize).copied().flatten().unwrap_or(SetId::EMPTY)
    }

    /// Finds out which secrets are in a tree or anywhere below it.
    pub(super) fn holds(&mut self, root: u32) -> SetId {
        // A stack of its own: the depth is the repository's to choose.
        let mut stack = vec![(root, false)];
        while let Some((tree, entered)) = stack.pop() {
            if entered {
                self.conclude(tree);
                continue;
            }
            if self.holds.len() <= tree as usize {
                self.holds.resize(self.numbers.count().max(tree as usize + 1), None);
            }
            if self.holds[tree as usize].is_some() {
                continue;
            }
            // Stands until all below is known; a tree that seems to hold itself then ends here.
            self.holds[tree as usize] = Some(SetId::EMPTY);
            let read = self.trees.get(tree as usize).is_some_and(|span| span.harvest != UNREAD.harvest);
            if !read {
                self.read(tree, Kind::Tree);
            }
            stack.push((tree, true));
            let span = self.trees.get(tree as usize).copied().unwrap_or(UNREAD);
            let unknown = self
                .edges_of(span)
                .iter()
                .filter(|edge| !matches!(self.holds.get(edge.child as usize), Some(Some(_))));
            stack.extend(unknown.map(|edge| (edge.child, false)));
        }
        self.known(root)
    }

    /// Adds up what is in a tree of which all subtrees are known.
    fn conclude(&mut self, tree: u32) {
        let mut set = SetId::EMPTY;
        let span = self.trees.get(tree as usize).copied().unwrap_or(UNREAD);
        if let Some(harvest) = self.harvests.get(span.harvest as usize) {
            for edge in &harvest.edges[span.start as usize..][..span.count as usize] {
                let below = self.holds.get(edge.child as usize).copied().flatten().unwrap_or(SetId::EMPTY);
                set = self.sets.union(set, below);
            }
        }
        for hit in self.hits.get(&tree).map_or(&[][..], |hits| hits) {
            set = self.sets.union(set, self.target_sets[hit.target as usize]);
        }
        if let Some(target) = self.tree_target(tree) {
            set = self.sets.union(set, self.target_sets[target as usize]);
        }
        self.holds[tree as usize] = Some(set);
    }

    /// The target that a tree itself is: one in which an entry's name is a secret.
    pub(super) fn tree_target(&self, tree: u32) -> Option<u32> {
        // Mostly there is none, and this is asked of every tree.
        if self.tree_targets.is_empty() { None } else { self.tree_targets.get(&tree).copied() }
    }

    /// Calls `with` with an entry's name.
    pub(super) fn name<T>(&self, name: u32, with: impl FnOnce(&[u8]) -> T) -> T {
        with(self.names.lock().unwrap_or_else(PoisonError::into_inner).get(name))
    }

    /// What a report says about a commit that changed something at `path`.
    pub(super) fn change(&mut self, commit: u32, path: Option<Vec<u8>>) -> Option<Change> {
        let id = self.numbers.id(commit);
        let bytes = self.lookup.of_kind(&id, Kind::Commit)?;
        Some(Header::new(bytes).change(&id, path))
    }

    /// What could not be read.
    pub(super) fn gaps(&mut self) -> &mut Gaps {
        &mut self.lookup.gaps
    }
}
