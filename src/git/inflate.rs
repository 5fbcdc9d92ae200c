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

/// The fewest bytes of a stream: two of a header, two of nothing deflated, four of a checksum.
const SHORTEST: usize = 8;

/// Of a whole zlib stream the deflated bytes, less the last one, and the checksum.
fn parts(compressed: &[u8]) -> Option<(&[u8], u32)> {
    let (rest, sum) = compressed.split_last_chunk::<4>()?;
    let (header, deflated) = rest.split_first_chunk::<2>()?;
    let is_zlib = header[0] & 0x0f == 8 && header[1] & 0x20 == 0 && u16::from_be_bytes(*header) % 31 == 0;
    let (_, all_but_last) = deflated.split_last().filter(|_| is_zlib)?;
    Some((all_but_last, u32::from_be_bytes(*sum)))
}

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

    /// The same where the stream should be all of `compressed`; tells whether it is, or ends before.
    ///
    /// The decompressor does not tell where a stream ends. So it is given the stream without its last byte: one that
    /// ends before does not miss it. What it made by then is all there is, which the checksum tells; for the few that
    /// keep some of their bytes in the last one, everything is done again.
    pub(super) fn all(
        &mut self,
        compressed: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, InflateError> {
        self.check(compressed.len() as u64, size)?;
        let mut is_all = compressed.len() < SHORTEST;
        if let Some((deflated, sum)) = parts(compressed) {
            grow(out, size + SLACK);
            // If the stream breaks off at once, what was in the buffer before must not pass for its content.
            if let Some(last) = out[..size].last_mut() {
                *last ^= 0xff;
            }
            is_all = self.0.deflate_decompress(deflated, &mut out[..size + SLACK]).is_err();
            if is_all && libdeflater::adler32(&out[..size]) == sum {
                return Ok(true);
            }
        }
        self.whole(compressed, compressed.len() as u64, size, out)?;
        Ok(is_all)
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
