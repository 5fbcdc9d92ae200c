//! Inflates zlib streams: whole entries at once, or large ones in pieces.

use std::io::{self, BufRead, Read};

use gix::zlib::{Decompress, FlushDecompress, Status};

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

/// Whether the zlib stream at the start of `own`, which was inflated to `plain`, certainly ends at the end of `own`.
///
/// The decompressor does not say where a stream ended, only that it ended with the checksum of `plain`. If `own` ends
/// with that checksum and contains it nowhere else, the stream ends there.
pub(super) fn ends_with_stream(own: &[u8], plain: &[u8]) -> bool {
    let sum = libdeflater::adler32(plain).to_be_bytes();
    let Some(rest) = own.strip_suffix(&sum) else { return false };
    // An earlier occurrence may overlap the last one.
    let before = &own[..rest.len() + sum.len() - 1];
    if before.len() > LONG {
        return memchr::memmem::find(before, &sum).is_none();
    }
    memchr::memchr_iter(sum[0], before).all(|at| !before[at..].starts_with(&sum))
}

/// From this length on, preparing a search pays off.
const LONG: usize = 1 << 12;

/// Inflates whole entries, and reuses its tables.
pub(super) struct Inflater(libdeflater::Decompressor);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(libdeflater::Decompressor::new())
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

/// Least capacity of a buffer, so that reused ones rarely grow.
const MIN_CAPACITY: usize = 1 << 18;

/// Larger buffers get exactly the capacity they need.
const EXACT_FROM: usize = 1 << 24;

/// Makes `buffer` at least `len` bytes long. Its content is lost if it has to be reallocated; copying would be a waste.
pub(super) fn grow(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        if buffer.capacity() < len {
            // Frees the old allocation first, so that the two never coexist.
            *buffer = Vec::new();
            // The system provides zeroed pages for free.
            let room = if len < EXACT_FROM { len.next_power_of_two().max(MIN_CAPACITY) } else { len };
            *buffer = vec![0; room];
        } else {
            buffer.resize(len, 0);
        }
    }
}

/// Inflates in pieces.
pub(super) struct InflateStream<R> {
    input: R,
    state: Decompress,
    done: bool,
}

impl<R: BufRead> InflateStream<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, state: Decompress::default(), done: false }
    }

    /// Input bytes consumed so far.
    pub(super) fn taken(&self) -> u64 {
        self.state.total_in()
    }
}

impl<R: BufRead> Read for InflateStream<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.done && !out.is_empty() {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let (read, written) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(input, out, FlushDecompress::None);
            let read = (self.state.total_in() - read) as usize;
            let written = (self.state.total_out() - written) as usize;
            self.input.consume(read);
            match status {
                Ok(Status::StreamEnd) => self.done = true,
                Ok(_) if written == 0 && (at_end || read == 0) => return Err(corrupt()),
                Ok(_) => {}
                Err(_) => return Err(corrupt()),
            }
            if written != 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

fn corrupt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, InflateError::Corrupt)
}
