//! Readers that observe, count or look ahead.

use std::io::{self, BufRead, Read};

use super::format::TAIL_LEN;
use super::limits::Budget;

/// Bytes per read.
pub(super) const READ_LEN: usize = 1 << 16;

/// Passes everything that is read on to the content that it belongs to.
pub(super) struct Tee<'a> {
    input: &'a mut dyn Read,
    push: &'a dyn Fn(&[u8]),
    /// The last bytes that were read.
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
        // Done rarely, so that few bytes are moved.
        if self.last.len() > 8 * TAIL_LEN {
            self.last.drain(..self.last.len() - TAIL_LEN);
        }
        Ok(count)
    }
}

/// Counts unpacked bytes and ends when a limit is hit.
pub(super) struct Metered<'a, R> {
    pub(super) budget: &'a Budget,
    pub(super) unpacked: R,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Some decoders treat an empty read as an error.
        if buffer.is_empty() {
            return Ok(0);
        }
        // One byte more than allowed shows whether there is more.
        let room = self.budget.left()?.saturating_add(1).min(READ_LEN as u64);
        let room = buffer.len().min(room as usize);
        let count = self.unpacked.read(&mut buffer[..room])?;
        self.budget.unpacked(count)?;
        Ok(count)
    }
}

/// Reads a few bytes at a time from a decoder that, on an error, loses everything that it decoded in the same
/// call.
pub(super) struct SmallReads<R>(pub(super) R);

impl<R: Read> Read for SmallReads<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1 << 10);
        self.0.read(&mut buffer[..room])
    }
}

/// Appends zeros to LZMA2 input. The decoder consumes a chunk before it returns any of it; for truncated input,
/// the rest of the last chunk then decodes to garbage.
pub(super) fn zero_padded<R: Read>(input: R) -> impl Read {
    const MAX_CHUNK: u64 = 1 << 16;
    input.chain(io::repeat(0).take(MAX_CHUNK))
}

/// Counts the bytes that are read.
pub(super) struct Counted<'a> {
    pub(super) input: &'a mut dyn Read,
    pub(super) count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

/// Reads into `buffer` until it holds `most` bytes or the input ends. Returns whether it ended.
///
/// # Errors
/// Those of `input`; bytes read before the error stay in `buffer`.
pub(super) fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    let room = most.saturating_sub(buffer.len()) as u64;
    // `read_to_end` grows the buffer as data arrives and initializes each byte only once.
    let count = (&mut *input).take(room).read_to_end(buffer)?;
    Ok((count as u64) < room)
}

/// Reads to the end. Returns the number of bytes that were left.
pub(super) fn drain(input: &mut dyn Read) -> io::Result<u64> {
    io::copy(input, &mut io::sink())
}

/// Reads with lookahead.
pub(super) struct PeekReader<'a> {
    input: &'a mut dyn Read,
    buffer: Vec<u8>,
    at: usize,
    /// Bytes consumed so far.
    pub(super) offset: u64,
}

impl<'a> PeekReader<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Self {
        Self { input, buffer: Vec::new(), at: 0, offset: 0 }
    }

    /// At least the next `count` bytes, or all that are left.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.at < count {
            self.buffer.drain(..self.at);
            self.at = 0;
            // Reads more than was asked for; otherwise small reads would move the buffer each time.
            fill(self.input, &mut self.buffer, count.saturating_add(READ_LEN))?;
        }
        Ok(&self.buffer[self.at..])
    }

    /// Skips `count` bytes. Returns whether there were that many.
    pub(super) fn skip_bytes(&mut self, count: u64) -> io::Result<bool> {
        Ok(drain(&mut (&mut *self).take(count))? == count)
    }

    /// Returns bytes that were consumed last but not used.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.buffer.splice(..self.at, bytes.iter().copied());
        self.at = 0;
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
        let count = count.min(self.buffer.len() - self.at);
        self.at += count;
        self.offset += count as u64;
    }
}
