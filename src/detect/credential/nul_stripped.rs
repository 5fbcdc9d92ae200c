//! Text in UTF-16 and UTF-32, without the zero bytes.

use std::borrow::Cow;

use super::Credential;

/// Bytes without the zeros that UTF-16 and UTF-32 add to ASCII, and the original offset of each.
pub(super) struct NulStripped<'b> {
    text: Cow<'b, [u8]>,
    /// Empty if no zeros were removed.
    places: Vec<usize>,
    length: usize,
}

impl<'b> NulStripped<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let length = bytes.len();
        // Other data with zeros is not text and needs no masking.
        if memchr::memchr(0, bytes).is_none() {
            return Self { text: Cow::Borrowed(bytes), places: Vec::new(), length };
        }
        let (places, text) =
            bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, byte)| (at, *byte)).unzip();
        Self { text: Cow::Owned(text), places, length }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Maps a span of the text to the original bytes, including adjacent zeros.
    pub(super) fn restore(&self, hit: &mut Credential) {
        if self.text.len() == self.length {
            return;
        }
        let before = |at: usize| at.checked_sub(1).and_then(|at| self.places.get(at)).map_or(0, |at| at + 1);
        let place = |at: usize| self.places.get(at).copied().unwrap_or(self.length);
        let shown = place(hit.span.start + hit.shown);
        hit.span = before(hit.span.start)..place(hit.span.end);
        hit.shown = shown.saturating_sub(hit.span.start).min(hit.span.len());
    }
}
