//! Functions that benchmarks and fuzz targets call, which are crates of their own.
//!
//! Not part of the public interface: hidden from the documentation, and free to change. They are not behind a feature,
//! so that `cargo bench` and `cargo fuzz` work without flags.

pub use super::sweep::inflate_all_entries;

/// The checksum of a reftable's footer.
pub fn crc32(bytes: &[u8]) -> u32 {
    libdeflater::crc32(bytes)
}

/// Reads a whole reftable with SHA-1 or SHA-256 ids. Returns the number of refs and of reflog entries, and whether the table
/// is valid; `None` if it is not a reftable.
pub fn reftable(bytes: &[u8], is_sha256: bool) -> Option<(usize, usize, bool)> {
    let kind = if is_sha256 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 };
    super::refs::reftable::read_all(bytes, kind)
}
