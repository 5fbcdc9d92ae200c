//! Finds objects stored in several packs, so that each is counted and reported once.

use std::ops::Range;

use gix::oid;

use crate::git::pack::Pack;
use crate::threads;

/// For each pack from number `first_new` on, marks the entries whose object is also in an earlier pack or is
/// `known`. An empty list means there are none.
pub(super) fn find(
    packs: &[Pack],
    first_new: usize,
    known: &(dyn Fn(&oid) -> bool + Sync),
    threads: usize,
) -> Vec<Vec<bool>> {
    let copies =
        threads::map(threads, 0..=u8::MAX, |first_byte| find_among(packs, first_new, known, first_byte));
    let mut duplicates = vec![Vec::new(); packs.len() - first_new];
    for (pack, position) in copies.into_iter().flatten() {
        if let Some(entry) = packs[pack].entry_at_position(position) {
            let list: &mut Vec<bool> = &mut duplicates[pack - first_new];
            list.resize(packs[pack].len(), false);
            list[entry as usize] = true;
        }
    }
    duplicates
}

/// The duplicates among the objects whose id begins with `first_byte`, as pack number and index
/// position.
fn find_among(
    packs: &[Pack],
    first_new: usize,
    known: &dyn Fn(&oid) -> bool,
    first_byte: u8,
) -> Vec<(usize, u32)> {
    let (mut all, mut copies) = (Vec::new(), Vec::new());
    for (number, pack) in packs.iter().enumerate() {
        all.extend(positions(pack, first_byte).map(|position| (key(pack.id_at(position)), number, position)));
    }
    all.sort_unstable();
    for same_key in all.chunk_by(|left, right| left.0 == right.0) {
        for (at, &(_, pack, position)) in same_key.iter().enumerate() {
            let id = packs[pack].id_at(position);
            let earlier = same_key[..at].iter().any(|&(_, other, there)| packs[other].id_at(there) == id);
            if pack >= first_new && (earlier || known(id)) {
                copies.push((pack, position));
            }
        }
    }
    copies
}

/// The index positions of the ids that begin with `first_byte`.
fn positions(pack: &Pack, first_byte: u8) -> Range<u32> {
    let below = |bound: u32| {
        let (mut low, mut high) = (0, pack.num_objects());
        while low < high {
            let middle = low.midpoint(high);
            if u32::from(pack.id_at(middle).first_byte()) < bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    let start = below(u32::from(first_byte));
    start..below(u32::from(first_byte) + 1).max(start)
}

/// The first eight bytes of an id.
fn key(id: &oid) -> u64 {
    id.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
