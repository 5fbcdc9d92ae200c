//! Readers that copy, count, limit or look ahead at what they read.

use std::io::{self, BufRead, BufReader, Read};

use super::format::TAIL_LEN;
use super::limits::Budget;

/// Bytes per read.
pub(super) const READ_LEN: usize = 1 << 16;

/// Passes everything that is read to `push` as well, and keeps the last bytes.
pub(super) struct Tee<'a> {
    input: &'a mut dyn Read,
    push: &'a dyn Fn(&[u8]),
    /// The last bytes that were read: at least [`TAIL_LEN`], or all.
    pub(super) last: Vec<u8>,
    /// Number of bytes read.
    pub(super) count: u64,
}

impl<'a> Tee<'a> {
    /// Calls `push` with everything that is read from `input`.
    pub(super) fn new(input: &'a mut dyn Read, push: &'a dyn Fn(&[u8])) -> Self {
        Self { input, push, last: Vec::new(), count: 0 }
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        (self.push)(&buffer[..count]);
        self.count += count as u64;
        self.last.extend_from_slice(&buffer[..count]);
        // Only once eight times as many have gathered: draining moves the bytes that stay.
        if self.last.len() > 8 * TAIL_LEN {
            self.last.drain(..self.last.len() - TAIL_LEN);
        }
        Ok(count)
    }
}

/// Counts the bytes that are read as unpacked, and fails when a limit is hit.
pub(super) struct MeteredReader<'a, R> {
    pub(super) budget: &'a Budget,
    pub(super) input: R,
}

impl<R: Read> Read for MeteredReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Some decoders treat an empty read as an error.
        if buffer.is_empty() {
            return Ok(0);
        }
        // One byte more than allowed shows whether there is more.
        let max_count = self.budget.bytes_left()?.saturating_add(1).min(READ_LEN as u64);
        let max_count = buffer.len().min(max_count as usize);
        let count = self.input.read(&mut buffer[..max_count])?;
        self.budget.add_unpacked(count)?;
        Ok(count)
    }
}

/// Reads a few bytes at a time from a decoder that, on an error, loses everything that it decoded in the same
/// call.
pub(super) struct SmallReads<R>(pub(super) R);

impl<R: Read> Read for SmallReads<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const MAX_READ_LEN: usize = 1 << 10;
        let length = buffer.len().min(MAX_READ_LEN);
        self.0.read(&mut buffer[..length])
    }
}

/// Appends zeros to LZMA2 input. The decoder needs a complete chunk before it returns any of it. With the zeros it also
/// decodes the last chunk of truncated input, whose missing part becomes garbage.
pub(super) fn pad_with_zeros<R: Read>(input: R) -> impl Read {
    const MAX_CHUNK: u64 = 1 << 16;
    input.chain(io::repeat(0).take(MAX_CHUNK))
}

/// Counts the bytes that are read.
pub(super) struct CountingReader<'a> {
    pub(super) input: &'a mut dyn Read,
    pub(super) count: u64,
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

/// Reads into `buffer` until it holds `max_len` bytes or the input ends. Returns whether it ended.
///
/// # Errors
/// Those of `input`; bytes read before the error stay in `buffer`.
pub(super) fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>, max_len: usize) -> io::Result<bool> {
    let room = max_len.saturating_sub(buffer.len()) as u64;
    // `read_to_end` grows the buffer as data arrives and initializes each byte only once.
    let count = (&mut *input).take(room).read_to_end(buffer)?;
    Ok((count as u64) < room)
}

/// Reads and discards the rest of `input`. Returns its length in bytes.
///
/// # Errors
/// Those of `input`.
pub(super) fn drain(input: &mut dyn Read) -> io::Result<u64> {
    io::copy(input, &mut io::sink())
}

/// Like [`drain`], with fewer and longer reads.
///
/// # Errors
/// Those of `input`.
pub(super) fn drain_long(input: &mut dyn Read) -> io::Result<u64> {
    io::copy(&mut BufReader::with_capacity(READ_LEN, input), &mut io::sink())
}

/// Reads with lookahead of any length.
pub(super) struct PeekReader<'a> {
    input: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were consumed.
    consumed: usize,
    /// Bytes consumed so far.
    pub(super) offset: u64,
}

impl<'a> PeekReader<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Self {
        Self { input, buffer: Vec::new(), consumed: 0, offset: 0 }
    }

    /// At least the next `count` bytes, or all that are left.
    ///
    /// # Errors
    /// Those of the input.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.consumed < count {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
            // Reads more than was asked for; otherwise small reads would move the buffer each time.
            fill(self.input, &mut self.buffer, count.saturating_add(READ_LEN))?;
        }
        Ok(&self.buffer[self.consumed..])
    }

    /// Skips `count` bytes. Returns whether there were that many.
    ///
    /// # Errors
    /// Those of the input.
    pub(super) fn skip_bytes(&mut self, count: u64) -> io::Result<bool> {
        Ok(drain(&mut (&mut *self).take(count))? == count)
    }

    /// Puts back `bytes`, which were consumed last.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.buffer.splice(..self.consumed, bytes.iter().copied());
        self.consumed = 0;
        self.offset = self.offset.saturating_sub(bytes.len() as u64);
    }
}

impl Read for PeekReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PeekReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.buffer.len() - self.consumed);
        self.consumed += count;
        self.offset += count as u64;
    }
}
