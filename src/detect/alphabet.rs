//! The alphabet of keys.

pub(super) use crate::rules::is_key;

/// The number of bytes at the start of `bytes` that are in the key alphabet, at most `limit`.
pub(super) fn key_run(bytes: &[u8], limit: usize) -> usize {
    bytes.iter().take(limit).take_while(|&&byte| is_key(byte)).count()
}
