//! Fragments of known secrets: cut, split over literals or lines, or written backwards.

use std::collections::HashSet;
use std::ops::Range;

use crate::model::Secret;

/// Letters and digits of a secret in a row, whatever stands between them, that are hidden.
const FRAGMENT_LEN: usize = 8;
/// The same, where many secrets are known: a few letters of one of them are soon a word.
const SHARED_FRAGMENT_LEN: usize = 12;

/// Recognizes fragments of one or more secrets.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct Fragments {
    size: usize,
    known: HashSet<u64>,
}

impl Fragments {
    /// Those of one secret, next to it.
    pub(in crate::detect) fn of_one(secret: &Secret) -> Self {
        let mut fragments = Self { size: FRAGMENT_LEN, known: HashSet::new() };
        fragments.add(secret);
        fragments
    }

    /// Those of all the secrets of a report.
    pub(in crate::detect) fn of<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut fragments = Self { size: SHARED_FRAGMENT_LEN, known: HashSet::new() };
        secrets.into_iter().for_each(|secret| fragments.add(secret));
        fragments
    }

    fn add(&mut self, secret: &Secret) {
        let mut body = secret.reveal()[secret.prefix()..].to_vec();
        body.retain(u8::is_ascii_alphanumeric);
        for _ in 0..2 {
            self.known.extend(body.windows(self.size).map(digest));
            body.reverse();
        }
        zeroize::Zeroize::zeroize(&mut body);
    }

    /// Where they stand in `bytes`, in order, not overlapping.
    pub(in crate::detect) fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        if self.known.is_empty() {
            return Vec::new();
        }
        let (places, text): (Vec<usize>, Vec<u8>) = bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_alphanumeric())
            .map(|(at, byte)| (at, *byte))
            .unzip();
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, window) in text.windows(self.size).enumerate() {
            if !self.known.contains(&digest(window)) {
                continue;
            }
            let span = places[at]..places[at + self.size - 1] + 1;
            match found.last_mut() {
                Some(last) if span.start < last.end => last.end = span.end,
                _ => found.push(span),
            }
        }
        found
    }
}

/// FNV-1a.
fn digest(window: &[u8]) -> u64 {
    window
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_however_they_are_cut() {
        let body = super::super::tests::random(60);
        let secret = Secret::new(format!("sk-{body}").into_bytes(), 3);
        let fragments = Fragments::of_one(&secret);
        let backwards: String = body.chars().rev().collect();
        let split = format!("'{}' + '{}'", &body[..5], &body[5..10]);
        for text in [&body[7..19], &backwards, &split] {
            assert!(!fragments.find(format!("a {text} b").as_bytes()).is_empty(), "{text}");
        }
        assert!(fragments.find(b"nothing of it, and no more than that").is_empty());
        assert!(Fragments::default().find(body.as_bytes()).is_empty());
    }
}
