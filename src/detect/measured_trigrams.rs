//! The three bytes of each keyword of the built-in rules that the prefilter searches for, and the buckets they share.
//!
//! Both were chosen together by simulated annealing. The cost is that of false candidates, which are compared with each
//! window of their bucket, plus that of windows that occur, at which the keywords are compared. It was measured on 47 MB:
//! git objects (blobs, trees and commits of two repositories), sources in Rust, Python and C, and minified scripts. Only
//! speed depends on the choice.

use super::byte_frequency::TRIGRAM_LEN;

/// The windows of each bucket.
pub(super) const MEASURED_BUCKETS: [&[[u8; TRIGRAM_LEN]]; 8] = [
    &[*b"115", *b"54 ", *b"UM0", *b"\\16"],
    &[*b"Aaw", *b"J99", *b"OAI", *b"zAG", *b"zQm", *b"zay"],
    &[*b"433", *b"4sI", *b"73 ", *b"73,", *b"73-", *b"730", *b"736", *b"73:", *b"73}"],
    &[*b"\0k\0", *b"NCb", *b"NrL", *b"T b", *b"T3B"],
    &[*b"sk%", *b"sk&", *b"sk-", *b"sk\\", *b"ss-"],
    &[*b"ZUR", *b"h_t", *b"k=2", *b"zur"],
    &[*b"GJr", *b"SDR", *b"a0Z", *b"c2s", *b"sDB", *b"wBr", *b"zJz"],
    &[*b"%73", *b"073", *b"=73", *b"X73", *b"ek_", *b"tGS", *b"x73"],
];

/// The bucket in which `window` was measured.
pub(super) fn measured_bucket(window: &[u8]) -> Option<usize> {
    MEASURED_BUCKETS.iter().position(|bucket| bucket.iter().any(|measured| measured == window))
}
