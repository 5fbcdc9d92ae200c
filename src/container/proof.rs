//! How many bytes must decompress before data counts as compressed.

use std::io;

use super::format::{Format, LZMA_PROPERTIES};

/// Evidence required before the errors of data that begins like compressed data are reported. A few bytes may look like a
/// header by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompressionProof {
    /// Number of bytes that must have been decompressed.
    min_bytes: u64,
    /// Whether fewer bytes are enough if the data is valid up to the point where it is cut off.
    accepts_truncated: bool,
}

impl CompressionProof {
    /// The header is proof enough.
    pub(super) const CERTAIN: Self = Self { min_bytes: 0, accepts_truncated: true };
    /// The evidence for data after a signature in a program, some of which was decompressed before.
    pub(super) const SIGNATURE: Self = Self { min_bytes: 1, accepts_truncated: true };

    /// The evidence required for content of `format` that begins with `head`.
    pub(super) fn required_for(format: Format, head: &[u8]) -> Self {
        const MIN_BYTES: u64 = 4096;
        match format {
            Format::Zlib => Self { min_bytes: MIN_BYTES, accepts_truncated: true },
            Format::Lzma if head.first() != Some(&LZMA_PROPERTIES) => {
                Self { min_bytes: MIN_BYTES, accepts_truncated: false }
            }
            _ => Self::CERTAIN,
        }
    }

    /// Whether `error`, which occurred after `count` decompressed bytes, is an error of compressed data and to be reported.
    pub(super) fn is_reported(self, error: &io::Error, count: u64) -> bool {
        count >= self.min_bytes || (self.accepts_truncated && error.kind() == io::ErrorKind::UnexpectedEof)
    }
}
