//! Hex digits one byte apart: with blanks between, as the elements of an array, or with a comma, colon or dash.

use std::ops::Range;

use super::hex::{SourceByte, byte, case_variants, decode};
use super::line_continuation::{MOST_INDENT, line_break};
use super::{DecodedText, EncodedHit, EncodedKeyword, Encoding, EncodingName};
use crate::detect::candidate::Candidate;

/// Reads hex digits one byte apart. A tag says how they are parted.
#[derive(Debug)]
pub(super) struct DelimitedHex;

/// By blanks.
const BARE: u8 = 0;
/// Each has a `0x` before it.
const PREFIXED: u8 = 1;
/// Any more: by this byte, as the registry editor, certificates and .NET have it.
const LISTED: &[u8] = b",:-";

/// What may stand behind an element of an array, and before one.
const SUFFIXES: &[&[u8]] = &[b"u8", b".toByte()", b"\"", b"'"];
const CASTS: &[&[u8]] = &[b"(byte)", b"(byte) ", b"(char)", b"(char) ", b"\"", b"'"];

impl Encoding for DelimitedHex {
    fn name(&self) -> EncodingName {
        "hex"
    }

    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        let of = |literal: &[u8], separator: &str, tag| {
            case_variants(literal, separator)
                .map(move |bytes| EncodedKeyword { bytes, tag })
                .collect::<Vec<_>>()
        };
        if !starts_key {
            // Where a line ends within what keys begin with.
            return literal.get(..2).map(|start| of(start, " ", BARE)).unwrap_or_default();
        }
        let mut all = of(literal, " ", BARE);
        // What comes after the first byte is written in too many ways.
        for EncodedKeyword { bytes, .. } in of(&literal[..1], "", PREFIXED) {
            for prefix in [b"0x", b"0X"] {
                all.push(EncodedKeyword { bytes: [prefix, &bytes[..]].concat(), tag: PREFIXED });
            }
        }
        for &separator in LISTED {
            all.extend(of(literal, &char::from(separator).to_string(), separator));
        }
        all
    }

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        decode(hit, next, previous, read);
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// The byte at the hit, or behind what separates it from the one that ends at `at`.
fn next(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let rest = hit.text.get(at..hit.decode_end())?;
    let at = at + if at == hit.at { 0 } else { parting(rest, hit.tag)? };
    let digits = at + if hit.tag == PREFIXED { prefix(&hit.text[at..])? } else { 0 };
    let value = byte(*hit.text.get(digits)?, *hit.text.get(digits + 1)?)?;
    (digits + 2 <= hit.decode_end()).then_some((value, (at, digits + 2)))
}

/// The byte before the one at `at`.
fn previous(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    let (text, low) = (hit.text, hit.decode_start());
    let mut before = text.get(low..at)?;
    if hit.tag == PREFIXED {
        before = CASTS.iter().find_map(|cast| before.strip_suffix(*cast)).unwrap_or(before);
    }
    let blank = |byte: &&u8| b" \t\r\n,\\".contains(byte) || **byte == hit.tag;
    before = &before[..before.len() - before.iter().rev().take_while(blank).count()];
    if hit.tag == PREFIXED {
        before = SUFFIXES.iter().find_map(|suffix| before.strip_suffix(*suffix)).unwrap_or(before);
    }
    let end = low + before.len();
    let len = if hit.tag == PREFIXED { 4 } else { 2 };
    let start = end.checked_sub(len).filter(|&start| start >= low)?;
    let parted = parting(&text[end..at], hit.tag).is_some_and(|len| len == at - end);
    let prefixed = hit.tag != PREFIXED || prefix(&text[start..end]).is_some();
    let value = byte(text[end - 2], text[end - 1])?;
    (parted && prefixed).then_some((value, (start, end)))
}

/// The length of what separates two bytes.
fn parting(rest: &[u8], tag: u8) -> Option<usize> {
    match tag {
        BARE => separator(rest),
        PREFIXED => {
            let end =
                SUFFIXES.iter().find(|suffix| rest.starts_with(suffix)).map_or(0, |suffix| suffix.len());
            let len = end + element_separator(&rest[end..])?;
            Some(len + CASTS.iter().rfind(|cast| rest[len..].starts_with(cast)).map_or(0, |cast| cast.len()))
        }
        listed => {
            let rest = rest.strip_prefix(&[listed])?;
            // The registry editor continues lines.
            let continued = usize::from(rest.first() == Some(&b'\\'));
            match line_break(&rest[continued..]) {
                None if continued > 0 => None,
                _ => Some(1 + continued + separator(&rest[continued..]).unwrap_or(0)),
            }
        }
    }
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

/// Assembler's directives that begin a line of bytes.
const DIRECTIVES: &[&[u8]] = &[b".byte", b".db", b"db", b"dc.b", b"defb", b"fcb", b"byte", b"data"];

/// Digits of the offset or address with which a line of a dump begins.
const ADDRESS: Range<usize> = 6..17;

/// The longest name of a place in memory, as debuggers print it behind an address.
const MOST_SYMBOL: usize = 60;

/// Like [`separator`], with what a line of a listing begins with: a directive, an offset or an address.
pub(super) fn element_separator(rest: &[u8]) -> Option<usize> {
    let len = separator(rest)?;
    match rest[..len].contains(&b'\n') {
        true => Some(len + line_head(&rest[len..])),
        false => Some(len),
    }
}

/// The length of what stands before the first byte of a line, with the blanks behind it.
fn line_head(line: &[u8]) -> usize {
    let blank =
        |from: usize| line[from..].iter().take(MOST_INDENT).take_while(|b| b" \t".contains(b)).count();
    let is_directive = |word: &&&[u8]| {
        line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) && blank(word.len()) > 0
    };
    if let Some(word) = DIRECTIVES.iter().find(is_directive) {
        return word.len() + blank(word.len());
    }
    let start = prefix(line).unwrap_or(0);
    let digits = line[start..].iter().take(ADDRESS.end).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut len = start + digits;
    if let Some(symbol) = line[len..].strip_prefix(b" <") {
        len += 2 + symbol.iter().take(MOST_SYMBOL).position(|&byte| byte == b'>').map_or(0, |end| end + 1);
    }
    len += usize::from(line.get(len) == Some(&b':'));
    if ADDRESS.contains(&digits) && blank(len) > 0 { len + blank(len) } else { 0 }
}

fn prefix(rest: &[u8]) -> Option<usize> {
    matches!(rest, [b'0', b'x' | b'X', ..]).then_some(2)
}
