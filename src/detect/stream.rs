//! Searching a stream of any length in bounded memory, as if it were all there at once.

use std::io::{self, Read};

use super::{Detector, Match};
use crate::model::{Position, Span};

/// Bytes searched at a time. Larger than nearly every source file, small enough for the cache of a
/// core and for many threads.
const CHUNK: usize = 1 << 20;

/// A buffer for searching streams; one a thread, used again and again.
#[derive(Debug, Default)]
pub struct Stream {
    buffer: Vec<u8>,
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
        let margin = detector.margin();
        // A match that begins nearer to the end than this may go on, or be judged by what follows.
        let undecided = detector.longest() + margin;
        self.buffer.resize(size + undecided + margin, 0);
        let mut filled = 0;
        let mut start = Position::START;
        let mut decided = 0;
        loop {
            let at_end = fill(content, &mut self.buffer, &mut filled)?;
            let bytes = &self.buffer[..filled];
            let until = if at_end { filled } else { filled - undecided };
            let mut cursor = (0, start);
            detector.find(bytes, |matched| {
                if !(decided..until).contains(&matched.span.start) {
                    return;
                }
                let first = cursor.1.advanced(&bytes[cursor.0..matched.span.start]);
                let last = first.advanced(&bytes[matched.span.clone()]);
                cursor = (matched.span.end, last);
                found(
                    Chunk { bytes, start },
                    StreamMatch { matched, span: Span { start: first, end: last } },
                );
            });
            if at_end {
                return Ok(start.offset + filled as u64);
            }
            // What was decided stays in sight, as the margin of what follows.
            let drop = until.saturating_sub(margin);
            start = start.advanced(&bytes[..drop]);
            self.buffer.copy_within(drop..filled, 0);
            filled -= drop;
            decided = until - drop;
        }
    }
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
