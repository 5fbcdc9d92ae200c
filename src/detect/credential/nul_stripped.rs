//! Removes the zero bytes of ASCII text in UTF-16 and UTF-32, so that it can be searched like UTF-8.

use std::borrow::Cow;

use super::Credential;

/// Bytes without the zeros that UTF-16 and UTF-32 add to ASCII, and the original offset of each.
pub(super) struct NulStripped<'b> {
    text: Cow<'b, [u8]>,
    /// The original offset of each byte of `text`; empty if no zeros were removed.
    offsets: Vec<usize>,
    /// Length of the original bytes.
    original_len: usize,
}

impl<'b> NulStripped<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let original_len = bytes.len();
        // Other data with zeros loses them as well, which does no harm: it is not text, so nothing in it needs masking.
        if memchr::memchr(0, bytes).is_none() {
            return Self { text: Cow::Borrowed(bytes), offsets: Vec::new(), original_len };
        }
        let (offsets, text) =
            bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, byte)| (at, *byte)).unzip();
        Self { text: Cow::Owned(text), offsets, original_len }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Converts the span of a credential in the text to one in the original bytes, including adjacent zeros.
    pub(super) fn restore(&self, credential: &mut Credential) {
        if self.text.len() == self.original_len {
            return;
        }
        let after_previous =
            |at: usize| at.checked_sub(1).and_then(|at| self.offsets.get(at)).map_or(0, |at| at + 1);
        let original = |at: usize| self.offsets.get(at).copied().unwrap_or(self.original_len);
        let prefix_end = original(credential.span.start + credential.prefix_len);
        credential.span = after_previous(credential.span.start)..original(credential.span.end);
        credential.prefix_len = prefix_end.saturating_sub(credential.span.start).min(credential.span.len());
    }
}
