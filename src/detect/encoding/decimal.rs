//! Bytes as decimal numbers: what programs print of an array, `[115, 107, 45]`, `115,107,45`, `[115 107 45]`.

use std::ops::Range;

use super::apart::separator;
use super::{Anchor, Decoded, Encoding, Hit, Name};
use crate::detect::candidate::Candidate;

/// Reads decimal numbers.
#[derive(Debug)]
pub(super) struct Decimal;

/// Bytes of a literal that must stand there where no comma says that it is a list.
const ENOUGH: usize = 3;

/// Digits of a byte.
const DIGITS: usize = 3;

impl Encoding for Decimal {
    fn name(&self) -> Name {
        "decimal"
    }

    fn anchors(&self, literal: &[u8], starts_key: bool) -> Vec<Anchor> {
        if !starts_key || literal.len() < ENOUGH {
            return Vec::new();
        }
        let apart = literal[..ENOUGH].iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
        // What comes after the first comma is written in too many ways.
        let listed = format!("{},", literal[0]);
        [apart, listed].map(|anchor| Anchor { bytes: anchor.into_bytes(), variant: 0 }).into()
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        if hit.at.checked_sub(1).is_some_and(|before| is_part(hit.text[before])) || !reads_literal(hit) {
            return;
        }
        let mut decoded = Decoded { name: "decimal", ..Decoded::default() };
        let mut before = Vec::new();
        let mut at = hit.at;
        while before.len() < hit.most_before()
            && let Some((byte, place)) = previous(hit, at)
        {
            before.push((byte, place));
            at = place.0;
        }
        before.into_iter().rev().for_each(|(byte, place)| decoded.push(byte, place));
        decoded.at = decoded.text.len();
        let mut at = hit.at;
        while decoded.text.len() - decoded.at < hit.most()
            && let Some((byte, place)) = next(hit, at)
        {
            decoded.push(byte, place);
            at = place.1;
        }
        read(decoded);
    }

    fn claim(&self, decoded: &Decoded, _: &mut Candidate<'_>, _: Range<usize>) -> Option<Name> {
        Some(decoded.name)
    }
}

/// Whether the literal can be read at the hit, which is quickly told.
fn reads_literal(hit: &Hit<'_>) -> bool {
    let mut at = hit.at;
    hit.literal.iter().all(|&expected| match next(hit, at) {
        Some((byte, place)) => {
            at = place.1;
            byte == expected
        }
        None => false,
    })
}

type Byte = (u8, (usize, usize));

/// The byte at the hit, or behind what separates it from the one that ends at `at`.
fn next(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let rest = hit.text.get(at..hit.high())?;
    let start = at + if at == hit.at { 0 } else { separator(rest)? };
    let digits = hit.text[start..].iter().take_while(|byte| byte.is_ascii_digit()).take(DIGITS + 1).count();
    let end = start + digits;
    let goes_on = hit.text.get(end).is_some_and(|&byte| is_part(byte));
    (end <= hit.high() && !goes_on).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// The byte before the one at `at`.
fn previous(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let low = hit.low();
    let before = hit.text.get(low..at)?;
    let end = at - before.iter().rev().take_while(|byte| b" \t\r\n,".contains(byte)).count();
    let digits =
        hit.text[low..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).take(DIGITS + 1).count();
    let start = end - digits;
    let parted = separator(&hit.text[end..at]).is_some_and(|len| len == at - end);
    let goes_on = start.checked_sub(1).is_some_and(|before| is_part(hit.text[before]));
    (parted && !goes_on).then_some((value(&hit.text[start..end])?, (start, end)))
}

/// Whether a number that stands next to this is none of a list of bytes.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)
}

fn value(digits: &[u8]) -> Option<u8> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
