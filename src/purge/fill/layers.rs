//! Overwrites a key that is encoded twice: decodes the outer encoding, overwrites the key in the inner one, and encodes
//! the result again.

use std::ops::Range;

use super::base64::{symbol, value};
use super::filler;
use crate::detect::{Detector, Match};

/// How many bytes are decoded on each side of the key: a whole number of groups in every encoding.
const CONTEXT_BYTES: usize = 24;

/// Overwrites the key of `key_match` with `replacement`. Returns false if the outer encoding is unknown.
pub(super) fn fill(bytes: &mut [u8], key_match: &Match, replacement: &[u8], detector: &Detector) -> bool {
    let range = key_match.span.start.saturating_sub(CONTEXT_BYTES)
        ..(key_match.span.end + CONTEXT_BYTES).min(bytes.len());
    let decoders: [LayerDecoder; 3] = [Layer::decode_base64, Layer::decode_hex, Layer::decode_double_width];
    decoders.iter().any(|decode| {
        // A group of symbols may begin at any of the first four.
        (0..4).any(|phase| {
            let layer = decode(bytes, range.clone(), phase);
            layer.fill(bytes, key_match, replacement, detector)
        })
    })
}

/// Decodes a range in one encoding, without its first symbols, whose number is the last argument.
type LayerDecoder = fn(&[u8], Range<usize>, usize) -> Layer;

/// A decoded range.
struct Layer {
    decoded: Vec<u8>,
    /// The offset of each symbol that encodes the range.
    symbols: Vec<usize>,
    /// How many bits each symbol encodes.
    bits: usize,
}

impl Layer {
    fn decode(bytes: &[u8], symbols: Vec<usize>, bits: usize, value: impl Fn(u8) -> u8) -> Self {
        let mut decoded = Vec::with_capacity(symbols.len() * bits / 8);
        let (mut buffer, mut buffered_bits) = (0u32, 0);
        for &offset in &symbols {
            buffer = buffer << bits | u32::from(value(bytes[offset]));
            buffered_bits += bits;
            if buffered_bits >= 8 {
                buffered_bits -= 8;
                decoded.push((buffer >> buffered_bits) as u8);
                buffer &= (1 << buffered_bits) - 1;
            }
        }
        Self { decoded, symbols, bits }
    }

    fn decode_base64(bytes: &[u8], range: Range<usize>, phase: usize) -> Self {
        let symbols = range.filter(|&offset| value(bytes[offset]).is_some()).skip(phase).collect();
        Self::decode(bytes, symbols, 6, |byte| value(byte).unwrap_or(0))
    }

    fn decode_hex(bytes: &[u8], range: Range<usize>, phase: usize) -> Self {
        let symbols = range.filter(|&offset| bytes[offset].is_ascii_hexdigit()).skip(phase).collect();
        Self::decode(bytes, symbols, 4, |byte| char::from(byte).to_digit(16).unwrap_or(0) as u8)
    }

    /// Decodes characters of two bytes, whichever of both is the ASCII character.
    fn decode_double_width(bytes: &[u8], range: Range<usize>, phase: usize) -> Self {
        let symbols = range.skip(phase).step_by(2).collect();
        Self::decode(bytes, symbols, 8, |byte| byte)
    }

    /// Overwrites the key of `key_match` in the decoded bytes, if it is there, and encodes them again. Returns whether it is
    /// there.
    fn fill(mut self, bytes: &mut [u8], key_match: &Match, replacement: &[u8], detector: &Detector) -> bool {
        let mut inner_matches = Vec::new();
        detector.find(&self.decoded, |inner| {
            if inner.detected_key.fingerprint == key_match.detected_key.fingerprint {
                inner_matches.push(inner);
            }
        });
        if inner_matches.is_empty() {
            return false;
        }
        let before = self.decoded.clone();
        for inner in inner_matches {
            let replacement = if replacement.len() == inner.detected_key.secret.len() {
                replacement.to_vec()
            } else {
                filler(&inner.detected_key.secret, 0)
            };
            super::fill(&mut self.decoded, &inner, &replacement, detector);
        }
        self.encode(bytes, &before);
        true
    }

    /// Encodes the bits that differ from those of `before`, the decoded bytes before the change.
    fn encode(&self, bytes: &mut [u8], before: &[u8]) {
        let is_url = self.symbols.iter().any(|&offset| b"-_".contains(&bytes[offset]));
        let bit = |from: &[u8], offset: usize| from.get(offset / 8).map(|byte| byte >> (7 - offset % 8) & 1);
        for (symbol_index, &offset) in self.symbols.iter().enumerate() {
            let range = symbol_index * self.bits..(symbol_index + 1) * self.bits;
            if range.clone().all(|offset| bit(before, offset) == bit(&self.decoded, offset)) {
                continue;
            }
            let value = range.fold(0u8, |value, offset| value << 1 | bit(&self.decoded, offset).unwrap_or(0));
            bytes[offset] = match self.bits {
                6 => symbol(value, is_url),
                4 => {
                    let digit = b"0123456789abcdef"[usize::from(value)];
                    if bytes[offset].is_ascii_uppercase() { digit.to_ascii_uppercase() } else { digit }
                }
                _ => value,
            };
        }
    }
}
