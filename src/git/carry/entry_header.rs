//! The bytes that precede the compressed data of an entry in a pack, as gitformat-pack(5) describes them.

use gix::objs::Kind;

/// The number of the type of a complete object in an entry header.
pub(super) fn whole_type(kind: Kind) -> u8 {
    match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    }
}

/// The number of the type of a delta whose base precedes it in the pack.
pub(super) const OFFSET_DELTA: u8 = 6;

/// Encodes the start of an entry: the number of its type, and its inflated size in bytes.
pub(super) fn entry_header(kind: u8, mut size: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(10);
    let mut byte = kind << 4 | (size & 0x0f) as u8;
    size >>= 4;
    while size > 0 {
        header.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    header.push(byte);
    header
}

/// Encodes the distance from a delta to its base, in bytes.
pub(super) fn encode_distance(mut distance: u64) -> Vec<u8> {
    let mut bytes = vec![(distance & 0x7f) as u8];
    while distance >> 7 > 0 {
        distance = (distance >> 7) - 1;
        bytes.push((distance & 0x7f) as u8 | 0x80);
    }
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use gix::hash::Kind as HashKind;

    use super::*;
    use crate::git::pack::entry::{EntryContent, parse};

    #[test]
    fn encoded_headers_and_distances_can_be_parsed() {
        for size in [0, 1, 15, 16, 2047, 2048, u64::from(u32::MAX), u64::MAX >> 1] {
            let header = parse(&entry_header(3, size), HashKind::Sha1).unwrap();
            assert_eq!((header.content, header.size), (EntryContent::Whole(Kind::Blob), size));
        }
        for distance in [1, 127, 128, 16511, 16512, 1 << 40] {
            let bytes = [entry_header(OFFSET_DELTA, 5), encode_distance(distance)].concat();
            assert_eq!(parse(&bytes, HashKind::Sha1).unwrap().content, EntryContent::OffsetDelta(distance));
        }
    }
}
