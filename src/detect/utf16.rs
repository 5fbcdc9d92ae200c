//! Counts lines and columns in UTF-16 text around a match in characters rather than in bytes.

use std::ops::Range;

use crate::model::{Position, Span};

/// Maximum distance to the start of a line whose characters are counted, in bytes. So many bytes before a match are always
/// available, so that a column does not depend on where a stream is cut.
const LINE_START_REACH: usize = 512;

/// The byte order of UTF-16 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The byte order of ASCII characters in UTF-16; `None` if `bytes` are anything else.
    pub(super) fn detect(bytes: &[u8]) -> Option<Self> {
        let every_other = |from: usize| bytes.iter().skip(from).step_by(2);
        let alternates = |text: usize| {
            every_other(text).all(|&byte| byte != 0) && every_other(1 - text).all(|&byte| byte == 0)
        };
        match bytes.len() >= 4 && bytes.len().is_multiple_of(2) {
            true if alternates(0) => Some(Self::Little),
            true if alternates(1) => Some(Self::Big),
            _ => None,
        }
    }

    fn units(self, bytes: &[u8]) -> impl DoubleEndedIterator<Item = u16> + '_ {
        bytes.chunks_exact(2).map(move |pair| match self {
            Self::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Self::Big => u16::from_be_bytes([pair[0], pair[1]]),
        })
    }

    /// Decodes `bytes`, which must be whole code units.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        let decoded = char::decode_utf16(self.units(bytes).filter(|&unit| unit != BYTE_ORDER_MARK));
        decoded.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The part of `limits`, in whole code units counted from `text`, that is on the same line as `text`.
    pub(super) fn line(self, bytes: &[u8], text: &Range<usize>, limits: Range<usize>) -> Range<usize> {
        let from = limits.start + (text.start - limits.start) % 2;
        let until = limits.end - (limits.end - text.end) % 2;
        let before = self.units(&bytes[from..text.start]).rev().take_while(|&unit| unit != LINE_FEED).count();
        let behind = self.units(&bytes[text.end..until]).take_while(|&unit| unit != LINE_FEED).count();
        text.start - 2 * before..text.end + 2 * behind
    }

    /// The position of the match at `matched`, of which `span` counts bytes as if they were characters.
    pub(super) fn correct_span(self, bytes: &[u8], matched: &Range<usize>, span: Span) -> Span {
        let low = matched.start - matched.start.min(LINE_START_REACH) / 2 * 2;
        let line = self.line(bytes, matched, low..matched.end);
        let is_line_start_known = line.start > low || (span.start.offset == matched.start as u64 && low < 2);
        let column = match (is_line_start_known, self) {
            (true, _) => 1 + self.decode(&bytes[line.start..matched.start]).chars().count() as u64,
            (false, Self::Little) => span.start.column / 2,
            (false, Self::Big) => span.start.column.div_ceil(2),
        };
        let start = Position { column: column.max(1), ..span.start };
        let end =
            Position { column: start.column + (matched.len() / 2) as u64, line: start.line, ..span.end };
        Span { start, end }
    }
}

const LINE_FEED: u16 = 0x0a;
const BYTE_ORDER_MARK: u16 = 0xfeff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_in_either_byte_order() {
        let text = "\u{feff}eins\r\nzwölf \u{1f511} = KEYS\r\n";
        let write = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let key_start = text.split("KEYS").next().unwrap().encode_utf16().count() * 2;
        for (order, bytes) in
            [(ByteOrder::Little, write(u16::to_le_bytes)), (ByteOrder::Big, write(u16::to_be_bytes))]
        {
            let key = key_start..key_start + 8;
            assert_eq!(ByteOrder::detect(&bytes[key.clone()]), Some(order));
            let start = Position::START.after_bytes(&bytes[..key.start]);
            let end = start.after_bytes(&bytes[key.clone()]);
            let span = order.correct_span(&bytes, &key, Span { start, end });
            assert_eq!((span.start.line, span.start.column), (2, 11), "{order:?}");
            assert_eq!(span.end.column, 15);
            let line = order.line(&bytes, &key, 0..bytes.len());
            assert_eq!(order.decode(&bytes[line]), "zwölf \u{1f511} = KEYS\r");
        }
    }

    #[test]
    fn other_data_has_no_byte_order() {
        assert_eq!(ByteOrder::detect(b"sk-proj-"), None);
        assert_eq!(ByteOrder::detect(b"s\0k"), None);
        assert_eq!(ByteOrder::detect(b""), None);
        assert_eq!(ByteOrder::detect(b"s\0\0\0k\0\0\0"), None);
    }
}
