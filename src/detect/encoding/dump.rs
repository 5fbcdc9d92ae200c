//! Decodes hex dumps: each line has an offset, groups of hex digits, and often a text column.
//!
//! The format of each line and the offset of the next one are verified, so that only bytes of the same dump are joined.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hex::{SourceByte, case_variants, hex_byte};
use super::hit::{EncodedHit, EncodedKeyword, PROBE_CHARS_BEFORE};
use super::interface::Encoding;
use super::line_continuation::line_break;
use super::token::TokenKind;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Decodes dumps.
#[derive(Debug)]
pub(super) struct Dump;

/// Maximum length of a line, in bytes. With the context of a key, it is within the detector's margin.
const MAX_LINE_LEN: usize = 400;

/// Maximum number of dumped bytes in a line.
const MAX_BYTES_PER_LINE: usize = 64;

/// Number of digits of an offset.
const OFFSET_DIGITS: Range<usize> = 4..17;

/// Maximum number of blanks between two groups of digits.
const MAX_BLANKS: usize = 3;

impl Encoding for Dump {
    fn name(&self) -> EncodingName {
        "hex"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["hex"]
    }

    /// The first two bytes, with up to two blanks between them. If a line ends between them, the two bytes of another
    /// literal in the key are adjacent.
    fn keywords(&self, literal: &[u8], _: bool) -> Vec<EncodedKeyword> {
        let Some(start) = literal.get(..2) else { return Vec::new() };
        let keywords = |blanks| case_variants(start, blanks).map(|bytes| EncodedKeyword { bytes, tag: 0 });
        keywords("").chain(keywords(" ")).chain(keywords("  ")).collect()
    }

    fn decode(&self, hit: &EncodedHit<'_>, visit: &mut dyn FnMut(DecodedText)) {
        let (text, low, high) = (hit.text, hit.decode_start(), hit.decode_end());
        if !begins_at_hit(hit) {
            return;
        }
        let Some(line) = Line::parse_around(text, hit.start) else { return };
        let Some(index) = line.bytes.iter().position(|(_, place)| place.0 == hit.start) else { return };
        if !line.contains_literal(index, hit.literal, text) {
            return;
        }
        let mut decoded = DecodedText { name: "hex", ..DecodedText::default() };
        let mut before: Vec<SourceByte> = line.bytes[..index].iter().rev().copied().collect();
        let mut breaks = Vec::new();
        // The first probe needs nothing from previous lines.
        let mut first = if hit.max_chars_before() > PROBE_CHARS_BEFORE { line.previous(text) } else { None };
        while let Some(line) = first
            && before.len() < hit.max_chars_before()
            && line.end > low
        {
            breaks.push(before.len());
            before.extend(line.bytes.iter().rev());
            first = line.previous(text);
        }
        before.retain(|(_, place)| place.0 >= low);
        before.truncate(hit.max_chars_before());
        before.into_iter().rev().for_each(|(byte, place)| decoded.push(byte, place));
        decoded.literal_start = decoded.text.len();
        decoded.annotations = breaks
            .into_iter()
            .filter_map(|back| Some((decoded.literal_start.checked_sub(back)?, TokenKind::LineContinuation)))
            .collect();
        let mut after = line.bytes[index..].to_vec();
        let mut last = Some(line);
        while let Some(line) = last {
            for (byte, place) in after {
                if place.1 > high || decoded.text.len() - decoded.literal_start >= hit.max_chars() {
                    decoded.text_columns.extend(line.text_column());
                    return visit(decoded);
                }
                decoded.push(byte, place);
            }
            decoded.text_columns.extend(line.text_column());
            let Some(next) = line.next(text) else { break };
            after = next.bytes.clone();
            decoded.annotations.push((decoded.text.len(), TokenKind::LineContinuation));
            last = Some(next);
        }
        visit(decoded);
    }

    fn also_plain(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        let is_inside = |at: usize| secret.start < at && at < secret.end;
        !decoded.text_columns.is_empty() && !decoded.annotations.iter().any(|&(at, _)| is_inside(at))
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// Whether the first byte can be decoded at the hit, and also the second if it is on the same line.
fn begins_at_hit(hit: &EncodedHit<'_>) -> bool {
    let pair = |at: usize| hex_byte(*hit.text.get(at)?, *hit.text.get(at + 1)?);
    let blanks =
        hit.text[hit.start..].iter().skip(2).take(MAX_BLANKS).take_while(|&&byte| byte == b' ').count();
    pair(hit.start) == hit.literal.first().copied()
        && pair(hit.start + 2 + blanks) == hit.literal.get(1).copied()
}

/// A line of a dump.
#[derive(Debug)]
struct Line {
    start: usize,
    /// Without the line break.
    end: usize,
    /// The text before the offset.
    prefix: Vec<u8>,
    /// The digits of the offset, if there is one.
    offset: Vec<u8>,
    bytes: Vec<SourceByte>,
    /// Whether it has a text column.
    has_text_column: bool,
}

impl Line {
    /// The line that contains `at`.
    fn parse_around(text: &[u8], at: usize) -> Option<Self> {
        let low = at.saturating_sub(MAX_LINE_LEN);
        spend(16 + (at - low) / 8);
        let start = match text[low..at].iter().rposition(|&byte| byte == b'\n') {
            Some(newline) => low + newline + 1,
            None if low == 0 => 0,
            None => return None,
        };
        Self::parse(text, start)
    }

    /// Parses the line that begins at `start`.
    fn parse(text: &[u8], start: usize) -> Option<Self> {
        let rest = &text[start..text.len().min(start + MAX_LINE_LEN)];
        let end = match rest.iter().position(|&byte| byte == b'\n') {
            Some(newline) => newline,
            None if start + rest.len() == text.len() => rest.len(),
            None => return None,
        };
        let end = start + rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]).len();
        let line = &text[start..end];
        spend(16 + 2 * line.len());
        let prefix_len = line.iter().take_while(|byte| b" \t+->#/*|;".contains(byte)).count();
        let (prefix, rest) = line.split_at(prefix_len);
        let digits = rest.strip_prefix(b"0x").unwrap_or(rest);
        let count = digits.iter().take(OFFSET_DIGITS.end).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let behind = digits[count..].strip_prefix(b":").unwrap_or(&digits[count..]);
        // OpenSSL writes ` -` after the offset.
        let behind = behind.strip_prefix(b" -").unwrap_or(behind);
        let parse = |offset: &[u8], from: usize| {
            let (bytes, has_text_column) = line_bytes(text, from, end)?;
            let (prefix, offset) = (prefix.to_vec(), offset.to_vec());
            let line = Self { start, end, prefix, offset, bytes, has_text_column };
            (has_text_column || !line.offset.is_empty()).then_some(line)
        };
        let blank = behind.first().is_some_and(|byte| b" \t".contains(byte));
        let with_offset = (OFFSET_DIGITS.contains(&count) && blank)
            .then(|| parse(&digits[..count], end - behind.len()))
            .flatten();
        with_offset.or_else(|| parse(b"", end - rest.len()))
    }

    /// The next line, if this one continues in it.
    fn next(&self, text: &[u8]) -> Option<Self> {
        let break_start = self.end + text[self.end..].first().map_or(0, |&byte| usize::from(byte == b'\r'));
        let next_start = break_start + line_break(&text[break_start..])?;
        Self::parse(text, next_start).filter(|next| self.continues_in(next))
    }

    /// The previous line, if it continues in this one.
    fn previous(&self, text: &[u8]) -> Option<Self> {
        Self::parse_around(text, self.start.checked_sub(1)?).filter(|previous| previous.continues_in(self))
    }

    /// Whether `literal` begins at the byte with this index. Its end may be on the next line.
    fn contains_literal(&self, index: usize, literal: &[u8], text: &[u8]) -> bool {
        let begins =
            |bytes: &[SourceByte], literal: &[u8]| bytes.iter().zip(literal).all(|((a, _), b)| a == b);
        let bytes = &self.bytes[index..];
        begins(bytes, literal)
            && literal.get(bytes.len()..).is_none_or(|rest| {
                rest.is_empty() || self.next(text).is_some_and(|next| begins(&next.bytes, rest))
            })
    }

    /// The end of its bytes and the end of the line, if the text column is between them.
    fn text_column(&self) -> Option<(usize, usize)> {
        self.bytes.last().filter(|_| self.has_text_column).map(|(_, place)| (place.1, self.end))
    }

    /// Whether `next` has the same format, and its offset is that of the byte after this line.
    fn continues_in(&self, next: &Self) -> bool {
        if self.prefix != next.prefix {
            return false;
        }
        if self.offset.is_empty() || next.offset.is_empty() {
            return self.offset.is_empty()
                && next.offset.is_empty()
                && self.has_text_column
                && next.has_text_column;
        }
        // `od` prints offsets of this many digits in octal or decimal; all others use hexadecimal.
        let radices: &[u32] = if self.offset.len() == 7 { &[8, 10] } else { &[16] };
        radices.iter().any(|&radix| {
            let value = |digits: &[u8]| u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
            let (offset, next_offset) = (value(&self.offset), value(&next.offset));
            offset.zip(next_offset).is_some_and(|(a, b)| b.checked_sub(a) == Some(self.bytes.len() as u64))
        })
    }
}

/// The bytes of the line whose groups begin at `from`, and whether it has a text column. The text column may look like
/// more groups of digits; its length shows which groups are bytes.
fn line_bytes(text: &[u8], from: usize, end: usize) -> Option<(Vec<SourceByte>, bool)> {
    let blanks = |at: usize| text[at..end].iter().take_while(|byte| b" \t".contains(byte)).count();
    let mut bytes: Vec<SourceByte> = Vec::new();
    let mut at = from + blanks(from);
    while bytes.len() < MAX_BYTES_PER_LINE
        && at + 2 <= end
        && let Some(value) = hex_byte(text[at], text[at + 1])
    {
        bytes.push((value, (at, at + 2)));
        at += 2;
        match blanks(at) {
            0 => at += usize::from(text.get(at) == Some(&b'-')),
            blank if blank <= MAX_BLANKS => at += blank,
            _ => break,
        }
    }
    if bytes.last().is_some_and(|(_, place)| text[place.1..end].iter().all(|byte| b" \t".contains(byte))) {
        return Some((bytes, false));
    }
    while let Some((_, place)) = bytes.last() {
        if is_text_of(&text[place.1..end], &bytes) {
            return Some((bytes, true));
        }
        bytes.pop();
    }
    None
}

/// Whether `rest` is the text column of `bytes`: each byte as itself or, if it is not printable, as a placeholder.
fn is_text_of(rest: &[u8], bytes: &[SourceByte]) -> bool {
    let Some(column) = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t")) else { return false };
    let column = column.trim_ascii();
    let framed = [(b'|', b'|'), (b'>', b'<')].iter().find_map(|&(open, close)| {
        column.strip_prefix(&[open]).and_then(|column| column.strip_suffix(&[close]))
    });
    let is_text = |column: &[u8], bytes: &[SourceByte]| {
        let mut column = column;
        for &(byte, _) in bytes {
            let Some((&first, mut rest)) = column.split_first() else { return false };
            if (b' '..=b'~').contains(&byte) {
                if first != byte {
                    return false;
                }
            } else {
                // A placeholder that is not ASCII takes several bytes.
                let more = rest.iter().take_while(|&&byte| first >= 0x80 && byte & 0xC0 == 0x80).count();
                rest = &rest[more..];
            }
            column = rest;
        }
        column.is_empty()
    };
    if framed.is_some_and(|column| is_text(column, bytes)) {
        return true;
    }
    let is_blank = |byte: &&SourceByte| byte.0 == b' ';
    let from = bytes.iter().take_while(is_blank).count();
    let end = bytes.len() - bytes[from..].iter().rev().take_while(is_blank).count();
    !column.is_empty() && is_text(column, &bytes[from..end])
}
