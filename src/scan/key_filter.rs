//! Restricts a report to certain keys.

use crate::model::{DetectedKey, Fingerprint};

/// Minimum number of hex digits of a fingerprint that select a key.
pub const MIN_FINGERPRINT_DIGITS: usize = 8;

/// Selects keys by what is known about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFilter {
    /// The secret with this fingerprint.
    Fingerprint(Fingerprint),
    /// Secrets whose fingerprint starts with these hex digits.
    FingerprintPrefix {
        /// The digits as the start of a fingerprint, padded with zeros.
        start: Fingerprint,
        /// The number of digits, at most 64.
        digits: usize,
    },
    /// Secrets that end in these four bytes, which is what reports and OpenAI's dashboard show of a key.
    LastFour([u8; 4]),
}

impl KeyFilter {
    /// Parses a fingerprint or the start of one: 8 to 64 hex digits, of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.len();
        if !(MIN_FINGERPRINT_DIGITS..=64).contains(&digits) {
            return None;
        }
        let start = Fingerprint::from_hex(&format!("{text:0<64}"))?;
        Some(if digits == 64 { Self::Fingerprint(start) } else { Self::FingerprintPrefix { start, digits } })
    }

    /// Whether the filter selects this key.
    pub fn admits(&self, key: &DetectedKey) -> bool {
        match self {
            Self::Fingerprint(fingerprint) => key.fingerprint == *fingerprint,
            Self::FingerprintPrefix { start, digits } => {
                let digit = |bytes: &[u8; 32], index: usize| (bytes[index / 2] >> (4 * (1 - index % 2))) & 15;
                (0..*digits).all(|index| digit(&start.0, index) == digit(&key.fingerprint.0, index))
            }
            Self::LastFour(end) => key.secret.reveal().ends_with(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_or_its_start_selects_a_key() {
        // `printf abc | sha256sum` starts with ba7816bf8f.
        let abc = DetectedKey::sample("abc");
        let whole = abc.fingerprint.to_string();
        for text in [&whole[..], &whole[..8], &whole[..9], &whole[..63], &whole.to_uppercase()[..8]] {
            assert!(KeyFilter::from_hex(text).unwrap().admits(&abc), "{text}");
            assert!(!KeyFilter::from_hex(text).unwrap().admits(&DetectedKey::sample("abd")), "{text}");
        }
        assert!(!KeyFilter::from_hex("ba7816bf0").unwrap().admits(&abc));
        for bad in ["", "ba7816b", "ba7816bg", &format!("{whole}0")] {
            assert_eq!(KeyFilter::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_last_four_characters_select_a_key() {
        assert!(KeyFilter::LastFour(*b"x9KA").admits(&DetectedKey::sample("some-key-x9KA")));
        assert!(!KeyFilter::LastFour(*b"x9KB").admits(&DetectedKey::sample("some-key-x9KA")));
    }
}
