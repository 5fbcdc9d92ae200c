//! Hex dumps: each line has an offset, groups of hex digits, and often a text column.
//!
//! Both the format of a line and its continuation on the next one are verified, so only bytes that belong
//! together are joined.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::hex::{SourceByte, byte, case_variants};
use super::hit::{EncodedHit, EncodedKeyword, FEW_BEFORE};
use super::interface::Encoding;
use super::line_continuation::line_break;
use super::token::TokenKind;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;

/// Decodes dumps.
#[derive(Debug)]
pub(super) struct Dump;

/// Longest line: with the context of a key, it is within the detector's margin.
const MAX_LINE_LEN: usize = 400;

/// Most bytes in a line.
const MAX_BYTES_PER_LINE: usize = 64;

/// Digits of an offset.
const OFFSET: Range<usize> = 4..17;

/// Maximum number of blanks between two groups of digits.
const GAP: usize = 3;

impl Encoding for Dump {
    fn name(&self) -> EncodingName {
        "hex"
    }

    fn names(&self) -> &'static [EncodingName] {
        &["hex"]
    }

    /// Groups may end after the first byte, with a gap in the middle of the line. If the line ends there, the
    /// first two bytes of the other literal are adjacent.
    fn keywords(&self, literal: &[u8], _: bool) -> Vec<EncodedKeyword> {
        let Some(start) = literal.get(..2) else { return Vec::new() };
        let of = |gap| case_variants(start, gap).map(|bytes| EncodedKeyword { bytes, tag: 0 });
        of("").chain(of(" ")).chain(of("  ")).collect()
    }

    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText)) {
        let (text, low, high) = (hit.text, hit.decode_start(), hit.decode_end());
        if !begins(hit) {
            return;
        }
        let Some(line) = Line::around(text, hit.at) else { return };
        let Some(index) = line.bytes.iter().position(|(_, place)| place.0 == hit.at) else { return };
        if !line.holds(index, hit.literal, text) {
            return;
        }
        let mut decoded = DecodedText { name: "hex", ..DecodedText::default() };
        let mut before: Vec<SourceByte> = line.bytes[..index].iter().rev().copied().collect();
        let mut breaks = Vec::new();
        // The first probe needs nothing before the hit.
        let mut first = if hit.max_chars_before() > FEW_BEFORE { line.before(text) } else { None };
        while let Some(line) = first
            && before.len() < hit.max_chars_before()
            && line.end > low
        {
            breaks.push(before.len());
            before.extend(line.bytes.iter().rev());
            first = line.before(text);
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
                    decoded.text_columns.extend(line.shown());
                    return read(decoded);
                }
                decoded.push(byte, place);
            }
            decoded.text_columns.extend(line.shown());
            let Some(next) = line.after(text) else { break };
            after = next.bytes.clone();
            decoded.annotations.push((decoded.text.len(), TokenKind::LineContinuation));
            last = Some(next);
        }
        read(decoded);
    }

    fn also_plain(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        let is_within = |at: usize| secret.start < at && at < secret.end;
        !decoded.text_columns.is_empty() && !decoded.annotations.iter().any(|&(at, _)| is_within(at))
    }

    fn accept(&self, decoded: &DecodedText, _: &mut Candidate<'_>, _: Range<usize>) -> Option<EncodingName> {
        Some(decoded.name)
    }
}

/// Whether the first byte can be decoded at the hit, and also the second if it is on the same line.
fn begins(hit: &EncodedHit<'_>) -> bool {
    let pair = |at: usize| byte(*hit.text.get(at)?, *hit.text.get(at + 1)?);
    let gap = hit.text[hit.at..].iter().skip(2).take(GAP).take_while(|&&byte| byte == b' ').count();
    pair(hit.at) == hit.literal.first().copied() && pair(hit.at + 2 + gap) == hit.literal.get(1).copied()
}

/// A line of a dump.
#[derive(Debug)]
struct Line {
    start: usize,
    /// Without the line break.
    end: usize,
    /// The text before the offset.
    lead: Vec<u8>,
    /// The digits of the offset, if there is one.
    offset: Vec<u8>,
    bytes: Vec<SourceByte>,
    /// Whether it has a text column.
    also_plain: bool,
}

impl Line {
    /// The line that contains `at`.
    fn around(text: &[u8], at: usize) -> Option<Self> {
        let low = at.saturating_sub(MAX_LINE_LEN);
        spend(16 + (at - low) / 8);
        let start = match text[low..at].iter().rposition(|&byte| byte == b'\n') {
            Some(found) => low + found + 1,
            None if low == 0 => 0,
            None => return None,
        };
        Self::at(text, start)
    }

    /// The line that begins at `start`.
    fn at(text: &[u8], start: usize) -> Option<Self> {
        let rest = &text[start..text.len().min(start + MAX_LINE_LEN)];
        let end = match rest.iter().position(|&byte| byte == b'\n') {
            Some(found) => found,
            None if start + rest.len() == text.len() => rest.len(),
            None => return None,
        };
        let end = start + rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]).len();
        let line = &text[start..end];
        spend(16 + 2 * line.len());
        let lead = line.iter().take_while(|byte| b" \t+->#/*|;".contains(byte)).count();
        let (lead, rest) = line.split_at(lead);
        let digits = rest.strip_prefix(b"0x").unwrap_or(rest);
        let count = digits.iter().take(OFFSET.end).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let behind = digits[count..].strip_prefix(b":").unwrap_or(&digits[count..]);
        // The format of OpenSSL.
        let behind = behind.strip_prefix(b" -").unwrap_or(behind);
        let parsed = |offset: &[u8], from: usize| {
            let (bytes, also_plain) = body(text, from, end)?;
            let (lead, offset) = (lead.to_vec(), offset.to_vec());
            (also_plain || !offset.is_empty()).then_some(Self { start, end, lead, offset, bytes, also_plain })
        };
        let blank = behind.first().is_some_and(|byte| b" \t".contains(byte));
        let with_offset = (OFFSET.contains(&count) && blank)
            .then(|| parsed(&digits[..count], end - behind.len()))
            .flatten();
        with_offset.or_else(|| parsed(b"", end - rest.len()))
    }

    /// The line that continues after this one.
    fn after(&self, text: &[u8]) -> Option<Self> {
        let broken = self.end + text[self.end..].first().map_or(0, |&byte| usize::from(byte == b'\r'));
        let broken = broken + line_break(&text[broken..])?;
        Self::at(text, broken).filter(|next| self.goes_on_in(next))
    }

    /// The line that this one continues.
    fn before(&self, text: &[u8]) -> Option<Self> {
        Self::around(text, self.start.checked_sub(1)?).filter(|before| before.goes_on_in(self))
    }

    /// Whether `literal` begins at the byte with this index and continues on this line and the next.
    fn holds(&self, index: usize, literal: &[u8], text: &[u8]) -> bool {
        let begins =
            |bytes: &[SourceByte], literal: &[u8]| bytes.iter().zip(literal).all(|((a, _), b)| a == b);
        let here = &self.bytes[index..];
        begins(here, literal)
            && literal.get(here.len()..).is_none_or(|rest| {
                rest.is_empty() || self.after(text).is_some_and(|next| begins(&next.bytes, rest))
            })
    }

    /// The end of its bytes and the end of the line, if the text column is between them.
    fn shown(&self) -> Option<(usize, usize)> {
        self.bytes.last().filter(|_| self.also_plain).map(|(_, place)| (place.1, self.end))
    }

    fn goes_on_in(&self, next: &Self) -> bool {
        if self.lead != next.lead {
            return false;
        }
        if self.offset.is_empty() || next.offset.is_empty() {
            return self.offset.is_empty() && next.offset.is_empty() && self.also_plain && next.also_plain;
        }
        // `od` prints offsets of this many digits in octal or decimal; all others use hexadecimal.
        let radices: &[u32] = if self.offset.len() == 7 { &[8, 10] } else { &[16] };
        radices.iter().any(|&radix| {
            let value = |digits: &[u8]| u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
            let (here, there) = (value(&self.offset), value(&next.offset));
            here.zip(there).is_some_and(|(a, b)| b.checked_sub(a) == Some(self.bytes.len() as u64))
        })
    }
}

/// The bytes of the line whose groups begin at `from`, and whether it has a text column. That column may look
/// like more groups; its length shows how many groups are bytes.
fn body(text: &[u8], from: usize, end: usize) -> Option<(Vec<SourceByte>, bool)> {
    let gap = |at: usize| text[at..end].iter().take_while(|byte| b" \t".contains(byte)).count();
    let mut bytes: Vec<SourceByte> = Vec::new();
    let mut at = from + gap(from);
    while bytes.len() < MAX_BYTES_PER_LINE
        && at + 2 <= end
        && let Some(value) = byte(text[at], text[at + 1])
    {
        bytes.push((value, (at, at + 2)));
        at += 2;
        match gap(at) {
            0 => at += usize::from(text.get(at) == Some(&b'-')),
            blank if blank <= GAP => at += blank,
            _ => break,
        }
    }
    if bytes.last().is_some_and(|(_, place)| text[place.1..end].iter().all(|byte| b" \t".contains(byte))) {
        return Some((bytes, false));
    }
    while let Some((_, place)) = bytes.last() {
        if shows(&text[place.1..end], &bytes) {
            return Some((bytes, true));
        }
        bytes.pop();
    }
    None
}

/// Whether `rest` shows `bytes` as text: each as itself, or as a placeholder if it is not printable.
fn shows(rest: &[u8], bytes: &[SourceByte]) -> bool {
    let Some(shown) = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t")) else { return false };
    let shown = shown.trim_ascii();
    let framed = [(b'|', b'|'), (b'>', b'<')].iter().find_map(|&(open, close)| {
        shown.strip_prefix(&[open]).and_then(|shown| shown.strip_suffix(&[close]))
    });
    let is_it = |shown: &[u8], bytes: &[SourceByte]| {
        let mut shown = shown;
        for &(byte, _) in bytes {
            let Some((&first, mut rest)) = shown.split_first() else { return false };
            if (b' '..=b'~').contains(&byte) {
                if first != byte {
                    return false;
                }
            } else {
                // Several bytes long, if it is not ASCII.
                let more = rest.iter().take_while(|&&byte| first >= 0x80 && byte & 0xC0 == 0x80).count();
                rest = &rest[more..];
            }
            shown = rest;
        }
        shown.is_empty()
    };
    if framed.is_some_and(|shown| is_it(shown, bytes)) {
        return true;
    }
    let is_blank = |byte: &&SourceByte| byte.0 == b' ';
    let from = bytes.iter().take_while(is_blank).count();
    let end = bytes.len() - bytes[from..].iter().rev().take_while(is_blank).count();
    !shown.is_empty() && is_it(shown, &bytes[from..end])
}
