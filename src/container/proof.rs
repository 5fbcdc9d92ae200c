//! How much must be decompressed until data counts as compressed: a few bytes may look like a header by chance.

use std::io;

use super::format::{Format, LZMA_PROPERTIES};

/// Evidence required before data that begins like compressed data is treated as such and its errors are
/// reported: a few bytes may match by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompressionProof {
    /// Bytes that must have been decompressed.
    bytes: u64,
    /// Whether being valid up to a truncation is enough.
    by_end: bool,
}

impl CompressionProof {
    /// The header is proof enough.
    pub(super) const CERTAIN: Self = Self { bytes: 0, by_end: true };
    /// A signature in a program, of which some data was already decompressed.
    pub(super) const MARK: Self = Self { bytes: 1, by_end: true };

    /// The evidence required for content that begins with `head`.
    pub(super) fn of(format: Format, head: &[u8]) -> Self {
        const MIN_BYTES: u64 = 4096;
        match format {
            Format::Zlib => Self { bytes: MIN_BYTES, by_end: true },
            Format::Lzma if head.first() != Some(&LZMA_PROPERTIES) => {
                Self { bytes: MIN_BYTES, by_end: false }
            }
            _ => Self::CERTAIN,
        }
    }

    /// Whether `error`, which occurred after `count` decompressed bytes, is an error of compressed data.
    pub(super) fn is_enough(self, error: &io::Error, count: u64) -> bool {
        count >= self.bytes || (self.by_end && error.kind() == io::ErrorKind::UnexpectedEof)
    }
}
