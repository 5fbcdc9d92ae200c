//! The result of a sweep.

use std::collections::HashMap;
use std::ops::{AddAssign, Range};

use gix::ObjectId;
use gix::object::Kind;

use super::unlisted::UnlistedBytes;
use crate::cache::CacheDigest;
use crate::model::Skip;

/// An object with matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedObject<H> {
    /// The object's id.
    pub id: ObjectId,
    /// Its kind.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// Its matches with their positions, sorted by start, then by end.
    pub hits: Vec<(Range<u64>, H)>,
}

/// The only copy of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedCopy {
    /// What identifies the pack that it is in.
    pub pack: CacheDigest,
    /// The digest of the bytes that the sweep found there, if the object is [read again](super::Searcher::is_read_again) and
    /// the cache has no facts about the pack. Whoever reads the object by its id may find others.
    pub content: Option<CacheDigest>,
}

/// How many objects of one kind were searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCount {
    /// Number of distinct objects.
    pub objects: u64,
    /// Their inflated size in bytes.
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
pub struct SweepOutcome<H> {
    /// Objects with matches, each once, sorted by id.
    pub found: Vec<MatchedObject<H>>,
    /// Objects that are [read again](super::Searcher::is_read_again), and need not be: they are not among those found. Only
    /// with a cache.
    pub clean: Vec<(ObjectId, u64)>,
    /// Of all of these, the ones that are stored only once, in a pack. Only known with a cache.
    pub only_copies: HashMap<ObjectId, PackedCopy>,
    /// The objects that were searched.
    pub counts: ObjectCounts,
    /// Bytes passed to the searcher.
    pub searched: u64,
    /// What was not searched, sorted.
    pub skipped: Vec<Skip>,
    /// Objects that are named and do not exist, sorted. Empty unless
    /// [`SweepOptions::check_links`](super::SweepOptions::check_links) is set.
    pub missing: Vec<ObjectId>,
    /// Bytes that belong to no object, in order. Empty unless
    /// [`SweepOptions::find_unlisted`](super::SweepOptions::find_unlisted) is set.
    pub unlisted: Vec<UnlistedBytes>,
    /// Whether the sweep was stopped early. What it did not reach is then not listed.
    pub cancelled: bool,
}
