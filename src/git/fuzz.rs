//! Parsers of bytes from outside, within reach of fuzzers.

pub use super::pack::{delta, entry};

/// Reads the header at the start of an inflated loose object: its kind, its size, and the header's length.
pub fn loose_header(bytes: &[u8]) -> Option<(super::ObjectKind, u64, usize)> {
    super::loose::parse_header(bytes)
}
