//! Checks the order of the index of a pack.

use gix::oid;

use crate::git::pack::Pack;
use crate::threads;

/// Number of positions of an index that a thread checks at a time.
const POSITIONS_AT_ONCE: u32 = 1 << 15;

/// Whether the index lists each id once, in order, and where a lookup finds it, as every index that git writes does.
pub(super) fn is_in_order(pack: &Pack, threads: usize) -> bool {
    let starts = (0..pack.num_objects()).step_by(POSITIONS_AT_ONCE as usize);
    threads::map(threads, starts, |start| is_part_in_order(pack, start)).into_iter().all(|part| part)
}

/// Whether that is true of the next [`POSITIONS_AT_ONCE`] positions from `start` on.
fn is_part_in_order(pack: &Pack, start: u32) -> bool {
    let end = start.saturating_add(POSITIONS_AT_ONCE).min(pack.num_objects());
    let is_found = |position: u32| pack.position(pack.id_at(position)) == Some(position);
    let mut last = start.checked_sub(1).map(|before| pack.id_at(before));
    for position in start..end {
        let id = pack.id_at(position);
        if last.is_some_and(|last| last >= id) {
            return false;
        }
        // Since the ids are sorted, a lookup finds all ids with the same first byte if it finds the first and the last one.
        if last.map(oid::first_byte) != Some(id.first_byte())
            && !(is_found(position) && position.checked_sub(1).is_none_or(is_found))
        {
            return false;
        }
        last = Some(id);
    }
    end < pack.num_objects() || end == start || is_found(end - 1)
}
