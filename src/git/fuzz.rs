//! Gives fuzzers access to parsers of untrusted bytes.

pub use super::pack::{delta, entry};

/// Reads the header at the start of an inflated loose object: its kind, its size, and the header's length.
pub fn loose_header(bytes: &[u8]) -> Option<(super::ObjectKind, u64, usize)> {
    super::loose::parse_header(bytes)
}

/// The checksum of a table's footer.
pub fn crc32(bytes: &[u8]) -> u32 {
    libdeflater::crc32(bytes)
}

/// Parses a reftable, of SHA-1 or of SHA-256 ids: the number of refs, the number of log entries, and whether all of it
/// could be read. `None` if it is not a reftable.
pub fn reftable(bytes: &[u8], is_sha256: bool) -> Option<(usize, usize, bool)> {
    let kind = if is_sha256 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 };
    super::refs::reftable::read_all(bytes, kind)
}
