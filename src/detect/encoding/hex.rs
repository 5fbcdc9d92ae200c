//! Contiguous hex digits, and helpers shared by all encodings that print bytes as numbers.

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

/// Bytes of a line that are examined to see whether it is text.
const GLANCE: usize = 8;

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

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        decode(hit, next_together, previous_together, read);
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// The digits of `literal` up to the first letter, which may have either case; if those are too few, all digits
/// in both cases.
pub(super) fn case_variants(literal: &[u8], separator: &str) -> impl Iterator<Item = Vec<u8>> {
    const SHORTEST: usize = 3;
    let all = literal.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
    let end = all.find(|digit: char| digit.is_ascii_alphabetic()).unwrap_or(all.len());
    let keywords = if end >= SHORTEST || (end == all.len() && end > 0) {
        vec![all.as_bytes()[..end].to_vec()]
    } else {
        vec![all.to_ascii_uppercase().into_bytes(), all.into_bytes()]
    };
    keywords.into_iter()
}

/// Reads the byte at an offset, or after the delimiter there.
pub(super) type ReadByte = fn(&EncodedHit<'_>, usize) -> Option<SourceByte>;

/// Reads the bytes on both sides of the hit.
pub(super) fn decode(
    hit: &EncodedHit<'_>,
    next: ReadByte,
    previous: ReadByte,
    read: &mut dyn FnMut(DecodedText),
) {
    if !reads_literal(hit, hit.at, next) {
        return;
    }
    let mut decoded = DecodedText { name: "hex", ..DecodedText::default() };
    let mut before = Vec::new();
    let mut at = hit.at;
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
    let mut at = hit.at;
    while decoded.text.len() - decoded.literal_start < hit.max_chars()
        && let Some((byte, place)) = next(hit, at)
    {
        if at != hit.at && hit.text[at..place.0].contains(&b'\n') && is_another(hit, at, next) {
            break;
        }
        decoded.push(byte, place);
        at = place.1;
    }
    read(decoded);
}

/// Quick test whether the literal can be decoded at `at`, looking only at the hit.
fn reads_literal(hit: &EncodedHit<'_>, mut at: usize, next: ReadByte) -> bool {
    hit.literal.iter().all(|&expected| match next(hit, at) {
        Some((byte, place)) => {
            at = place.1;
            byte == expected
        }
        None => false,
    })
}

/// Whether only blanks precede the hit on its line, and other lines precede it.
fn begins_line(hit: &EncodedHit<'_>) -> bool {
    let before = &hit.text[hit.at.saturating_sub(MAX_INDENT + 1)..hit.at];
    let blank = before.iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    before[..before.len() - blank].ends_with(b"\n")
}

/// Whether the line after the break at `at` does not continue the key: it begins like a key, or the key has a
/// line of its own and the next one is not text.
fn is_another(hit: &EncodedHit<'_>, mut at: usize, next: ReadByte) -> bool {
    if !hit.starts_key {
        return false;
    }
    if reads_literal(hit, at, next) {
        return true;
    }
    if hit.at > 0 && !begins_line(hit) {
        return false;
    }
    let from = at;
    for _ in 0..GLANCE {
        match next(hit, at).filter(|(_, place)| place.1 - from < CONTEXT_REACH) {
            // Terminators of texts in binary files.
            Some((0, _)) | None => return false,
            Some((b'\t' | b'\n' | b'\r' | b' '..=b'~', place)) => at = place.1,
            Some(_) => return true,
        }
    }
    false
}

/// A byte and the range that encodes it.
pub(super) type SourceByte = (u8, (usize, usize));

fn next_together(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let (text, high) = (hit.text, hit.decode_end());
    let NextSymbol::Symbol(first, from) = line_wrap::forward(text, at, high, is_digit) else { return None };
    let NextSymbol::Symbol(second, to) = line_wrap::forward(text, from.1, high, is_digit) else {
        return None;
    };
    Some((byte(first, second)?, (from.0, to.1)))
}

fn previous_together(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let (text, low) = (hit.text, hit.decode_start());
    let NextSymbol::Symbol(second, to) = line_wrap::backward(text, at, low, is_digit) else { return None };
    let NextSymbol::Symbol(first, from) = line_wrap::backward(text, to.0, low, is_digit) else { return None };
    Some((byte(first, second)?, (from.0, to.1)))
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// The byte that two digits encode.
pub(super) fn byte(first: u8, second: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(first)? << 4 | digit(second)?).ok()
}
