//! Computes object ids from content, and parses them from text.

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::object::Kind;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The id of an object with this kind and content; `None` if `hash_kind` is neither SHA-1 nor SHA-256.
pub fn object_id(kind: Kind, bytes: &[u8], hash_kind: HashKind) -> Option<ObjectId> {
    let header = gix::objs::encode::loose_header(kind, bytes.len() as u64);
    match hash_kind {
        HashKind::Sha1 => Some(digest::<Sha1>(&header, bytes)),
        HashKind::Sha256 => Some(digest::<Sha256>(&header, bytes)),
        _ => None,
    }
}

fn digest<D: Digest>(header: &[u8], bytes: &[u8]) -> ObjectId {
    ObjectId::from_bytes_or_panic(&D::new().chain_update(header).chain_update(bytes).finalize())
}

/// Whether `text` is a full object id, of SHA-1 or SHA-256.
pub fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Parses a full object id, of SHA-1 or SHA-256.
pub fn parse_id(text: &str) -> Option<ObjectId> {
    if is_id(text) { ObjectId::from_hex(text.as_bytes()).ok() } else { None }
}

/// Whether `text` is the all-zero id, which git writes for a ref that does not exist.
pub fn is_zero_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit == b'0')
}
