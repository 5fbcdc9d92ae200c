//! Bytes as decimal numbers: what programs print of an array, `[115, 107, 45]`, `115,107,45`, `[115 107 45]`, in columns
//! or one a line, and dumps of them as `od -tu1` makes them.

use std::ops::Range;

use super::delimited_hex::element_separator;
use super::hex::SourceByte;
use super::{DecodedText, EncodedHit, EncodedKeyword, Encoding, EncodingName};
use crate::detect::candidate::Candidate;

/// Reads decimal numbers.
#[derive(Debug)]
pub(super) struct Decimal;

/// Bytes of a literal that are enough to know it by.
const ENOUGH: usize = 3;

/// Digits of a byte.
const DIGITS: usize = 3;

impl Encoding for Decimal {
    fn name(&self) -> EncodingName {
        "decimal"
    }

    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        if !starts_key || literal.len() < ENOUGH {
            return Vec::new();
        }
        // What comes after the first number is written in too many ways.
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

/// Whether the literal can be read at the hit, which is quickly told.
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

/// The byte at the hit, or behind what separates it from the one that ends at `at`.
fn next(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let rest = hit.text.get(at..hit.decode_end())?;
    let start = at + if at == hit.at { 0 } else { element_separator(rest)? };
    let digits = hit.text[start..].iter().take_while(|byte| byte.is_ascii_digit()).take(DIGITS + 1).count();
    let end = start + digits;
    let goes_on = hit.text.get(end).is_some_and(|&byte| is_part(byte));
    (end <= hit.decode_end() && !goes_on).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// The byte before the one at `at`.
fn previous(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let low = hit.decode_start();
    let before = hit.text.get(low..at)?;
    let end = at - before.iter().rev().take_while(|byte| b" \t\r\n,".contains(byte)).count();
    let digits =
        hit.text[low..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).take(DIGITS + 1).count();
    let start = end - digits;
    let parted = element_separator(&hit.text[end..at]).is_some_and(|len| len == at - end);
    let goes_on = start.checked_sub(1).is_some_and(|before| is_part(hit.text[before]));
    (parted && !goes_on).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// Whether a number that stands next to this is none of a list of bytes.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)
}

fn value(digits: &[u8]) -> Option<u8> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
