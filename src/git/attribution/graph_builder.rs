//! Reduces trees and commits to what attribution needs: the subtrees and queried blobs of a tree, and the tree,
//! parents and date of a commit.

use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;
use gix::objs::{Kind, TreeRefIter};

use super::dense_ids::{DenseIds, NumberedPack};
use super::name_interner::NameInterner;
use super::pack_walk::{Derivation, Visitor};
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
    /// The number of its name in the parent.
    pub(super) name: u32,
}

/// An entry of a tree that is a queried blob.
#[derive(Clone, Copy)]
pub(super) struct QueriedEntry {
    /// The number of the blob among the queried objects.
    pub(super) object: u32,
    /// The number of its name in the tree.
    pub(super) name: u32,
}

/// A commit. Its parents are `parents[start..][..count]` of the same builder.
#[derive(Clone, Copy)]
pub(super) struct CommitRow {
    pub(super) number: u32,
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    pub(super) start: u32,
    pub(super) count: u32,
}

/// A tree. Its subtrees are `subtrees[start..][..count]` of the same builder.
#[derive(Clone, Copy)]
pub(super) struct TreeRow {
    pub(super) number: u32,
    pub(super) start: u32,
    pub(super) count: u32,
}

/// A tree entry that attribution needs.
#[derive(Clone, Copy)]
enum KeptEntry {
    ChildTree(ChildTree),
    Queried(QueriedEntry),
}

/// The offsets of the entries of a tree, and the entries that are kept. Trees that are stored as deltas against this one are
/// read with it.
#[derive(Default)]
pub(super) struct TreeOutline {
    /// The offset of each entry in the tree, in bytes.
    starts: Vec<usize>,
    /// The offset after the last entry.
    end: usize,
    /// The kept entries, each with its position in `starts`.
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
    pub(super) hash_kind: gix::hash::Kind,
    /// Where blobs in all trees are marked, if they are wanted.
    pub(super) blobs: Option<&'a ObjectMarks>,
    /// Maximum number of bytes of commits that a builder keeps.
    pub(super) max_commit_bytes: usize,
}

impl BuildContext<'_> {
    /// The number of an entry's name.
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

/// Number of slots for subtrees that were seen recently. Neighboring trees share nearly all of their subtrees.
const RECENT_SUBTREES: usize = 4096;

/// Number of slots for blobs that were marked recently.
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
    /// The bytes of the first commits, one after the other, and the offset at which each of them ends.
    commit_bytes: (Vec<u8>, Vec<usize>),
    /// Trees and commits of which only the start, or nothing, could be parsed.
    pub(super) malformed: Vec<u32>,
    /// Packed objects that could not be read and are, or may be, commits.
    pub(super) unread: Vec<u32>,
    /// Subtrees that were seen recently, each in the slot that its id determines.
    recent_subtrees: Vec<Option<RecentSubtree>>,
    /// Blobs that were marked recently, each in the slot that its id determines.
    recent_blobs: Vec<Option<ObjectId>>,
}

impl GraphBuilder {
    /// Adds a tree and sets its `outline`. If the tree is a delta against one whose outline is known, entries that a run
    /// copies completely are not parsed, since the meaning of an entry does not depend on its position.
    pub(super) fn add_tree(
        &mut self,
        context: &BuildContext<'_>,
        number: u32,
        bytes: &[u8],
        delta: Option<Derivation<'_, TreeOutline>>,
        outline: &mut TreeOutline,
    ) {
        outline.clear();
        let start = self.subtrees.len();
        let (mut position, mut runs) = (0, delta.as_ref().map_or(&[][..], |delta| delta.runs));
        while position < bytes.len() {
            while let [run, rest @ ..] = runs
                && run.end() as usize <= position
            {
                runs = rest;
            }
            if let (Some(delta), Some(run)) = (&delta, runs.first())
                && let Some(end) = self.copy_entries(number, delta.base, run, position, outline)
            {
                position = end;
                continue;
            }
            let mut rest = TreeRefIter::from_bytes(&bytes[position..], context.hash_kind);
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
            outline.starts.push(position);
            if let Some(kept) = kept {
                outline.kept.push((outline.starts.len() - 1, kept));
                self.keep(number, kept);
            }
            position += rest.offset_to_next_entry(&bytes[position..]);
            outline.end = position;
        }
        let (start, count) = span(start, self.subtrees.len());
        self.trees.push(TreeRow { number, start, count });
    }

    /// Marks a blob, if blobs are wanted.
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

    /// Stores an entry of the tree with this number.
    fn keep(&mut self, tree: u32, entry: KeptEntry) {
        match entry {
            KeptEntry::ChildTree(subtree) => self.subtrees.push(subtree),
            KeptEntry::Queried(entry) => self.queried_entries.push((tree, entry)),
        }
    }

    /// If `run` copies a whole entry of the base to the offset `position`, copies it and all further whole entries in the run
    /// from the outline of the base. Returns the offset after them.
    fn copy_entries(
        &mut self,
        tree: u32,
        base: &TreeOutline,
        run: &Run,
        position: usize,
        outline: &mut TreeOutline,
    ) -> Option<usize> {
        let RunSource::Base(source) = run.source else { return None };
        let base_position = source as usize + position.checked_sub(run.at as usize)?;
        let first = base.starts.binary_search(&base_position).ok()?;
        let run_end = source as usize + run.len as usize;
        // The index of the first entry that the run does not copy completely.
        let end = match base.end <= run_end {
            true => base.starts.len(),
            false => base.starts.partition_point(|&start| start <= run_end).checked_sub(1)?,
        };
        if end <= first {
            return None;
        }
        let first_copy = outline.starts.len();
        outline.starts.extend(base.starts[first..end].iter().map(|start| start - base_position + position));
        let first_kept = base.kept.partition_point(|&(index, _)| index < first);
        for &(index, kept) in base.kept[first_kept..].iter().take_while(|&&(index, _)| index < end) {
            outline.kept.push((index - first + first_copy, kept));
            self.keep(tree, kept);
        }
        outline.end = base.starts.get(end).copied().unwrap_or(base.end) - base_position + position;
        Some(outline.end)
    }

    /// The numbers of a subtree and of its name.
    fn subtree(&mut self, context: &BuildContext<'_>, id: &oid, filename: &[u8]) -> ChildTree {
        if self.recent_subtrees.is_empty() {
            self.recent_subtrees.resize_with(RECENT_SUBTREES, || None);
        }
        let slot = &mut self.recent_subtrees[first_16_bits(id) % RECENT_SUBTREES];
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

    /// The bytes of the commit in a row, if they were kept.
    pub(super) fn commit_bytes(&self, row: usize) -> Option<&[u8]> {
        let (bytes, ends) = &self.commit_bytes;
        let start = row.checked_sub(1).map_or(Some(0), |previous| ends.get(previous).copied())?;
        bytes.get(start..*ends.get(row)?)
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
        self.commits.push(CommitRow { number, tree, time: header.committer_seconds(), start, count });
    }
}

/// The start and the length of a range of rows. Objects have numbers of 32 bits and few rows each, so there is not
/// enough memory for an overflow.
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
    /// The number of the object in an entry.
    fn number(&self, entry: Entry) -> Option<u32> {
        Some(self.pack.first_number + self.pack.pack.position_of(entry)?)
    }
}

impl Visitor for PackVisitor<'_> {
    type Memory = TreeOutline;

    fn visit_object(
        &mut self,
        entry: Entry,
        kind: Kind,
        bytes: &[u8],
        delta: Option<Derivation<'_, TreeOutline>>,
        outline: &mut TreeOutline,
    ) {
        let Some(number) = self.number(entry) else { return };
        match kind {
            Kind::Tree => self.builder.add_tree(self.context, number, bytes, delta, outline),
            Kind::Commit => self.builder.add_commit(self.context, number, bytes),
            Kind::Blob | Kind::Tag => {}
        }
    }

    fn visit_unread(&mut self, entry: Entry, kind: Option<Kind>) {
        if kind.is_none_or(|kind| kind == Kind::Commit) {
            let number = self.number(entry);
            self.builder.unread.extend(number);
        }
    }
}
