//! Decodes UTF-16 of either byte order, limited to ASCII characters.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{DecodeExtent, EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use crate::detect::alphabet::is_key;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;
use crate::detect::limits::{CONTEXT_REACH, MAX_REGULAR_SPAN};

/// Maximum distance from the hit to the text that determines the byte order, in bytes: that of any evidence for a match.
const BYTE_ORDER_REACH: usize = MAX_REGULAR_SPAN + CONTEXT_REACH;

/// The same for UTF-16 that is written as hex digits, each byte of which takes several.
const BYTE_ORDER_REACH_IN_HEX: usize = 48;

/// A tag: the UTF-16 text was decoded from hex digits.
pub(super) const IN_HEX: u8 = 1;

/// Decodes UTF-16.
#[derive(Debug)]
pub(super) struct Utf16;

impl Encoding for Utf16 {
    fn name(&self) -> EncodingName {
        "utf-16"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["utf-16le", "utf-16be"]
    }

    /// The code units without the zero at either end, so that both byte orders match.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        if !starts_key {
            return Vec::new();
        }
        let mut bytes: Vec<u8> = literal.iter().flat_map(|&byte| [byte, 0]).collect();
        bytes.pop();
        vec![EncodedKeyword { bytes, tag: 0 }]
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        if hit.extent != DecodeExtent::Full {
            [true, false].into_iter().filter_map(|is_little| decode_in_order(hit, is_little)).for_each(visit);
            return;
        }
        // UTF-16 in base64 comes from Windows, which is little-endian.
        let is_little = match hit.tag {
            IN_HEX => is_little_endian(hit.text, hit.start, BYTE_ORDER_REACH_IN_HEX),
            _ => hit.nested || is_little_endian(hit.text, hit.start, BYTE_ORDER_REACH),
        };
        let Some(decoded) = decode_in_order(hit, is_little) else { return };
        // Half a character at the end may be a whole one in the other byte order.
        let end = decoded.source_map.last().map_or(hit.start, |place| place.1);
        let half = hit.text.get(end).is_some_and(|&byte| is_key(byte)) && hit.text.get(end + 1) != Some(&0);
        let is_cut = is_little && half && !hit.nested;
        visit(decoded);
        if let Some(decoded) = decode_in_order(hit, false).filter(|_| is_cut) {
            visit(decoded);
        }
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// Decodes the text around the hit in one byte order.
fn decode_in_order(hit: &EncodedHit<'_>, is_little: bool) -> Option<DecodedText> {
    let text = hit.text;
    let first = usize::from(!is_little);
    let start = hit.start.checked_sub(first)?;
    // Which of the two bytes is zero.
    let unit = |at: usize| {
        let pair = text.get(at..at + 2)?;
        let (byte, zero) = if is_little { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
        (zero == 0 && is_text(byte)).then_some((byte, (at, at + 2)))
    };
    let mut from = start;
    while from >= hit.decode_start() + 2
        && (start - from) / 2 < hit.max_chars_before()
        && unit(from - 2).is_some()
    {
        from -= 2;
    }
    spend((start - from) / 2);
    let name = if is_little { "utf-16le" } else { "utf-16be" };
    let mut decoded = DecodedText { literal_start: (start - from) / 2, name, ..DecodedText::default() };
    let mut at = from;
    while at + 2 <= hit.decode_end()
        && at.saturating_sub(start) / 2 < hit.max_chars()
        && let Some((byte, place)) = unit(at)
    {
        decoded.push(byte, place);
        at += 2;
    }
    Some(decoded)
}

/// Whether the byte order is little-endian. Characters and zeros alternate in either byte order; the start or the end of
/// the alternation shows which one it is. If neither is within `reach`, little-endian is assumed, which is usual.
fn is_little_endian(text: &[u8], at: usize, reach: usize) -> bool {
    let alternates = |at: usize, zero: bool| {
        // Accented Latin letters also have zero bytes; 0xFE and 0xFF form a byte order mark.
        let is_letter = |byte: u8| is_text(byte) || (0xA0..=0xFD).contains(&byte);
        text.get(at).is_some_and(|&byte| if zero { byte == 0 } else { is_letter(byte) })
    };
    let low = at.saturating_sub(reach);
    let mut start = at;
    while start > low && alternates(start - 1, (at - start).is_multiple_of(2)) {
        start -= 1;
    }
    let starts_with_zero = (at - start) % 2 == 1;
    let is_start_known = start > low || low == 0;
    if is_start_known && !starts_with_zero {
        return true;
    }
    let high = text.len().min(at + reach);
    let mut end = at;
    while end < high && alternates(end, (end - at) % 2 == 1) {
        end += 1;
    }
    spend(end - start);
    let ends_with_zero = (end - at).is_multiple_of(2);
    let after_zero = start.checked_sub(1).is_some_and(|before| text[before] == 0);
    let is_end_known = end < high || high == text.len();
    match (is_start_known, is_end_known) {
        // The zero may belong to the preceding text.
        (true, _) if !after_zero => false,
        (_, true) => ends_with_zero,
        // The zero before the start may end another text. In hex digits, where the reach is short, assume the usual order.
        (true, false) => reach < BYTE_ORDER_REACH,
        (false, false) => true,
    }
}

pub(super) fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::{BYTE_ORDER_REACH, is_little_endian};

    #[test]
    fn letters_with_accents_and_marks_do_not_confuse_the_byte_order() {
        for text in ["# für\r\na = 'sk-proj-'", "sk-proj-", "\u{feff}sk-proj-"] {
            let place = text.encode_utf16().position(|unit| unit == u16::from(b's')).unwrap() * 2;
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(is_little_endian(&little, place, BYTE_ORDER_REACH), "{text}");
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert!(!is_little_endian(&big, place + 1, BYTE_ORDER_REACH), "{text}");
        }
    }
}
