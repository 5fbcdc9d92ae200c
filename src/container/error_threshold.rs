//! How many bytes must decompress before an error is taken for one of compressed data: a few bytes may look like a header by
//! chance.

use std::io;

use super::format::{Format, LZMA_PROPERTIES};

/// After how much decompressed data an error of data that begins like compressed data is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ErrorThreshold {
    /// Number of bytes that must have been decompressed.
    min_bytes: u64,
    /// Whether fewer bytes are enough if the data is valid up to the point where it is cut off.
    accepts_truncated: bool,
}

impl ErrorThreshold {
    /// For data of which the header alone shows that it is compressed: every error is reported.
    pub(super) const NONE: Self = Self { min_bytes: 0, accepts_truncated: true };
    /// For data after a signature in a program, some of which was decompressed before.
    pub(super) const AFTER_SIGNATURE: Self = Self { min_bytes: 1, accepts_truncated: true };

    /// The threshold for content of `format` that begins with `head`.
    pub(super) fn for_content(format: Format, head: &[u8]) -> Self {
        const MIN_BYTES: u64 = 4096;
        match format {
            Format::Zlib => Self { min_bytes: MIN_BYTES, accepts_truncated: true },
            Format::Lzma if head.first() != Some(&LZMA_PROPERTIES) => {
                Self { min_bytes: MIN_BYTES, accepts_truncated: false }
            }
            _ => Self::NONE,
        }
    }

    /// Whether `error`, which occurred after `count` decompressed bytes, is an error of compressed data and to be reported.
    pub(super) fn is_reported(self, error: &io::Error, count: u64) -> bool {
        count >= self.min_bytes || (self.accepts_truncated && error.kind() == io::ErrorKind::UnexpectedEof)
    }
}
