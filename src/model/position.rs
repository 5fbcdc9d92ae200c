//! Positions in a blob.

use serde::{Deserialize, Serialize};

/// A position in a blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Bytes from the start of the blob, from 0.
    pub offset: u64,
    /// Line, from 1; a line ends with `\n`.
    pub line: u64,
    /// Column, from 1, in Unicode code points.
    pub column: u64,
}

impl Position {
    /// The position after `bytes`, which begin at this position.
    #[must_use]
    pub fn after_bytes(self, bytes: &[u8]) -> Self {
        let offset = self.offset + bytes.len() as u64;
        match memchr::memrchr(b'\n', bytes) {
            None => Self { offset, column: self.column + code_points(bytes), ..self },
            Some(newline) => Self {
                offset,
                line: self.line + bytecount::count(bytes, b'\n') as u64,
                column: 1 + code_points(&bytes[newline + 1..]),
            },
        }
    }

    /// The start of a blob.
    pub const START: Self = Self { offset: 0, line: 1, column: 1 };
}

/// The number of code points in UTF-8 text. In other text, counts the bytes that are not UTF-8 continuation bytes.
fn code_points(bytes: &[u8]) -> u64 {
    bytecount::num_chars(bytes) as u64
}

/// From `start` up to but excluding `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: Position,
    /// The first byte after the span.
    pub end: Position,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_code_points() {
        let position = Position::START.after_bytes("a\nüb".as_bytes());
        assert_eq!(position, Position { offset: 5, line: 2, column: 3 });
        assert_eq!(position.after_bytes(b"\n"), Position { offset: 6, line: 3, column: 1 });
    }

    #[test]
    fn advancing_in_steps_equals_advancing_at_once() {
        let text = "x\r\n\u{1F600}y\n\nend".as_bytes();
        for middle in 0..=text.len() {
            let in_steps = Position::START.after_bytes(&text[..middle]).after_bytes(&text[middle..]);
            assert_eq!(in_steps, Position::START.after_bytes(text), "split at {middle}");
        }
    }
}
