//! Finds the objects that refs reach, and which of them contain given objects.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use super::blob_marks::BlobMarker;
use crate::git::attribution::Query;
use crate::git::attribution::object_graph::ObjectGraph;
use crate::git::attribution::pack_walk::walk;
use crate::git::attribution::set_interner::SetId;
use crate::git::lookup::Gaps;
use crate::git::object_id::object_id;
use crate::git::object_marks::ObjectMarks;

/// A commit with its tree and parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitLinks {
    /// The commit.
    pub id: ObjectId,
    /// The tree of the commit.
    pub tree: ObjectId,
    /// The parents of the commit, in order.
    pub parents: Vec<ObjectId>,
}

/// An annotated tag and its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagLink {
    /// The tag.
    pub id: ObjectId,
    /// The object that the tag points to.
    pub target: ObjectId,
}

/// Maximum number of bytes of commits that are kept when they are read, so that they need not be looked up again.
const MAX_COMMIT_BYTES: usize = 16 << 20;

/// The objects that refs reach.
pub struct CarriedGraph<'s> {
    pub(super) graph: ObjectGraph<'s>,
    /// The reachable objects.
    pub(super) marks: ObjectMarks,
    /// The numbers of all commits, parents before children.
    commits: Vec<u32>,
    /// How many of `commits` come before those that only late roots reach.
    early_commit_count: usize,
    /// Trees that only late roots reach.
    late_trees: HashSet<ObjectId>,
    tags: Vec<TagLink>,
    /// Trees that a tag or ref points to.
    trees: Vec<ObjectId>,
}

impl<'s> CarriedGraph<'s> {
    /// Finds what `roots` reach, and then what only `late_roots` reach. `wanted` are the blobs and trees that
    /// [`Self::leads_to_wanted`] looks for.
    ///
    /// # Errors
    /// The objects that are missing or cannot be read. Also if `stop` was set.
    pub fn read(
        repo: &gix::Repository,
        (roots, late_roots): (&[ObjectId], &[ObjectId]),
        wanted: &HashSet<ObjectId>,
        threads: usize,
        stop: &'s AtomicBool,
    ) -> Result<Self, Gaps> {
        let objects: HashMap<_, _> = wanted.iter().map(|id| (*id, vec![0])).collect();
        let query = Query { objects, commits: Vec::new(), secret_count: 1 };
        let mut graph = ObjectGraph::new(repo, &query, stop);
        for id in graph.ids.loose.clone() {
            graph.ids.number(&id);
        }
        graph.mark_blobs();
        graph.keep_commits(MAX_COMMIT_BYTES);
        graph.read_packs(true, threads);
        let marks = ObjectMarks::new(graph.ids.count());
        let mut carried = Self {
            graph,
            marks,
            commits: Vec::new(),
            early_commit_count: 0,
            late_trees: HashSet::new(),
            tags: Vec::new(),
            trees: Vec::new(),
        };
        roots.iter().for_each(|root| carried.add_root(*root));
        let mut unpacked = Vec::new();
        carried.mark_trees((0, 0), &mut unpacked, &mut |_| {});
        let early = (carried.commits.len(), carried.trees.len());
        carried.early_commit_count = early.0;
        late_roots.iter().for_each(|root| carried.add_root(*root));
        let mut late = Vec::new();
        carried.mark_trees(early, &mut unpacked, &mut |tree| late.push(tree));
        carried.late_trees = late.into_iter().map(|tree| carried.graph.ids.id(tree)).collect();
        // Nearly always, refs lead to every tree. Then the blobs of all trees, which the graph has marked, are those of
        // the marked trees.
        match carried.graph.take_blobs_if_all(&carried.marks) {
            Some(blobs) => carried.marks.add(&blobs),
            None => carried.mark_blobs(unpacked, threads),
        }
        if stop.load(Ordering::Relaxed) {
            carried.graph.gaps().push("the rest", "stopped before everything was read");
        }
        match carried.graph.gaps().is_empty() {
            true => Ok(carried),
            false => Err(std::mem::take(carried.graph.gaps())),
        }
    }

    /// Marks a root and what it reaches, except for trees: follows tags to a commit, tree or blob.
    fn add_root(&mut self, root: ObjectId) {
        let mut next = root;
        let mut chain = Vec::new();
        loop {
            let number = self.graph.ids.number(&next);
            // Most refs point to a commit that was already read from a pack.
            let kind = match self.graph.knows_commit(number) {
                true => Some(Kind::Commit),
                false => self.graph.lookup.kind_or_gap(&next),
            };
            match kind {
                Some(Kind::Commit) => {
                    self.add_commits(number);
                    break;
                }
                Some(Kind::Tree) => {
                    self.trees.push(next);
                    break;
                }
                Some(Kind::Blob) => {
                    self.marks.set(number);
                    break;
                }
                Some(Kind::Tag) => {
                    if !self.marks.set(number) {
                        break;
                    }
                    let Some(target) = self.graph.lookup.target_of_tag(&next) else { break };
                    chain.push(TagLink { id: next, target });
                    next = target;
                }
                None => break,
            }
        }
        self.tags.extend(chain.into_iter().rev());
    }

    /// Adds a commit and its ancestors that were not added before, parents first.
    fn add_commits(&mut self, tip: u32) {
        let mut stack = vec![(tip, false)];
        while let Some((number, are_parents_done)) = stack.pop() {
            if are_parents_done {
                self.commits.push(number);
                continue;
            }
            if !self.marks.set(number) {
                continue;
            }
            let Some(commit) = self.graph.commit(number) else { continue };
            stack.push((number, true));
            // The first parent is pushed last, so that it is followed first.
            stack.extend(commit.parents.iter().rev().map(|&parent| (parent, false)));
        }
    }

    /// Marks the trees of all commits and all root trees, except for the first ones, which were marked before: the two
    /// counts say how many. Adds trees that are in no pack to `unpacked`, and calls `on_mark` for each newly marked tree.
    fn mark_trees(
        &mut self,
        (commits, trees): (usize, usize),
        unpacked: &mut Vec<u32>,
        on_mark: &mut dyn FnMut(u32),
    ) {
        let first_unpacked: u32 = self.graph.ids.packs().iter().map(|pack| pack.pack.num_objects()).sum();
        let mut roots: Vec<u32> = Vec::with_capacity(self.commits.len());
        for &commit in &self.commits[commits..] {
            roots.extend(self.graph.commit(commit).map(|commit| commit.tree));
        }
        roots.extend(self.trees[trees..].iter().map(|tree| self.graph.ids.number(tree)));
        for root in roots {
            self.graph.secrets_in(root);
            let mut stack = vec![root];
            while let Some(tree) = stack.pop() {
                if !self.marks.set(tree) {
                    continue;
                }
                on_mark(tree);
                if tree >= first_unpacked {
                    unpacked.push(tree);
                }
                let marks = &self.marks;
                let subtrees = self.graph.subtrees(tree).iter().map(|subtree| subtree.tree);
                stack.extend(subtrees.filter(|&subtree| !marks.has(subtree)));
            }
        }
    }

    /// Marks the blobs of all marked trees. Trees in `unpacked` are looked up by id.
    fn mark_blobs(&mut self, unpacked: Vec<u32>, threads: usize) {
        let mut to_look_up = unpacked;
        let Self { graph, marks, .. } = self;
        let hash_kind = graph.lookup.hash_kind();
        for pack in graph.ids.packs() {
            let marker = || BlobMarker::new(&graph.ids, marks, hash_kind, Some(pack));
            let mut markers: Vec<_> = (0..threads.max(1)).map(|_| marker()).collect();
            walk(&pack.pack, &[Kind::Tree], &mut markers, graph.stop);
            to_look_up.extend(markers.into_iter().flat_map(|marker| marker.unread));
        }
        let mut marker = BlobMarker::new(&graph.ids, marks, hash_kind, None);
        for number in to_look_up.into_iter().filter(|&number| marks.has(number)) {
            let id = graph.ids.id(number);
            if graph.lookup.kind(&id) == Some(Kind::Tree)
                && let Some(bytes) = graph.lookup.read_as(&id, Kind::Tree)
            {
                marker.mark_blobs(bytes);
            }
        }
    }

    /// The number of reachable commits.
    pub fn commit_count(&self) -> usize {
        self.commits.len()
    }

    /// How many of the first commits are reachable from roots that are not late.
    pub fn early_commit_count(&self) -> usize {
        self.early_commit_count
    }

    /// Whether a tree is reachable from late roots only.
    pub fn is_late_tree(&self, id: &ObjectId) -> bool {
        self.late_trees.contains(id)
    }

    /// The number of objects to copy.
    pub fn object_count(&self) -> u64 {
        self.marks.count()
    }

    /// The number of objects in the repository that no ref reaches.
    pub fn unreachable_count(&self) -> u64 {
        let ids = &self.graph.ids;
        let packed = ids.packs().iter().enumerate().map(|(number, pack)| {
            let positions = 0..pack.pack.num_objects();
            match number {
                0 => positions.len() as u64,
                // An object in several packs is counted once.
                _ => positions
                    .filter(|position| ids.number(pack.pack.id_at(*position)) == pack.first_number + position)
                    .count() as u64,
            }
        });
        let all = packed.sum::<u64>() + ids.loose.len() as u64;
        all.saturating_sub(self.marks.count())
    }

    /// The commit at a position in the order of parents before children; `None` beyond the last.
    pub fn commit(&mut self, position: usize) -> Option<CommitLinks> {
        let number = *self.commits.get(position)?;
        let (tree, parents) = {
            let commit = self.graph.commit(number)?;
            (commit.tree, commit.parents.to_vec())
        };
        let ids = &self.graph.ids;
        let parents = parents.into_iter().map(|parent| ids.id(parent)).collect();
        Some(CommitLinks { id: ids.id(number), tree: ids.id(tree), parents })
    }

    /// The bytes of a commit, if they were kept and hash to the id.
    pub fn commit_bytes(&self, id: &ObjectId) -> Option<&[u8]> {
        let bytes = self.graph.commit_bytes(self.graph.ids.number(id))?;
        (object_id(Kind::Commit, bytes, self.graph.lookup.hash_kind()) == Some(*id)).then_some(bytes)
    }

    /// The tree of a commit; `None` if the commit was not read.
    pub fn tree_of(&mut self, commit: &ObjectId) -> Option<ObjectId> {
        let number = self.graph.ids.number(commit);
        let tree =
            if self.graph.knows_commit(number) { self.graph.commit(number)?.tree } else { return None };
        Some(self.graph.ids.id(tree))
    }

    /// The annotated tags, each after the tag that it points to.
    pub fn tags(&self) -> &[TagLink] {
        &self.tags
    }

    /// Trees that tags and refs point to directly.
    pub fn root_trees(&self) -> &[ObjectId] {
        &self.trees
    }

    /// Whether a reachable tree is a wanted object or contains one, at any depth.
    pub fn leads_to_wanted(&self, tree: &ObjectId) -> bool {
        self.graph.known_secrets(self.graph.ids.number(tree)) != SetId::EMPTY
    }

    /// Whether a ref reaches an object.
    pub fn is_reachable(&self, id: &ObjectId) -> bool {
        self.marks.has(self.graph.ids.number(id))
    }

    /// Excludes an object from copying.
    pub fn leave_out(&self, id: &ObjectId) {
        self.marks.clear(self.graph.ids.number(id));
    }
}
