//! Hex digits: run together, one byte apart, or as the elements of an array.

use std::ops::Range;

use super::breaks::{self, Next};
use super::lines::{MOST_INDENT, line_break};
use super::{Anchor, Decoded, Encoding, Hit, Name};
use crate::detect::candidate::Candidate;

/// Reads hex digits that are run together.
#[derive(Debug)]
pub(super) struct Together;

/// Reads hex digits one byte apart. A variant says whether each has a prefix.
#[derive(Debug)]
pub(super) struct Apart;

const BARE: u8 = 0;
const PREFIXED: u8 = 1;

impl Encoding for Together {
    fn anchors(&self, literal: &[u8], _: bool) -> Vec<Anchor> {
        without_case(literal, "").map(|bytes| Anchor { bytes, variant: 0 }).collect()
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        decode(hit, next_together, previous_together, read);
    }

    fn claim(&self, decoded: &Decoded, _: &mut Candidate<'_>, _: Range<usize>) -> Option<Name> {
        Some(decoded.name)
    }
}

impl Encoding for Apart {
    fn anchors(&self, literal: &[u8], starts_key: bool) -> Vec<Anchor> {
        if !starts_key {
            return Vec::new();
        }
        let bare = without_case(literal, " ").map(|bytes| Anchor { bytes, variant: BARE });
        // What comes after the first byte is written in too many ways.
        let prefixed = without_case(&literal[..1], " ")
            .map(|bytes| Anchor { bytes: [b"0x", &bytes[..]].concat(), variant: PREFIXED });
        bare.chain(prefixed).collect()
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        decode(hit, next_apart, previous_apart, read);
    }

    fn claim(&self, decoded: &Decoded, _: &mut Candidate<'_>, _: Range<usize>) -> Option<Name> {
        Some(decoded.name)
    }
}

/// The digits of `literal` up to the first that is a letter, which can be of either case; all in both
/// cases if that is too few.
fn without_case(literal: &[u8], separator: &str) -> impl Iterator<Item = Vec<u8>> {
    const SHORTEST: usize = 3;
    let all = literal.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
    let end = all.find(|digit: char| digit.is_ascii_alphabetic()).unwrap_or(all.len());
    let anchors = if end >= SHORTEST || (end == all.len() && end > 0) {
        vec![all.as_bytes()[..end].to_vec()]
    } else {
        vec![all.to_ascii_uppercase().into_bytes(), all.into_bytes()]
    };
    anchors.into_iter()
}

type Step = fn(&Hit<'_>, usize) -> Option<Byte>;

fn decode(hit: &Hit<'_>, next: Step, previous: Step, read: &mut dyn FnMut(Decoded)) {
    if !reads_literal(hit, next) {
        return;
    }
    let mut decoded = Decoded { name: "hex", ..Decoded::default() };
    let mut before = Vec::new();
    let mut at = hit.at;
    while before.len() < hit.most_before()
        && let Some((byte, place)) = previous(hit, at)
    {
        before.push((byte, place));
        at = place.0;
    }
    for (byte, place) in before.into_iter().rev() {
        decoded.push(byte, place);
    }
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

/// Whether the literal can be read at the hit, which is quickly told.
fn reads_literal(hit: &Hit<'_>, next: Step) -> bool {
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

fn next_together(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let (text, high) = (hit.text, hit.high());
    let Next::Symbol(first, from) = breaks::forward(text, at, high, is_digit) else { return None };
    let Next::Symbol(second, to) = breaks::forward(text, from.1, high, is_digit) else { return None };
    Some((byte(first, second)?, (from.0, to.1)))
}

fn previous_together(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let (text, low) = (hit.text, hit.low());
    let Next::Symbol(second, to) = breaks::backward(text, at, low, is_digit) else { return None };
    let Next::Symbol(first, from) = breaks::backward(text, to.0, low, is_digit) else { return None };
    Some((byte(first, second)?, (from.0, to.1)))
}

/// The byte at the hit, or behind what separates it from the one that ends at `at`.
fn next_apart(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let rest = hit.text.get(at..hit.high())?;
    let at = at + if at == hit.at { 0 } else { separator(rest)? };
    let digits = at + if hit.variant == PREFIXED { prefix(&hit.text[at..])? } else { 0 };
    let value = byte(*hit.text.get(digits)?, *hit.text.get(digits + 1)?)?;
    (digits + 2 <= hit.high()).then_some((value, (at, digits + 2)))
}

/// The byte before the one at `at`.
fn previous_apart(hit: &Hit<'_>, at: usize) -> Option<Byte> {
    let (text, low) = (hit.text, hit.low());
    let before = text.get(low..at)?;
    let separating = before.iter().rev().take_while(|byte| b" \t\r\n,".contains(byte)).count();
    let end = at - separating;
    let len = if hit.variant == PREFIXED { 4 } else { 2 };
    let start = end.checked_sub(len).filter(|&start| start >= low)?;
    let parted = separator(&text[end..at]).is_some_and(|len| len == at - end);
    let prefixed = hit.variant == BARE || prefix(&text[start..end]).is_some();
    let value = byte(text[end - 2], text[end - 1])?;
    (parted && prefixed).then_some((value, (start, end)))
}

/// The length of what separates two bytes: a comma, blanks, a line break; not nothing.
pub(super) fn separator(rest: &[u8]) -> Option<usize> {
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
