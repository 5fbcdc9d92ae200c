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

/// Offsets of at least this many bytes are in a separate table, of 64-bit values.
const MIN_LARGE_OFFSET: u64 = 1 << 31;

/// Renders the index, without its own checksum at the end. Sorts the entries.
pub(super) fn render(entries: &mut [IndexEntry], pack_checksum: &[u8]) -> Vec<u8> {
    entries.sort_unstable_by_key(|entry| entry.id);
    let id_len = pack_checksum.len();
    // The signature and version, the fanout table, a row for each entry, and two checksums.
    let mut out = Vec::with_capacity(8 + 1024 + entries.len() * (id_len + 8) + 2 * id_len);
    out.extend_from_slice(&[0xff, b't', b'O', b'c', 0, 0, 0, 2]);
    // The number of ids that begin with each byte.
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
    let mut large_offsets: Vec<u64> = Vec::new();
    for entry in &*entries {
        let offset = match u32::try_from(entry.offset) {
            Ok(offset) if entry.offset < MIN_LARGE_OFFSET => offset,
            _ => {
                large_offsets.push(entry.offset);
                // The highest bit marks an index into the separate table.
                0x8000_0000 | u32::try_from(large_offsets.len() - 1).unwrap_or(0)
            }
        };
        out.extend_from_slice(&offset.to_be_bytes());
    }
    for offset in large_offsets {
        out.extend_from_slice(&offset.to_be_bytes());
    }
    out.extend_from_slice(pack_checksum);
    out
}
