//! The alphabet of keys.

/// `[A-Za-z0-9_-]`, the alphabet of base64url and of every key since 2024.
pub fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
