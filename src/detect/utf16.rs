//! UTF-16 around a match: counts columns and lines in characters rather than in bytes.

use std::ops::Range;

use crate::model::{Position, Span};

/// Maximum distance to the start of the line if all its characters are to be counted: always available, so that
/// a column does not depend on where a stream is cut.
const IN_SIGHT: usize = 512;

/// Byte order of a code unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The byte order of the ASCII characters at `span`, if they are UTF-16.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
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
    pub(super) fn text(self, bytes: &[u8]) -> String {
        let decoded = char::decode_utf16(self.units(bytes).filter(|&unit| unit != BYTE_ORDER_MARK));
        decoded.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The part of `range`, in whole code units counted from `at`, that is on the same line as `at`.
    pub(super) fn line(self, bytes: &[u8], at: &Range<usize>, range: Range<usize>) -> Range<usize> {
        let from = range.start + (at.start - range.start) % 2;
        let until = range.end - (range.end - at.end) % 2;
        let before = self.units(&bytes[from..at.start]).rev().take_while(|&unit| unit != LINE_FEED).count();
        let behind = self.units(&bytes[at.end..until]).take_while(|&unit| unit != LINE_FEED).count();
        at.start - 2 * before..at.end + 2 * behind
    }

    /// The position of `at`, where `span` counts bytes as if they were characters.
    pub(super) fn place(self, bytes: &[u8], at: &Range<usize>, span: Span) -> Span {
        let low = at.start - at.start.min(IN_SIGHT) / 2 * 2;
        let line = self.line(bytes, at, low..at.end);
        let begins = line.start > low || (span.start.offset == at.start as u64 && low < 2);
        let column = match (begins, self) {
            (true, _) => 1 + self.text(&bytes[line.start..at.start]).chars().count() as u64,
            (false, Self::Little) => span.start.column / 2,
            (false, Self::Big) => span.start.column.div_ceil(2),
        };
        let start = Position { column: column.max(1), ..span.start };
        let end = Position { column: start.column + (at.len() / 2) as u64, line: start.line, ..span.end };
        Span { start, end }
    }
}

const LINE_FEED: u16 = 0x0a;
const BYTE_ORDER_MARK: u16 = 0xfeff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_in_either_order() {
        let text = "\u{feff}eins\r\nzwölf \u{1f511} = KEYS\r\n";
        let write = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let before = text.split("KEYS").next().unwrap().encode_utf16().count() * 2;
        for (order, bytes) in
            [(ByteOrder::Little, write(u16::to_le_bytes)), (ByteOrder::Big, write(u16::to_be_bytes))]
        {
            let at = before..before + 8;
            assert_eq!(ByteOrder::of(&bytes[at.clone()]), Some(order));
            let start = Position::START.advanced(&bytes[..at.start]);
            let end = start.advanced(&bytes[at.clone()]);
            let place = order.place(&bytes, &at, Span { start, end });
            assert_eq!((place.start.line, place.start.column), (2, 11), "{order:?}");
            assert_eq!(place.end.column, 15);
            let line = order.line(&bytes, &at, 0..bytes.len());
            assert_eq!(order.text(&bytes[line]), "zwölf \u{1f511} = KEYS\r");
        }
    }

    #[test]
    fn data_that_is_not_utf_16_is_unchanged() {
        assert_eq!(ByteOrder::of(b"sk-proj-"), None);
        assert_eq!(ByteOrder::of(b"s\0k"), None);
        assert_eq!(ByteOrder::of(b""), None);
        assert_eq!(ByteOrder::of(b"s\0\0\0k\0\0\0"), None);
    }
}
