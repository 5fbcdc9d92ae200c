//! Compression methods of zip entries.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::{Crc, Decompress};
use lzma_rust2::{LzmaReader, XzReader};

use super::header::{Header, four, two};
use crate::container::inflate::{Inflate64, InflateStream};
use crate::container::limits::{Budget, size};
use crate::container::readers::{SmallReads, zero_padded};
use crate::container::seek_window::Window;

/// Returns a reader that decompresses the data of `header` at `window`'s position, and the bytes of memory that
/// it may use.
///
/// # Errors
/// A reason, if the method is not supported.
pub(super) fn unpack<'a>(
    header: &Header,
    window: &'a mut Window<'_>,
    state: &'a mut Decompress,
    budget: &Budget,
) -> io::Result<(Box<dyn Read + 'a>, usize)> {
    // Nested contents need memory, too.
    let room = budget.room() / 2;
    Ok(match header.method {
        0 => (Box::new(window), 0),
        8 => {
            state.reset(false);
            (Box::new(InflateStream::with_decompressor(window, state)), 0)
        }
        9 => (Box::new(Inflate64::new(window)), 0),
        12 => (Box::new(BzDecoder::new(window)), 4 << 20),
        14 => lzma(window, room)?,
        93 => {
            // The maximum that the reference implementation uses is 2^27.
            let log = room.max(1024).ilog2().min(27);
            let mut decoder = zstd::Decoder::with_buffer(window)?.single_frame();
            decoder.window_log_max(log)?;
            (Box::new(decoder), 1 << log)
        }
        95 => {
            let most = u32::try_from(room >> 10).unwrap_or(u32::MAX - 1);
            (Box::new(SmallReads(XzReader::new_mem_limit(zero_padded(window), true, most))), room as usize)
        }
        method => {
            let name = match method {
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
                format!("unsupported compression method {method}{name}; only its raw bytes were scanned");
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
    })
}

/// Whether the reader returned by [`unpack`] consumes exactly the bytes of the data.
pub(super) fn ends_itself(method: u16) -> bool {
    matches!(method, 8 | 9 | 12 | 93)
}

/// The properties come first. The size is not trusted: reading continues to the end marker or the end of the
/// input.
fn lzma<'a>(window: &'a mut Window<'_>, room: u64) -> io::Result<(Box<dyn Read + 'a>, usize)> {
    let head = window.peek(9)?;
    if head.len() < 9 || two(head, 2) != 5 {
        return Err(crate::container::inflate::damaged("LZMA"));
    }
    let (properties, dictionary) = (head[4], four(head, 5));
    window.consume(9);
    let needed = u64::from(lzma_rust2::lzma_get_memory_usage_by_props(dictionary, properties)?) << 10;
    if needed > room {
        let reason = format!("unpacking it requires {} of memory, not opened (`--max-memory`)", size(needed));
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, reason));
    }
    let mut decoder = LzmaReader::new_with_props(window, u64::MAX, properties, dictionary, None)?;
    decoder.set_defer_errors(true);
    Ok((Box::new(decoder), needed as usize))
}

/// The result of reading an entry.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Bytes unpacked.
    pub(super) count: Cell<u64>,
    /// Whether a mismatch was found.
    pub(super) failed: Cell<bool>,
}

/// Compares the decompressed data with what the headers say, at its end.
pub(super) struct Checked<'a, R> {
    unpacked: R,
    header: &'a Header,
    /// Whether data beyond the stated size does not belong to the entry.
    is_open: bool,
    crc: Crc,
    tally: &'a Tally,
    is_reported: bool,
}

impl<'a, R: Read> Checked<'a, R> {
    pub(super) fn new(unpacked: R, header: &'a Header, tally: &'a Tally) -> Self {
        Self { unpacked, header, is_open: header.method == 14, crc: Crc::new(), tally, is_reported: false }
    }

    fn verdict(&self) -> io::Result<()> {
        let Header { size, crc, .. } = *self.header;
        let count = self.tally.count.get();
        let reason = if count != size && !(self.is_open && count > size) {
            format!("it has {count} bytes, but the archive says {size}")
        } else if crc != self.crc.sum() {
            "its checksum does not match the archive".to_owned()
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, reason))
    }
}

impl<R: Read> Checked<'_, R> {
    fn unpack(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.unpacked.read(buffer) {
            // Without an end marker, a decoder stops only at the end of its input.
            Err(error) if self.is_open && error.kind() == io::ErrorKind::UnexpectedEof => {
                return self.verdict().map(|()| 0).map_err(|_| error);
            }
            read => read?,
        };
        // Sizes that follow the data are not known here.
        let is_known = !self.header.is_open() || self.header.crc != 0 || self.header.size != 0;
        if count == 0 && !buffer.is_empty() && is_known && !self.is_reported {
            self.is_reported = true;
            self.verdict()?;
        }
        let before = self.tally.count.get();
        self.tally.count.set(before + count as u64);
        let counted = match self.header.size.checked_sub(before) {
            _ if !self.is_open => count,
            left => count.min(usize::try_from(left.unwrap_or(0)).unwrap_or(usize::MAX)),
        };
        self.crc.update(&buffer[..counted]);
        Ok(count)
    }
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpack(buffer);
        self.tally.failed.set(self.tally.failed.get() || read.is_err());
        read
    }
}
