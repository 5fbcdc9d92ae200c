//! Random access to content, with a buffer for the current position.

use std::cell::RefCell;
use std::io::{self, BufRead, Read, SeekFrom};

use super::ReadSeek;
use super::readers::READ_LEN;

/// Content that several windows read.
pub(super) struct SharedInput<'a> {
    input: RefCell<&'a mut dyn ReadSeek>,
    /// Size of the content in bytes.
    pub(super) size: u64,
}

impl<'a> SharedInput<'a> {
    /// Determines the size of `input`.
    ///
    /// # Errors
    /// Those of `input`.
    pub(super) fn new(input: &'a mut dyn ReadSeek) -> io::Result<Self> {
        let size = input.seek(SeekFrom::End(0))?;
        Ok(Self { input: RefCell::new(input), size })
    }

    /// A window at the start of the content.
    pub(super) fn window(&self) -> Window<'_> {
        Window { shared: self, buffer: Vec::new(), start: 0, consumed: 0, size: self.size, limit: self.size }
    }
}

/// Reads at an offset.
trait ReadAt {
    /// Reads into `buffer` from byte `offset` on. Returns the number of bytes, 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for SharedInput<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = self.input.borrow_mut();
        input.seek(SeekFrom::Start(offset))?;
        loop {
            match input.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// A reader with its own position and buffer. The buffer never becomes larger than the content, whatever length is asked
/// for.
pub(super) struct Window<'a> {
    shared: &'a dyn ReadAt,
    buffer: Vec<u8>,
    /// Offset of the buffer in the content.
    start: u64,
    /// Bytes of the buffer that were consumed.
    consumed: usize,
    /// Size of the content in bytes.
    size: u64,
    /// Offset at which reading ends.
    limit: u64,
}

impl Window<'_> {
    /// Moves to `offset`; reading ends at offset `limit`.
    pub(super) fn seek(&mut self, offset: u64, limit: u64) {
        self.limit = limit.min(self.size);
        match offset.checked_sub(self.start).and_then(|index| usize::try_from(index).ok()) {
            Some(index) if index <= self.buffer.len() => self.consumed = index,
            _ => {
                self.buffer.clear();
                (self.start, self.consumed) = (offset, 0);
            }
        }
    }

    /// Offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.start + self.consumed as u64
    }

    /// At least the next `count` bytes, or all up to the limit.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.buffered_len() < count && self.read_more()? {}
        let buffered_len = self.buffered_len();
        Ok(&self.buffer[self.consumed..self.consumed + buffered_len])
    }

    /// The offset of the first `pattern` that begins at or after `offset` and ends before `end`.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn find(&mut self, mut offset: u64, end: u64, pattern: &[u8]) -> io::Result<Option<u64>> {
        loop {
            self.seek(offset, end);
            let chunk = self.peek(pattern.len())?;
            if let Some(index) = memchr::memmem::find(chunk, pattern) {
                return Ok(Some(offset + index as u64));
            }
            if chunk.len() < pattern.len() {
                return Ok(None);
            }
            offset += (chunk.len() + 1 - pattern.len()) as u64;
        }
    }

    /// Number of buffered bytes between the position and the limit.
    fn buffered_len(&self) -> usize {
        let left = self.limit.saturating_sub(self.position());
        (self.buffer.len() - self.consumed).min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Reads more bytes into the buffer. Returns whether there were any.
    fn read_more(&mut self) -> io::Result<bool> {
        let end = self.start + self.buffer.len() as u64;
        let left = usize::try_from(self.limit.saturating_sub(end)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(false);
        }
        self.buffer.drain(..self.consumed);
        self.start += self.consumed as u64;
        self.consumed = 0;
        // Up to the end of the content rather than the limit: the next entry is close.
        let rest = usize::try_from(self.size.saturating_sub(end)).unwrap_or(usize::MAX);
        let before = self.buffer.len();
        self.buffer.resize(before + rest.min(READ_LEN), 0);
        let count = self.shared.read_at(end, &mut self.buffer[before..]);
        self.buffer.truncate(before + *count.as_ref().unwrap_or(&0));
        Ok(count? != 0)
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Window<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, count: usize) {
        self.consumed = (self.consumed + count).min(self.buffer.len());
    }
}
