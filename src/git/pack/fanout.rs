//! Narrows the position of an id in a pack's index to a few candidates.
//!
//! The index has a fan-out table for the first byte of ids. This one covers more bits.

use std::ops::Range;

use gix::oid;

/// Average number of ids with the same leading bits. So few are in one or two cache lines.
const IDS_PER_BUCKET: u32 = 2;

/// A table of the first index position for each possible value of the leading bits.
pub(super) struct Fanout {
    starts: Vec<u32>,
    /// The number of bits, of the first 64 of an id, that are ignored.
    shift: u32,
}

impl Fanout {
    /// Builds the table for `count` ids in the order of the index.
    pub(super) fn new<'a>(count: u32, ids: impl Iterator<Item = &'a oid>) -> Self {
        let bits = (count / IDS_PER_BUCKET).checked_ilog2().unwrap_or(0);
        let shift = 64 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (position, id) in (0..count).zip(ids) {
            let bucket = bucket(id, shift);
            while starts.len() <= bucket {
                starts.push(position);
            }
        }
        starts.resize((1 << bits) + 1, count);
        Self { starts, shift }
    }

    /// The range of positions at which `id` may be.
    #[inline]
    pub(super) fn positions(&self, id: &oid) -> Range<u32> {
        let bucket = bucket(id, self.shift);
        self.starts[bucket]..self.starts[bucket + 1]
    }
}

/// The leading bits of an id.
fn bucket(id: &oid, shift: u32) -> usize {
    let leading = id.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    leading.checked_shr(shift).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use gix::ObjectId;

    use super::*;

    #[test]
    fn positions_contain_every_id() {
        for count in [0, 1, 3, 4, 8, 100, 1000] {
            // Some ids share their first bytes.
            let mut ids: Vec<ObjectId> = (0..count)
                .map(|number: u32| {
                    let mut bytes = [0; 20];
                    bytes[..4].copy_from_slice(&(number / 3).wrapping_mul(0x9e37_79b9).to_be_bytes());
                    bytes[19] = number as u8;
                    ObjectId::from(bytes)
                })
                .collect();
            ids.sort_unstable();
            let fanout = Fanout::new(count, ids.iter().map(|id| &**id));
            for (position, id) in (0..count).zip(&ids) {
                assert!(fanout.positions(id).contains(&position), "{position} of {count}");
            }
            let positions = fanout.positions(&ObjectId::null(gix::hash::Kind::Sha1));
            assert!(positions.end <= count);
        }
    }

    #[test]
    fn unsorted_ids_do_not_panic() {
        let ids = [ObjectId::from([0xff; 20]), ObjectId::from([0; 20]), ObjectId::from([0x80; 20])].repeat(9);
        let fanout = Fanout::new(27, ids.iter().map(|id| &**id));
        assert!(ids.iter().all(|id| fanout.positions(id).end <= 27));
    }
}
