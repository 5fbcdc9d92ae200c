//! The facts that the cache stores about a pack.

use gix::ObjectId;

use crate::cache::{CacheDigest, CacheReader, put_number};
use crate::git::pack::Entry;
use crate::git::sweep::SweepOptions;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};

/// What a sweep found in a pack without faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PackFacts {
    pub(super) memory: MemoryLimits,
    /// Counts of the entries that need not be searched again, whether or not other packs have copies of their
    /// objects.
    pub(super) object_counts: ObjectCounts,
    /// Packs with objects that this one names and does not contain.
    pub(super) relies_on: Vec<CacheDigest>,
    /// Objects in no pack that this one names, sorted.
    pub(super) outside: Vec<ObjectId>,
    /// Entries with matches, ascending. They and their delta bases are searched again.
    pub(super) matched: Vec<Entry>,
    /// If all of these matches only say that an object is read again: facts for the case that none of them need be.
    pub(super) read_again: Option<ReadAgain>,
}

/// Facts about objects whose matches only say that they are [read again](crate::git::Searcher::is_read_again).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReadAgain {
    /// Counts of these objects and their delta bases.
    pub(super) object_counts: ObjectCounts,
    /// Their positions in the index, and their sizes in bytes.
    pub(super) objects: Vec<(u32, u64)>,
}

/// The memory limits of a sweep, in bytes. With lower ones, some objects may be too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MemoryLimits {
    pub(super) max_memory: u64,
    /// The size limit for assembled objects.
    pub(super) max_assembled: u64,
}

impl MemoryLimits {
    /// The limits in `options`.
    pub(super) fn from_options(options: &SweepOptions<'_>) -> Self {
        Self { max_memory: options.max_memory, max_assembled: options.max_assembled }
    }

    /// Whether a sweep with these limits can read everything that one with the `other` limits can.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.max_memory <= self.max_memory && other.max_assembled <= self.max_assembled
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_number(out, self.max_memory);
        put_number(out, self.max_assembled);
    }

    pub(super) fn decode(reader: &mut CacheReader<'_>) -> Option<Self> {
        Some(Self { max_memory: reader.number()?, max_assembled: reader.number()? })
    }
}

/// Number of bytes of a pack for each byte that all cache entries about it together may take.
const PACK_BYTES_PER_BYTE: u64 = 50;
/// Number of additional bytes that they may take, for small packs.
const MIN_ROOM: u64 = 1 << 10;

/// Maximum number of bytes that all cache entries about a pack of `pack_bytes` bytes may take.
pub(super) fn room(pack_bytes: u64) -> usize {
    usize::try_from(pack_bytes / PACK_BYTES_PER_BYTE + MIN_ROOM).unwrap_or(usize::MAX)
}

impl PackFacts {
    /// Encodes the facts as an entry of a cache.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.memory.encode(&mut out);
        for count in self.object_counts.all() {
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
        put_number(&mut out, self.read_again.is_some().into());
        if let Some(ReadAgain { object_counts, objects }) = &self.read_again {
            object_counts.all().iter().for_each(|count| put_count(&mut out, *count));
            put_number(&mut out, objects.len() as u64);
            for &(position, size) in objects {
                put_number(&mut out, position.into());
                put_number(&mut out, size);
            }
        }
        out
    }

    /// Decodes an entry of a cache for a pack with `entries` entries and ids of `id_len` bytes; `None` if it is
    /// malformed.
    pub(super) fn decode(bytes: &[u8], entries: usize, id_len: usize) -> Option<Self> {
        let mut reader = CacheReader::new(bytes);
        let mut facts = Self { memory: MemoryLimits::decode(&mut reader)?, ..Self::default() };
        for count in facts.object_counts.all_mut() {
            *count = read_count(&mut reader)?;
        }
        for _ in 0..reader.count(size_of::<CacheDigest>())? {
            facts.relies_on.push(reader.array()?);
        }
        for _ in 0..reader.count(id_len)? {
            facts.outside.push(ObjectId::try_from(reader.bytes(id_len)?).ok()?);
        }
        let mut last = 0u64;
        for _ in 0..reader.count(1)? {
            last = last.checked_add(reader.number()?)?;
            facts.matched.push(Entry::try_from(last).ok().filter(|&entry| (entry as usize) < entries)?);
        }
        if reader.number()? != 0 {
            facts.read_again = Some(ReadAgain::decode(&mut reader, entries)?);
        }
        reader.is_at_end().then_some(facts)
    }
}

impl ReadAgain {
    fn decode(reader: &mut CacheReader<'_>, entries: usize) -> Option<Self> {
        let mut facts = Self::default();
        for count in facts.object_counts.all_mut() {
            *count = read_count(reader)?;
        }
        for _ in 0..reader.count(2)? {
            let position = u32::try_from(reader.number()?).ok()?;
            facts.objects.push((position, reader.number()?));
        }
        facts.objects.iter().all(|(position, _)| (*position as usize) < entries).then_some(facts)
    }
}

pub(super) fn put_count(out: &mut Vec<u8>, count: KindCount) {
    put_number(out, count.objects);
    put_number(out, count.bytes);
}

pub(super) fn read_count(reader: &mut CacheReader<'_>) -> Option<KindCount> {
    Some(KindCount { objects: reader.number()?, bytes: reader.number()? })
}
