//! Decodes bytes that are written as decimal numbers: printed arrays (`[115, 107, 45]`, `115,107,45`, `[115 107 45]`), in
//! columns or one per line, and dumps by `od -tu1`.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::delimited_hex::element_separator_len;
use super::hex::SourceByte;
use super::hit::{EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Decodes decimal numbers.
#[derive(Debug)]
pub(super) struct Decimal;

/// Minimum length of a literal that is searched for, in bytes: the keyword is only its first number.
const MIN_LITERAL_LEN: usize = 3;

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
        if !starts_key || literal.len() < MIN_LITERAL_LEN {
            return Vec::new();
        }
        // There are too many separators that may follow the first number.
        let bytes = literal[0].to_string().into_bytes();
        vec![EncodedKeyword { bytes, tag: 0 }]
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        if hit.start.checked_sub(1).is_some_and(|before| continues_number(hit.text[before]))
            || !reads_literal(hit)
        {
            return;
        }
        let mut decoded = DecodedText { name: "decimal", ..DecodedText::default() };
        let mut before = Vec::new();
        let mut at = hit.start;
        while before.len() < hit.max_chars_before()
            && let Some((byte, place)) = previous(hit, at)
        {
            before.push((byte, place));
            at = place.0;
        }
        before.into_iter().rev().for_each(|(byte, place)| decoded.push(byte, place));
        decoded.literal_start = decoded.text.len();
        let mut at = hit.start;
        while decoded.text.len() - decoded.literal_start < hit.max_chars()
            && let Some((byte, place)) = next(hit, at)
        {
            decoded.push(byte, place);
            at = place.1;
        }
        visit(decoded);
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// Quick test, which examines only the hit, whether the literal can be decoded.
fn reads_literal(hit: &EncodedHit<'_>) -> bool {
    let mut at = hit.start;
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
    let start = at + if at == hit.start { 0 } else { element_separator_len(rest)? };
    let digits =
        hit.text[start..].iter().take_while(|byte| byte.is_ascii_digit()).take(MAX_DIGITS + 1).count();
    let end = start + digits;
    let is_longer = hit.text.get(end).is_some_and(|&byte| continues_number(byte));
    (end <= hit.decode_end() && !is_longer).then_some((value(&hit.text[start..end])?, (start, end)))
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
    let is_delimited = element_separator_len(&hit.text[end..at]).is_some_and(|len| len == at - end);
    let is_longer = start.checked_sub(1).is_some_and(|before| continues_number(hit.text[before]));
    (is_delimited && !is_longer).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// Whether a number next to `byte` continues with it, so that it is not the number of a byte.
fn continues_number(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)
}

/// The byte whose decimal number is `digits`.
fn value(digits: &[u8]) -> Option<u8> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
