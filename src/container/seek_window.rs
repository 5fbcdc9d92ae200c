//! Random access to content, of which one piece at a time is buffered.

use std::cell::RefCell;
use std::io::{self, BufRead, Read, SeekFrom};

use super::ReadSeek;
use super::readers::READ_LEN;

/// Content shared by several windows.
pub(super) struct Shared<'a> {
    input: RefCell<&'a mut dyn ReadSeek>,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl<'a> Shared<'a> {
    /// # Errors
    /// Those of `input`.
    pub(super) fn new(input: &'a mut dyn ReadSeek) -> io::Result<Self> {
        let size = input.seek(SeekFrom::End(0))?;
        Ok(Self { input: RefCell::new(input), size })
    }

    pub(super) fn window(&self) -> Window<'_> {
        Window { shared: self, buffer: Vec::new(), start: 0, at: 0, size: self.size, limit: self.size }
    }
}

/// Reads at an offset.
trait ReadAt {
    fn read_at(&self, place: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for Shared<'_> {
    fn read_at(&self, place: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = self.input.borrow_mut();
        input.seek(SeekFrom::Start(place))?;
        loop {
            match input.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// Reads from any offset. Allocates no more than the content provides.
pub(super) struct Window<'a> {
    shared: &'a dyn ReadAt,
    buffer: Vec<u8>,
    /// Offset of the buffer in the content.
    start: u64,
    /// Bytes of the buffer that were consumed.
    at: usize,
    size: u64,
    /// Offset at which reading ends.
    limit: u64,
}

impl Window<'_> {
    /// Seeks to `place`; reading ends at `limit`.
    pub(super) fn go(&mut self, place: u64, limit: u64) {
        self.limit = limit.min(self.size);
        match place.checked_sub(self.start).and_then(|at| usize::try_from(at).ok()) {
            Some(at) if at <= self.buffer.len() => self.at = at,
            _ => {
                self.buffer.clear();
                (self.start, self.at) = (place, 0);
            }
        }
    }

    /// Offset of the next byte.
    pub(super) fn place(&self) -> u64 {
        self.start + self.at as u64
    }

    /// At least the next `count` bytes, or fewer at the end.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.held() < count && self.more()? {}
        let held = self.held();
        Ok(&self.buffer[self.at..self.at + held])
    }

    /// Offset of the next occurrence of `wanted` between two offsets.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn find(&mut self, mut place: u64, end: u64, wanted: &[u8]) -> io::Result<Option<u64>> {
        loop {
            self.go(place, end);
            let piece = self.peek(wanted.len())?;
            if let Some(at) = memchr::memmem::find(piece, wanted) {
                return Ok(Some(place + at as u64));
            }
            if piece.len() < wanted.len() {
                return Ok(None);
            }
            place += (piece.len() + 1 - wanted.len()) as u64;
        }
    }

    /// Buffered bytes before the limit.
    fn held(&self) -> usize {
        let left = self.limit.saturating_sub(self.place());
        (self.buffer.len() - self.at).min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Reads another piece. Returns whether there was one.
    fn more(&mut self) -> io::Result<bool> {
        let end = self.start + self.buffer.len() as u64;
        let left = usize::try_from(self.limit.saturating_sub(end)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(false);
        }
        self.buffer.drain(..self.at);
        self.start += self.at as u64;
        self.at = 0;
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
        self.at = (self.at + count).min(self.buffer.len());
    }
}
