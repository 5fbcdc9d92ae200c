//! UTF-32 of either byte order, as far as it is ASCII.

use std::ops::Range;

use super::utf16::is_text;
use super::{Anchor, Decoded, Encoding, Hit, Name, Reach};
use crate::detect::alphabet::key_run;
use crate::detect::candidate::Candidate;

/// Bytes of a character.
const WIDTH: usize = 4;

/// Reads UTF-32.
#[derive(Debug)]
pub(super) struct Utf32;

impl Encoding for Utf32 {
    fn name(&self) -> Name {
        "utf-32"
    }

    /// Without the zeros at either end, so that both byte orders are found.
    fn anchors(&self, literal: &[u8], starts_key: bool) -> Vec<Anchor> {
        if !starts_key {
            return Vec::new();
        }
        let mut bytes: Vec<u8> = literal.iter().flat_map(|&byte| [byte, 0, 0, 0]).collect();
        bytes.truncate(bytes.len() - (WIDTH - 1));
        vec![Anchor { bytes, variant: 0 }]
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        let orders = [in_order(hit, true), in_order(hit, false)];
        if hit.reach != Reach::Full {
            return orders.into_iter().flatten().for_each(read);
        }
        // In the wrong order a character is missing at one end, if what is next to the text is not more of it.
        let length = |decoded: &Decoded| {
            let behind = decoded.text.get(decoded.at..).unwrap_or_default();
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

    fn claim(&self, decoded: &Decoded, _: &mut Candidate<'_>, _: Range<usize>) -> Option<Name> {
        Some(decoded.name)
    }
}

/// What can be read around the hit in one byte order.
fn in_order(hit: &Hit<'_>, little: bool) -> Option<Decoded> {
    let start = hit.at.checked_sub(if little { 0 } else { WIDTH - 1 })?;
    let unit = |at: usize| match (hit.text.get(at..at + WIDTH)?, little) {
        (&[byte, 0, 0, 0], true) | (&[0, 0, 0, byte], false) if is_text(byte) => {
            Some((byte, (at, at + WIDTH)))
        }
        _ => None,
    };
    let mut from = start;
    while from >= hit.low() + WIDTH
        && (start - from) / WIDTH < hit.most_before()
        && unit(from - WIDTH).is_some()
    {
        from -= WIDTH;
    }
    let name = if little { "utf-32le" } else { "utf-32be" };
    let mut decoded = Decoded { at: (start - from) / WIDTH, name, ..Decoded::default() };
    let mut at = from;
    while at + WIDTH <= hit.high()
        && at.saturating_sub(start) / WIDTH < hit.most()
        && let Some((byte, place)) = unit(at)
    {
        decoded.push(byte, place);
        at += WIDTH;
    }
    Some(decoded)
}
