//! Decoded text, with the position of every byte in the text from which it was decoded.

use std::ops::Range;

use super::token::TokenKind;

/// Number of characters by which the start of a key is recognized: `sk-`.
const KEY_START_LEN: usize = 3;

/// Number of characters to make room for at first: as many as show, mostly, that there is no key.
const FIRST_CHARS: usize = 48;

/// The name of an encoding in reports.
pub(in crate::detect) type EncodingName = &'static str;

/// The decoded text around a hit.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct DecodedText {
    pub(in crate::detect) text: Vec<u8>,
    /// For each byte of `text`, the range that encodes it.
    pub(in crate::detect) source_map: Vec<(usize, usize)>,
    /// Offset of the literal in `text`.
    pub(in crate::detect) literal_start: usize,
    /// The name of the encoding, unless tokens in the match determine another.
    pub(super) name: EncodingName,
    /// Special tokens, each with the offset in `text` of the byte it encodes or precedes.
    pub(super) annotations: Vec<(usize, TokenKind)>,
    /// For each line of a dump with a text column, the end of its bytes and the end of the line.
    pub(super) text_columns: Vec<(usize, usize)>,
}

impl DecodedText {
    /// The range of the bytes from which `range` of the text was decoded.
    pub(in crate::detect) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.source_map.get(range.start).map_or(0, |place| place.0);
        let last = self.source_map.get(range.end.saturating_sub(1)).map_or(start, |place| place.1);
        start..last.max(start)
    }

    /// Like [`Self::span`], including the text column that repeats the last of them.
    pub(in crate::detect) fn span_with_text_column(&self, range: &Range<usize>) -> Range<usize> {
        let span = self.span(range);
        let line = self.text_columns.iter().find(|line| span.end <= line.0);
        span.start..line.map_or(span.end, |line| line.1)
    }

    /// Offsets at which parts were joined tentatively, or another key begins.
    pub(in crate::detect) fn join_offsets(&self) -> Vec<usize> {
        let is_join =
            |&&(at, kind): &&(usize, TokenKind)| kind.is_tentative() || self.begins_key_again(at, kind);
        self.annotations.iter().filter(is_join).map(|(at, _)| *at).collect()
    }

    /// The joins at which a key ends unless its halves are equal: another key begins there, or the next part is probably
    /// the next item of a list.
    pub(in crate::detect) fn hard_ends(&self) -> Vec<usize> {
        let is_end = |&&(at, kind): &&(usize, TokenKind)| {
            kind == TokenKind::CommaSeparated || self.begins_key_again(at, kind)
        };
        self.annotations.iter().filter(is_end).map(|(at, _)| *at).collect()
    }

    /// Number of special tokens.
    pub(in crate::detect) fn annotations_len(&self) -> usize {
        self.annotations.len()
    }

    /// Whether `range` of the text contains a tentative join.
    pub(in crate::detect) fn is_tentative(&self, range: &Range<usize>) -> bool {
        self.annotations
            .iter()
            .any(|(at, kind)| kind.is_tentative() && range.start <= *at && *at <= range.end)
    }

    /// Whether the text after the token at `at` begins like the key, so that it is another key.
    fn begins_key_again(&self, at: usize, kind: TokenKind) -> bool {
        let start = self.text.get(self.literal_start..self.literal_start + KEY_START_LEN);
        kind.is_zero_width() && start.is_some() && self.text.get(at..at + KEY_START_LEN) == start
    }

    /// Converts the positions, which are in the text of `outer`, to positions in the text that `outer` was decoded from.
    pub(super) fn map_through(mut self, outer: &Self) -> Self {
        for place in &mut self.source_map {
            let span = outer.span(&(place.0..place.1));
            *place = (span.start, span.end);
        }
        self.text_columns.clone_from(&outer.text_columns);
        self
    }

    /// Appends a byte, and the range that encodes it.
    pub(super) fn push(&mut self, byte: u8, place: (usize, usize)) {
        if self.text.capacity() == 0 {
            self.text.reserve(FIRST_CHARS);
            self.source_map.reserve(FIRST_CHARS);
        }
        self.text.push(byte);
        self.source_map.push(place);
    }
}
