//! Decodes hex bytes with delimiters: blanks, commas, colons, dashes, or the syntax of array elements.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hex::{SourceByte, case_variants, decode, hex_byte};
use super::hit::{EncodedHit, EncodedKeyword};
use super::interface::Encoding;
use super::line_continuation::{MAX_INDENT, line_break};
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Decodes delimited hex bytes. The tag identifies the delimiter.
#[derive(Debug)]
pub(super) struct DelimitedHex;

/// A tag: blanks are the delimiters.
const BLANKS: u8 = 0;
/// A tag: each byte has the prefix `0x`, as elements of an array have.
const PREFIXED: u8 = 1;
/// Other tags: this byte is the delimiter, as in the registry editor, certificates and .NET.
const DELIMITERS: &[u8] = b",:-";

/// What may follow an element of an array, and precede one.
const SUFFIXES: &[&[u8]] = &[b"u8", b".toByte()", b"\"", b"'"];
const CASTS: &[&[u8]] = &[b"(byte)", b"(byte) ", b"(char)", b"(char) ", b"\"", b"'"];

impl Encoding for DelimitedHex {
    fn name(&self) -> EncodingName {
        "hex"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["hex"]
    }

    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword> {
        let keywords = |literal: &[u8], separator: &str, tag| {
            case_variants(literal, separator)
                .map(move |bytes| EncodedKeyword { bytes, tag })
                .collect::<Vec<_>>()
        };
        if !starts_key {
            // A line may end within the prefix of a key.
            return literal.get(..2).map(|start| keywords(start, " ", BLANKS)).unwrap_or_default();
        }
        let mut all = keywords(literal, " ", BLANKS);
        // There are too many delimiters that may follow the first byte.
        for EncodedKeyword { bytes, .. } in keywords(&literal[..1], "", PREFIXED) {
            for prefix in [b"0x", b"0X"] {
                all.push(EncodedKeyword { bytes: [prefix, &bytes[..]].concat(), tag: PREFIXED });
            }
        }
        for &separator in DELIMITERS {
            all.extend(keywords(literal, &char::from(separator).to_string(), separator));
        }
        all
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        decode(hit, next, previous, visit);
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// The byte at the hit, or after the delimiter that follows `at`.
fn next(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    spend(4);
    let rest = hit.text.get(at..hit.decode_end())?;
    let at = at + if at == hit.start { 0 } else { delimiter_len(rest, hit.tag)? };
    let digits = at + if hit.tag == PREFIXED { hex_prefix_len(&hit.text[at..])? } else { 0 };
    let value = hex_byte(*hit.text.get(digits)?, *hit.text.get(digits + 1)?)?;
    (digits + 2 <= hit.decode_end()).then_some((value, (at, digits + 2)))
}

/// The byte before the one at `at`.
fn previous(hit: &EncodedHit<'_>, at: usize) -> Option<SourceByte> {
    spend(8);
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
    let is_delimited = delimiter_len(&text[end..at], hit.tag).is_some_and(|len| len == at - end);
    let is_prefixed = hit.tag != PREFIXED || hex_prefix_len(&text[start..end]).is_some();
    let value = hex_byte(text[end - 2], text[end - 1])?;
    (is_delimited && is_prefixed).then_some((value, (start, end)))
}

/// The length of the delimiter between two bytes.
fn delimiter_len(rest: &[u8], tag: u8) -> Option<usize> {
    match tag {
        BLANKS => separator_len(rest),
        PREFIXED => {
            let end =
                SUFFIXES.iter().find(|suffix| rest.starts_with(suffix)).map_or(0, |suffix| suffix.len());
            let len = end + element_separator_len(&rest[end..])?;
            Some(len + CASTS.iter().rfind(|cast| rest[len..].starts_with(cast)).map_or(0, |cast| cast.len()))
        }
        delimiter => {
            let rest = rest.strip_prefix(&[delimiter])?;
            // The registry editor continues lines with a backslash.
            let continued = usize::from(rest.first() == Some(&b'\\'));
            match line_break(&rest[continued..]) {
                None if continued > 0 => None,
                _ => Some(1 + continued + separator_len(&rest[continued..]).unwrap_or(0)),
            }
        }
    }
}

/// The length of the comma, blanks and line break between two bytes; `None` if there is none of them.
pub(super) fn separator_len(rest: &[u8]) -> Option<usize> {
    let mut len = usize::from(rest.first() == Some(&b','));
    let blank = |from: usize| rest[from..].iter().take(MAX_INDENT).take_while(|b| b" \t".contains(b)).count();
    len += blank(len);
    if let Some(broken) = line_break(&rest[len..]) {
        len += broken;
        len += blank(len);
    }
    (len > 0).then_some(len)
}

/// Assembler directives that begin a line of bytes.
const DIRECTIVES: &[&[u8]] = &[b".byte", b".db", b"db", b"dc.b", b"defb", b"fcb", b"byte", b"data"];

/// Number of digits of the offset or address at the start of a line.
const ADDRESS_DIGITS: Range<usize> = 6..17;

/// Maximum length of the symbol's name that debuggers print after an address, in bytes.
const MAX_SYMBOL_LEN: usize = 60;

/// Like [`separator_len`], including the start of a line in a listing: a directive, an offset or an address.
pub(super) fn element_separator_len(rest: &[u8]) -> Option<usize> {
    let len = separator_len(rest)?;
    match rest[..len].contains(&b'\n') {
        true => Some(len + line_head_len(&rest[len..])),
        false => Some(len),
    }
}

/// The length of what precedes the first byte of a line, including the blanks after it.
fn line_head_len(line: &[u8]) -> usize {
    let blank = |from: usize| line[from..].iter().take(MAX_INDENT).take_while(|b| b" \t".contains(b)).count();
    let is_directive = |word: &&&[u8]| {
        line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) && blank(word.len()) > 0
    };
    if let Some(word) = DIRECTIVES.iter().find(is_directive) {
        return word.len() + blank(word.len());
    }
    let start = hex_prefix_len(line).unwrap_or(0);
    let digits =
        line[start..].iter().take(ADDRESS_DIGITS.end).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut len = start + digits;
    if let Some(symbol) = line[len..].strip_prefix(b" <") {
        len += 2 + symbol.iter().take(MAX_SYMBOL_LEN).position(|&byte| byte == b'>').map_or(0, |end| end + 1);
    }
    len += usize::from(line.get(len) == Some(&b':'));
    if ADDRESS_DIGITS.contains(&digits) && blank(len) > 0 { len + blank(len) } else { 0 }
}

/// The length of `0x` at the start of `rest`.
fn hex_prefix_len(rest: &[u8]) -> Option<usize> {
    matches!(rest, [b'0', b'x' | b'X', ..]).then_some(2)
}
