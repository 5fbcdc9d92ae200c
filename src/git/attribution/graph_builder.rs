//! Reduces trees and commits to what attribution keeps of them: the subtrees and queried blobs of a tree; the tree,
//! parents and date of a commit.

use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;
use gix::objs::{Kind, TreeRefIter};

use super::dense_ids::{DenseIds, NumberedPack};
use super::name_interner::NameInterner;
use super::pack_walk::{FromBase, Visitor};
use super::queried::{QueriedObjects, first_16_bits};
use crate::git::commit::Header;
use crate::git::object_marks::ObjectMarks;
use crate::git::pack::Entry;
use crate::git::pack::delta::{Run, RunSource};

/// A tree entry that is itself a tree.
#[derive(Clone, Copy)]
pub(in crate::git) struct ChildTree {
    /// The number of the tree.
    pub(in crate::git) tree: u32,
    /// The number of the name.
    pub(super) name: u32,
}

/// An entry of a tree that is a queried blob.
#[derive(Clone, Copy)]
pub(super) struct QueriedEntry {
    /// The blob's number among the queried objects.
    pub(super) object: u32,
    pub(super) name: u32,
}

/// A commit, its parents being `parents[start..][..count]` of the same builder.
#[derive(Clone, Copy)]
pub(super) struct CommitRow {
    pub(super) number: u32,
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    pub(super) start: u32,
    pub(super) count: u32,
}

/// A tree, its subtrees being `subtrees[start..][..count]` of the same builder.
#[derive(Clone, Copy)]
pub(super) struct TreeRow {
    pub(super) number: u32,
    pub(super) start: u32,
    pub(super) count: u32,
}

/// A tree entry that is kept.
#[derive(Clone, Copy)]
enum KeptEntry {
    ChildTree(ChildTree),
    Queried(QueriedEntry),
}

/// Where the entries of a tree are, and those that are kept. Remembered for trees that are stored as deltas against this one.
#[derive(Default)]
pub(super) struct TreeOutline {
    /// Where each entry starts, in bytes.
    starts: Vec<usize>,
    /// Where the last one ends.
    end: usize,
    /// The kept entries, each with its index in `starts`.
    kept: Vec<(usize, KeptEntry)>,
}

impl TreeOutline {
    fn clear(&mut self) {
        self.starts.clear();
        self.kept.clear();
        self.end = 0;
    }
}

/// What the builders of all threads share.
pub(super) struct BuildContext<'a> {
    pub(super) ids: &'a DenseIds,
    pub(super) queried: &'a QueriedObjects,
    pub(super) names: &'a Mutex<NameInterner>,
    pub(super) hash: gix::hash::Kind,
    /// Marks the blobs in all trees, if these are wanted.
    pub(super) blobs: Option<&'a ObjectMarks>,
    /// How many bytes of commits a builder keeps.
    pub(super) max_commit_bytes: usize,
}

impl BuildContext<'_> {
    fn name(&self, name: &[u8]) -> u32 {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).number(name)
    }
}

/// A recently seen subtree.
struct RecentSubtree {
    id: ObjectId,
    name: Vec<u8>,
    subtree: ChildTree,
}

/// How many subtrees are remembered. Neighboring trees share nearly all of theirs.
const RECENT_SUBTREES: usize = 4096;

/// How many marked blobs are remembered.
const RECENT_BLOBS: usize = 4096;

/// Collects the part of the graph that one thread reads.
#[derive(Default)]
pub(super) struct GraphBuilder {
    pub(super) subtrees: Vec<ChildTree>,
    pub(super) trees: Vec<TreeRow>,
    /// The queried blobs in trees, each with the number of its tree.
    pub(super) queried_entries: Vec<(u32, QueriedEntry)>,
    pub(super) parents: Vec<u32>,
    pub(super) commits: Vec<CommitRow>,
    /// The bytes of the first commits, one after the other, and where each of them ends.
    commit_bytes: (Vec<u8>, Vec<usize>),
    /// Trees and commits that are malformed from some point on.
    pub(super) malformed: Vec<u32>,
    /// Packed objects that are commits, or may be, and were not read.
    pub(super) unread: Vec<u32>,
    recent: Vec<Option<RecentSubtree>>,
    /// Blobs that were marked recently.
    recent_blobs: Vec<Option<ObjectId>>,
}

impl GraphBuilder {
    /// Adds a tree. If it is a delta to a tree whose outline is known, only entries that are not completely inside a
    /// copied run are parsed, since the meaning of an entry does not depend on its position.
    pub(super) fn add_tree(
        &mut self,
        context: &BuildContext<'_>,
        number: u32,
        bytes: &[u8],
        delta: Option<FromBase<'_, TreeOutline>>,
        outline: &mut TreeOutline,
    ) {
        outline.clear();
        let start = self.subtrees.len();
        let (mut at, mut runs) = (0, delta.as_ref().map_or(&[][..], |delta| delta.runs));
        while at < bytes.len() {
            while let [run, rest @ ..] = runs
                && run.end() as usize <= at
            {
                runs = rest;
            }
            if let (Some(delta), Some(run)) = (&delta, runs.first())
                && let Some(end) = self.copy_entries(number, delta.base, run, at, outline)
            {
                at = end;
                continue;
            }
            let mut rest = TreeRefIter::from_bytes(&bytes[at..], context.hash);
            let Some(Ok(entry)) = rest.next() else {
                self.malformed.push(number);
                break;
            };
            let kept = if entry.mode.is_tree() {
                Some(KeptEntry::ChildTree(self.subtree(context, entry.oid, entry.filename)))
            } else if entry.mode.is_commit() {
                None
            } else {
                self.mark_blob(context, entry.oid);
                let object = context.queried.find(entry.oid);
                object.map(|object| {
                    KeptEntry::Queried(QueriedEntry { object, name: context.name(entry.filename) })
                })
            };
            outline.starts.push(at);
            if let Some(kept) = kept {
                outline.kept.push((outline.starts.len() - 1, kept));
                self.keep(number, kept);
            }
            at += rest.offset_to_next_entry(&bytes[at..]);
            outline.end = at;
        }
        let (start, count) = span(start, self.subtrees.len());
        self.trees.push(TreeRow { number, start, count });
    }

    fn mark_blob(&mut self, context: &BuildContext<'_>, id: &oid) {
        let Some(marks) = context.blobs else { return };
        if self.recent_blobs.is_empty() {
            self.recent_blobs.resize(RECENT_BLOBS, None);
        }
        let slot = &mut self.recent_blobs[first_16_bits(id) % RECENT_BLOBS];
        if slot.is_none_or(|recent| *recent != *id) {
            *slot = Some(id.to_owned());
            marks.set(context.ids.number(id));
        }
    }

    fn keep(&mut self, tree: u32, entry: KeptEntry) {
        match entry {
            KeptEntry::ChildTree(subtree) => self.subtrees.push(subtree),
            KeptEntry::Queried(entry) => self.queried_entries.push((tree, entry)),
        }
    }

    /// If the entry at `at` is a whole entry of the base within `run`, copies it and all whole entries that follow in
    /// the run from the base's outline. Returns where they end.
    fn copy_entries(
        &mut self,
        tree: u32,
        base: &TreeOutline,
        run: &Run,
        at: usize,
        outline: &mut TreeOutline,
    ) -> Option<usize> {
        let RunSource::Base(source) = run.source else { return None };
        let from = source as usize + at.checked_sub(run.at as usize)?;
        let first = base.starts.binary_search(&from).ok()?;
        let limit = source as usize + run.len as usize;
        let last = match base.end <= limit {
            true => base.starts.len(),
            false => base.starts.partition_point(|&start| start <= limit).checked_sub(1)?,
        };
        if last <= first {
            return None;
        }
        let shift = outline.starts.len();
        outline.starts.extend(base.starts[first..last].iter().map(|start| start - from + at));
        let first_kept = base.kept.partition_point(|&(nth, _)| nth < first);
        for &(nth, kept) in base.kept[first_kept..].iter().take_while(|&&(nth, _)| nth < last) {
            outline.kept.push((nth - first + shift, kept));
            self.keep(tree, kept);
        }
        outline.end = base.starts.get(last).copied().unwrap_or(base.end) - from + at;
        Some(outline.end)
    }

    fn subtree(&mut self, context: &BuildContext<'_>, id: &oid, filename: &[u8]) -> ChildTree {
        if self.recent.is_empty() {
            self.recent.resize_with(RECENT_SUBTREES, || None);
        }
        let slot = &mut self.recent[first_16_bits(id) % RECENT_SUBTREES];
        match slot {
            Some(recent) if *recent.id == *id && recent.name == filename => recent.subtree,
            Some(recent) => {
                let is_same_name = recent.name == filename;
                let name = if is_same_name { recent.subtree.name } else { context.name(filename) };
                recent.subtree = ChildTree { tree: context.ids.number(id), name };
                recent.id = id.to_owned();
                if !is_same_name {
                    recent.name.clear();
                    recent.name.extend_from_slice(filename);
                }
                recent.subtree
            }
            None => {
                let subtree = ChildTree { tree: context.ids.number(id), name: context.name(filename) };
                *slot = Some(RecentSubtree { id: id.to_owned(), name: filename.to_vec(), subtree });
                subtree
            }
        }
    }

    /// The bytes of a commit, by its row, if they were kept.
    pub(super) fn commit_bytes(&self, row: usize) -> Option<&[u8]> {
        let (kept, ends) = &self.commit_bytes;
        let start = row.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
        kept.get(start..*ends.get(row)?)
    }

    /// Adds a commit.
    pub(super) fn add_commit(&mut self, context: &BuildContext<'_>, number: u32, bytes: &[u8]) {
        let header = Header::new(bytes);
        let Some(tree) = header.tree() else {
            self.malformed.push(number);
            return;
        };
        let start = self.parents.len();
        self.parents.extend(header.parents().map(|parent| context.ids.number(&parent)));
        let (start, count) = span(start, self.parents.len());
        let tree = context.ids.number(&tree);
        let (kept, ends) = &mut self.commit_bytes;
        if ends.len() == self.commits.len() && kept.len() + bytes.len() <= context.max_commit_bytes {
            kept.extend_from_slice(bytes);
            ends.push(kept.len());
        }
        self.commits.push(CommitRow { number, tree, time: header.committed(), start, count });
    }
}

/// The start and the length of a range of rows. Objects are numbered with 32 bits, and each has a few rows, so memory
/// runs out before this overflows.
fn span(start: usize, end: usize) -> (u32, u32) {
    (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end - start).unwrap_or(0))
}

/// Builds the graph from the part of a pack that one thread walks.
pub(super) struct PackVisitor<'a> {
    pub(super) builder: GraphBuilder,
    pub(super) context: &'a BuildContext<'a>,
    pub(super) pack: &'a NumberedPack,
}

impl PackVisitor<'_> {
    fn number(&self, entry: Entry) -> Option<u32> {
        Some(self.pack.first + self.pack.pack.position_of(entry)?)
    }
}

impl Visitor for PackVisitor<'_> {
    type Memory = TreeOutline;

    fn object(
        &mut self,
        entry: Entry,
        kind: Kind,
        bytes: &[u8],
        delta: Option<FromBase<'_, TreeOutline>>,
        outline: &mut TreeOutline,
    ) {
        let Some(number) = self.number(entry) else { return };
        match kind {
            Kind::Tree => self.builder.add_tree(self.context, number, bytes, delta, outline),
            Kind::Commit => self.builder.add_commit(self.context, number, bytes),
            Kind::Blob | Kind::Tag => {}
        }
    }

    fn unread(&mut self, entry: Entry, kind: Option<Kind>) {
        if kind.is_none_or(|kind| kind == Kind::Commit) {
            let number = self.number(entry);
            self.builder.unread.extend(number);
        }
    }
}
