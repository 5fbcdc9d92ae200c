//! Renders the index of a new pack, in version 2 of the format.

use gix::ObjectId;

/// An object of a new pack.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexEntry {
    pub(super) id: ObjectId,
    /// CRC-32 of the bytes of its entry in the pack.
    pub(super) crc: u32,
    /// The offset of its entry in the pack.
    pub(super) offset: u64,
}

/// Offsets from this one on are in a separate table.
const MIN_LARGE_OFFSET: u64 = 1 << 31;

/// Renders the index, without its own checksum at the end. Sorts the entries.
pub(super) fn render(entries: &mut [IndexEntry], pack_checksum: &[u8]) -> Vec<u8> {
    entries.sort_unstable_by_key(|entry| entry.id);
    let id_len = pack_checksum.len();
    let mut out = Vec::with_capacity(8 + 1024 + entries.len() * (id_len + 8) + 2 * id_len);
    out.extend_from_slice(&[0xff, b't', b'O', b'c', 0, 0, 0, 2]);
    let mut counts = [0u32; 256];
    for entry in &*entries {
        counts[usize::from(entry.id.first_byte())] += 1;
    }
    let mut total = 0u32;
    for count in counts {
        total += count;
        out.extend_from_slice(&total.to_be_bytes());
    }
    for entry in &*entries {
        out.extend_from_slice(entry.id.as_bytes());
    }
    for entry in &*entries {
        out.extend_from_slice(&entry.crc.to_be_bytes());
    }
    let mut large: Vec<u64> = Vec::new();
    for entry in &*entries {
        let offset = match u32::try_from(entry.offset) {
            Ok(offset) if entry.offset < MIN_LARGE_OFFSET => offset,
            _ => {
                large.push(entry.offset);
                0x8000_0000 | u32::try_from(large.len() - 1).unwrap_or(0)
            }
        };
        out.extend_from_slice(&offset.to_be_bytes());
    }
    for offset in large {
        out.extend_from_slice(&offset.to_be_bytes());
    }
    out.extend_from_slice(pack_checksum);
    out
}
