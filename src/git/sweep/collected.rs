//! What threads collect during a sweep. Objects are identified by their location; ids are looked up at the end.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use gix::ObjectId;
use gix::object::Kind;

use super::Matches;
use super::outcome::ObjectCounts;
use super::plan::PlannedPack;
use crate::cache::CacheDigest;
use crate::git::pack::Entry;
use crate::model::Skip;

/// How an object is identified before its id is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ObjectKey {
    /// By the number of its pack in the sweep, and its entry: its number in the pack, in order of offset.
    Packed(usize, Entry),
    /// By its id, for a loose or a recovered object.
    Id(ObjectId),
}

/// A copy of an object, with its matches. `M` is what is recorded about a match: [`Searcher::Match`](super::Searcher::Match).
pub(super) struct MatchedCopy<M> {
    pub(super) key: ObjectKey,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) matches: Matches<M>,
    /// Whether the object has more matches than are kept.
    pub(super) truncated: bool,
}

/// An object that could not be searched.
pub(super) struct ReadFailure {
    pub(super) key: ObjectKey,
    pub(super) reason: Arc<str>,
    /// Whether this object itself is unreadable, as opposed to an object in its delta chain.
    pub(super) is_root_cause: bool,
    /// Whether the object was listed and then disappeared.
    pub(super) vanished: bool,
}

/// What one thread collected, or all threads together.
pub(super) struct Collected<M> {
    pub(super) matched: Vec<MatchedCopy<M>>,
    pub(super) failures: Vec<ReadFailure>,
    /// Unreadable copies, in packs, of objects that an earlier pack or a loose file has, too.
    pub(super) unreadable_duplicates: Vec<ReadFailure>,
    /// The objects that were searched.
    pub(super) counts: ObjectCounts,
    /// Number of bytes that were passed to the searcher: of a delta, only those around changes.
    pub(super) bytes_searched: u64,
    /// Objects that other objects name and that were not found.
    pub(super) missing: HashSet<ObjectId>,
    /// Objects that may name others that were not looked up, with the reason. Some are here several times.
    pub(super) unchecked: Vec<(ObjectKey, &'static str)>,
    /// Objects that a pack names and does not contain, with the number of the pack. Recorded only for a cache.
    pub(super) outward_ids: HashSet<(u32, ObjectId)>,
    /// The entries that were searched, as pack number and entry, with kind and size. Recorded only for a cache.
    pub(super) searched_entries: Vec<(usize, Entry, Kind, u64)>,
    /// The digests of the objects that are [read again](super::Searcher::is_read_again) after the sweep, such as containers,
    /// by pack number and entry. Recorded only for a cache, which recognizes them by it.
    pub(super) content_digests: HashMap<(usize, Entry), CacheDigest>,
    /// Pack entries after which there may be [unlisted bytes](super::unlisted), as pack number and entry.
    pub(super) packed_tails: Vec<(usize, Entry)>,
    /// Loose object files that may have bytes after the object.
    pub(super) loose_tails: Vec<PathBuf>,
    /// Entries for which there was not enough memory, as pack number and entry.
    pub(super) postponed: Vec<(usize, Entry)>,
    /// Unreadable loose copies of objects that have another copy.
    pub(super) skips: Vec<Skip>,
}

impl<M> Default for Collected<M> {
    fn default() -> Self {
        Self {
            matched: Vec::new(),
            failures: Vec::new(),
            unreadable_duplicates: Vec::new(),
            counts: ObjectCounts::default(),
            bytes_searched: 0,
            missing: HashSet::new(),
            unchecked: Vec::new(),
            outward_ids: HashSet::new(),
            searched_entries: Vec::new(),
            content_digests: HashMap::new(),
            packed_tails: Vec::new(),
            loose_tails: Vec::new(),
            postponed: Vec::new(),
            skips: Vec::new(),
        }
    }
}

impl<M> Collected<M> {
    pub(super) fn merge(&mut self, other: Self) {
        self.matched.extend(other.matched);
        self.failures.extend(other.failures);
        self.unreadable_duplicates.extend(other.unreadable_duplicates);
        self.counts.merge(&other.counts);
        self.bytes_searched += other.bytes_searched;
        self.missing.extend(other.missing);
        self.unchecked.extend(other.unchecked);
        self.outward_ids.extend(other.outward_ids);
        self.searched_entries.extend(other.searched_entries);
        self.content_digests.extend(other.content_digests);
        self.packed_tails.extend(other.packed_tails);
        self.loose_tails.extend(other.loose_tails);
        self.postponed.extend(other.postponed);
        self.skips.extend(other.skips);
    }

    /// Records that `entry`, and therefore its descendants (the deltas that build on it), could not be read.
    pub(super) fn fail_with_descendants(&mut self, planned: PlannedPack<'_>, entry: Entry, reason: &str) {
        self.fail_entry(planned, entry, reason.into(), true);
        self.fail_descendants(planned, entry, reason);
    }

    /// Records that there was not enough memory for `entry`, and therefore none for its descendants.
    pub(super) fn postpone(&mut self, planned: PlannedPack<'_>, entry: Entry) {
        self.postponed.extend(
            planned.plan.tree.with_descendants(entry).into_iter().map(|entry| (planned.number, entry)),
        );
    }

    /// Records that no descendant of `entry` can be read.
    pub(super) fn fail_descendants(&mut self, planned: PlannedPack<'_>, entry: Entry, reason: &str) {
        let with_descendants = planned.plan.tree.with_descendants(entry);
        if with_descendants.len() > 1 {
            let reason: Arc<str> = format!("an object in its delta chain cannot be read: {reason}").into();
            for child in &with_descendants[1..] {
                self.fail_entry(planned, *child, Arc::clone(&reason), false);
            }
        }
    }

    /// Records that `entry` could not be read, without its descendants.
    pub(super) fn fail_entry(
        &mut self,
        planned: PlannedPack<'_>,
        entry: Entry,
        reason: Arc<str>,
        is_root_cause: bool,
    ) {
        let key = ObjectKey::Packed(planned.number, entry);
        let failure = ReadFailure { key, reason, is_root_cause, vanished: false };
        let is_first = planned.plan.is_first_copy(entry);
        let failures = if is_first { &mut self.failures } else { &mut self.unreadable_duplicates };
        failures.push(failure);
    }
}
