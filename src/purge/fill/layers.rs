//! A key that is encoded twice: the outer encoding is decoded, the key filled in the inner one, and the result
//! encoded again.

use std::ops::Range;

use super::base64::{symbol, value};
use super::filler;
use crate::detect::{Detector, Match};

/// Bytes that are decoded on each side of the key: a whole number of groups in every encoding.
const AROUND: usize = 24;

/// Fills a key that is encoded twice. Returns false if the outer encoding is unknown.
pub(super) fn fill(bytes: &mut [u8], found: &Match, wanted: &[u8], detector: &Detector) -> bool {
    let range = found.span.start.saturating_sub(AROUND)..(found.span.end + AROUND).min(bytes.len());
    let layers: [ReadLayer; 3] = [Layer::base64, Layer::hex, Layer::wide];
    layers.iter().any(|layer| {
        (0..4).any(|phase| {
            let layer = layer(bytes, range.clone(), phase);
            layer.fill(bytes, found, wanted, detector)
        })
    })
}

/// Decodes a range as one encoding, starting at one of its first symbols.
type ReadLayer = fn(&[u8], Range<usize>, usize) -> Layer;

/// Decoded bytes, and where they are encoded.
struct Layer {
    decoded: Vec<u8>,
    /// Offsets of the symbols that encode them.
    symbols: Vec<usize>,
    /// Bits in a symbol.
    bits: usize,
}

impl Layer {
    fn of(bytes: &[u8], symbols: Vec<usize>, bits: usize, value: impl Fn(u8) -> u8) -> Self {
        let mut decoded = Vec::with_capacity(symbols.len() * bits / 8);
        let (mut buffer, mut held) = (0u32, 0);
        for &at in &symbols {
            buffer = buffer << bits | u32::from(value(bytes[at]));
            held += bits;
            if held >= 8 {
                held -= 8;
                decoded.push((buffer >> held) as u8);
                buffer &= (1 << held) - 1;
            }
        }
        Self { decoded, symbols, bits }
    }

    fn base64(bytes: &[u8], range: Range<usize>, phase: usize) -> Self {
        let symbols = range.filter(|&at| value(bytes[at]).is_some()).skip(phase).collect();
        Self::of(bytes, symbols, 6, |byte| value(byte).unwrap_or(0))
    }

    fn hex(bytes: &[u8], range: Range<usize>, phase: usize) -> Self {
        let symbols = range.filter(|&at| bytes[at].is_ascii_hexdigit()).skip(phase).collect();
        Self::of(bytes, symbols, 4, |byte| char::from(byte).to_digit(16).unwrap_or(0) as u8)
    }

    /// Characters of two bytes.
    fn wide(bytes: &[u8], range: Range<usize>, phase: usize) -> Self {
        let symbols = range.skip(phase).step_by(2).collect();
        Self::of(bytes, symbols, 8, |byte| byte)
    }

    /// Fills the key of `found` in the decoded bytes, if it is there, and encodes them again.
    fn fill(mut self, bytes: &mut [u8], found: &Match, wanted: &[u8], detector: &Detector) -> bool {
        let mut inner = Vec::new();
        detector.find(&self.decoded, |one| {
            if one.identified.fingerprint == found.identified.fingerprint {
                inner.push(one);
            }
        });
        if inner.is_empty() {
            return false;
        }
        let before = self.decoded.clone();
        for one in inner {
            let wanted = if wanted.len() == one.identified.secret.len() {
                wanted.to_vec()
            } else {
                filler(&one.identified.secret, 0)
            };
            super::fill(&mut self.decoded, &one, &wanted, detector);
        }
        self.encode(bytes, &before);
        true
    }

    fn encode(&self, bytes: &mut [u8], before: &[u8]) {
        let is_url = self.symbols.iter().any(|&at| b"-_".contains(&bytes[at]));
        let bit = |all: &[u8], at: usize| all.get(at / 8).map(|byte| byte >> (7 - at % 8) & 1);
        for (nth, &at) in self.symbols.iter().enumerate() {
            let range = nth * self.bits..(nth + 1) * self.bits;
            if range.clone().all(|at| bit(before, at) == bit(&self.decoded, at)) {
                continue;
            }
            let value = range.fold(0u8, |value, at| value << 1 | bit(&self.decoded, at).unwrap_or(0));
            bytes[at] = match self.bits {
                6 => symbol(value, is_url),
                4 => {
                    let digit = b"0123456789abcdef"[usize::from(value)];
                    if bytes[at].is_ascii_uppercase() { digit.to_ascii_uppercase() } else { digit }
                }
                _ => value,
            };
        }
    }
}
