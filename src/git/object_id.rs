//! Object ids of content that is not in a database, and as text.

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::object::Kind;

/// The id that git gives to an object with these bytes; `None` if they are part of a known collision attack.
pub fn object_id(kind: Kind, bytes: &[u8], hash: HashKind) -> Option<ObjectId> {
    gix::objs::compute_hash(hash, kind, bytes).ok()
}

/// Whether `text` is a full object id, of SHA-1 or SHA-256.
pub fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether `text` is the all-zero id, which git writes for a ref that does not exist.
pub fn is_zero(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit == b'0')
}
