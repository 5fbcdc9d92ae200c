//! Base64 in the standard and the URL alphabet, on one line, wrapped, or within a string.

use std::ops::Range;

use super::breaks::{self, Next};
use super::units::Kind;
use super::{Anchor, Decoded, Encoding, Hit, Name};
use crate::detect::candidate::Candidate;

/// Shorter anchors would hit everywhere.
const SHORTEST_ANCHOR: usize = 3;

/// Reads base64. A variant is the number of bytes before the literal in its group of three.
#[derive(Debug)]
pub(super) struct Base64;

impl Encoding for Base64 {
    /// The symbols that the literal alone decides, for each way it can be aligned.
    fn anchors(&self, literal: &[u8], _: bool) -> Vec<Anchor> {
        let aligned = |phase: u8| Anchor { bytes: decided(literal, usize::from(phase)), variant: phase };
        (0..3).map(aligned).filter(|anchor| anchor.bytes.len() >= SHORTEST_ANCHOR).collect()
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        // The first symbol that the literal alone decides: the first, third or fourth of its group.
        let column = match hit.variant {
            0 => 0,
            1 => 2,
            _ => 3,
        };
        let (mut symbols, before) = symbols(hit);
        // Groups are counted from the anchor: what is before the first whole one is dropped.
        let surplus = (before + 4 - column) % 4;
        symbols.drain(..surplus.min(symbols.len()));
        let mut decoded = Decoded { name: "base64", ..Decoded::default() };
        for group in symbols.chunks(4) {
            let start = decoded.text.len();
            for (index, _) in group.iter().enumerate().filter(|(_, (symbol, _))| b"-_".contains(symbol)) {
                // A symbol has a part in the byte before it in its group, and in that with its number.
                for byte in index.saturating_sub(1)..=index.min(2) {
                    decoded.marks.push((start + byte, Kind::UrlSafe));
                }
            }
            let bits = group.iter().fold(0_u32, |bits, (symbol, _)| bits << 6 | u32::from(value(*symbol)));
            let bits = bits << (6 * (4 - group.len()));
            for index in 0..group.len().saturating_sub(1) {
                let byte = u8::try_from(bits >> (16 - 8 * index) & 0xff).unwrap_or(0);
                decoded.push(byte, (group[index].1.0, group[index + 1].1.1));
            }
        }
        let group = (before - surplus.min(before)) / 4;
        decoded.at = group * 3 + usize::from(hit.variant);
        read(decoded);
    }

    fn claim(&self, decoded: &Decoded, _: &mut Candidate<'_>, secret: Range<usize>) -> Option<Name> {
        let is_inside = |(at, _): &(usize, Kind)| secret.contains(at);
        Some(if decoded.marks.iter().any(is_inside) { "base64url" } else { decoded.name })
    }
}

type Symbol = (u8, (usize, usize));

/// All symbols around the hit, and how many of them stand before it.
fn symbols(hit: &Hit<'_>) -> (Vec<Symbol>, usize) {
    let (text, low, high) = (hit.text, hit.low(), hit.high());
    // Four symbols are three characters.
    let enough = |characters: usize| characters.saturating_mul(4) / 3 + 8;
    let (most, most_before) = (enough(hit.most()), enough(hit.most_before()));
    let mut symbols = Vec::new();
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
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

fn value(symbol: u8) -> u8 {
    match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    }
}

fn decided(literal: &[u8], phase: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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
        assert_eq!(anchors(b"sk-proj-"), ["c2stcHJvai", "NrLXByb2ot", "zay1wcm9qL"]);
        assert_eq!(anchors(b"sk-"), ["c2st", "NrL", "zay"]);
    }
}
