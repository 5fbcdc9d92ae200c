//! What a sweep brings back.

use std::ops::{AddAssign, Range};

use gix::ObjectId;
use gix::object::Kind;

use super::unlisted::UnlistedBytes;
use crate::model::Skip;

/// An object with matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedObject<H> {
    /// The object.
    pub id: ObjectId,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub size: u64,
    /// Its matches with their places, sorted by start, then by end.
    pub hits: Vec<(Range<u64>, H)>,
}

/// How many objects of one kind were searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCount {
    /// Objects, each once.
    pub objects: u64,
    /// Their bytes, as they stand unpacked.
    pub bytes: u64,
}

/// How much was searched, by kind.
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

    /// How much of one kind was searched.
    pub fn of(&self, kind: Kind) -> KindCount {
        self.0[Self::index(kind)]
    }

    /// How much was searched in all.
    pub fn total(&self) -> KindCount {
        let mut total = KindCount::default();
        self.0.iter().for_each(|count| total += *count);
        total
    }

    pub(super) fn add(&mut self, kind: Kind, bytes: u64) {
        self.0[Self::index(kind)] += KindCount { objects: 1, bytes };
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

/// What a sweep found, and what it could not look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOutcome<H> {
    /// Objects with matches, each once, sorted by id.
    pub found: Vec<MatchedObject<H>>,
    /// What was searched.
    pub counts: ObjectCounts,
    /// Bytes that were handed to the searcher.
    pub searched: u64,
    /// What was not searched, sorted.
    pub skipped: Vec<Skip>,
    /// What objects name and the database lacks, sorted; empty if nobody asked for it.
    pub missing: Vec<ObjectId>,
    /// Bytes of packs that belong to no entry, in order; empty if nobody asked for them.
    pub unlisted: Vec<UnlistedBytes>,
    /// Whether it was stopped early; then what is missing stands nowhere.
    pub cancelled: bool,
}
