//! Decodes LZW as PDF uses it: codes of 9 to 12 bits, most significant bit first.

use std::io::{self, BufRead};

use weezl::decode::Decoder;
use weezl::{BitOrder, LzwStatus};

use super::filters::Decode;
use crate::container::inflate::{damaged_data, truncated};

/// Maximum number of bytes that are decoded at once, so that limits are checked often enough.
const MAX_AT_ONCE: usize = 4096;

/// Decodes LZW.
pub(super) struct Lzw {
    decoder: Decoder,
    chunk: Box<[u8]>,
}

impl Lzw {
    /// If `is_early`, the code length increases one code early, as in TIFF files.
    pub(super) fn new(is_early: bool) -> Self {
        let constructor = if is_early { Decoder::with_tiff_size_switch } else { Decoder::new };
        Self { decoder: constructor(BitOrder::Msb, 8), chunk: vec![0; MAX_AT_ONCE].into() }
    }
}

impl Decode for Lzw {
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let bytes = input.fill_buf()?;
        let is_at_end = bytes.is_empty();
        let progress = self.decoder.decode_bytes(bytes, &mut self.chunk);
        input.consume(progress.consumed_in);
        out.extend_from_slice(&self.chunk[..progress.consumed_out]);
        match progress.status {
            Ok(LzwStatus::Done) => Ok(false),
            Ok(_) if is_at_end && progress.consumed_out == 0 => Err(truncated()),
            Ok(_) => Ok(true),
            Err(_) => Err(damaged_data("LZW")),
        }
    }
}
