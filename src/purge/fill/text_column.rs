//! The column of a hex dump that shows the bytes as characters.

use std::ops::Range;

/// Maximum distance between the last digits of a line and its characters, in bytes.
const GAP: usize = 60;

/// Fills the key's characters at the end of a line of hex digits. `sources` are the ranges of the digits of each
/// character.
pub(super) fn fill(bytes: &mut [u8], sources: &[Range<usize>], secret: &[u8], filler: &[u8]) {
    let mut first = 0;
    while first < sources.len() {
        let line_end = memchr::memchr(b'\n', &bytes[sources[first].end..])
            .map_or(bytes.len(), |length| sources[first].end + length);
        let count = sources[first..].iter().take_while(|source| source.end <= line_end).count().max(1);
        let last = first + count;
        let shown = &secret[first..last];
        let from = sources[last - 1].end.min(line_end);
        // The part of the key that this line shows, as plain characters.
        let found = memchr::memmem::find(&bytes[from..line_end], shown).filter(|&at| at <= GAP + count);
        if let Some(at) = found.filter(|_| sources[first].len() > 1) {
            bytes[from + at..from + at + count].copy_from_slice(&filler[first..last]);
        }
        first = last;
    }
}
