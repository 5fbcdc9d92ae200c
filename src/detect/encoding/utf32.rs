//! Decodes UTF-32 of either byte order, limited to ASCII characters.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{DecodeExtent, EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::utf16::is_text;
use crate::detect::alphabet::key_run;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Length of a character, in bytes.
const CHAR_LEN: usize = 4;

/// Decodes UTF-32.
#[derive(Debug)]
pub(super) struct Utf32;

impl Encoding for Utf32 {
    fn name(&self) -> EncodingName {
        "utf-32"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["utf-32le", "utf-32be"]
    }

    /// The characters without the zeros at either end, so that both byte orders match.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        if !starts_key {
            return Vec::new();
        }
        let mut bytes: Vec<u8> = literal.iter().flat_map(|&byte| [byte, 0, 0, 0]).collect();
        bytes.truncate(bytes.len() - (CHAR_LEN - 1));
        vec![EncodedKeyword { bytes, tag: 0 }]
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        let orders = [decode_in_order(hit, true), decode_in_order(hit, false)];
        if hit.extent != DecodeExtent::Full {
            return orders.into_iter().flatten().for_each(visit);
        }
        // In the wrong byte order, a character is missing at one end, unless more UTF-32 text is adjacent.
        let length = |decoded: &DecodedText| {
            let behind = decoded.text.get(decoded.literal_start..).unwrap_or_default();
            (key_run(behind, usize::MAX), decoded.text.len())
        };
        let longest =
            orders.into_iter().flatten().reduce(|little, big| match length(&big) > length(&little) {
                true => big,
                false => little,
            });
        if let Some(decoded) = longest {
            visit(decoded);
        }
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// Decodes the text around the hit in one byte order.
fn decode_in_order(hit: &EncodedHit<'_>, is_little: bool) -> Option<DecodedText> {
    let start = hit.start.checked_sub(if is_little { 0 } else { CHAR_LEN - 1 })?;
    let unit = |at: usize| match (hit.text.get(at..at + CHAR_LEN)?, is_little) {
        (&[byte, 0, 0, 0], true) | (&[0, 0, 0, byte], false) if is_text(byte) => {
            Some((byte, (at, at + CHAR_LEN)))
        }
        _ => None,
    };
    let mut from = start;
    while from >= hit.decode_start() + CHAR_LEN
        && (start - from) / CHAR_LEN < hit.max_chars_before()
        && unit(from - CHAR_LEN).is_some()
    {
        from -= CHAR_LEN;
    }
    spend((start - from) / CHAR_LEN);
    let name = if is_little { "utf-32le" } else { "utf-32be" };
    let mut decoded =
        DecodedText { literal_start: (start - from) / CHAR_LEN, name, ..DecodedText::default() };
    let mut at = from;
    while at + CHAR_LEN <= hit.decode_end()
        && at.saturating_sub(start) / CHAR_LEN < hit.max_chars()
        && let Some((byte, place)) = unit(at)
    {
        decoded.push(byte, place);
        at += CHAR_LEN;
    }
    Some(decoded)
}
