//! Inflates zlib streams: whole ones in a single call, or large ones in pieces.

use std::borrow::BorrowMut;
use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::buffer::grow;
use super::stream_end::StreamEndProbe;

/// Why bytes could not be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InflateError {
    #[error("the compressed data is corrupt or truncated")]
    Corrupt,
    #[error("the compressed data does not inflate to the declared {0} bytes")]
    WrongSize(u64),
    #[error("too large: {0} bytes")]
    TooLarge(u64),
}

/// Extra room in the output, in bytes, which keeps libdeflate in its fast loop. Most entries are so small that they would be
/// inflated in the slow one without it.
const SLACK: usize = 512;

/// The maximum ratio of deflate. A declared size beyond it is refused before anything is allocated.
const MAX_RATIO: u64 = 1032;

/// Inflates whole streams, and reuses its tables.
pub(super) struct Inflater {
    decompressor: libdeflater::Decompressor,
    stream_end: StreamEndProbe,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { decompressor: libdeflater::Decompressor::new(), stream_end: StreamEndProbe::default() }
    }

    /// Inflates `compressed` as [`Self::inflate`] does, if it certainly consists of one valid stream and nothing else.
    /// Otherwise returns `false`, and the content of `out` is undefined.
    pub(super) fn inflate_exactly(&mut self, compressed: &[u8], size: usize, out: &mut Vec<u8>) -> bool {
        self.check_size(compressed.len() as u64, size).is_ok()
            && self.stream_end.inflates_exactly(&mut self.decompressor, compressed, size, out)
    }

    /// Refuses a size, in bytes, that `extent` compressed bytes cannot inflate to.
    pub(super) fn check_size(&self, extent: u64, size: usize) -> Result<(), InflateError> {
        let is_possible = size as u64 <= extent.saturating_mul(MAX_RATIO);
        if is_possible { Ok(()) } else { Err(InflateError::WrongSize(size as u64)) }
    }

    /// Inflates the stream at the start of `compressed`, of at most `extent` bytes, into the first `size` bytes of
    /// `out`, which grows as needed and never shrinks. The bytes after these are undefined.
    pub(super) fn inflate(
        &mut self,
        compressed: &[u8],
        extent: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateError> {
        self.check_size(extent, size)?;
        grow(out, size + SLACK);
        match self.decompressor.zlib_decompress(compressed, &mut out[..size + SLACK]) {
            Ok(written) if written == size => Ok(()),
            Ok(_) | Err(libdeflater::DecompressionError::InsufficientSpace) => {
                Err(InflateError::WrongSize(size as u64))
            }
            Err(libdeflater::DecompressionError::BadData) => Err(InflateError::Corrupt),
        }
    }

    /// Inflates the stream at the start of `compressed` into `out`, and returns the number of bytes written. If `out` is too
    /// short, fills it and returns `None`.
    pub(super) fn inflate_prefix(
        &mut self,
        compressed: &[u8],
        out: &mut [u8],
    ) -> Result<Option<usize>, InflateError> {
        match self.decompressor.zlib_decompress(compressed, out) {
            Ok(written) => Ok(Some(written)),
            Err(libdeflater::DecompressionError::InsufficientSpace) => Ok(None),
            Err(libdeflater::DecompressionError::BadData) => Err(InflateError::Corrupt),
        }
    }
}

/// Inflates in pieces, up to the end of the stream and no further. The decompressor may be borrowed, since creating one
/// takes longer than to inflate a small stream.
pub(crate) struct InflateStream<R, S = Decompress> {
    input: R,
    decompressor: S,
    has_ended: bool,
}

impl<R: BufRead> InflateStream<R> {
    /// Inflates a zlib stream.
    pub(super) fn new(input: R) -> Self {
        Self::with_decompressor(input, Decompress::new(true))
    }

    /// Input bytes consumed so far.
    pub(super) fn consumed(&self) -> u64 {
        self.decompressor.total_in()
    }
}

impl<R: BufRead, S: BorrowMut<Decompress>> InflateStream<R, S> {
    /// Inflates a stream with or without zlib's header, as `decompressor` expects, which must be new or reset.
    pub(crate) fn with_decompressor(input: R, decompressor: S) -> Self {
        Self { input, decompressor, has_ended: false }
    }
}

impl<R: BufRead, S: BorrowMut<Decompress>> Read for InflateStream<R, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let decompressor = self.decompressor.borrow_mut();
        while !self.has_ended && !out.is_empty() {
            let input = self.input.fill_buf()?;
            let is_last = input.is_empty();
            let before = (decompressor.total_in(), decompressor.total_out());
            let outcome = decompressor.decompress(input, out, FlushDecompress::None);
            let consumed = (decompressor.total_in() - before.0) as usize;
            self.input.consume(consumed);
            let count = (decompressor.total_out() - before.1) as usize;
            // Bytes that were inflated before an error are returned first; the next call returns the error.
            self.has_ended = match outcome {
                Ok(status) => status == Status::StreamEnd,
                Err(_) if count != 0 => false,
                Err(_) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "its deflated data is damaged"));
                }
            };
            if count != 0 {
                return Ok(count);
            }
            if !self.has_ended && (is_last || consumed == 0) {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is truncated"));
            }
        }
        Ok(0)
    }
}
