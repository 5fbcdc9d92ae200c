//! Finds fragments of known secrets in any form: truncated, split over literals, reversed, in another case, as numbers,
//! escapes, base32, base64 or ascii85.
//!
//! The text is decoded in each of these ways into a [reading](reading::Reading). A *window*, which is a fixed number of
//! consecutive letters and digits, that occurs in a reading and in a secret is a fragment.

mod base_n;
mod escaped;
mod number_list;
mod reading;
mod readings;

use std::ops::Range;

use zeroize::Zeroize as _;

use crate::model::Secret;

/// Length of a window if one secret is known, in letters and digits. Anything between them is ignored.
const FRAGMENT_LEN: usize = 8;
/// The same if many secrets are known: a few letters of any of them may form a word by chance.
const SHARED_FRAGMENT_LEN: usize = 12;

/// Bits of the filter per window, and their minimum.
const FILTER_BITS: usize = 16;
const MIN_FILTER_BITS: usize = 1 << 14;

/// Up to this many windows are compared one by one, which is cheaper than sorting.
const MAX_UNSORTED: usize = 4096;

/// Recognizes fragments of one or more secrets.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct Fragments {
    /// Length of a window, in letters and digits.
    size: usize,
    /// Digests of all windows; sorted if there are many.
    windows: Vec<u64>,
    /// One bit for each digest, which excludes most windows at once.
    filter: Vec<u64>,
}

impl Fragments {
    /// Recognizes fragments of one secret in the text next to it.
    pub(in crate::detect) fn from_secret(secret: &Secret) -> Self {
        Self::new(FRAGMENT_LEN, [secret].into_iter())
    }

    /// Recognizes fragments of all secrets of a report.
    pub(in crate::detect) fn from_secrets<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        Self::new(SHARED_FRAGMENT_LEN, secrets.into_iter())
    }

    fn new<'s>(size: usize, secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let mut windows = Vec::new();
        for secret in secrets {
            let mut body = secret.reveal().to_ascii_lowercase();
            body.retain(u8::is_ascii_alphanumeric);
            for _ in 0..2 {
                for _ in 0..2 {
                    windows.extend(digests(&body, size));
                    body.reverse();
                }
                body.iter_mut().for_each(|byte| *byte = rot13(*byte));
            }
            body.zeroize();
        }
        if windows.len() > MAX_UNSORTED {
            windows.sort_unstable();
        }
        let bits = (windows.len() * FILTER_BITS).next_power_of_two().max(MIN_FILTER_BITS);
        let mut fragments = Self { size, windows, filter: vec![0; bits / 64] };
        for index in 0..fragments.windows.len() {
            let (word, bit) = fragments.filter_bit(fragments.windows[index]);
            fragments.filter[word] |= bit;
        }
        fragments
    }

    /// The word and bit of the filter for a digest.
    fn filter_bit(&self, digest: u64) -> (usize, u64) {
        let mixed = (digest ^ (digest >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let word = usize::try_from(mixed >> 32).unwrap_or_default() & (self.filter.len() - 1);
        (word, 1 << (mixed & 63))
    }

    fn contains(&self, digest: u64) -> bool {
        let (word, bit) = self.filter_bit(digest);
        self.filter[word] & bit != 0
            && match self.windows.len() > MAX_UNSORTED {
                true => self.windows.binary_search(&digest).is_ok(),
                false => self.windows.contains(&digest),
            }
    }

    /// The fragments in `bytes`, sorted and without overlaps.
    pub(in crate::detect) fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        if self.windows.is_empty() || bytes.len() < self.size {
            return Vec::new();
        }
        let mut spans: Vec<Range<usize>> = Vec::new();
        readings::visit_readings(bytes, self.size, &mut |reading| {
            for (index, digest) in digests(&reading.text, self.size).enumerate() {
                if self.contains(digest) {
                    spans.push(reading.spans[index].start..reading.spans[index + self.size - 1].end);
                }
            }
        });
        // The positions of reversed text are reversed, too.
        spans.sort_unstable_by_key(|span| (span.start, span.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        merged
    }
}

/// A digest of each window of `size` bytes, in order.
fn digests(text: &[u8], size: usize) -> impl Iterator<Item = u64> + '_ {
    const BASE: u64 = 0x0100_0000_01b3;
    let highest = (1..size).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut sum = 0_u64;
    text.iter().enumerate().filter_map(move |(index, byte)| {
        if index >= size {
            sum = sum.wrapping_sub(value(text[index - size]).wrapping_mul(highest));
        }
        sum = sum.wrapping_mul(BASE).wrapping_add(value(*byte));
        (index + 1 >= size).then_some(sum)
    })
}

/// Expands a byte to a number with well distributed bits.
fn value(byte: u8) -> u64 {
    u64::from(byte).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters of each class in turn, which no person would write.
    fn random(length: usize) -> String {
        let alphabet = b"q7Wz3KtR9bXv2HmPf8LsD4gYc6NjT1aQ5eUxB0";
        (0..length).map(|n| char::from(alphabet[(n * 11 + n / 7 * 5) % alphabet.len()])).collect()
    }

    #[test]
    fn fragments_are_found_however_they_are_cut() {
        let body = random(60);
        let secret = Secret::new(format!("sk-{body}").into_bytes(), 3);
        let fragments = Fragments::from_secret(&secret);
        let backwards: String = body.chars().rev().collect();
        let split = format!("'{}' + '{}'", &body[..5], &body[5..10]);
        for text in [&body[7..19], &backwards, &split] {
            assert!(!fragments.find(format!("a {text} b").as_bytes()).is_empty(), "{text}");
        }
        assert!(fragments.find(b"nothing of it, and no more than that").is_empty());
        assert!(Fragments::default().find(body.as_bytes()).is_empty());
    }

    #[test]
    fn rolling_digests_equal_those_of_single_windows() {
        let text = random(40);
        let rolling: Vec<_> = digests(text.as_bytes(), 8).collect();
        let single: Vec<_> = text.as_bytes().windows(8).flat_map(|window| digests(window, 8)).collect();
        assert_eq!(rolling, single);
    }
}
