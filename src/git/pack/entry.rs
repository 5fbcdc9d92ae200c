//! The header of a pack entry: its type, its size, and its delta base.

use gix::ObjectId;
use gix::hash;
use gix::object::Kind;

/// What an entry contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryContent {
    /// A complete object.
    Whole(Kind),
    /// A delta against the entry that starts this many bytes before; never 0.
    OffsetDelta(u64),
    /// A delta against the object with this id.
    IdDelta(ObjectId),
}

/// The header of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows the header.
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
    /// Type 0 or 5, which git has never written.
    #[error("the entry has the unknown type {0}")]
    UnknownType(u8),
    /// A delta that names itself as its base.
    #[error("the delta is its own base")]
    OwnBase,
}

/// Parses the header at the start of `bytes`, with object hash_kind of kind `hash_kind`.
///
/// # Errors
/// When `bytes` does not start with a valid header. Accepts arbitrary input.
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
        // Padding with zeros is allowed; only bits that do not fit are an error.
        if bits != 0 {
            if shift > 63 || (bits << shift) >> shift != bits {
                return Err(HeaderError::Overflow);
            }
            size |= bits << shift;
        }
        shift += 7;
        if len > 32 {
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

/// Parses the distance to a delta's base. Returns it with its length in bytes. Each continuation adds one, so
/// that every number has exactly one encoding.
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
    if distance == 0 { Err(HeaderError::OwnBase) } else { Ok((distance, used)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sha1(bytes: &[u8]) -> Result<Header, HeaderError> {
        parse(bytes, hash::Kind::Sha1)
    }

    #[test]
    fn reads_sizes_and_types() {
        let blob = Header { content: EntryContent::Whole(Kind::Blob), size: 3, len: 1 };
        assert_eq!(sha1(&[0x33]), Ok(blob));
        assert_eq!(sha1(&[0xb3, 0x00]), Ok(Header { len: 2, ..blob }), "padded with a zero");
        assert_eq!(sha1(&[0x9f, 0x01]).map(|header| header.size), Ok(31));
        assert_eq!(sha1(&[]), Err(HeaderError::Truncated));
        assert_eq!(sha1(&[0xb3]), Err(HeaderError::Truncated));
        assert_eq!(sha1(&[0x03]), Err(HeaderError::UnknownType(0)));
        assert_eq!(sha1(&[0x53]), Err(HeaderError::UnknownType(5)));
        let mut huge = vec![0xff; 11];
        huge.push(0x7f);
        assert_eq!(sha1(&huge), Err(HeaderError::Overflow));
    }

    #[test]
    fn reads_distances_as_git_writes_them() {
        assert_eq!(sha1(&[0x61, 5]).map(|header| header.content), Ok(EntryContent::OffsetDelta(5)));
        assert_eq!(sha1(&[0x61, 0x80, 0]).map(|header| header.content), Ok(EntryContent::OffsetDelta(128)));
        assert_eq!(sha1(&[0x61, 0]), Err(HeaderError::OwnBase));
        assert_eq!(sha1(&[0x61, 0x80]), Err(HeaderError::Truncated));
        assert_eq!(sha1(&[&[0x61][..], &[0xff; 12]].concat()), Err(HeaderError::Overflow));
    }

    #[test]
    fn reads_ids_of_both_lengths() {
        let bytes = [&[0x75][..], &[7; 40]].concat();
        for (hash_kind, len) in [(hash::Kind::Sha1, 21), (hash::Kind::Sha256, 33)] {
            let header = parse(&bytes, hash_kind).expect("an id is there");
            assert_eq!((header.len, header.size), (len, 5));
            let id = ObjectId::try_from(&[7; 40][..len - 1]).expect("right length");
            assert_eq!(header.content, EntryContent::IdDelta(id));
        }
        assert_eq!(sha1(&bytes[..20]), Err(HeaderError::Truncated));
    }

    proptest! {
        #[test]
        fn survives_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for hash_kind in [hash::Kind::Sha1, hash::Kind::Sha256] {
                if let Ok(header) = parse(&bytes, hash_kind) {
                    prop_assert!(header.len <= bytes.len());
                }
            }
        }
    }
}
