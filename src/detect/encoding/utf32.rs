//! UTF-32 of either byte order, limited to ASCII characters.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hit::{DecodeExtent, EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::utf16::is_text;
use crate::detect::alphabet::key_run;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Bytes of a character.
const WIDTH: usize = 4;

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

    /// Without the zeros at either end, so that both byte orders match.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        if !starts_key {
            return Vec::new();
        }
        let mut bytes: Vec<u8> = literal.iter().flat_map(|&byte| [byte, 0, 0, 0]).collect();
        bytes.truncate(bytes.len() - (WIDTH - 1));
        vec![EncodedKeyword { bytes, tag: 0 }]
    }

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        let orders = [in_order(hit, true), in_order(hit, false)];
        if hit.extent != DecodeExtent::Full {
            return orders.into_iter().flatten().for_each(read);
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
            read(decoded);
        }
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// What can be decoded around the hit in one byte order.
fn in_order(hit: &EncodedHit<'_>, little: bool) -> Option<DecodedText> {
    let start = hit.at.checked_sub(if little { 0 } else { WIDTH - 1 })?;
    let unit = |at: usize| match (hit.text.get(at..at + WIDTH)?, little) {
        (&[byte, 0, 0, 0], true) | (&[0, 0, 0, byte], false) if is_text(byte) => {
            Some((byte, (at, at + WIDTH)))
        }
        _ => None,
    };
    let mut from = start;
    while from >= hit.decode_start() + WIDTH
        && (start - from) / WIDTH < hit.max_chars_before()
        && unit(from - WIDTH).is_some()
    {
        from -= WIDTH;
    }
    spend((start - from) / WIDTH);
    let name = if little { "utf-32le" } else { "utf-32be" };
    let mut decoded = DecodedText { literal_start: (start - from) / WIDTH, name, ..DecodedText::default() };
    let mut at = from;
    while at + WIDTH <= hit.decode_end()
        && at.saturating_sub(start) / WIDTH < hit.max_chars()
        && let Some((byte, place)) = unit(at)
    {
        decoded.push(byte, place);
        at += WIDTH;
    }
    Some(decoded)
}
