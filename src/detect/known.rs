//! Finding secrets that are known, many of them, in short texts.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use crate::model::Secret;

/// Secrets are looked up by this many of their last bytes; the first are the same in all keys.
const TAIL: usize = 8;

/// A set of secrets. A search takes time by the length of the text, not by their number.
#[derive(Debug, Default)]
pub(super) struct Known {
    secrets: Vec<Secret>,
    /// Those that end in what has this hash. It is no piece of the secret, and need not be wiped.
    tails: HashMap<u64, Vec<usize>>,
    /// Those that are shorter.
    short: Vec<usize>,
    hasher: RandomState,
}

impl Known {
    pub(super) fn extend(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            let number = self.secrets.len();
            match secret.reveal().last_chunk::<TAIL>() {
                Some(tail) => self.tails.entry(self.hasher.hash_one(tail)).or_default().push(number),
                None => self.short.push(number),
            }
            self.secrets.push(secret);
        }
    }

    /// Where any of them stands in `bytes`.
    pub(super) fn find(&self, bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
        if !self.tails.is_empty() {
            for (at, tail) in bytes.windows(TAIL).enumerate() {
                let Some(numbers) = self.tails.get(&self.hasher.hash_one(tail)) else { continue };
                let end = at + TAIL;
                for &number in numbers {
                    let secret = &self.secrets[number];
                    if bytes[..end].ends_with(secret.reveal()) {
                        found(end - secret.len()..end);
                    }
                }
            }
        }
        for &number in &self.short {
            let secret = &self.secrets[number];
            for at in memchr::memmem::find_iter(bytes, secret.reveal()) {
                found(at..at + secret.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_long_and_short_ones_wherever_they_stand() {
        let mut known = Known::default();
        let texts = ["abc", "a-longer-secret", "longer-secret", "12345678", ""];
        known.extend(texts.map(|text| Secret::new(text.as_bytes().to_vec(), 0)));
        let find = |text: &str| {
            let mut found = Vec::new();
            known.find(text.as_bytes(), |span| found.push(text[span].to_owned()));
            found.sort();
            found
        };
        assert_eq!(find("xa-longer-secretabc"), ["a-longer-secret", "abc", "longer-secret"]);
        assert_eq!(find("1234567812345678"), ["12345678", "12345678"]);
        assert!(find("1234567").is_empty() && find("").is_empty() && find("onger-secret").is_empty());
    }
}
