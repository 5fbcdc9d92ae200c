//! The alphabets of keys.

/// `[A-Za-z0-9_-]`, the alphabet of base64url and of every key since 2024.
pub(super) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The number of bytes at the start of `bytes` that are in the key alphabet, at most `limit`.
pub(super) fn key_run(bytes: &[u8], limit: usize) -> usize {
    bytes.iter().take(limit).take_while(|&&byte| is_key(byte)).count()
}
