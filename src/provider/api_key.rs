//! The key that authenticates a request; it cannot be printed.

use ureq::http::HeaderValue;
use zeroize::Zeroizing;

/// Maximum length of a key that is sent, in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// A key to authenticate with: an admin key, or a leaked key that is sent on request. It is wiped when dropped and
/// cannot be printed: it has neither `Debug` nor `Display`.
pub struct ApiKey {
    header: Zeroizing<Vec<u8>>,
}

const SCHEME: &[u8] = b"Bearer ";

impl ApiKey {
    /// Takes the bytes of a key; `None` unless they are printable ASCII without blanks, as in any key.
    pub fn new(key: &[u8]) -> Option<Self> {
        let is_key = (1..=MAX_KEY_BYTES).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        is_key.then(|| Self { header: Zeroizing::new([SCHEME, key].concat()) })
    }

    /// The bytes of the key. Callers must not let them reach any output.
    pub fn reveal(&self) -> &[u8] {
        &self.header[SCHEME.len()..]
    }

    /// The value of the `Authorization` header, marked so that no library prints it.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_bytes(&self.header).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printable_ascii_of_limited_length() {
        assert_eq!(ApiKey::new(b"abc").map(|key| key.reveal().to_vec()), Some(b"abc".to_vec()));
        for invalid in
            [&b""[..], b"a b", b"a\r\nx: y", b"a\n", "a\u{e9}".as_bytes(), &[b'a'; MAX_KEY_BYTES + 1]]
        {
            assert!(ApiKey::new(invalid).is_none());
        }
    }
}
