//! Marks the blobs of marked trees. Each tree of a pack is read once, right after its delta base.

use gix::ObjectId;
use gix::hash::oid;
use gix::objs::{Kind, TreeRefIter};

use crate::git::attribution::dense_ids::{DenseIds, NumberedPack};
use crate::git::attribution::pack_walk::{Derivation, Visitor};
use crate::git::object_marks::ObjectMarks;
use crate::git::pack::Entry;

/// Number of slots for blobs that were marked recently. Neighboring trees share nearly all of their blobs.
const RECENT_BLOBS: usize = 1 << 14;

/// Marks blobs for one thread.
pub(super) struct BlobMarker<'a> {
    ids: &'a DenseIds,
    marks: &'a ObjectMarks,
    hash_kind: gix::hash::Kind,
    /// The pack whose trees are read; `None` for trees that are looked up.
    pack: Option<&'a NumberedPack>,
    /// Blobs that were marked recently, each in the slot that its first bytes determine.
    recent: Vec<Option<ObjectId>>,
    /// The numbers of packed objects that could not be read and may be trees.
    pub(super) unread: Vec<u32>,
}

impl<'a> BlobMarker<'a> {
    /// A marker for the trees of `pack`, or for trees that are looked up.
    pub(super) fn new(
        ids: &'a DenseIds,
        marks: &'a ObjectMarks,
        hash_kind: gix::hash::Kind,
        pack: Option<&'a NumberedPack>,
    ) -> Self {
        Self { ids, marks, hash_kind, pack, recent: vec![None; RECENT_BLOBS], unread: Vec::new() }
    }

    /// Marks the blobs of a tree.
    pub(super) fn mark_blobs(&mut self, bytes: &[u8]) {
        for entry in TreeRefIter::from_bytes(bytes, self.hash_kind).map_while(Result::ok) {
            if !entry.mode.is_tree() && !entry.mode.is_commit() {
                self.mark_blob(entry.oid);
            }
        }
    }

    fn mark_blob(&mut self, id: &oid) {
        let bytes = id.as_bytes();
        let slot = (usize::from(bytes[0]) << 8 | usize::from(bytes[1])) % RECENT_BLOBS;
        if self.recent[slot].is_some_and(|recent| *recent == *id) {
            return;
        }
        self.recent[slot] = Some(id.to_owned());
        self.marks.set(self.ids.number(id));
    }

    /// The number of the object in an entry of the pack.
    fn number(&self, entry: Entry) -> Option<u32> {
        let pack = self.pack?;
        Some(pack.first_number + pack.pack.position_of(entry)?)
    }
}

impl Visitor for BlobMarker<'_> {
    type Memory = ();

    fn visit_object(
        &mut self,
        entry: Entry,
        _: Kind,
        bytes: &[u8],
        _: Option<Derivation<'_, ()>>,
        _: &mut Self::Memory,
    ) {
        if self.number(entry).is_some_and(|number| self.marks.has(number)) {
            self.mark_blobs(bytes);
        }
    }

    fn visit_unread(&mut self, entry: Entry, kind: Option<Kind>) {
        if kind.is_none_or(|kind| kind == Kind::Tree) {
            let number = self.number(entry);
            self.unread.extend(number);
        }
    }
}
