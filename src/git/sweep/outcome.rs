//! The result of a sweep.

use std::collections::{BTreeMap, HashMap};
use std::ops::{AddAssign, Range};

use gix::ObjectId;
use gix::object::Kind;

use super::unlisted::UnlistedBytes;
use crate::cache::CacheDigest;
use crate::model::Skip;

/// An object with matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedObject<M> {
    /// The id of the object.
    pub id: ObjectId,
    /// The kind of the object.
    pub kind: Kind,
    /// The size of the object in bytes.
    pub size: u64,
    /// The matches with their positions, sorted by start, then by end.
    pub matches: Vec<(Range<u64>, M)>,
}

/// The only copy of an object, in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedCopy {
    /// What identifies the pack.
    pub pack: CacheDigest,
    /// The digest of the bytes that the sweep found there, if the object is [read again](super::Searcher::is_read_again) and
    /// the cache has no facts about the pack. Reading the object by its id may give other bytes.
    pub content: Option<CacheDigest>,
}

/// How many objects of one kind were searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCount {
    /// Number of distinct objects.
    pub objects: u64,
    /// Inflated size of these objects in bytes.
    pub bytes: u64,
}

/// How many objects were searched, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectCounts([KindCount; 4]);

impl ObjectCounts {
    const fn index(kind: Kind) -> usize {
        match kind {
            Kind::Commit => 0,
            Kind::Tree => 1,
            Kind::Blob => 2,
            Kind::Tag => 3,
        }
    }

    /// The count of one kind.
    pub fn of(&self, kind: Kind) -> KindCount {
        self.0[Self::index(kind)]
    }

    /// The count of all kinds together.
    pub fn total(&self) -> KindCount {
        let mut total = KindCount::default();
        self.0.iter().for_each(|count| total += *count);
        total
    }

    pub(super) fn add(&mut self, kind: Kind, bytes: u64) {
        self.0[Self::index(kind)] += KindCount { objects: 1, bytes };
    }

    /// Adds several objects of one kind.
    pub(super) fn add_count(&mut self, kind: Kind, count: KindCount) {
        self.0[Self::index(kind)] += count;
    }

    /// Subtracts one object.
    pub(super) fn remove(&mut self, kind: Kind, bytes: u64) {
        let count = &mut self.0[Self::index(kind)];
        count.objects = count.objects.saturating_sub(1);
        count.bytes = count.bytes.saturating_sub(bytes);
    }

    /// The counts of all kinds, in a fixed order.
    pub(super) fn all(&self) -> &[KindCount; 4] {
        &self.0
    }

    pub(super) fn all_mut(&mut self) -> &mut [KindCount; 4] {
        &mut self.0
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, more) in self.0.iter_mut().zip(other.0) {
            *mine += more;
        }
    }
}

impl AddAssign for KindCount {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}

/// What a sweep found, and what it could not search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOutcome<M> {
    /// Objects with matches, each once, sorted by id.
    pub found: Vec<MatchedObject<M>>,
    /// Objects that were not searched, since all matches in them say, according to the cache, that they are [read
    /// again](super::Searcher::is_read_again), with their sizes in bytes. They are not in `found`. Empty without a cache.
    pub read_again: Vec<(ObjectId, u64)>,
    /// Those objects in `found` and `read_again` that are stored only once, in a pack. Empty without a cache.
    pub only_copies: HashMap<ObjectId, PackedCopy>,
    /// The objects that were searched.
    pub counts: ObjectCounts,
    /// Number of bytes that were passed to the searcher.
    pub bytes_searched: u64,
    /// What was not searched, sorted.
    pub skipped: Vec<Skip>,
    /// Objects that other objects name and that do not exist, sorted. Empty unless
    /// [`SweepOptions::check_links`](super::SweepOptions::check_links) is set.
    pub missing: Vec<ObjectId>,
    /// Objects that may name others that were not looked up, e.g. malformed trees, with the reason. Empty unless
    /// [`SweepOptions::check_links`](super::SweepOptions::check_links) is set.
    pub unchecked: BTreeMap<ObjectId, &'static str>,
    /// Those of the [targets of refs](super::SweepOptions::targets) that no pack lists, sorted. Includes some that are listed, if
    /// the index of a pack is not in order.
    pub unpacked_targets: Vec<ObjectId>,
    /// Bytes that belong to no object, in order. Empty unless
    /// [`SweepOptions::find_unlisted`](super::SweepOptions::find_unlisted) is set.
    pub unlisted: Vec<UnlistedBytes>,
    /// Whether the sweep was stopped early. Objects that it did not reach are then not in `skipped`.
    pub cancelled: bool,
}
