//! The only type that holds the bytes of a key, and what may be shown of them.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The bytes of a key. Never serialized, never printed in full, and wiped on drop.
///
/// `Debug` and `Display` print the redacted form, so that a stray `{:?}` cannot leak the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    prefix_len: usize,
}

/// Maximum length of a [stand-in](Secret::stand_in), in bytes.
const MAX_STAND_IN_BYTES: usize = 64 << 10;
/// Minimum length of the part after the prefix, in bytes, for the redacted form to show the last four characters.
const MIN_BODY_WITH_TAIL: usize = 20;

impl Secret {
    /// Takes the decoded bytes of a key. The first `prefix_len` of them are the public prefix (`sk-proj-`), which
    /// the redacted form may show.
    pub fn new(bytes: Vec<u8>, prefix_len: usize) -> Self {
        let prefix_len = prefix_len.min(bytes.len());
        Self { bytes: Zeroizing::new(bytes), prefix_len }
    }

    /// A stand-in for a key in a report that is read back: the report has only its redacted form and its length in bytes.
    /// The redacted form of the stand-in is `redacted`. `length` is adjusted if no key of that length has this redacted
    /// form, or if it exceeds the maximum. `None` if `redacted` is not a redacted form, or has too long a prefix.
    pub fn stand_in(redacted: &str, length: usize) -> Option<Self> {
        let (prefix, tail) = redacted.split_once('…')?;
        let is_plain = prefix.bytes().chain(tail.bytes()).all(|byte| byte.is_ascii_graphic());
        // With at most half the maximum, every prefix leaves room for a body.
        if !is_plain || !matches!(tail.len(), 0 | 4) || prefix.len() > MAX_STAND_IN_BYTES / 2 {
            return None;
        }
        let shown = prefix.len() + tail.len();
        // A redacted form has no tail if the body is shorter than MIN_BODY_WITH_TAIL.
        let max_len =
            if tail.is_empty() { prefix.len() + MIN_BODY_WITH_TAIL - 1 } else { MAX_STAND_IN_BYTES };
        let min_len = if tail.is_empty() { shown } else { prefix.len() + MIN_BODY_WITH_TAIL };
        let length = length.min(max_len).max(min_len).max(shown);
        let hidden = std::iter::repeat_n(b'*', length - shown);
        let bytes = prefix.bytes().chain(hidden).chain(tail.bytes()).collect();
        Some(Self::new(bytes, prefix.len()))
    }

    /// The only access to the bytes. Callers must not let them reach any output.
    pub fn reveal(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the public prefix, in bytes.
    pub fn prefix_len(&self) -> usize {
        self.prefix_len
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// SHA-256 of the bytes: the same in every repository, and irreversible.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&*self.bytes).into())
    }

    /// The prefix and the last four characters (`sk-proj-…x9KA`), or only the prefix if the rest is too short.
    /// Consists of printable ASCII and `…`.
    pub fn redacted(&self) -> String {
        let shown = |bytes: &[u8]| -> String {
            bytes.iter().map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '?' }).collect()
        };
        let body = &self.bytes[self.prefix_len..];
        let tail = if body.len() >= MIN_BODY_WITH_TAIL { &body[body.len() - 4..] } else { &[] };
        format!("{}…{}", shown(&self.bytes[..self.prefix_len]), shown(tail))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.redacted())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

/// SHA-256 of a secret's bytes, displayed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Parses 64 hex digits, of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(out))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `bytes` as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_prefix_and_four_characters() {
        let secret = Secret::new(b"sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaax9KA".to_vec(), 8);
        assert_eq!(secret.to_string(), "sk-proj-…x9KA");
        assert_eq!(format!("{secret:?}"), "Secret(sk-proj-…x9KA)");
    }

    #[test]
    fn a_stand_in_has_the_same_redacted_form() {
        for (redacted, length) in
            [("sk-proj-…x9KA", 164), ("…", 14), ("sk-…", 9), ("sk-…abcd", 3), ("…abcd", usize::MAX)]
        {
            assert_eq!(Secret::stand_in(redacted, length).unwrap().redacted(), redacted);
        }
        assert_eq!(Secret::stand_in("sk-proj-…x9KA", 164).unwrap().len(), 164);
        for other in ["sk-proj-x9KA", "sk-…é", "sk-…abcdef", "sk-… abc", ""] {
            assert_eq!(Secret::stand_in(other, 40), None, "{other}");
        }
    }

    #[test]
    fn shows_nothing_of_a_short_body() {
        assert_eq!(Secret::new(b"hunter2hunter2".to_vec(), 0).to_string(), "…");
    }

    #[test]
    fn fingerprint_is_the_sha256_of_the_bytes() {
        let fingerprint = Secret::new(b"abc".to_vec(), 0).fingerprint();
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(Fingerprint::from_hex(text), Some(fingerprint));
        assert_eq!(Fingerprint::from_hex("xyz"), None);
    }
}
