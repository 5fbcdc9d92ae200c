//! Overwrites containers that are encoded in base64 in a text, as Helm and cloud-init write them, and keeps the rest of
//! the text.

use std::ops::Range;

use super::blobs::BlobRewriter;
use crate::container::{Format, base64_runs};
use crate::scan::ObjectKeys;

/// Replaces each base64 character.
const FILLER: u8 = b'x';

impl BlobRewriter<'_> {
    /// Overwrites the base64 runs that encode containers with purged keys. Returns the new text and the spans of the runs;
    /// `None` if `text` is itself a container, or contains a purged key in a container in another way.
    pub(super) fn overwrite_encoded_containers(
        &self,
        object_keys: &mut ObjectKeys<'_>,
        text: &[u8],
    ) -> Option<(Vec<u8>, Vec<Range<usize>>)> {
        if Format::recognize(text).is_some() {
            return None;
        }
        let (mut new, mut spans) = (text.to_vec(), Vec::new());
        for run in base64_runs(text) {
            if !self.keys_in_containers(object_keys, &text[run.clone()]).is_empty() {
                overwrite(&mut new, run.clone());
                spans.push(run);
            }
        }
        let is_clean = !spans.is_empty() && self.keys_in_containers(object_keys, &new).is_empty();
        is_clean.then_some((new, spans))
    }
}

/// Overwrites the base64 characters of a run, but not the line breaks, escapes and `+` or `-` at the start of a patch's
/// line between them.
fn overwrite(text: &mut [u8], run: Range<usize>) {
    let mut previous = b' ';
    for byte in &mut text[run] {
        let is_patch_sign = previous == b'\n' && matches!(*byte, b'+' | b'-');
        let is_base64 = byte.is_ascii_alphanumeric() || matches!(*byte, b'+' | b'-' | b'/' | b'_');
        let original = *byte;
        if is_base64 && !is_patch_sign && previous != b'\\' {
            *byte = FILLER;
        }
        previous = original;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_escapes_and_patch_signs_in_a_run_are_kept() {
        let mut text = b"a: H4sI/-w=\n+bc\\nde\", \"f+\"".to_vec();
        let run = 3..text.len() - 1;
        overwrite(&mut text, run);
        assert_eq!(String::from_utf8(text).unwrap(), "a: xxxxxxx=\n+xx\\nxx\", \"xx\"");
    }
}
