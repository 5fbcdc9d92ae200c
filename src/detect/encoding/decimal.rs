//! Bytes as decimal numbers: printed arrays (`[115, 107, 45]`, `115,107,45`, `[115 107 45]`), in columns or one
//! per line, and dumps by `od -tu1`.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::delimited_hex::element_separator;
use super::hex::SourceByte;
use super::hit::{EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Decodes decimal numbers.
#[derive(Debug)]
pub(super) struct Decimal;

/// Number of bytes that identify a literal.
const MIN_KEYWORD_BYTES: usize = 3;

/// Maximum number of digits of a byte.
const MAX_DIGITS: usize = 3;

impl Encoding for Decimal {
    fn name(&self) -> EncodingName {
        "decimal"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["decimal"]
    }

    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        if !starts_key || literal.len() < MIN_KEYWORD_BYTES {
            return Vec::new();
        }
        // There are too many ways to write what follows the first number.
        let bytes = literal[0].to_string().into_bytes();
        vec![EncodedKeyword { bytes, tag: 0 }]
    }

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        if hit.at.checked_sub(1).is_some_and(|before| is_part(hit.text[before])) || !reads_literal(hit) {
            return;
        }
        let mut decoded = DecodedText { name: "decimal", ..DecodedText::default() };
        let mut before = Vec::new();
        let mut at = hit.at;
        while before.len() < hit.max_chars_before()
            && let Some((byte, place)) = previous(hit, at)
        {
            before.push((byte, place));
            at = place.0;
        }
        before.into_iter().rev().for_each(|(byte, place)| decoded.push(byte, place));
        decoded.literal_start = decoded.text.len();
        let mut at = hit.at;
        while decoded.text.len() - decoded.literal_start < hit.max_chars()
            && let Some((byte, place)) = next(hit, at)
        {
            decoded.push(byte, place);
            at = place.1;
        }
        read(decoded);
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// Quick test whether the literal can be decoded, looking only at the hit.
fn reads_literal(hit: &EncodedHit<'_>) -> bool {
    let mut at = hit.at;
    hit.literal.iter().all(|&expected| match next(hit, at) {
        Some((byte, place)) => {
            at = place.1;
            byte == expected
        }
        None => false,
    })
}

/// The byte at the hit, or after the delimiter that follows `at`.
fn next(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    spend(4);
    let rest = hit.text.get(at..hit.decode_end())?;
    let start = at + if at == hit.at { 0 } else { element_separator(rest)? };
    let digits =
        hit.text[start..].iter().take_while(|byte| byte.is_ascii_digit()).take(MAX_DIGITS + 1).count();
    let end = start + digits;
    let goes_on = hit.text.get(end).is_some_and(|&byte| is_part(byte));
    (end <= hit.decode_end() && !goes_on).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// The byte before the one at `at`.
fn previous(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    spend(6);
    let low = hit.decode_start();
    let before = hit.text.get(low..at)?;
    let end = at - before.iter().rev().take_while(|byte| b" \t\r\n,".contains(byte)).count();
    let digits =
        hit.text[low..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).take(MAX_DIGITS + 1).count();
    let start = end - digits;
    let parted = element_separator(&hit.text[end..at]).is_some_and(|len| len == at - end);
    let goes_on = start.checked_sub(1).is_some_and(|before| is_part(hit.text[before]));
    (parted && !goes_on).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// Whether an adjacent number is not part of a list of bytes.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)
}

fn value(digits: &[u8]) -> Option<u8> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
