//! Overwrites a key in base64: replaces the symbols that encode it, except for bits that belong to the neighboring bytes.

use std::ops::Range;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of a symbol in either alphabet.
pub(super) fn value(symbol: u8) -> Option<u8> {
    let symbol = match symbol {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    STANDARD.iter().position(|candidate| *candidate == symbol).and_then(|index| u8::try_from(index).ok())
}

/// The symbol of a value.
pub(super) fn symbol(value: u8, is_url_safe: bool) -> u8 {
    match STANDARD[usize::from(value & 63)] {
        b'+' if is_url_safe => b'-',
        b'/' if is_url_safe => b'_',
        other => other,
    }
}

/// Encodes `filler` in place of `secret`, whose byte `n` is encoded by the first and the last symbol of `sources[n]`;
/// between them there may be a line break or an escape. Returns false if the symbols do not encode `secret`.
pub(super) fn fill(bytes: &mut [u8], sources: &[Range<usize>], secret: &[u8], filler: &[u8]) -> bool {
    if sources.len() != secret.len()
        || sources.iter().any(|source| source.len() < 2 || source.end > bytes.len())
    {
        return false;
    }
    // The third byte of a group shares no symbol with the next.
    let Some(next) = (1..sources.len()).find(|&index| sources[index - 1].end <= sources[index].start) else {
        return false;
    };
    let third = next - 1;
    // The position of a byte in its group of three, which is 2 for `third`.
    let column = |index: usize| (index + 3 - third % 3 + 2) % 3;
    let is_url_safe =
        sources.iter().any(|source| bytes[source.clone()].iter().any(|byte| b"-_".contains(byte)));
    let mut new_bytes = bytes.to_vec();
    for (index, source) in sources.iter().enumerate() {
        let (first, last) = (source.start, source.end - 1);
        let (Some(high), Some(low)) = (value(new_bytes[first]), value(new_bytes[last])) else { return false };
        // Of the 12 bits of both symbols, the first `2 * column` belong to the byte before, the next 8 to this one, and the
        // last `shift` to the byte after.
        let pair = u16::from(high) << 6 | u16::from(low);
        let shift = 4 - 2 * column(index) as u32;
        if u8::try_from(pair >> shift & 0xff) != Ok(secret[index]) {
            return false;
        }
        let pair = pair & !(0xff << shift) | u16::from(filler[index]) << shift;
        new_bytes[first] = symbol((pair >> 6) as u8, is_url_safe);
        new_bytes[last] = symbol((pair & 63) as u8, is_url_safe);
    }
    bytes.copy_from_slice(&new_bytes);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A simple encoder, independent of the code under test.
    fn encode(text: &[u8]) -> Vec<u8> {
        let bits: Vec<u8> =
            text.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1)).collect();
        let value =
            |bits: &[u8]| (0..6).fold(0, |value, index| value << 1 | bits.get(index).copied().unwrap_or(0));
        bits.chunks(6).map(|bits| symbol(value(bits), false)).collect()
    }

    #[test]
    fn a_key_is_filled_at_every_alignment() {
        for before in 0..4 {
            let text = [&b"user:\xffpass"[..before], b"secret-key", b"\xfe after"].concat();
            let mut encoded = encode(&text);
            let source = |index: usize| {
                let first = index * 8 / 6;
                first..first + 2
            };
            let sources: Vec<_> = (before..before + 10).map(source).collect();
            assert!(fill(&mut encoded, &sources, b"secret-key", b"xxxxxxxxxx"));
            let expected = [&text[..before], b"xxxxxxxxxx", b"\xfe after"].concat();
            assert_eq!(encoded, encode(&expected));
        }
    }
}
