//! Overwrites a key in place, with a filler of the same length that is valid in its encoding.

mod base64;
mod layers;
mod text_column;
mod token;

use std::ops::Range;

use crate::detect::{Detector, Match};
use crate::model::Secret;

/// How an occurrence of a key was treated, the mildest treatment first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Treatment {
    /// Replaced by a filler in the same encoding.
    Filler,
    /// Its bytes were overwritten, since no filler could be encoded.
    Overwritten,
    /// The container around it was replaced by a stub.
    Stub,
}

impl Treatment {
    /// The name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Filler => "filler",
            Self::Overwritten => "overwritten",
            Self::Stub => "stub",
        }
    }
}

/// The character that replaces each character of a key.
const FILLER: u8 = b'x';

/// A filler for a key, of the same length. That of round 0 begins with the key's prefix; those of further rounds resemble
/// a key less, in case a rule matches the first ones.
pub(super) fn filler(secret: &Secret, round: usize) -> Vec<u8> {
    let kept_len = if round == 0 { secret.prefix_len() } else { 0 };
    let byte = [FILLER, FILLER, b'0', b'_'][round.min(3)];
    let mut filler = secret.reveal()[..kept_len].to_vec();
    filler.resize(secret.len(), byte);
    filler
}

/// Overwrites the key of a match in `bytes`, whose length stays the same: with `filler` in the encoding of the match if
/// possible, otherwise with any characters. Returns which of these it did.
pub(super) fn fill(bytes: &mut [u8], key_match: &Match, filler: &[u8], detector: &Detector) -> Treatment {
    let secret = key_match.detected_key.secret.reveal();
    if key_match.source_map.is_empty() {
        if key_match.span.len() == filler.len() {
            bytes[key_match.span.clone()].copy_from_slice(filler);
            return Treatment::Filler;
        }
        overwrite(bytes, std::slice::from_ref(&key_match.span));
        return Treatment::Overwritten;
    }
    let sources: Vec<Range<usize>> = key_match.source_map.iter().map(|&(start, end)| start..end).collect();
    if key_match.encoding.starts_with("base64")
        && !key_match.encoding.contains('+')
        && base64::fill(bytes, &sources, secret, filler)
    {
        return Treatment::Filler;
    }
    let before = bytes.to_vec();
    if sources.len() == secret.len() && fill_tokens(bytes, &sources, secret, filler) {
        text_column::fill(bytes, &sources, secret, filler);
        return Treatment::Filler;
    }
    bytes.copy_from_slice(&before);
    if layers::fill(bytes, key_match, filler, detector) {
        return Treatment::Filler;
    }
    overwrite(bytes, &sources);
    Treatment::Overwritten
}

/// Rewrites the text that encodes each character. Returns false if one cannot be rewritten.
fn fill_tokens(bytes: &mut [u8], sources: &[Range<usize>], secret: &[u8], filler: &[u8]) -> bool {
    let is_disjoint = sources.windows(2).all(|pair| pair[0].end <= pair[1].start);
    is_disjoint
        && sources.iter().zip(secret.iter().zip(filler)).all(|(source, (&from, &to))| {
            from == to || bytes.get_mut(source.clone()).is_some_and(|token| token::fill(token, from, to))
        })
}

/// Overwrites letters and digits. If all of them are hex digits, overwrites them with a digit, so that the text stays
/// hexadecimal.
fn overwrite(bytes: &mut [u8], ranges: &[Range<usize>]) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let mut words =
        ranges.iter().filter_map(|range| bytes.get(range.clone())).flatten().filter(|byte| is_word(byte));
    let filler = if words.all(u8::is_ascii_hexdigit) { b'7' } else { FILLER };
    for range in ranges {
        let Some(part) = bytes.get_mut(range.clone()) else { continue };
        // Bytes that are not text may have any value.
        let is_text = part.iter().all(|byte| byte.is_ascii() && *byte != 0);
        part.iter_mut()
            .filter(|byte| is_word(byte) || (!is_text && **byte != 0))
            .for_each(|byte| *byte = filler);
    }
}
