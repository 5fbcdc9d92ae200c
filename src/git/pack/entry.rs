//! Parses the header of a pack entry: its type, its size, and its delta base.

use gix::ObjectId;
use gix::hash;
use gix::object::Kind;

/// What an entry stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryContent {
    /// A complete object.
    Whole(Kind),
    /// A delta against the entry that starts this many bytes before this one; never 0.
    OffsetDelta(u64),
    /// A delta against the object with this id.
    IdDelta(ObjectId),
}

/// The header of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the compressed data after the header is.
    pub content: EntryContent,
    /// Inflated size of the object or delta, in bytes.
    pub size: u64,
    /// Length of the header in bytes; the compressed data follows.
    pub len: usize,
}

/// Why a header cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The input ends within the header.
    #[error("the entry header is truncated")]
    Truncated,
    /// A number does not fit into 64 bits.
    #[error("a number in the entry header is too large")]
    Overflow,
    /// The type is 0 or 5, which git has never written.
    #[error("the entry has the unknown type {0}")]
    UnknownType(u8),
    /// The entry is a delta against itself.
    #[error("the delta is its own base")]
    SelfDelta,
}

/// Parses the header at the start of `bytes`, which may be anything, in a pack with object ids of kind `hash_kind`.
///
/// # Errors
/// When `bytes` does not start with a valid header.
#[inline]
pub fn parse(bytes: &[u8], hash_kind: hash::Kind) -> Result<Header, HeaderError> {
    let first = *bytes.first().ok_or(HeaderError::Truncated)?;
    let mut size = u64::from(first & 0x0f);
    let mut len = 1;
    let mut shift = 4;
    let mut byte = first;
    while byte & 0x80 != 0 {
        byte = *bytes.get(len).ok_or(HeaderError::Truncated)?;
        len += 1;
        let bits = u64::from(byte & 0x7f);
        // A number may be padded with zeros; only other bits that do not fit are an error.
        if bits != 0 {
            if shift > 63 || (bits << shift) >> shift != bits {
                return Err(HeaderError::Overflow);
            }
            size |= bits << shift;
        }
        shift += 7;
        if len > MAX_PADDED_LEN {
            return Err(HeaderError::Overflow);
        }
    }
    let content = match (first >> 4) & 7 {
        1 => EntryContent::Whole(Kind::Commit),
        2 => EntryContent::Whole(Kind::Tree),
        3 => EntryContent::Whole(Kind::Blob),
        4 => EntryContent::Whole(Kind::Tag),
        6 => {
            let (distance, used) = parse_distance(&bytes[len..])?;
            len += used;
            EntryContent::OffsetDelta(distance)
        }
        7 => {
            let id = bytes.get(len..len + hash_kind.len_in_bytes()).ok_or(HeaderError::Truncated)?;
            len += id.len();
            EntryContent::IdDelta(ObjectId::try_from(id).map_err(|_| HeaderError::Truncated)?)
        }
        other => return Err(HeaderError::UnknownType(other)),
    };
    Ok(Header { content, size, len })
}

/// Maximum length of a padded size, in bytes.
const MAX_PADDED_LEN: usize = 32;

/// Parses the distance to a delta's base, and returns it with the length of its encoding, both in bytes. Each byte after the
/// first adds one to the number so far, so that every number has exactly one encoding.
#[inline]
fn parse_distance(bytes: &[u8]) -> Result<(u64, usize), HeaderError> {
    let mut byte = *bytes.first().ok_or(HeaderError::Truncated)?;
    let mut distance = u64::from(byte & 0x7f);
    let mut used = 1;
    while byte & 0x80 != 0 {
        byte = *bytes.get(used).ok_or(HeaderError::Truncated)?;
        used += 1;
        distance = distance
            .checked_add(1)
            .filter(|distance| *distance >> 57 == 0)
            .map(|distance| (distance << 7) | u64::from(byte & 0x7f))
            .ok_or(HeaderError::Overflow)?;
    }
    if distance == 0 { Err(HeaderError::SelfDelta) } else { Ok((distance, used)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_sha1(bytes: &[u8]) -> Result<Header, HeaderError> {
        parse(bytes, hash::Kind::Sha1)
    }

    #[test]
    fn sizes_and_types_are_parsed() {
        let blob = Header { content: EntryContent::Whole(Kind::Blob), size: 3, len: 1 };
        assert_eq!(parse_sha1(&[0x33]), Ok(blob));
        assert_eq!(parse_sha1(&[0xb3, 0x00]), Ok(Header { len: 2, ..blob }), "padded with a zero");
        assert_eq!(parse_sha1(&[0x9f, 0x01]).map(|header| header.size), Ok(31));
        assert_eq!(parse_sha1(&[]), Err(HeaderError::Truncated));
        assert_eq!(parse_sha1(&[0xb3]), Err(HeaderError::Truncated));
        assert_eq!(parse_sha1(&[0x03]), Err(HeaderError::UnknownType(0)));
        assert_eq!(parse_sha1(&[0x53]), Err(HeaderError::UnknownType(5)));
        let mut huge = vec![0xff; 11];
        huge.push(0x7f);
        assert_eq!(parse_sha1(&huge), Err(HeaderError::Overflow));
    }

    #[test]
    fn distances_are_parsed() {
        assert_eq!(parse_sha1(&[0x61, 5]).map(|header| header.content), Ok(EntryContent::OffsetDelta(5)));
        assert_eq!(
            parse_sha1(&[0x61, 0x80, 0]).map(|header| header.content),
            Ok(EntryContent::OffsetDelta(128))
        );
        assert_eq!(parse_sha1(&[0x61, 0]), Err(HeaderError::SelfDelta));
        assert_eq!(parse_sha1(&[0x61, 0x80]), Err(HeaderError::Truncated));
        assert_eq!(parse_sha1(&[&[0x61][..], &[0xff; 12]].concat()), Err(HeaderError::Overflow));
    }

    #[test]
    fn ids_of_both_lengths_are_parsed() {
        let bytes = [&[0x75][..], &[7; 40]].concat();
        for (hash_kind, len) in [(hash::Kind::Sha1, 21), (hash::Kind::Sha256, 33)] {
            let header = parse(&bytes, hash_kind).expect("an id is there");
            assert_eq!((header.len, header.size), (len, 5));
            let id = ObjectId::try_from(&[7; 40][..len - 1]).expect("right length");
            assert_eq!(header.content, EntryContent::IdDelta(id));
        }
        assert_eq!(parse_sha1(&bytes[..20]), Err(HeaderError::Truncated));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_parsed_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for hash_kind in [hash::Kind::Sha1, hash::Kind::Sha256] {
                if let Ok(header) = parse(&bytes, hash_kind) {
                    prop_assert!(header.len <= bytes.len());
                }
            }
        }
    }
}
