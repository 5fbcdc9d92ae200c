//! Overwrites archives that a text contains in base64, as Helm and cloud-init write them. The text around them stays.

use std::ops::Range;

use super::blobs::BlobRewriter;
use crate::container::{Format, base64_runs};
use crate::scan::ObjectKeys;

/// What takes the place of each base64 character.
const FILLER: u8 = b'x';

impl BlobRewriter<'_> {
    /// The text without the archives in which purged keys are packed, and what was overwritten. `None` if it is a container
    /// itself, or a key is packed in it in another way.
    pub(super) fn without_encoded(
        &self,
        packed: &mut ObjectKeys<'_>,
        text: &[u8],
    ) -> Option<(Vec<u8>, Vec<Range<usize>>)> {
        if Format::recognize(text).is_some() {
            return None;
        }
        let (mut new, mut overwritten) = (text.to_vec(), Vec::new());
        for run in base64_runs(text) {
            if !self.packed_keys(packed, &text[run.clone()]).is_empty() {
                overwrite(&mut new, run.clone());
                overwritten.push(run);
            }
        }
        let is_clean = !overwritten.is_empty() && self.packed_keys(packed, &new).is_empty();
        is_clean.then_some((new, overwritten))
    }
}

/// Overwrites the base64 in a run, but not the line breaks, escapes and signs of a patch between its parts.
fn overwrite(text: &mut [u8], run: Range<usize>) {
    let mut before = b' ';
    for byte in &mut text[run] {
        let is_sign = before == b'\n' && matches!(*byte, b'+' | b'-');
        let is_base64 = byte.is_ascii_alphanumeric() || matches!(*byte, b'+' | b'-' | b'/' | b'_');
        let was = *byte;
        if is_base64 && !is_sign && before != b'\\' {
            *byte = FILLER;
        }
        before = was;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_the_parts_of_a_run_stays() {
        let mut text = b"a: H4sI/-w=\n+bc\\nde\", \"f+\"".to_vec();
        let run = 3..text.len() - 1;
        overwrite(&mut text, run);
        assert_eq!(String::from_utf8(text).unwrap(), "a: xxxxxxx=\n+xx\\nxx\", \"xx\"");
    }
}
