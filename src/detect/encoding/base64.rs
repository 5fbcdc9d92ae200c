//! Decodes base64 in the standard and the URL alphabet, on one line, wrapped, or within a string.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::lexer::token_at;
use super::line_wrap::{self, NextSymbol};
use super::token::TokenKind;
use crate::detect::candidate::{Candidate, WEIGHT_EQUAL, WEIGHT_EXACT};

/// Minimum length of a keyword, in symbols; shorter ones occur everywhere.
const MIN_KEYWORD_LEN: usize = 3;

/// Length of the start and the end of a keyword, in symbols. A line may break within the encoded form of a literal inside
/// a key and, if lines are as long as the first half of a key, also within that of its prefix. So the start and the end
/// of the form are keywords of their own.
const PART_LEN: usize = 5;

/// Decodes base64. The tag is the number of bytes before the literal in its group of three (the *phase*), plus three
/// times the number of symbols that the literal determines before the keyword.
#[derive(Debug)]
pub(super) struct Base64;

impl Encoding for Base64 {
    fn name(&self) -> EncodingName {
        "base64"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["base64", "base64url"]
    }

    /// The symbols that the literal alone determines, for each alignment.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        let aligned =
            |phase: u8| EncodedKeyword { bytes: determined_symbols(literal, usize::from(phase)), tag: phase };
        let whole = (0..3).map(aligned).filter(|keyword| keyword.bytes.len() >= MIN_KEYWORD_LEN);
        if starts_key { whole.collect() } else { whole.flat_map(parts).collect() }
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        let (phase, skipped) = (usize::from(hit.tag % 3), usize::from(hit.tag / 3));
        if skipped > 0 && was_start_hit(hit, phase, skipped) {
            return;
        }
        // The position of the hit, in symbols from the start of the group in which the literal begins. The first symbol
        // that the literal alone determines is the first, third or fourth of the group.
        let column = [0, 2, 3][phase] + skipped;
        let (mut symbols, before) = symbols(hit);
        // The keyword determines where groups begin; symbols before the first complete group are dropped.
        let surplus = (before + 4 - column % 4) % 4;
        symbols.drain(..surplus.min(symbols.len()));
        let mut decoded = DecodedText { name: "base64", ..DecodedText::default() };
        decoded.text.reserve(symbols.len());
        decoded.source_map.reserve(symbols.len());
        let mut end = symbols.first().map_or(0, |(_, place)| place.0);
        let mut url_safe = false;
        for group in symbols.chunks(4) {
            let start = decoded.text.len();
            let mut bits = 0_u32;
            for (index, &(symbol, place)) in group.iter().enumerate() {
                if place.0 != end {
                    decoded.annotations.push((start + index.min(2), join_kind(hit.text, end)));
                }
                end = place.1;
                bits = bits << 6 | u32::from(VALUES[usize::from(symbol)]);
                url_safe |= symbol == b'-' || symbol == b'_';
            }
            if url_safe {
                url_safe = false;
                for (index, _) in group.iter().enumerate().filter(|(_, (symbol, _))| b"-_".contains(symbol)) {
                    // A symbol contributes to the byte before it in its group and to the one with its own
                    // index.
                    for byte in index.saturating_sub(1)..=index.min(2) {
                        decoded.annotations.push((start + byte, TokenKind::UrlSafe));
                    }
                }
            }
            let bits = bits << (6 * (4 - group.len()));
            for index in 0..group.len().saturating_sub(1) {
                let byte = u8::try_from(bits >> (16 - 8 * index) & 0xff).unwrap_or(0);
                decoded.push(byte, (group[index].1.0, group[index + 1].1.1));
            }
        }
        let group = (before - surplus.min(before)) / 4;
        let Some(first) = group.checked_sub(column / 4) else { return };
        decoded.literal_start = first * 3 + phase;
        visit(decoded);
    }

    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName> {
        let annotations = || decoded.annotations.iter().filter(|(offset, _)| secret.contains(offset));
        let is_tentative = annotations().any(|(offset, kind)| kind.is_tentative() && *offset > secret.start);
        // Joined literals may be unrelated, unless they form a key with equal halves.
        if is_tentative
            && (candidate.halves.is_none() || ![WEIGHT_EQUAL, WEIGHT_EXACT].contains(&candidate.weight))
        {
            return None;
        }
        Some(if annotations().any(|(_, kind)| *kind == TokenKind::UrlSafe) {
            "base64url"
        } else {
            decoded.name
        })
    }
}

/// The kind of what is at `at`, between two symbols: a line break or escape counts as a line continuation, the end of a
/// literal as the join that it begins.
fn join_kind(text: &[u8], at: usize) -> TokenKind {
    let is_quoted = text.get(at).is_some_and(|byte| b"\\\"'`".contains(byte));
    if is_quoted { token_at(text, at, true).kind } else { TokenKind::LineContinuation }
}

/// The start and the end of a keyword, or all of one that is too short to split.
fn parts(whole: EncodedKeyword) -> Vec<EncodedKeyword> {
    let EncodedKeyword { bytes, tag } = &whole;
    let (Some(skipped), true) = (bytes.len().checked_sub(PART_LEN), bytes.len() >= 2 * PART_LEN - 1) else {
        return vec![whole];
    };
    let Ok(rest) = u8::try_from(3 * skipped + usize::from(*tag)) else { return vec![whole] };
    vec![
        EncodedKeyword { bytes: bytes[..PART_LEN].to_vec(), tag: *tag },
        EncodedKeyword { bytes: bytes[skipped..].to_vec(), tag: rest },
    ]
}

/// Whether the start of the keyword is directly before its end, which was hit, so that the start was hit as well.
fn was_start_hit(hit: &EncodedHit<'_>, phase: usize, skipped: usize) -> bool {
    let symbols = determined_symbols(hit.literal, phase);
    hit.start
        .checked_sub(skipped)
        .is_some_and(|from| hit.text[from..].starts_with(&symbols[..skipped + PART_LEN]))
}

/// Maximum initial capacity for the symbols on each side of a hit.
const MAX_INITIAL_CAPACITY: usize = 1 << 10;

/// A symbol and its range in the text.
type Symbol = (u8, (usize, usize));

/// All symbols around the hit, and the number of them before it.
fn symbols(hit: &EncodedHit<'_>) -> (Vec<Symbol>, usize) {
    let (text, low, high) = (hit.text, hit.decode_start(), hit.decode_end());
    // Four symbols encode three characters.
    let symbols_for = |characters: usize| characters.saturating_mul(4) / 3 + 8;
    // The hit may be after the first symbols of the literal.
    let behind = usize::from(hit.tag / 3) + 4;
    let (max_after, max_before) =
        (symbols_for(hit.max_chars()), symbols_for(hit.max_chars_before()).saturating_add(behind));
    let mut symbols =
        Vec::with_capacity(max_after.min(MAX_INITIAL_CAPACITY) + max_before.min(MAX_INITIAL_CAPACITY));
    let mut at = hit.start;
    while symbols.len() < max_before
        && let NextSymbol::Symbol(symbol, place) = line_wrap::previous_symbol(text, at, low, is_symbol)
    {
        symbols.push((symbol, place));
        at = place.0;
    }
    symbols.reverse();
    let before = symbols.len();
    let mut at = hit.start;
    while symbols.len() < max_after.saturating_add(before)
        && let NextSymbol::Symbol(symbol, place) = line_wrap::next_symbol(text, at, high, is_symbol)
    {
        symbols.push((symbol, place));
        at = place.1;
    }
    (symbols, before)
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The value of each symbol.
static VALUES: [u8; 256] = {
    let mut values = [0; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        let byte = value as u8;
        values[ALPHABET[value] as usize] = byte;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The symbols that `literal` alone determines if `phase` bytes precede it in its group of three, up to the first that
/// differs between the two alphabets.
fn determined_symbols(literal: &[u8], phase: usize) -> Vec<u8> {
    let bit = |at: usize| literal[at / 8] >> (7 - at % 8) & 1;
    let first = (6 - phase * 8 % 6) % 6;
    (first..)
        .step_by(6)
        .take_while(|at| at + 6 <= literal.len() * 8)
        .map(|at| ALPHABET[usize::from((at..at + 6).fold(0, |value, at| value << 1 | bit(at)))])
        .take_while(u8::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::MARKER;

    #[test]
    fn there_is_a_keyword_for_every_alignment() {
        let keywords = |literal: &[u8]| -> Vec<String> {
            Base64.keywords(literal, true).into_iter().map(|a| String::from_utf8(a.bytes).unwrap()).collect()
        };
        // In parts, so that no scanner reports this file.
        assert_eq!(
            keywords(MARKER.as_bytes()),
            [concat!("VDNCb", "GJrRk"), concat!("QzQmx", "ia0ZK"), concat!("UM0Js", "YmtGS")]
        );
        let parts = Base64.keywords(MARKER.as_bytes(), false);
        let parts: Vec<_> =
            parts.iter().map(|a| (String::from_utf8_lossy(&a.bytes).into_owned(), a.tag)).collect();
        let expected =
            [("VDNCb", 0), ("GJrRk", 15), ("QzQmx", 1), ("ia0ZK", 16), ("UM0Js", 2), ("YmtGS", 17)];
        assert_eq!(parts, expected.map(|(part, tag)| (part.to_owned(), tag)));
        assert_eq!(keywords(b"sk-proj-"), ["c2stcHJvai", "NrLXByb2ot", "zay1wcm9qL"]);
        assert_eq!(keywords(b"sk-"), ["c2st", "NrL", "zay"]);
    }
}
