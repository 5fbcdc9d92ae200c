//! The id of an object that is not in a database.

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::object::Kind;

/// The id that git gives to an object of that kind with these bytes; nothing when they are made to
/// collide with others.
pub fn object_id(kind: Kind, bytes: &[u8], hash: HashKind) -> Option<ObjectId> {
    gix::objs::compute_hash(hash, kind, bytes).ok()
}
