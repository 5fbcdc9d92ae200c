//! Decodes contiguous hex digits. Also has helpers for all encodings that write bytes as numbers.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::line_continuation::MAX_INDENT;
use super::line_wrap::{self, NextSymbol};
use super::token::TokenKind;
use crate::detect::candidate::Candidate;
use crate::detect::limits::CONTEXT_REACH;

/// Decodes contiguous hex digits.
#[derive(Debug)]
pub(super) struct HexRun;

/// Number of bytes at the start of a line that show whether the line is text.
const TEXT_PROBE_BYTES: usize = 8;

impl Encoding for HexRun {
    fn name(&self) -> EncodingName {
        "hex"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["hex"]
    }

    fn keywords(&self, literal: &[u8], _: bool) -> Vec<EncodedKeyword> {
        case_variants(literal, "").map(|bytes| EncodedKeyword { bytes, tag: 0 }).collect()
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        decode(hit, next_adjacent, previous_adjacent, visit);
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// The hex digits of `literal` up to the first that is a letter, whose case is not known. If these are too few to search
/// for, all digits, once in each case.
pub(super) fn case_variants(literal: &[u8], separator: &str) -> impl Iterator<Item = Vec<u8>> {
    const MIN_DIGITS: usize = 3;
    let all = literal.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
    let end = all.find(|digit: char| digit.is_ascii_alphabetic()).unwrap_or(all.len());
    let keywords = if end >= MIN_DIGITS || (end == all.len() && end > 0) {
        vec![all.as_bytes()[..end].to_vec()]
    } else {
        vec![all.to_ascii_uppercase().into_bytes(), all.into_bytes()]
    };
    keywords.into_iter()
}

/// Reads the next byte from an offset on, or the previous one before it.
pub(super) type ReadByte = fn(&EncodedHit<'_>, usize) -> Option<SourceByte>;

/// Decodes the bytes on both sides of the hit.
pub(super) fn decode(
    hit: &EncodedHit<'_>,
    next: ReadByte,
    previous: ReadByte,
    visit: &mut dyn FnMut(DecodedText),
) {
    if !reads_literal(hit, hit.start, next) {
        return;
    }
    let mut decoded = DecodedText { name: "hex", ..DecodedText::default() };
    let mut before = Vec::new();
    let mut at = hit.start;
    while before.len() < hit.max_chars_before()
        && let Some((byte, place)) = previous(hit, at)
    {
        before.push((byte, place));
        at = place.0;
    }
    for (byte, place) in before.into_iter().rev() {
        decoded.push(byte, place);
    }
    decoded.literal_start = decoded.text.len();
    if hit.starts_key && begins_line(hit) {
        decoded.annotations.push((decoded.literal_start, TokenKind::Adjacent));
    }
    let mut at = hit.start;
    while decoded.text.len() - decoded.literal_start < hit.max_chars()
        && let Some((byte, place)) = next(hit, at)
    {
        if at != hit.start && hit.text[at..place.0].contains(&b'\n') && begins_other_value(hit, at, next) {
            break;
        }
        decoded.push(byte, place);
        at = place.1;
    }
    visit(decoded);
}

/// Quick test, which examines only the bytes of the literal, whether it can be decoded at `at`.
fn reads_literal(hit: &EncodedHit<'_>, mut at: usize, next: ReadByte) -> bool {
    hit.literal.iter().all(|&expected| match next(hit, at) {
        Some((byte, place)) => {
            at = place.1;
            byte == expected
        }
        None => false,
    })
}

/// Whether the hit is the first text on its line, which is not the first line.
fn begins_line(hit: &EncodedHit<'_>) -> bool {
    let before = &hit.text[hit.start.saturating_sub(MAX_INDENT + 1)..hit.start];
    let blank = before.iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    before[..before.len() - blank].ends_with(b"\n")
}

/// Whether the line after the line break at `at` does not continue the key: it begins like a key, or the key begins its
/// line and the next line is not text.
fn begins_other_value(hit: &EncodedHit<'_>, mut at: usize, next: ReadByte) -> bool {
    if !hit.starts_key {
        return false;
    }
    if reads_literal(hit, at, next) {
        return true;
    }
    if hit.start > 0 && !begins_line(hit) {
        return false;
    }
    let from = at;
    for _ in 0..TEXT_PROBE_BYTES {
        match next(hit, at).filter(|(_, place)| place.1 - from < CONTEXT_REACH) {
            // A zero ends the text, as in binary files.
            Some((0, _)) | None => return false,
            Some((b'\t' | b'\n' | b'\r' | b' '..=b'~', place)) => at = place.1,
            Some(_) => return true,
        }
    }
    false
}

/// A byte and the range that encodes it.
pub(super) type SourceByte = (u8, (usize, usize));

fn next_adjacent(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let (text, high) = (hit.text, hit.decode_end());
    let NextSymbol::Symbol(first, from) = line_wrap::next_symbol(text, at, high, is_digit) else {
        return None;
    };
    let NextSymbol::Symbol(second, to) = line_wrap::next_symbol(text, from.1, high, is_digit) else {
        return None;
    };
    Some((hex_byte(first, second)?, (from.0, to.1)))
}

fn previous_adjacent(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let (text, low) = (hit.text, hit.decode_start());
    let NextSymbol::Symbol(second, to) = line_wrap::previous_symbol(text, at, low, is_digit) else {
        return None;
    };
    let NextSymbol::Symbol(first, from) = line_wrap::previous_symbol(text, to.0, low, is_digit) else {
        return None;
    };
    Some((hex_byte(first, second)?, (from.0, to.1)))
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// The byte that two hex digits encode.
pub(super) fn hex_byte(first: u8, second: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(first)? << 4 | digit(second)?).ok()
}
