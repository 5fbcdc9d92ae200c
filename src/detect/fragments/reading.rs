//! A reading: the letters and digits of a text under one interpretation.

use std::ops::Range;

/// Lower-case letters and digits, and the range of each in the text.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) text: Vec<u8>,
    pub(super) spans: Vec<Range<usize>>,
}

impl Reading {
    /// Adds a character; anything but letters and digits is ignored.
    pub(super) fn push(&mut self, byte: u8, place: Range<usize>) {
        if byte.is_ascii_alphanumeric() {
            self.text.push(byte.to_ascii_lowercase());
            self.spans.push(place);
        }
    }
}
