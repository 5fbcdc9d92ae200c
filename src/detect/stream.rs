//! Searching a stream of any length in bounded memory, as if it were all there at once.

use std::io::{self, Read};

use super::utf16::ByteOrder;
use super::{Detector, Match, PassedOver};
use crate::model::{Position, Span};

/// Bytes searched at a time. Larger than nearly every source file, small enough for the cache of a
/// core and for many threads.
const CHUNK: usize = 1 << 20;

/// A buffer for searching streams; one a thread, used again and again.
#[derive(Debug, Default)]
pub struct Stream {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are in use.
    filled: usize,
    /// Where in the stream the buffer begins.
    start: Position,
    /// Matches that begin before this were already reported.
    decided: usize,
    /// Bytes of the buffer that were in use when the last stream ended.
    last: usize,
    /// Whether all of the stream that was shown is in the buffer.
    ended: bool,
    /// Keywords around which the detector did not look: of this stream, and of the one that has ended last.
    passing_over: PassedOver,
    passed_over: PassedOver,
}

/// The bytes around a match.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes at hand: the whole stream when it is short.
    pub bytes: &'a [u8],
    /// Where in the stream they begin.
    pub start: Position,
}

/// A match in a stream.
#[derive(Clone, Debug)]
pub struct StreamMatch {
    /// The match, with its place in the chunk.
    pub matched: Match,
    /// Its place in the stream.
    pub span: Span,
}

impl Stream {
    /// Reads `content` to its end and calls `found` with every match, in order, and the bytes around
    /// it. Gives the number of bytes read.
    ///
    /// # Errors
    /// Those of `content`; what was found before stays found.
    pub fn search(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        self.search_in_chunks(detector, content, CHUNK, found)
    }

    /// The same with chunks of `size` bytes, for tests.
    pub fn search_in_chunks(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        size: usize,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        self.begin(detector, size);
        let at_end = fill(content, &mut self.buffer, &mut self.filled);
        self.go_on(detector, content, at_end, &mut |_, _| true, &mut found)
    }

    /// Reads the first bytes of `content` and shows them: many, or all of a short one. It must be
    /// [`resume`](Self::resume)d with the same content, or the stream is not used on.
    ///
    /// # Errors
    /// Those of `content`.
    pub fn peek(&mut self, detector: &Detector, content: &mut dyn Read) -> io::Result<&[u8]> {
        self.begin(detector, CHUNK);
        self.ended = fill(content, &mut self.buffer, &mut self.filled)?;
        Ok(&self.buffer[..self.filled])
    }

    /// Like [`peek`](Self::peek), and whether these bytes are all there are.
    ///
    /// # Errors
    /// Those of `content`.
    pub fn peek_whole(&mut self, detector: &Detector, content: &mut dyn Read) -> io::Result<(&[u8], bool)> {
        self.peek(detector, content)?;
        Ok((&self.buffer[..self.filled], self.ended))
    }

    /// Searches the content whose first bytes were shown, as [`search`](Self::search) does. Calls `keyword` with the bytes at
    /// hand and the offset in them of each keyword, near the end of a chunk perhaps twice; if it returns false, the
    /// rest of the chunk is not searched.
    ///
    /// # Errors
    /// Those of `content`; what was found before stays found.
    pub fn resume(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        mut keyword: impl FnMut(&[u8], usize) -> bool,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        self.go_on(detector, content, Ok(self.ended), &mut keyword, &mut found)
    }

    fn go_on(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        mut at_end: io::Result<bool>,
        keyword: &mut dyn FnMut(&[u8], usize) -> bool,
        found: &mut impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        while matches!(at_end, Ok(false)) {
            self.settle(detector, false, keyword, found);
            at_end = fill(content, &mut self.buffer, &mut self.filled);
        }
        self.settle(detector, true, keyword, found);
        let length = self.close();
        at_end.map(|_| length)
    }

    /// Takes in the next bytes of a stream that comes by itself, and calls `keyword` and `found` as
    /// [`resume`](Self::resume) does, perhaps later.
    pub fn push(
        &mut self,
        detector: &Detector,
        mut bytes: &[u8],
        mut keyword: impl FnMut(&[u8], usize) -> bool,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) {
        if self.buffer.is_empty() {
            self.begin(detector, CHUNK);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.buffer.len() - self.filled));
            self.buffer[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == self.buffer.len() {
                self.settle(detector, false, &mut keyword, &mut found);
            }
        }
    }

    /// Ends the stream, and is ready for another. Gives its length in bytes.
    pub fn finish(
        &mut self,
        detector: &Detector,
        mut keyword: impl FnMut(&[u8], usize) -> bool,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> u64 {
        self.settle(detector, true, &mut keyword, &mut found);
        self.close()
    }

    /// Prepares the buffer for another stream. Returns the length of the one that ended, in bytes.
    fn close(&mut self) -> u64 {
        let length = self.start.offset + self.filled as u64;
        self.last = self.filled;
        self.passed_over = std::mem::take(&mut self.passing_over);
        (self.filled, self.start, self.decided) = (0, Position::START, 0);
        length
    }

    /// The last bytes of the stream that has just ended: many, or all of a short one.
    pub fn tail(&self) -> &[u8] {
        &self.buffer[..self.last]
    }

    /// Keywords of the stream that has just ended around which the detector did not look.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    fn begin(&mut self, detector: &Detector, size: usize) {
        self.passing_over = PassedOver::default();
        let len = size + undecided(detector) + detector.margin();
        if self.buffer.is_empty() {
            // The system provides zeroed pages when they are first used, which most of them are not.
            self.buffer = vec![0; len];
        }
        self.buffer.resize(len, 0);
        (self.filled, self.start, self.decided) = (0, Position::START, 0);
    }

    /// Reports the matches that no further byte can change, and releases their bytes.
    fn settle(
        &mut self,
        detector: &Detector,
        at_end: bool,
        keyword: &mut dyn FnMut(&[u8], usize) -> bool,
        found: &mut impl FnMut(Chunk<'_>, StreamMatch),
    ) {
        let bytes = &self.buffer[..self.filled];
        let until = if at_end { self.filled } else { self.filled - undecided(detector) };
        let (start, mut cursor) = (self.start, (0, self.start));
        let passed_over = detector.find_with_keywords(
            bytes,
            |at| keyword(bytes, at),
            |matched| {
                if !(self.decided..until).contains(&matched.span.start) {
                    return;
                }
                let first = cursor.1.advanced(&bytes[cursor.0..matched.span.start]);
                let last = first.advanced(&bytes[matched.span.clone()]);
                cursor = (matched.span.end, last);
                let mut span = Span { start: first, end: last };
                if let Some(order) = ByteOrder::of(&bytes[matched.span.clone()]) {
                    span = order.place(bytes, &matched.span, span);
                }
                found(Chunk { bytes, start }, StreamMatch { matched, span });
            },
        );
        if self.passing_over.is_empty() {
            self.passing_over = passed_over;
        }
        if !at_end {
            // What was decided stays in sight, as the margin of what follows.
            let drop = until.saturating_sub(detector.margin());
            self.start = start.advanced(&bytes[..drop]);
            self.buffer.copy_within(drop..self.filled, 0);
            self.filled -= drop;
            self.decided = until - drop;
        }
    }
}

/// A match that begins nearer to the end than this may go on, or be judged by what follows.
fn undecided(detector: &Detector) -> usize {
    detector.max_match_len() + detector.margin()
}

/// Fills the buffer; whether the content is at its end.
fn fill(content: &mut dyn Read, buffer: &mut [u8], filled: &mut usize) -> io::Result<bool> {
    while *filled < buffer.len() {
        match content.read(&mut buffer[*filled..]) {
            Ok(0) => return Ok(true),
            Ok(count) => *filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
