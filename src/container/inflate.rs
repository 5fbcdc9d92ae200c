//! Readers of raw deflate data, the errors for damaged and truncated data, and how zlib data begins.

use std::io::{self, BufRead, Read};

use deflate64::InflaterManaged;

pub(super) use crate::git::InflateStream;

/// Whether `bytes` begin with the two bytes of a zlib header, of any window and with or without a preset dictionary.
pub(super) fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

/// Inflates Deflate64, whose window is twice as large as that of deflate.
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
            let has_input_ended = input.is_empty();
            let progress = self.state.inflate(input, buffer);
            self.input.consume(progress.bytes_consumed);
            if progress.bytes_written != 0 {
                return Ok(progress.bytes_written);
            }
            if progress.data_error || self.state.errored() {
                return Err(damaged_data("deflated"));
            }
            if has_input_ended && !self.state.finished() {
                return Err(truncated());
            }
        }
        Ok(0)
    }
}

/// The error for data that a decoder of the compression method `method` rejects.
pub(super) fn damaged_data(method: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("its {method} data is damaged"))
}

/// The error for truncated data.
pub(super) fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it is truncated")
}
