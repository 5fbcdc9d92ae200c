//! Base64 in the standard and the URL alphabet, on one line, wrapped, or within a string.

use std::ops::Range;

use super::breaks::{self, Next};
use super::units::{Kind, unit_at};
use super::{Anchor, Decoded, Encoding, Hit, Name};
use crate::detect::candidate::{Candidate, EQUAL, EXACT};

/// Shorter anchors would hit everywhere.
const SHORTEST_ANCHOR: usize = 3;

/// A line may break within what stands for a literal from inside a key, and where lines are as long as a key's first
/// half, within that for its prefix as well. So it is searched for by its beginning and its end, of so many symbols.
const PART: usize = 5;

/// Reads base64. A variant is the number of bytes before the literal in its group of three, and three for each symbol
/// that the literal decides before those of the anchor.
#[derive(Debug)]
pub(super) struct Base64;

impl Encoding for Base64 {
    fn name(&self) -> Name {
        "base64"
    }

    /// The symbols that the literal alone decides, for each way it can be aligned.
    fn anchors(&self, literal: &[u8], starts_key: bool) -> Vec<Anchor> {
        let aligned = |phase: u8| Anchor { bytes: decided(literal, usize::from(phase)), variant: phase };
        let whole = (0..3).map(aligned).filter(|anchor| anchor.bytes.len() >= SHORTEST_ANCHOR);
        if starts_key { whole.collect() } else { whole.flat_map(parts).collect() }
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        let (phase, skipped) = (usize::from(hit.variant % 3), usize::from(hit.variant / 3));
        if skipped > 0 && goes_on(hit, phase, skipped) {
            return;
        }
        // Counted from the group in which the literal begins. The first symbol that it alone decides is the first,
        // third or fourth of that.
        let column = [0, 2, 3][phase] + skipped;
        let (mut symbols, before) = symbols(hit);
        // Groups are counted from the anchor: what is before the first whole one is dropped.
        let surplus = (before + 4 - column % 4) % 4;
        symbols.drain(..surplus.min(symbols.len()));
        let mut decoded = Decoded { name: "base64", ..Decoded::default() };
        decoded.text.reserve(symbols.len());
        decoded.places.reserve(symbols.len());
        let mut end = symbols.first().map_or(0, |(_, place)| place.0);
        let mut url_safe = false;
        for group in symbols.chunks(4) {
            let start = decoded.text.len();
            let mut bits = 0_u32;
            for (index, &(symbol, place)) in group.iter().enumerate() {
                if place.0 != end {
                    decoded.marks.push((start + index.min(2), seam(hit.text, end)));
                }
                end = place.1;
                bits = bits << 6 | u32::from(VALUES[usize::from(symbol)]);
                url_safe |= symbol == b'-' || symbol == b'_';
            }
            if url_safe {
                url_safe = false;
                for (index, _) in group.iter().enumerate().filter(|(_, (symbol, _))| b"-_".contains(symbol)) {
                    // A symbol has a part in the byte before it in its group, and in that with its number.
                    for byte in index.saturating_sub(1)..=index.min(2) {
                        decoded.marks.push((start + byte, Kind::UrlSafe));
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
        decoded.at = first * 3 + phase;
        read(decoded);
    }

    fn claim(&self, decoded: &Decoded, candidate: &mut Candidate<'_>, secret: Range<usize>) -> Option<Name> {
        let inside = || decoded.marks.iter().filter(|(at, _)| secret.contains(at));
        let is_weak = inside().any(|(at, kind)| kind.is_loose() && *at > secret.start);
        // Two literals next to each other may be two things.
        if is_weak && (candidate.halves.is_none() || ![EQUAL, EXACT].contains(&candidate.weight)) {
            return None;
        }
        Some(if inside().any(|(_, kind)| *kind == Kind::UrlSafe) { "base64url" } else { decoded.name })
    }
}

/// What stands at `at`, between two symbols: the end of a line, unless it is that of a literal.
fn seam(text: &[u8], at: usize) -> Kind {
    let is_quoted = text.get(at).is_some_and(|byte| b"\\\"'`".contains(byte));
    if is_quoted { unit_at(text, at, true).kind } else { Kind::Continued }
}

/// The beginning and the end of an anchor, or all of one that is too short for that.
fn parts(whole: Anchor) -> Vec<Anchor> {
    let Anchor { bytes, variant } = &whole;
    let (Some(skipped), true) = (bytes.len().checked_sub(PART), bytes.len() >= 2 * PART - 1) else {
        return vec![whole];
    };
    let Ok(rest) = u8::try_from(3 * skipped + usize::from(*variant)) else { return vec![whole] };
    vec![
        Anchor { bytes: bytes[..PART].to_vec(), variant: *variant },
        Anchor { bytes: bytes[skipped..].to_vec(), variant: rest },
    ]
}

/// Whether the beginning of the anchor stands right before its end, which was hit: then that was hit, too.
fn goes_on(hit: &Hit<'_>, phase: usize, skipped: usize) -> bool {
    let symbols = decided(hit.literal, phase);
    hit.at.checked_sub(skipped).is_some_and(|from| hit.text[from..].starts_with(&symbols[..skipped + PART]))
}

/// Room for so many is made at once.
const FEW: usize = 1 << 10;

type Symbol = (u8, (usize, usize));

/// All symbols around the hit, and how many of them stand before it.
fn symbols(hit: &Hit<'_>) -> (Vec<Symbol>, usize) {
    let (text, low, high) = (hit.text, hit.low(), hit.high());
    // Four symbols are three characters.
    let enough = |characters: usize| characters.saturating_mul(4) / 3 + 8;
    // What was hit may stand behind the first of those that stand for the literal.
    let behind = usize::from(hit.variant / 3) + 4;
    let (most, most_before) = (enough(hit.most()), enough(hit.most_before()).saturating_add(behind));
    let mut symbols = Vec::with_capacity(most.min(FEW) + most_before.min(FEW));
    let mut at = hit.at;
    while symbols.len() < most_before
        && let Next::Symbol(symbol, place) = breaks::backward(text, at, low, is_symbol)
    {
        symbols.push((symbol, place));
        at = place.0;
    }
    symbols.reverse();
    let before = symbols.len();
    let mut at = hit.at;
    while symbols.len() < most.saturating_add(before)
        && let Next::Symbol(symbol, place) = breaks::forward(text, at, high, is_symbol)
    {
        symbols.push((symbol, place));
        at = place.1;
    }
    (symbols, before)
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What each symbol stands for.
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
        let anchors = |literal: &[u8]| -> Vec<String> {
            Base64.anchors(literal, true).into_iter().map(|a| String::from_utf8(a.bytes).unwrap()).collect()
        };
        // In parts, so that no scanner takes this file for a leak.
        assert_eq!(
            anchors(MARKER.as_bytes()),
            [concat!("VDNCb", "GJrRk"), concat!("QzQmx", "ia0ZK"), concat!("UM0Js", "YmtGS")]
        );
        let parts = Base64.anchors(MARKER.as_bytes(), false);
        let parts: Vec<_> =
            parts.iter().map(|a| (String::from_utf8_lossy(&a.bytes).into_owned(), a.variant)).collect();
        let expected =
            [("VDNCb", 0), ("GJrRk", 15), ("QzQmx", 1), ("ia0ZK", 16), ("UM0Js", 2), ("YmtGS", 17)];
        assert_eq!(parts, expected.map(|(part, variant)| (part.to_owned(), variant)));
        assert_eq!(anchors(b"sk-proj-"), ["c2stcHJvai", "NrLXByb2ot", "zay1wcm9qL"]);
        assert_eq!(anchors(b"sk-"), ["c2st", "NrL", "zay"]);
    }
}
