//! Hex digits: run together, one byte apart, or as the elements of an array.

use std::ops::Range;

use super::breaks::{self, Next};
use super::units::{MOST_INDENT, line_break};
use super::{Anchor, Decoded, Encoding, Hit, Name};
use crate::detect::candidate::Candidate;

const TOGETHER: u8 = 0;
const APART: u8 = 1;
const ARRAY: u8 = 2;

/// Reads hex digits.
#[derive(Debug)]
pub(super) struct Hex;

impl Encoding for Hex {
    fn anchors(&self, literal: &[u8]) -> Vec<Anchor> {
        let digits = |separator: &str, upper: bool| {
            let bytes: Vec<String> = literal
                .iter()
                .map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") })
                .collect();
            bytes.join(separator).into_bytes()
        };
        let mut anchors = Vec::new();
        for (separator, variant) in [("", TOGETHER), (" ", APART)] {
            anchors.extend([false, true].map(|upper| Anchor { bytes: digits(separator, upper), variant }));
        }
        // The other bytes are written in too many ways.
        anchors.extend(
            literal.first().map(|byte| Anchor { bytes: format!("0x{byte:02x}").into(), variant: ARRAY }),
        );
        anchors.dedup();
        anchors
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        if !reads_literal(hit) {
            return;
        }
        let mut decoded = Decoded { name: "hex", ..Decoded::default() };
        let mut before = Vec::new();
        let mut at = hit.at;
        while let Some((byte, place)) = previous(hit, at) {
            before.push((byte, place));
            at = place.0;
        }
        for (byte, place) in before.into_iter().rev() {
            decoded.push(byte, place);
        }
        decoded.at = decoded.text.len();
        let mut at = hit.at;
        while let Some((byte, place)) = next(hit, at) {
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

/// The byte at `at`, or behind what separates it from the one that ends there.
fn next(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let (text, high) = (hit.text, hit.high());
    if hit.variant == TOGETHER {
        let Next::Symbol(first, from) = breaks::forward(text, at, high, is_digit) else { return None };
        let Next::Symbol(second, to) = breaks::forward(text, from.1, high, is_digit) else { return None };
        return Some((byte(first, second)?, (from.0, to.1)));
    }
    let at = if at == hit.at { at } else { at + separator(&text[at..high])? };
    let digits = at + if hit.variant == ARRAY { prefix(&text[at..high])? } else { 0 };
    let value = byte(*text.get(digits)?, *text.get(digits + 1)?)?;
    (digits + 2 <= high).then_some((value, (at, digits + 2)))
}

/// The byte before the one at `at`.
fn previous(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let (text, low) = (hit.text, hit.low());
    if hit.variant == TOGETHER {
        let Next::Symbol(second, to) = breaks::backward(text, at, low, is_digit) else { return None };
        let Next::Symbol(first, from) = breaks::backward(text, to.0, low, is_digit) else { return None };
        return Some((byte(first, second)?, (from.0, to.1)));
    }
    let before = &text[low..at];
    let separating = before.iter().rev().take_while(|byte| b" \t\r\n,".contains(byte)).count();
    let end = at - separating;
    let len = if hit.variant == ARRAY { 4 } else { 2 };
    let start = end.checked_sub(len).filter(|&start| start >= low)?;
    let parted = separator(&text[end..at]).is_some_and(|len| len == at - end);
    let prefixed = hit.variant != ARRAY || prefix(&text[start..end]).is_some();
    let value = byte(text[end - 2], text[end - 1])?;
    (parted && prefixed).then_some((value, (start, end)))
}

/// The length of what separates two bytes: a comma, blanks, a line break; not nothing.
fn separator(rest: &[u8]) -> Option<usize> {
    let mut len = usize::from(rest.first() == Some(&b','));
    let blank =
        |from: usize| rest[from..].iter().take(MOST_INDENT).take_while(|b| b" \t".contains(b)).count();
    len += blank(len);
    if let Some(broken) = line_break(&rest[len..]) {
        len += broken;
        len += blank(len);
    }
    (len > 0).then_some(len)
}

fn prefix(rest: &[u8]) -> Option<usize> {
    matches!(rest, [b'0', b'x' | b'X', ..]).then_some(2)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn byte(first: u8, second: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(first)? << 4 | digit(second)?).ok()
}
