//! The digest that identifies a pack.

use gix::oid;

use crate::cache::CacheDigest;
use crate::git::pack::Pack;
use crate::threads;

/// What one thread hashes at a time, in bytes.
const CHUNK: usize = 1 << 20;
/// How many positions of an index one thread hashes at a time.
const POSITIONS: u32 = 1 << 15;

/// The digest of all bytes of a pack, and of all ids and offsets in its index. `None` if the index does not list each
/// id once, in order, and where a lookup finds it: what it means does then not follow from ids and offsets alone.
pub(super) fn pack_digest(pack: &Pack, threads: usize) -> Option<CacheDigest> {
    let starts = (0..pack.num_objects()).step_by(POSITIONS as usize);
    let index = threads::map(threads, starts, |start| index_part(pack, start));
    let index = index.into_iter().collect::<Option<Vec<_>>>()?;
    let bytes = pack.all_bytes();
    let chunks = threads::map(threads, bytes.chunks(CHUNK), blake3::hash);
    let mut digest = blake3::Hasher::new();
    digest.update(&(bytes.len() as u64).to_le_bytes());
    digest.update(&u64::from(pack.num_objects()).to_le_bytes());
    for part in chunks.iter().chain(&index) {
        digest.update(part.as_bytes());
    }
    Some(digest.finalize().into())
}

/// The digest of the ids and offsets from position `start` on.
fn index_part(pack: &Pack, start: u32) -> Option<blake3::Hash> {
    let end = start.saturating_add(POSITIONS).min(pack.num_objects());
    let mut listed = Vec::with_capacity((end - start) as usize * 40);
    let is_found = |position: u32| pack.position(pack.id_at(position)) == Some(position);
    let mut last = start.checked_sub(1).map(|before| pack.id_at(before));
    for position in start..end {
        let id = pack.id_at(position);
        if let Some(last) = last
            && last >= id
        {
            return None;
        }
        // In order, all ids of one first byte are found if the first and the last are.
        if last.map(oid::first_byte) != Some(id.first_byte())
            && !(is_found(position) && position.checked_sub(1).is_none_or(is_found))
        {
            return None;
        }
        listed.extend_from_slice(id.as_bytes());
        listed.extend_from_slice(&pack.offset_at(position).to_le_bytes());
        last = Some(id);
    }
    if end > start && end == pack.num_objects() && !is_found(end - 1) {
        return None;
    }
    Some(blake3::hash(&listed))
}
