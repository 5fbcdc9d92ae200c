//! Overwrites a key in the column of a hex dump that shows the bytes as characters.

use std::ops::Range;

/// Maximum distance between the last digits of a line and the character column, in bytes.
const MAX_DISTANCE: usize = 60;

/// Overwrites the key's characters at the end of each line of hex digits. `sources` are the ranges of the digits of each
/// character of `secret`.
pub(super) fn fill(bytes: &mut [u8], sources: &[Range<usize>], secret: &[u8], filler: &[u8]) {
    let mut first = 0;
    while first < sources.len() {
        let line_end = memchr::memchr(b'\n', &bytes[sources[first].end..])
            .map_or(bytes.len(), |length| sources[first].end + length);
        let count = sources[first..].iter().take_while(|source| source.end <= line_end).count().max(1);
        let last = first + count;
        let part_in_line = &secret[first..last];
        let start = sources[last - 1].end.min(line_end);
        let column = memchr::memmem::find(&bytes[start..line_end], part_in_line)
            .filter(|&offset| offset <= MAX_DISTANCE + count);
        if let Some(offset) = column.filter(|_| sources[first].len() > 1) {
            bytes[start + offset..start + offset + count].copy_from_slice(&filler[first..last]);
        }
        first = last;
    }
}
