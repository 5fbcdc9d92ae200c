//! Base64 in the standard and the URL alphabet, on one line, wrapped, or within a string.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::lexer::token_at;
use super::line_wrap::{self, NextSymbol};
use super::token::TokenKind;
use crate::detect::candidate::{Candidate, WEIGHT_EQUAL, WEIGHT_EXACT};

/// Shorter keywords would match everywhere.
const MIN_KEYWORD_LEN: usize = 3;

/// A line may break within the encoded form of a literal inside a key and, if lines are as long as the first
/// half of a key, also within that of its prefix. Therefore, the start and the end of that form, with this many
/// symbols each, are keywords.
const PART: usize = 5;

/// Decodes base64. A tag is the number of bytes before the literal in its group of three, plus three for each
/// symbol that the literal determines before those of the keyword.
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
        let aligned = |phase: u8| EncodedKeyword { bytes: decided(literal, usize::from(phase)), tag: phase };
        let whole = (0..3).map(aligned).filter(|keyword| keyword.bytes.len() >= MIN_KEYWORD_LEN);
        if starts_key { whole.collect() } else { whole.flat_map(parts).collect() }
    }

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        let (phase, skipped) = (usize::from(hit.tag % 3), usize::from(hit.tag / 3));
        if skipped > 0 && goes_on(hit, phase, skipped) {
            return;
        }
        // Relative to the group in which the literal begins. The first symbol that it alone determines is the
        // first, third or fourth of that group.
        let column = [0, 2, 3][phase] + skipped;
        let (mut symbols, before) = symbols(hit);
        // Groups are counted from the keyword; symbols before the first complete group are dropped.
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
                    decoded.annotations.push((start + index.min(2), seam(hit.text, end)));
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
        read(decoded);
    }

    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName> {
        let inside = || decoded.annotations.iter().filter(|(at, _)| secret.contains(at));
        let is_weak = inside().any(|(at, kind)| kind.is_tentative() && *at > secret.start);
        // Adjacent literals may be unrelated.
        if is_weak
            && (candidate.halves.is_none() || ![WEIGHT_EQUAL, WEIGHT_EXACT].contains(&candidate.weight))
        {
            return None;
        }
        Some(if inside().any(|(_, kind)| *kind == TokenKind::UrlSafe) { "base64url" } else { decoded.name })
    }
}

/// The line break or escape at `at`, between two symbols, unless it ends a literal.
fn seam(text: &[u8], at: usize) -> TokenKind {
    let is_quoted = text.get(at).is_some_and(|byte| b"\\\"'`".contains(byte));
    if is_quoted { token_at(text, at, true).kind } else { TokenKind::LineContinuation }
}

/// The start and the end of a keyword, or all of one that is too short to split.
fn parts(whole: EncodedKeyword) -> Vec<EncodedKeyword> {
    let EncodedKeyword { bytes, tag } = &whole;
    let (Some(skipped), true) = (bytes.len().checked_sub(PART), bytes.len() >= 2 * PART - 1) else {
        return vec![whole];
    };
    let Ok(rest) = u8::try_from(3 * skipped + usize::from(*tag)) else { return vec![whole] };
    vec![
        EncodedKeyword { bytes: bytes[..PART].to_vec(), tag: *tag },
        EncodedKeyword { bytes: bytes[skipped..].to_vec(), tag: rest },
    ]
}

/// Whether the start of the keyword directly precedes its end, which was hit: then the start was hit, too.
fn goes_on(hit: &EncodedHit<'_>, phase: usize, skipped: usize) -> bool {
    let symbols = decided(hit.literal, phase);
    hit.at.checked_sub(skipped).is_some_and(|from| hit.text[from..].starts_with(&symbols[..skipped + PART]))
}

/// Initial capacity.
const FEW: usize = 1 << 10;

type Symbol = (u8, (usize, usize));

/// All symbols around the hit, and the number of them before it.
fn symbols(hit: &EncodedHit<'_>) -> (Vec<Symbol>, usize) {
    let (text, low, high) = (hit.text, hit.decode_start(), hit.decode_end());
    // Four symbols are three characters.
    let enough = |characters: usize| characters.saturating_mul(4) / 3 + 8;
    // The hit may be after the first symbols of the literal.
    let behind = usize::from(hit.tag / 3) + 4;
    let (most, most_before) =
        (enough(hit.max_chars()), enough(hit.max_chars_before()).saturating_add(behind));
    let mut symbols = Vec::with_capacity(most.min(FEW) + most_before.min(FEW));
    let mut at = hit.at;
    while symbols.len() < most_before
        && let NextSymbol::Symbol(symbol, place) = line_wrap::backward(text, at, low, is_symbol)
    {
        symbols.push((symbol, place));
        at = place.0;
    }
    symbols.reverse();
    let before = symbols.len();
    let mut at = hit.at;
    while symbols.len() < most.saturating_add(before)
        && let NextSymbol::Symbol(symbol, place) = line_wrap::forward(text, at, high, is_symbol)
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

fn decided(literal: &[u8], phase: usize) -> Vec<u8> {
    let bit = |at: usize| literal[at / 8] >> (7 - at % 8) & 1;
    let first = (6 - phase * 8 % 6) % 6;
    (first..)
        .step_by(6)
        .take_while(|at| at + 6 <= literal.len() * 8)
        .map(|at| ALPHABET[usize::from((at..at + 6).fold(0, |value, at| value << 1 | bit(at)))])
        // The two alphabets differ in two symbols.
        .take_while(u8::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::MARKER;

    #[test]
    fn anchors_are_those_of_every_alignment() {
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
