//! Inflating: whole entries at once, or a huge one piece by piece.

use std::io::{self, BufRead, Read};

use gix::zlib::{Decompress, FlushDecompress, Status};

/// Why bytes could not be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InflateError {
    #[error("the compressed data is corrupt or cut off")]
    Corrupt,
    #[error("the compressed data does not hold the {0} bytes it should")]
    WrongSize(u64),
    #[error("too large: {0} bytes")]
    TooLarge(u64),
}

/// Room beyond the wanted bytes, so that libdeflate can stay in its fast loop, which wants to know
/// that it need not look for the end. Most entries are so small that this is most of their time.
const SLACK: usize = 512;

/// Deflate makes at most 1032 bytes of one; a declared size beyond that is a lie, and is found out
/// before anything is allocated for it.
const MAX_RATIO: u64 = 1032;

/// Whether the zlib stream at the start of `own`, which was inflated to `plain`, is sure to end where that does.
///
/// The decompressor does not tell where a stream ended, only that the checksum of `plain` stands there. If it stands at
/// the end of `own`, and nowhere else in it, that is where.
pub(super) fn ends_with_stream(own: &[u8], plain: &[u8]) -> bool {
    let sum = libdeflater::adler32(plain).to_be_bytes();
    let Some(rest) = own.strip_suffix(&sum) else { return false };
    // It may overlap the last one.
    let before = &own[..rest.len() + sum.len() - 1];
    if before.len() > LONG {
        return memchr::memmem::find(before, &sum).is_none();
    }
    memchr::memchr_iter(sum[0], before).all(|at| !before[at..].starts_with(&sum))
}

/// Bytes in which it is worth while to prepare a search.
const LONG: usize = 1 << 12;

/// Inflates whole entries; keeps its tables between them.
pub(super) struct Inflater(libdeflater::Decompressor);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(libdeflater::Decompressor::new())
    }

    /// Refuses sizes that `extent` bytes cannot have been deflated from.
    pub(super) fn check(&self, extent: u64, size: usize) -> Result<(), InflateError> {
        let possible = size as u64 <= extent.saturating_mul(MAX_RATIO);
        if possible { Ok(()) } else { Err(InflateError::WrongSize(size as u64)) }
    }

    /// Inflates what stands at the start of `compressed`, and takes at most `extent` bytes of it, into the
    /// first `size` bytes of `out`, which grows as needed and never shrinks. What it holds behind them means
    /// nothing.
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

    /// Inflates what stands at the start of `compressed` into as much of `out` as there is. Returns the bytes
    /// written, or nothing if there are more; then `out` holds the first ones.
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

/// The least a buffer has, so that buffers in use for a while seldom grow.
const SMALLEST: usize = 1 << 18;

/// From here on a buffer has what it needs and no more.
const LARGE: usize = 1 << 24;

/// Makes `buffer` at least `len` bytes long. What it held is not kept when it must move: copying it
/// would be for nothing.
pub(super) fn grow(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        if buffer.capacity() < len {
            // The old one goes first, so that never both are there.
            *buffer = Vec::new();
            // Zeroed pages come from the system for nothing.
            let room = if len < LARGE { len.next_power_of_two().max(SMALLEST) } else { len };
            *buffer = vec![0; room];
        } else {
            buffer.resize(len, 0);
        }
    }
}

/// Inflates piece by piece.
pub(super) struct InflateStream<R> {
    input: R,
    state: Decompress,
    done: bool,
}

impl<R: BufRead> InflateStream<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, state: Decompress::default(), done: false }
    }

    /// Bytes of the input that the stream took so far.
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
