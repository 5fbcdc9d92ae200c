//! What is kept about a pack.

use std::cmp::Reverse;

use gix::ObjectId;
use gix::object::Kind;

use super::id_set::IdSet;
use crate::cache::{CacheDigest, CacheReader, put_number};
use crate::git::pack::Entry;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};

/// What a sweep found in a pack without faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PackFacts {
    /// The memory that the sweep had, in bytes. With less, some objects may be too large.
    pub(super) max_memory: u64,
    /// The size limit for assembled objects that it had, in bytes.
    pub(super) max_assembled: u64,
    /// The entries that need not be searched again, whether or not other packs have copies of their objects.
    pub(super) counts: ObjectCounts,
    /// Packs that contain objects which this one names and does not contain.
    pub(super) relies_on: Vec<CacheDigest>,
    /// The objects that it names and that are in no pack, sorted.
    pub(super) outside: Vec<ObjectId>,
    /// Entries with matches, ascending: they are searched again, with their delta bases.
    pub(super) matched: Vec<Entry>,
    /// Its ids, if all objects that it names are in it or in no pack.
    pub(super) ids: Option<IdSet>,
    /// Families without matches, sorted by digest.
    pub(super) families: Vec<FamilyFact>,
}

/// What is kept about a family without matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FamilyFact {
    /// What identifies it.
    pub(super) digest: CacheDigest,
    /// Whether its objects are trees, and not blobs.
    pub(super) is_trees: bool,
    /// Its objects.
    pub(super) count: KindCount,
}

impl FamilyFact {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest);
        put_number(out, self.is_trees.into());
        put_count(out, self.count);
    }

    /// The kind of its objects.
    pub(super) fn kind(&self) -> Kind {
        if self.is_trees { Kind::Tree } else { Kind::Blob }
    }
}

/// An entry of the cache may take this part of its pack's size.
const MAX_PART: u64 = 50;
/// And so many bytes more, for small packs.
const MIN_ROOM: u64 = 1 << 10;

impl PackFacts {
    /// As an entry of a cache, for a pack of that size in bytes. Of what only helps after a repack, it has only as much as there
    /// is room for: the ids, and the largest families. `None` if the rest takes too much.
    pub(super) fn encode(&self, pack_bytes: u64) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        put_number(&mut out, self.max_memory);
        put_number(&mut out, self.max_assembled);
        for count in self.counts.all() {
            put_count(&mut out, *count);
        }
        put_number(&mut out, self.relies_on.len() as u64);
        self.relies_on.iter().for_each(|digest| out.extend_from_slice(digest));
        put_number(&mut out, self.outside.len() as u64);
        self.outside.iter().for_each(|id| out.extend_from_slice(id.as_bytes()));
        put_number(&mut out, self.matched.len() as u64);
        let mut last = 0;
        for &entry in &self.matched {
            put_number(&mut out, u64::from(entry) - last);
            last = entry.into();
        }
        let room = pack_bytes / MAX_PART + MIN_ROOM;
        if out.len() as u64 > room {
            return None;
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX) - out.len();
        let mut ids = vec![1];
        self.ids.as_ref().inspect(|own| own.encode(&mut ids));
        let has_ids = self.ids.is_some() && ids.len() <= room / 2;
        out.extend_from_slice(if has_ids { &ids } else { &[0] });
        let room = if has_ids { room - ids.len() } else { room };
        let families = self.largest_families(room, has_ids);
        put_number(&mut out, families.len() as u64);
        families.iter().for_each(|family| family.encode(&mut out));
        Some(out)
    }

    /// The families with the most objects that take `room` bytes together, sorted by digest. Trees are of use only with ids.
    fn largest_families(&self, room: usize, has_ids: bool) -> Vec<FamilyFact> {
        /// What their number takes, in bytes.
        const COUNT: usize = 5;
        let mut families: Vec<_> =
            self.families.iter().filter(|family| has_ids || !family.is_trees).copied().collect();
        families.sort_by_key(|family| Reverse(family.count.objects));
        let mut left = room.saturating_sub(COUNT);
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

    /// Reads an entry of a cache for a pack of `entries` entries whose ids have `id_len` bytes. `None` if it makes no sense.
    pub(super) fn decode(bytes: &[u8], entries: usize, id_len: usize) -> Option<Self> {
        let mut reader = CacheReader::new(bytes);
        let mut facts =
            Self { max_memory: reader.number()?, max_assembled: reader.number()?, ..Self::default() };
        for count in facts.counts.all_mut() {
            *count = read_count(&mut reader)?;
        }
        for _ in 0..reader.count(size_of::<CacheDigest>())? {
            facts.relies_on.push(reader.array()?);
        }
        for _ in 0..reader.count(id_len)? {
            facts.outside.push(match id_len {
                20 => ObjectId::from_bytes_or_panic(&reader.array::<20>()?),
                32 => ObjectId::from_bytes_or_panic(&reader.array::<32>()?),
                _ => return None,
            });
        }
        let mut last = 0u64;
        for _ in 0..reader.count(1)? {
            last = last.checked_add(reader.number()?)?;
            facts.matched.push(Entry::try_from(last).ok().filter(|&entry| (entry as usize) < entries)?);
        }
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

fn put_count(out: &mut Vec<u8>, count: KindCount) {
    put_number(out, count.objects);
    put_number(out, count.bytes);
}

fn read_count(reader: &mut CacheReader<'_>) -> Option<KindCount> {
    Some(KindCount { objects: reader.number()?, bytes: reader.number()? })
}
