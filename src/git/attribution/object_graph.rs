//! The trees and commits of a repository, reduced to what attribution needs: which trees contain which secrets, and the names
//! of their entries.
//!
//! Packs are read completely, in pack order. Other objects are looked up when they are needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::Kind;

use super::Query;
use super::dense_ids::DenseIds;
use super::graph_builder::{BuildContext, ChildTree, GraphBuilder, PackVisitor, QueriedEntry, TreeOutline};
use super::layouts::{LayoutContent, LayoutEntry, Layouts};
use super::name_interner::NameInterner;
use super::pack_walk::walk;
use super::queried::QueriedObjects;
use super::set_interner::{SetId, SetInterner};
use crate::git::commit::Header;
use crate::git::database::ObjectDatabase;
use crate::git::lookup::{Gaps, Lookup};
use crate::git::object_marks::ObjectMarks;
use crate::model::Change;

/// The subtrees of a tree: `builders[builder].subtrees[start..][..count]`.
#[derive(Clone, Copy)]
struct SubtreeSpan {
    start: u32,
    count: u32,
    builder: u32,
}

/// The value for a tree that has not been read.
const UNREAD: SubtreeSpan = SubtreeSpan { start: 0, count: 0, builder: u32::MAX };

/// A commit that was read.
pub(in crate::git) struct Commit<'a> {
    /// The number of the tree.
    pub(in crate::git) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    /// The numbers of the parents.
    pub(in crate::git) parents: &'a [u32],
}

/// Trees and commits, identified by their [`DenseIds`].
pub(in crate::git) struct ObjectGraph<'s> {
    pub(in crate::git) ids: DenseIds,
    pub(super) queried: QueriedObjects,
    pub(super) names: Mutex<NameInterner>,
    pub(in crate::git) lookup: Lookup,
    pub(in crate::git) stop: &'s AtomicBool,
    /// What was read: first the builder for objects that are looked up by id, then those of threads that read packs.
    pub(super) builders: Vec<GraphBuilder>,
    /// For each tree, by number, its subtrees.
    trees: Vec<SubtreeSpan>,
    /// The blobs in the trees that were read, if they are wanted.
    blobs: Option<ObjectMarks>,
    /// Maximum number of bytes of commits that are kept.
    max_commit_bytes: usize,
    /// The queried blobs in each tree, by the number of the tree.
    queried_entries: HashMap<u32, Vec<QueriedEntry>>,
    /// The queried objects that are trees: number of the tree, and number among the queried objects.
    queried_trees: HashMap<u32, u32>,
    /// For each number of a commit, its builder and row.
    commits: HashMap<u32, (u32, u32)>,
    /// For each tree, by number, the secrets in it and below it, once they are known.
    tree_secrets: Vec<Option<SetId>>,
    /// The secrets in each queried object, by its number among these.
    pub(super) queried_secrets: Vec<SetId>,
    pub(super) sets: SetInterner,
    pub(super) layouts: Layouts,
}

impl<'s> ObjectGraph<'s> {
    /// An empty graph of `repo`.
    pub(in crate::git) fn new(repo: &gix::Repository, query: &Query, stop: &'s AtomicBool) -> Self {
        let queried = QueriedObjects::new(query);
        let mut sets = SetInterner::new(query.secret_count);
        let queried_secrets = queried.iter().map(|(_, (_, secrets))| sets.intern_secrets(secrets)).collect();
        let ids = DenseIds::new(&ObjectDatabase::new(repo.objects.store_ref().path(), repo.object_hash()));
        let mut lookup = Lookup::new(repo);
        let trees = queried.iter().filter(|(_, (id, _))| lookup.kind(id) == Some(Kind::Tree));
        let queried_trees = trees.map(|(object, (id, _))| (ids.number(id), object)).collect();
        Self {
            ids,
            queried,
            names: Mutex::default(),
            lookup,
            stop,
            builders: vec![GraphBuilder::default()],
            trees: Vec::new(),
            blobs: None,
            max_commit_bytes: 0,
            queried_entries: HashMap::new(),
            queried_trees,
            commits: HashMap::new(),
            tree_secrets: Vec::new(),
            queried_secrets,
            sets,
            layouts: Layouts::default(),
        }
    }

    /// Reads all commits in packs, and all trees if `with_trees`. Without this, each is looked up by id when it is
    /// needed, which is faster for a few and much slower for all.
    pub(in crate::git) fn read_packs(&mut self, with_trees: bool, threads: usize) {
        let kinds = if with_trees { &[Kind::Commit, Kind::Tree][..] } else { &[Kind::Commit] };
        let context = BuildContext {
            ids: &self.ids,
            queried: &self.queried,
            names: &self.names,
            hash_kind: self.lookup.hash_kind(),
            blobs: self.blobs.as_ref(),
            max_commit_bytes: self.max_commit_bytes / threads.max(1),
        };
        let mut built = Vec::new();
        for pack in self.ids.packs() {
            let visitor = || PackVisitor { builder: GraphBuilder::default(), context: &context, pack };
            let mut visitors: Vec<_> = (0..threads.max(1)).map(|_| visitor()).collect();
            walk(&pack.pack, kinds, &mut visitors, self.stop);
            built.extend(visitors.into_iter().map(|visitor| visitor.builder));
        }
        for builder in built {
            self.add_builder(builder);
        }
    }

    /// Marks the blobs of all trees that are read from now on.
    pub(in crate::git) fn mark_blobs(&mut self) {
        self.blobs = Some(ObjectMarks::new(self.ids.count()));
    }

    /// Keeps the bytes of commits that are read from packs from now on, up to `max_bytes` in all.
    pub(in crate::git) fn keep_commits(&mut self, max_bytes: usize) {
        self.max_commit_bytes = max_bytes;
    }

    /// The bytes of a commit, if they were kept.
    pub(in crate::git) fn commit_bytes(&self, number: u32) -> Option<&[u8]> {
        let &(builder, row) = self.commits.get(&number)?;
        self.builders.get(builder as usize)?.commit_bytes(row as usize)
    }

    /// The blobs in all trees that were read, if blobs were marked and all of these trees are in `trees`.
    pub(in crate::git) fn take_blobs_if_all(&mut self, trees: &ObjectMarks) -> Option<ObjectMarks> {
        // A tree in several packs was read once in each, but is in `trees` by its canonical number only.
        let is_marked = |tree: u32| trees.has(tree) || trees.has(self.ids.number(&self.ids.id(tree)));
        let mut rows = self.builders.iter().flat_map(|builder| &builder.trees);
        let are_all_marked = rows.all(|row| is_marked(row.number));
        self.blobs.take().filter(|_| are_all_marked)
    }

    /// Whether the run was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Adds what a thread read.
    pub(super) fn add_builder(&mut self, builder: GraphBuilder) {
        self.builders.push(builder);
        self.register(self.builders.len() - 1, (0, 0, 0));
    }

    /// Registers the trees, queried entries and commits of a builder, except for the first ones, which are already
    /// registered: the three counts say how many of each kind.
    fn register(&mut self, builder_number: usize, (trees, entries, commits): (usize, usize, usize)) {
        let builder = &mut self.builders[builder_number];
        let builder_number = u32::try_from(builder_number).unwrap_or(u32::MAX);
        if self.trees.len() < self.ids.count() {
            self.trees.resize(self.ids.count(), UNREAD);
        }
        for row in &builder.trees[trees..] {
            self.trees[row.number as usize] =
                SubtreeSpan { start: row.start, count: row.count, builder: builder_number };
        }
        for &(tree, entry) in &builder.queried_entries[entries..] {
            self.queried_entries.entry(tree).or_default().push(entry);
        }
        for (row, commit) in (0u32..).zip(&builder.commits).skip(commits) {
            self.commits.insert(commit.number, (builder_number, row));
        }
        for number in builder.malformed.drain(..) {
            let id = self.ids.id(number);
            self.lookup.gaps.push(format!("object {id}"), "malformed; run `git fsck` for details");
        }
    }

    /// Looks up a tree or commit by id and adds it. If it cannot be read, records a gap.
    fn read(&mut self, number: u32, kind: Kind) {
        if self.is_stopped() {
            return;
        }
        let id = self.ids.id(number);
        let context = BuildContext {
            ids: &self.ids,
            queried: &self.queried,
            names: &self.names,
            hash_kind: self.lookup.hash_kind(),
            blobs: self.blobs.as_ref(),
            max_commit_bytes: 0,
        };
        let builder = &mut self.builders[0];
        let registered = (builder.trees.len(), builder.queried_entries.len(), builder.commits.len());
        match (kind, self.lookup.read_as(&id, kind)) {
            (_, None) => {}
            (Kind::Tree, Some(bytes)) => {
                builder.add_tree(&context, number, bytes, None, &mut TreeOutline::default());
            }
            (_, Some(bytes)) => builder.add_commit(&context, number, bytes),
        }
        self.register(0, registered);
    }

    /// The commit with this number; `None` if it cannot be read.
    pub(in crate::git) fn commit(&mut self, number: u32) -> Option<Commit<'_>> {
        if !self.commits.contains_key(&number) {
            self.read(number, Kind::Commit);
        }
        let &(builder, row) = self.commits.get(&number)?;
        let builder = &self.builders[builder as usize];
        let row = builder.commits[row as usize];
        let parents = &builder.parents[row.start as usize..][..row.count as usize];
        Some(Commit { tree: row.tree, time: row.time, parents })
    }

    /// Whether the commit with this number was read.
    pub(in crate::git) fn knows_commit(&self, number: u32) -> bool {
        self.commits.contains_key(&number)
    }

    /// The numbers of all commits read so far, in no particular order.
    pub(super) fn known_commits(&self) -> impl Iterator<Item = u32> {
        self.commits.keys().copied()
    }

    /// The object that `id` leads to through tags, and its kind.
    pub(super) fn peel(&mut self, id: ObjectId) -> Option<(Kind, ObjectId)> {
        self.lookup.peel(id)
    }

    /// The subtrees in a span.
    fn subtrees_at(&self, span: SubtreeSpan) -> &[ChildTree] {
        match self.builders.get(span.builder as usize) {
            Some(builder) => &builder.subtrees[span.start as usize..][..span.count as usize],
            None => &[],
        }
    }

    /// The subtrees of a tree that [`Self::secrets_in`] has read.
    pub(in crate::git) fn subtrees(&self, tree: u32) -> &[ChildTree] {
        self.trees.get(tree as usize).map_or(&[], |&span| self.subtrees_at(span))
    }

    /// The queried blobs in a tree that [`Self::secrets_in`] has read.
    pub(super) fn queried_entries(&self, tree: u32) -> &[QueriedEntry] {
        self.queried_entries.get(&tree).map_or(&[], |entries| entries)
    }

    /// Whether any object was queried. Otherwise trees need not be read.
    pub(super) fn has_secrets(&self) -> bool {
        !self.queried_secrets.is_empty()
    }

    /// The secrets in a tree and below it; none before [`Self::secrets_in`] has read it.
    pub(in crate::git) fn known_secrets(&self, tree: u32) -> SetId {
        self.tree_secrets.get(tree as usize).copied().flatten().unwrap_or(SetId::EMPTY)
    }

    /// The secrets in a tree and below it. Reads trees that have not been read.
    pub(in crate::git) fn secrets_in(&mut self, root: u32) -> SetId {
        // Not recursive, since the repository decides how deep its trees are.
        let mut stack = vec![(root, false)];
        while let Some((tree, are_subtrees_done)) = stack.pop() {
            if are_subtrees_done {
                self.unite_secrets(tree);
                continue;
            }
            if self.tree_secrets.len() <= tree as usize {
                self.tree_secrets.resize(self.ids.count().max(tree as usize + 1), None);
            }
            if self.tree_secrets[tree as usize].is_some() {
                continue;
            }
            // A preliminary value, which ends the walk at a damaged tree that appears to contain itself.
            self.tree_secrets[tree as usize] = Some(SetId::EMPTY);
            if self.trees.get(tree as usize).is_none_or(|span| span.builder == UNREAD.builder) {
                self.read(tree, Kind::Tree);
            }
            stack.push((tree, true));
            let is_unknown =
                |subtree: &&ChildTree| !matches!(self.tree_secrets.get(subtree.tree as usize), Some(Some(_)));
            let unknown = self.subtrees(tree).iter().filter(is_unknown);
            stack.extend(unknown.map(|subtree| (subtree.tree, false)));
        }
        self.known_secrets(root)
    }

    /// Sets the secrets of a tree, after those of its subtrees, and its layout.
    fn unite_secrets(&mut self, tree: u32) {
        let mut set = SetId::EMPTY;
        let span = self.trees.get(tree as usize).copied().unwrap_or(UNREAD);
        if let Some(builder) = self.builders.get(span.builder as usize) {
            for subtree in &builder.subtrees[span.start as usize..][..span.count as usize] {
                let subtree_set = self.tree_secrets.get(subtree.tree as usize).copied().flatten();
                set = self.sets.union(set, subtree_set.unwrap_or(SetId::EMPTY));
            }
        }
        for entry in self.queried_entries.get(&tree).map_or(&[][..], |entries| entries) {
            set = self.sets.union(set, self.queried_secrets[entry.object as usize]);
        }
        if let Some(object) = self.queried_tree(tree) {
            set = self.sets.union(set, self.queried_secrets[object as usize]);
        }
        self.tree_secrets[tree as usize] = Some(set);
        if set != SetId::EMPTY {
            let layout = self.entries_with_secrets(tree);
            self.layouts.set(tree, layout);
        }
    }

    /// The entries of a tree that contain secrets, after those of its subtrees are known.
    fn entries_with_secrets(&self, tree: u32) -> Vec<LayoutEntry> {
        let subtrees = self.subtrees(tree).iter().filter_map(|subtree| {
            let layout = self.layouts.layout(subtree.tree)?;
            Some(LayoutEntry { name: subtree.name, content: LayoutContent::Layout(layout) })
        });
        let blobs = self.queried_entries(tree).iter().map(|entry| LayoutEntry {
            name: entry.name,
            content: LayoutContent::Secrets(self.queried_secrets[entry.object as usize]),
        });
        subtrees.chain(blobs).collect()
    }

    /// The number of a tree among the queried objects, if it was queried because the name of an entry is a secret.
    pub(super) fn queried_tree(&self, tree: u32) -> Option<u32> {
        // This is called for every tree, and usually no tree was queried.
        if self.queried_trees.is_empty() { None } else { self.queried_trees.get(&tree).copied() }
    }

    /// Calls `use_name` with the name that has this number.
    pub(super) fn name<T>(&self, name: u32, use_name: impl FnOnce(&[u8]) -> T) -> T {
        use_name(self.names.lock().unwrap_or_else(PoisonError::into_inner).get(name))
    }

    /// What a report says about a commit as a change at `path`; `None` if the commit cannot be read.
    pub(super) fn change(&mut self, commit: u32, path: Option<Vec<u8>>) -> Option<Change> {
        let id = self.ids.id(commit);
        let bytes = self.lookup.read_as(&id, Kind::Commit)?;
        Some(Header::new(bytes).change(&id, path))
    }

    /// The objects that could not be read.
    pub(in crate::git) fn gaps(&mut self) -> &mut Gaps {
        &mut self.lookup.gaps
    }
}
