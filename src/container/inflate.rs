//! Raw deflate data, as other formats contain it.

use std::io::{self, BufRead, Read};

use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};

/// Inflates `input` up to the end of the stream and no further. The state is borrowed, since creating one costs
/// more than a small entry.
pub(super) struct Inflate<'a, R> {
    input: R,
    state: &'a mut Decompress,
    ended: bool,
}

impl<'a, R: BufRead> Inflate<'a, R> {
    /// The state must be new or reset.
    pub(super) fn new(input: R, state: &'a mut Decompress) -> Self {
        Self { input, state, ended: false }
    }
}

impl<R: BufRead> Read for Inflate<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let input = self.input.fill_buf()?;
            let is_last = input.is_empty();
            let before = (self.state.total_in(), self.state.total_out());
            let outcome = self.state.decompress(input, buffer, FlushDecompress::None);
            self.input.consume((self.state.total_in() - before.0) as usize);
            let count = (self.state.total_out() - before.1) as usize;
            let status = match outcome {
                Ok(status) => status,
                // Data before the error counts.
                Err(_) if count != 0 => return Ok(count),
                Err(_) => return Err(damaged("deflated")),
            };
            self.ended = status == Status::StreamEnd;
            if count != 0 {
                return Ok(count);
            }
            if is_last && !self.ended {
                return Err(cut_off());
            }
        }
        Ok(0)
    }
}

/// The same for Deflate64, whose window is twice as large.
pub(super) struct Inflate64<R> {
    input: R,
    state: Box<InflaterManaged>,
}

impl<R: BufRead> Inflate64<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, state: Box::new(InflaterManaged::new()) }
    }
}

impl<R: BufRead> Read for Inflate64<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() && !self.state.finished() {
            let input = self.input.fill_buf()?;
            let is_last = input.is_empty();
            let step = self.state.inflate(input, buffer);
            self.input.consume(step.bytes_consumed);
            if step.bytes_written != 0 {
                return Ok(step.bytes_written);
            }
            if step.data_error || self.state.errored() {
                return Err(damaged("deflated"));
            }
            if is_last && !self.state.finished() {
                return Err(cut_off());
            }
        }
        Ok(0)
    }
}

/// The error for data that a decoder rejects.
pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("its {what} data is damaged"))
}

/// The error for truncated data.
pub(super) fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it is truncated")
}
