//! Stores the ids that a pack lists in a compact form, which is enough to determine whether another pack lists all of them.

use gix::oid;

use crate::cache::{CacheDigest, CacheReader, put_number};
use crate::git::pack::Pack;

/// Number of leading bits of an id that are kept. As differences from the id before, they take three bytes in packs of up
/// to a million objects. The probability that a new id shares them with one of 100,000 others is 1 in 700,000; the pack is
/// then searched again.
const LEADING_BITS: u32 = 36;
/// Number of bytes of ids that are hashed at a time.
const BATCH: usize = 1 << 16;

/// The ids of a pack whose index is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdSet {
    /// The digest of all ids in order.
    digest: CacheDigest,
    /// The leading bits of each id, in order, to find the ids of this set among others.
    leading: Vec<u64>,
}

/// The leading bits of an id that are kept.
fn leading_bits(id: &oid) -> u64 {
    let first = id.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    first >> (u64::BITS - LEADING_BITS)
}

impl IdSet {
    /// The ids of `pack`.
    pub(super) fn from_pack(pack: &Pack) -> Self {
        let leading = (0..pack.num_objects()).map(|position| leading_bits(pack.id_at(position))).collect();
        Self { digest: digest_of(pack, |_| true), leading }
    }

    /// Whether `pack`, whose index is in order, lists every id of this set.
    pub(super) fn is_within(&self, pack: &Pack) -> bool {
        let mut index = 0;
        let mut is_listed = |id: &oid| {
            let bits = leading_bits(id);
            while self.leading.get(index).is_some_and(|listed| *listed < bits) {
                index += 1;
            }
            self.leading.get(index) == Some(&bits)
        };
        // Only the digest is certain: an id that is not in the set may have the same leading bits.
        self.leading.len() <= pack.num_objects() as usize && digest_of(pack, &mut is_listed) == self.digest
    }

    /// Appends the set to an entry of a cache.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_number(out, self.leading.len() as u64);
        out.extend_from_slice(&self.digest);
        let mut last = 0;
        for &bits in &self.leading {
            put_number(out, bits - last);
            last = bits;
        }
    }

    /// Reads a set from an entry of a cache; `None` if it is malformed.
    pub(super) fn decode(reader: &mut CacheReader<'_>) -> Option<Self> {
        let count = reader.count(1)?;
        let digest = reader.array()?;
        let mut last = 0u64;
        let leading = (0..count).map(|_| {
            last = last.checked_add(reader.number()?)?;
            Some(last)
        });
        Some(Self { leading: leading.collect::<Option<_>>()?, digest })
    }
}

/// The digest of the ids of `pack` that are `wanted`, in order.
fn digest_of(pack: &Pack, mut wanted: impl FnMut(&oid) -> bool) -> CacheDigest {
    let mut digest = blake3::Hasher::new();
    let mut batch = Vec::with_capacity(BATCH + 32);
    for position in 0..pack.num_objects() {
        let id = pack.id_at(position);
        if wanted(id) {
            batch.extend_from_slice(id.as_bytes());
            if batch.len() >= BATCH {
                digest.update(&batch);
                batch.clear();
            }
        }
    }
    digest.update(&batch);
    digest.finalize().into()
}
