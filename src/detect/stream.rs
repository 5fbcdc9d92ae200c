//! Searches a stream of any length in bounded memory, with the same result as if all of it were in one buffer.

use std::io::{self, Read};

use super::utf16::ByteOrder;
use super::{Detector, EffortReserve, Match, PassedOver};
use crate::alignment::AlignedBuffer;
use crate::model::{Position, Span};

/// Number of bytes that are searched at a time: more than nearly every source file has, and few enough for the cache of a
/// core, and for a buffer for each thread.
const CHUNK_BYTES: usize = 1 << 20;

/// A buffer for searching streams, one after the other. Each thread has its own.
#[derive(Debug, Default)]
pub struct Stream {
    buffer: AlignedBuffer,
    /// Number of bytes of the buffer that are in use.
    filled: usize,
    /// The position of the buffer's first byte in the stream.
    start: Position,
    /// Offset in the buffer before which matches were already reported.
    decided_until: usize,
    /// Number of bytes of the buffer that were in use when the last stream ended.
    tail_len: usize,
    /// Whether [`peek`](Self::peek) reached the end of the stream.
    is_at_end: bool,
    reserve: EffortReserve,
    /// Keywords that the detector passed over in the current stream.
    pending_passed_over: PassedOver,
    /// The same for the stream that ended last.
    passed_over: PassedOver,
}

/// The bytes around a match.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes in the buffer: all of a short stream.
    pub bytes: &'a [u8],
    /// The position of the first of them in the stream.
    pub start: Position,
}

/// A match in a stream.
#[derive(Clone, Debug)]
pub struct StreamMatch {
    /// The match, with its span in the chunk.
    pub matched: Match,
    /// Its position in the stream.
    pub span: Span,
}

impl Stream {
    /// Reads `content` to its end, and calls `found` with every match, in order, and the bytes around it. Returns the number
    /// of bytes read.
    ///
    /// # Errors
    /// Those of `content`. `found` has been called with the matches before the error.
    pub fn search(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        self.search_in_chunks(detector, content, CHUNK_BYTES, found)
    }

    /// Like [`search`](Self::search), with chunks of `size` bytes, for tests.
    pub fn search_in_chunks(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        size: usize,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        self.begin(detector, size);
        let at_end = fill(content, &mut self.buffer, &mut self.filled);
        self.search_rest(detector, content, at_end, &mut |_, _| true, &mut found)
    }

    /// Reads and returns the first bytes of `content`: a full buffer, or all of a short one. To search them, call
    /// [`resume`](Self::resume) with the same content.
    ///
    /// # Errors
    /// Those of `content`.
    pub fn peek(&mut self, detector: &Detector, content: &mut dyn Read) -> io::Result<&[u8]> {
        self.begin(detector, CHUNK_BYTES);
        self.is_at_end = fill(content, &mut self.buffer, &mut self.filled)?;
        Ok(&self.buffer[..self.filled])
    }

    /// Like [`peek`](Self::peek). Also returns whether these are all bytes of the content.
    ///
    /// # Errors
    /// Those of `content`.
    pub fn peek_whole(&mut self, detector: &Detector, content: &mut dyn Read) -> io::Result<(&[u8], bool)> {
        self.peek(detector, content)?;
        Ok((&self.buffer[..self.filled], self.is_at_end))
    }

    /// Searches the content whose first bytes [`peek`](Self::peek) returned, as [`search`](Self::search) does. Calls `keyword`
    /// with the bytes in the buffer and the offset of each keyword in them, perhaps twice for one near the end of a chunk.
    /// If `keyword` returns false, the rest of the chunk is not searched.
    ///
    /// # Errors
    /// Those of `content`. `found` has been called with the matches before the error.
    pub fn resume(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        mut keyword: impl FnMut(&[u8], usize) -> bool,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        self.search_rest(detector, content, Ok(self.is_at_end), &mut keyword, &mut found)
    }

    /// Searches the buffer and the rest of `content`. `at_end` is the result of filling the buffer.
    fn search_rest(
        &mut self,
        detector: &Detector,
        content: &mut dyn Read,
        mut at_end: io::Result<bool>,
        keyword: &mut dyn FnMut(&[u8], usize) -> bool,
        found: &mut impl FnMut(Chunk<'_>, StreamMatch),
    ) -> io::Result<u64> {
        while matches!(at_end, Ok(false)) {
            self.search_buffer(detector, false, keyword, found);
            at_end = fill(content, &mut self.buffer, &mut self.filled);
        }
        self.search_buffer(detector, true, keyword, found);
        let length = self.close();
        at_end.map(|_| length)
    }

    /// Appends the next bytes of a stream that the caller pushes. Calls `keyword` and `found` as [`resume`](Self::resume)
    /// does, perhaps only during a later call.
    pub fn push(
        &mut self,
        detector: &Detector,
        mut bytes: &[u8],
        mut keyword: impl FnMut(&[u8], usize) -> bool,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) {
        if self.buffer.is_empty() {
            self.begin(detector, CHUNK_BYTES);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.buffer.len() - self.filled));
            self.buffer[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == self.buffer.len() {
                self.search_buffer(detector, false, &mut keyword, &mut found);
            }
        }
    }

    /// Ends a pushed stream. Returns its length in bytes.
    pub fn finish(
        &mut self,
        detector: &Detector,
        mut keyword: impl FnMut(&[u8], usize) -> bool,
        mut found: impl FnMut(Chunk<'_>, StreamMatch),
    ) -> u64 {
        self.search_buffer(detector, true, &mut keyword, &mut found);
        self.close()
    }

    /// Prepares the buffer for another stream. Returns the length of the one that ended, in bytes.
    fn close(&mut self) -> u64 {
        let length = self.start.offset + self.filled as u64;
        self.tail_len = self.filled;
        // A pushed stream may follow.
        self.reserve.begin_text();
        self.passed_over = std::mem::take(&mut self.pending_passed_over);
        (self.filled, self.start, self.decided_until) = (0, Position::START, 0);
        length
    }

    /// The last bytes of the stream that has just ended: at least the margin of the detector, or all of a short one.
    pub fn tail(&self) -> &[u8] {
        &self.buffer[..self.tail_len]
    }

    /// The steps that searches of this thread may take in addition, also those of other text than streams.
    pub fn reserve(&mut self) -> &mut EffortReserve {
        // A stream whose first bytes were examined may have been abandoned.
        self.reserve.end_text();
        &mut self.reserve
    }

    /// The keywords that the detector passed over in the stream that has just ended.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    fn begin(&mut self, detector: &Detector, size: usize) {
        self.pending_passed_over = PassedOver::default();
        self.reserve.begin_text();
        let len = size + undecided_len(detector) + detector.margin();
        if self.buffer.len() != len {
            self.buffer = AlignedBuffer::zeroed(len);
        }
        (self.filled, self.start, self.decided_until) = (0, Position::START, 0);
    }

    /// Reports the matches in the buffer that no further byte can change, and drops the bytes that are no longer needed.
    fn search_buffer(
        &mut self,
        detector: &Detector,
        at_end: bool,
        keyword: &mut dyn FnMut(&[u8], usize) -> bool,
        found: &mut impl FnMut(Chunk<'_>, StreamMatch),
    ) {
        let bytes = &self.buffer[..self.filled];
        let until = if at_end { self.filled } else { self.filled - undecided_len(detector) };
        let (start, mut cursor) = (self.start, (0, self.start));
        let passed_over = detector.find_with_keywords(
            bytes,
            &mut self.reserve,
            |at| keyword(bytes, at),
            |matched| {
                if !(self.decided_until..until).contains(&matched.span.start) {
                    return;
                }
                let first = cursor.1.after_bytes(&bytes[cursor.0..matched.span.start]);
                let last = first.after_bytes(&bytes[matched.span.clone()]);
                cursor = (matched.span.end, last);
                let mut span = Span { start: first, end: last };
                if let Some(order) = ByteOrder::detect(&bytes[matched.span.clone()]) {
                    span = order.correct_span(bytes, &matched.span, span);
                }
                found(Chunk { bytes, start }, StreamMatch { matched, span });
            },
        );
        if self.pending_passed_over.is_empty() {
            self.pending_passed_over = passed_over;
        }
        if !at_end {
            // The margin before the undecided bytes is kept, since their matches may depend on it.
            let drop = until.saturating_sub(detector.margin());
            self.start = start.after_bytes(&bytes[..drop]);
            self.buffer.copy_within(drop..self.filled, 0);
            self.filled -= drop;
            self.decided_until = until - drop;
        }
    }
}

/// Maximum distance from the start of a match to the end of the buffer, in bytes, within which further bytes may change the
/// match.
fn undecided_len(detector: &Detector) -> usize {
    detector.max_match_len() + detector.margin()
}

/// Fills the buffer. Returns whether the content is at its end.
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
