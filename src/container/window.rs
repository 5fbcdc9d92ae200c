//! A view of a content that is read out of order: one piece of it is held at a time.

use std::cell::RefCell;
use std::io::{self, BufRead, Read, SeekFrom};

use super::ReadSeek;
use super::reading::PIECE;

/// A content that several windows look at.
pub(super) struct Shared<'a> {
    input: RefCell<&'a mut dyn ReadSeek>,
    /// Its bytes.
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

/// Reads from a place.
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

/// Reads on from any place. Nothing is allocated but for what is there.
pub(super) struct Window<'a> {
    shared: &'a dyn ReadAt,
    buffer: Vec<u8>,
    /// Where the buffer stands in the content.
    start: u64,
    /// Bytes of the buffer that were read.
    at: usize,
    size: u64,
    /// Where reading ends.
    limit: u64,
}

impl Window<'_> {
    /// Goes to `place`; reading ends at `limit`.
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

    /// Where the next byte stands.
    pub(super) fn place(&self) -> u64 {
        self.start + self.at as u64
    }

    /// The next `count` bytes and what else is at hand, or fewer at the end.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.held() < count && self.more()? {}
        let held = self.held();
        Ok(&self.buffer[self.at..self.at + held])
    }

    /// Where `wanted` begins next, between two places.
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

    /// Bytes at hand before the limit.
    fn held(&self) -> usize {
        let left = self.limit.saturating_sub(self.place());
        (self.buffer.len() - self.at).min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Reads another piece; whether there was one.
    fn more(&mut self) -> io::Result<bool> {
        let end = self.start + self.buffer.len() as u64;
        let left = usize::try_from(self.limit.saturating_sub(end)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(false);
        }
        self.buffer.drain(..self.at);
        self.start += self.at as u64;
        self.at = 0;
        // To the end of the content, not of the limit: the next entry is near.
        let rest = usize::try_from(self.size.saturating_sub(end)).unwrap_or(usize::MAX);
        let before = self.buffer.len();
        self.buffer.resize(before + rest.min(PIECE), 0);
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
