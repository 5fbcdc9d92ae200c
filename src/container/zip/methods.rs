//! Decompresses and verifies the data of zip entries.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::{Crc, Decompress};
use lzma_rust2::{LzmaReader, XzReader};

use super::header::{Header, u16_at, u32_at};
use crate::container::inflate::{Inflate64, InflateStream};
use crate::container::limits::{Budget, size_text};
use crate::container::readers::{SmallReads, pad_with_zeros};
use crate::container::seek_window::Window;

/// Numbers of compression methods, from PKWARE's `APPNOTE.TXT`.
pub(super) mod method {
    pub(in super::super) const STORED: u16 = 0;
    pub(in super::super) const DEFLATE: u16 = 8;
    pub(in super::super) const DEFLATE64: u16 = 9;
    pub(super) const BZIP2: u16 = 12;
    pub(super) const LZMA: u16 = 14;
    pub(super) const ZSTD: u16 = 93;
    pub(super) const XZ: u16 = 95;
}

/// Returns a reader that decompresses the entry with `header` whose data is at the position of `window`, and the number of
/// bytes of memory that it may use.
///
/// # Errors
/// If the method is not supported, needs too much memory or has an invalid header.
pub(super) fn decoder<'a>(
    header: &Header,
    window: &'a mut Window<'_>,
    inflater: &'a mut Decompress,
    budget: &Budget,
) -> io::Result<(Box<dyn Read + 'a>, usize)> {
    // The other half is for nested containers.
    let max_memory = budget.memory_left() / 2;
    Ok(match header.method {
        method::STORED => (Box::new(window), 0),
        method::DEFLATE => {
            inflater.reset(false);
            (Box::new(InflateStream::with_decompressor(window, inflater)), 0)
        }
        method::DEFLATE64 => (Box::new(Inflate64::new(window)), 0),
        // A block has up to 900,000 bytes, and the decoder needs four times as many.
        method::BZIP2 => (Box::new(BzDecoder::new(window)), 4 << 20),
        method::LZMA => lzma_decoder(window, max_memory)?,
        method::ZSTD => {
            // The maximum that the reference implementation uses is 2^27.
            let window_log = max_memory.max(1024).ilog2().min(27);
            let mut decoder = zstd::Decoder::with_buffer(window)?.single_frame();
            decoder.window_log_max(window_log)?;
            (Box::new(decoder), 1 << window_log)
        }
        method::XZ => {
            let max_kib = u32::try_from(max_memory >> 10).unwrap_or(u32::MAX - 1);
            (
                Box::new(SmallReads(XzReader::new_mem_limit(pad_with_zeros(window), true, max_kib))),
                max_memory as usize,
            )
        }
        number => {
            let name = match number {
                1 => " (shrink)",
                2..=5 => " (reduce)",
                6 => " (implode)",
                10 => " (implode of the DCL)",
                94 => " (MP3)",
                96 => " (JPEG)",
                97 => " (WavPack)",
                98 => " (PPMd)",
                _ => "",
            };
            let reason =
                format!("unsupported compression method {number}{name}; only its raw bytes were scanned");
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
    })
}

/// Whether data of the method with `number` has an end of its own, so that the reader returned by [`decoder`] consumes
/// exactly that data.
pub(super) fn is_self_terminating(number: u16) -> bool {
    matches!(number, method::DEFLATE | method::DEFLATE64 | method::BZIP2 | method::ZSTD)
}

/// Like [`decoder`], for LZMA, whose data begins with its properties. The declared size is not trusted: reading continues to
/// the end marker or the end of the input.
fn lzma_decoder<'a>(window: &'a mut Window<'_>, max_memory: u64) -> io::Result<(Box<dyn Read + 'a>, usize)> {
    let head = window.peek(9)?;
    if head.len() < 9 || u16_at(head, 2) != 5 {
        return Err(crate::container::inflate::damaged_data("LZMA"));
    }
    let (properties, dictionary_size) = (head[4], u32_at(head, 5));
    window.consume(9);
    let needed = u64::from(lzma_rust2::lzma_get_memory_usage_by_props(dictionary_size, properties)?) << 10;
    if needed > max_memory {
        let reason =
            format!("unpacking it requires {} of memory, not opened (`--max-memory`)", size_text(needed));
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, reason));
    }
    let mut decoder = LzmaReader::new_with_props(window, u64::MAX, properties, dictionary_size, None)?;
    decoder.set_defer_errors(true);
    Ok((Box::new(decoder), needed as usize))
}

/// What was read of an entry.
#[derive(Debug, Default)]
pub(super) struct ReadTotals {
    /// Number of decompressed bytes.
    pub(super) count: Cell<u64>,
    /// Whether reading failed, or the totals differ from those in the header.
    pub(super) has_failed: Cell<bool>,
}

/// Reads decompressed data, and compares its size and checksum with those in `header` at its end.
pub(super) struct VerifyingReader<'a, R> {
    input: R,
    header: &'a Header,
    /// Whether data beyond the declared size is accepted, because the decoder may read further than the data of the entry.
    accepts_excess: bool,
    crc: Crc,
    totals: &'a ReadTotals,
    is_reported: bool,
}

impl<'a, R: Read> VerifyingReader<'a, R> {
    pub(super) fn new(input: R, header: &'a Header, totals: &'a ReadTotals) -> Self {
        Self {
            input,
            header,
            accepts_excess: header.method == method::LZMA,
            crc: Crc::new(),
            totals,
            is_reported: false,
        }
    }

    fn verify_totals(&self) -> io::Result<()> {
        let Header { size, crc, .. } = *self.header;
        let count = self.totals.count.get();
        let reason = if count != size && !(self.accepts_excess && count > size) {
            format!("it has {count} bytes, but the archive says {size}")
        } else if crc != self.crc.sum() {
            "its checksum does not match the archive".to_owned()
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, reason))
    }
}

impl<R: Read> VerifyingReader<'_, R> {
    fn read_and_verify(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.input.read(buffer) {
            // Without an end marker, a decoder stops only at the end of its input.
            Err(error) if self.accepts_excess && error.kind() == io::ErrorKind::UnexpectedEof => {
                return self.verify_totals().map(|()| 0).map_err(|_| error);
            }
            read => read?,
        };
        // Sizes that follow the data are not known here.
        let are_totals_known = !self.header.has_descriptor() || self.header.crc != 0 || self.header.size != 0;
        if count == 0 && !buffer.is_empty() && are_totals_known && !self.is_reported {
            self.is_reported = true;
            self.verify_totals()?;
        }
        let before = self.totals.count.get();
        self.totals.count.set(before + count as u64);
        let checked_len = match self.header.size.checked_sub(before) {
            _ if !self.accepts_excess => count,
            left => count.min(usize::try_from(left.unwrap_or(0)).unwrap_or(usize::MAX)),
        };
        self.crc.update(&buffer[..checked_len]);
        Ok(count)
    }
}

impl<R: Read> Read for VerifyingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_and_verify(buffer);
        self.totals.has_failed.set(self.totals.has_failed.get() || read.is_err());
        read
    }
}
