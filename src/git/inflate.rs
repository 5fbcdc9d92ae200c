//! Inflates zlib streams: whole entries at once, or large ones in pieces.

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

/// Extra room in the output, which keeps libdeflate in its fast loop. Most entries are so small that this decides how
/// long they take.
const SLACK: usize = 512;

/// Deflate expands a byte to at most 1032. A declared size beyond that is refused before anything is allocated.
const MAX_RATIO: u64 = 1032;

/// Inflates whole entries, and reuses its tables.
pub(super) struct Inflater(libdeflater::Decompressor, StreamEndProbe);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(libdeflater::Decompressor::new(), StreamEndProbe::default())
    }

    /// Inflates `compressed` as [`Self::whole`] does, if it is certain that it is one valid stream and nothing else.
    /// Otherwise returns `false`, and the content of `out` is undefined.
    pub(super) fn exactly(&mut self, compressed: &[u8], size: usize, out: &mut Vec<u8>) -> bool {
        self.check(compressed.len() as u64, size).is_ok()
            && self.1.inflates_exactly(&mut self.0, compressed, size, out)
    }

    /// Refuses a size that `extent` compressed bytes cannot inflate to.
    pub(super) fn check(&self, extent: u64, size: usize) -> Result<(), InflateError> {
        let possible = size as u64 <= extent.saturating_mul(MAX_RATIO);
        if possible { Ok(()) } else { Err(InflateError::WrongSize(size as u64)) }
    }

    /// Inflates the stream at the start of `compressed`, of at most `extent` bytes, into the first `size` bytes of
    /// `out`, which grows as needed and never shrinks. The bytes after these are undefined.
    pub(super) fn whole(
        &mut self,
        compressed: &[u8],
        extent: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateError> {
        self.check(extent, size)?;
        grow(out, size + SLACK);
        match self.0.zlib_decompress(compressed, &mut out[..size + SLACK]) {
            Ok(written) if written == size => Ok(()),
            Ok(_) | Err(libdeflater::DecompressionError::InsufficientSpace) => {
                Err(InflateError::WrongSize(size as u64))
            }
            Err(libdeflater::DecompressionError::BadData) => Err(InflateError::Corrupt),
        }
    }

    /// Inflates the stream at the start of `compressed` into `out`. Returns the bytes written; `None` if `out` is too
    /// short, and then holds the first ones.
    pub(super) fn prefix(
        &mut self,
        compressed: &[u8],
        out: &mut [u8],
    ) -> Result<Option<usize>, InflateError> {
        match self.0.zlib_decompress(compressed, out) {
            Ok(written) => Ok(Some(written)),
            Err(libdeflater::DecompressionError::InsufficientSpace) => Ok(None),
            Err(libdeflater::DecompressionError::BadData) => Err(InflateError::Corrupt),
        }
    }
}

/// Inflates in pieces, up to the end of the stream and no further. The state may be borrowed, since creating one costs
/// more than a small stream.
pub(crate) struct InflateStream<R, S = Decompress> {
    input: R,
    state: S,
    ended: bool,
}

impl<R: BufRead> InflateStream<R> {
    /// Inflates a zlib stream.
    pub(super) fn new(input: R) -> Self {
        Self::with_state(input, Decompress::new(true))
    }

    /// Input bytes consumed so far.
    pub(super) fn taken(&self) -> u64 {
        self.state.total_in()
    }
}

impl<R: BufRead, S: BorrowMut<Decompress>> InflateStream<R, S> {
    /// The state, which must be new or reset, decides whether the stream has zlib's header.
    pub(crate) fn with_state(input: R, state: S) -> Self {
        Self { input, state, ended: false }
    }
}

impl<R: BufRead, S: BorrowMut<Decompress>> Read for InflateStream<R, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let state = self.state.borrow_mut();
        while !self.ended && !out.is_empty() {
            let input = self.input.fill_buf()?;
            let is_last = input.is_empty();
            let before = (state.total_in(), state.total_out());
            let outcome = state.decompress(input, out, FlushDecompress::None);
            let consumed = (state.total_in() - before.0) as usize;
            self.input.consume(consumed);
            let count = (state.total_out() - before.1) as usize;
            // Data before an error is returned first.
            self.ended = match outcome {
                Ok(status) => status == Status::StreamEnd,
                Err(_) if count != 0 => false,
                Err(_) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "its deflated data is damaged"));
                }
            };
            if count != 0 {
                return Ok(count);
            }
            if !self.ended && (is_last || consumed == 0) {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is truncated"));
            }
        }
        Ok(0)
    }
}
