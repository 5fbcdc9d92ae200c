//! The facts about a pack that are needed after a repack has replaced it. They are by far the largest part of what is kept,
//! so they are in a separate entry, which is read only then.

use std::cmp::Reverse;

use gix::object::Kind;

use super::facts::{MemoryLimits, put_count, read_count};
use super::id_set::IdSet;
use crate::cache::{CacheDigest, CacheReader, put_number};
use crate::git::sweep::outcome::KindCount;

/// Facts that help to determine which objects of another pack were in this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RepackFacts {
    pub(super) memory: MemoryLimits,
    /// The ids of the pack, if it contains all objects that it names.
    pub(super) ids: Option<IdSet>,
    /// Families without matches, sorted by digest.
    pub(super) families: Vec<FamilyFact>,
}

/// The facts about a family without matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FamilyFact {
    /// The digest of the family.
    pub(super) digest: CacheDigest,
    /// Whether the objects are trees, as opposed to blobs.
    pub(super) is_trees: bool,
    /// The number and size of the objects.
    pub(super) count: KindCount,
}

impl FamilyFact {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest);
        put_number(out, self.is_trees.into());
        put_count(out, self.count);
    }

    /// The kind of the objects.
    pub(super) fn kind(&self) -> Kind {
        if self.is_trees { Kind::Tree } else { Kind::Blob }
    }
}

/// The context from which the subject of the entry is derived, besides the digest of the pack.
const SUBJECT: &str = "friskey cache: families of a pack";

impl RepackFacts {
    /// The subject of the entry about the pack with this digest.
    pub(super) fn subject(pack: &CacheDigest) -> CacheDigest {
        blake3::derive_key(SUBJECT, pack)
    }

    /// Encodes an entry of a cache of at most `room` bytes: the ids, if they take at most half of it, and the largest
    /// families.
    pub(super) fn encode(&self, room: usize) -> Vec<u8> {
        let mut out = Vec::new();
        self.memory.encode(&mut out);
        let room = room.saturating_sub(out.len());
        let mut ids = vec![1];
        self.ids.as_ref().inspect(|own| own.encode(&mut ids));
        let has_ids = self.ids.is_some() && ids.len() <= room / 2;
        out.extend_from_slice(if has_ids { &ids } else { &[0] });
        let room = if has_ids { room - ids.len() } else { room };
        let families = self.largest_families(room, has_ids);
        put_number(&mut out, families.len() as u64);
        families.iter().for_each(|family| family.encode(&mut out));
        out
    }

    /// The families with the most objects that together take at most `room` bytes, sorted by digest. Families of trees
    /// are useful only with ids.
    fn largest_families(&self, room: usize, has_ids: bool) -> Vec<FamilyFact> {
        /// Length of the number of families, in bytes.
        const COUNT_LEN: usize = 5;
        let mut families: Vec<_> =
            self.families.iter().filter(|family| has_ids || !family.is_trees).copied().collect();
        families.sort_by_key(|family| Reverse(family.count.objects));
        let mut left = room.saturating_sub(COUNT_LEN);
        let mut bytes = Vec::new();
        families.retain(|family| {
            bytes.clear();
            family.encode(&mut bytes);
            let fits = bytes.len() <= left;
            left = if fits { left - bytes.len() } else { 0 };
            fits
        });
        families.sort_by_key(|family| family.digest);
        families
    }

    /// Decodes an entry of a cache; `None` if it is malformed.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = CacheReader::new(bytes);
        let mut facts = Self { memory: MemoryLimits::decode(&mut reader)?, ..Self::default() };
        if reader.number()? != 0 {
            facts.ids = Some(IdSet::decode(&mut reader)?);
        }
        for _ in 0..reader.count(size_of::<CacheDigest>() + 3)? {
            let (digest, is_trees) = (reader.array()?, reader.number()? != 0);
            facts.families.push(FamilyFact { digest, is_trees, count: read_count(&mut reader)? });
        }
        reader.is_at_end().then_some(facts)
    }
}
