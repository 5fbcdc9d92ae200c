//! Opens compressed files: gzip, bzip2, xz, LZMA, Zstandard, zlib. Consecutive streams in one file are read as one.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{GzDecoder, ZlibDecoder};
use lzma_rust2::{LzmaReader, XzReader};

use super::HEAD_LEN;
use super::entry_sink::EntrySink;
use super::error_threshold::ErrorThreshold;
use super::format::Format;
use super::inflate::truncated;
use super::limits::error_text;
use super::readers::{MeteredReader, PeekReader};

/// Bytes of an LZMA header: properties, dictionary size, uncompressed size.
const LZMA_HEADER_LEN: usize = 13;

/// Hands over what the compressed streams at the position of `input` decompress to, and moves `input` to their end. `name`
/// is the name of the compressed file.
pub(super) fn open(
    sink: &dyn EntrySink,
    format: Format,
    input: &mut PeekReader<'_>,
    name: &[u8],
    threshold: ErrorThreshold,
) {
    let budget = sink.budget();
    // A dictionary may use half of the remaining memory; the rest is for nested contents.
    let memory_limit = usize::try_from(budget.memory_left() / 2).unwrap_or(usize::MAX);
    let first = match Member::new(format, input, memory_limit) {
        Ok(first) => first,
        // A decoder that needs too much memory fails before it has decompressed anything, so it cannot reach the threshold.
        Err(error) if threshold.is_reported(&error, 0) || error.kind() == io::ErrorKind::OutOfMemory => {
            return sink.skip(None, error_text(&error));
        }
        Err(_) => return,
    };
    let header_name = first.header_name();
    let decoder_memory =
        if matches!(format, Format::Xz | Format::Zstd | Format::Lzma) { memory_limit } else { 0 };
    let members = Members { member: Some(first), memory_limit };
    budget.while_holding(decoder_memory, || {
        sink.hand_over_decompressed(
            name,
            header_name.as_deref(),
            &mut MeteredReader { budget, input: members },
            threshold,
        );
    });
}

/// The input of a stream, which other streams may follow.
type StreamInput<'m, 'a> = &'m mut PeekReader<'a>;

/// One of several compressed streams.
enum Member<'m, 'a> {
    Gzip(Box<GzDecoder<StreamInput<'m, 'a>>>),
    Bzip2(BzDecoder<StreamInput<'m, 'a>>),
    Zlib(ZlibDecoder<StreamInput<'m, 'a>>),
    Lzma(Box<LzmaReader<StreamInput<'m, 'a>>>),
    Xz(Box<XzReader<PaddedInput<StreamInput<'m, 'a>>>>),
    Zstd(zstd::Decoder<'static, StreamInput<'m, 'a>>),
}

impl<'m, 'a> Member<'m, 'a> {
    /// A decoder for the stream at the position of `input`, which may use `memory_limit` bytes of memory.
    fn new(format: Format, input: StreamInput<'m, 'a>, memory_limit: usize) -> io::Result<Self> {
        Ok(match format {
            Format::Bzip2 => Self::Bzip2(BzDecoder::new(input)),
            Format::Zlib => Self::Zlib(ZlibDecoder::new(input)),
            Format::Lzma => Self::Lzma(Box::new(lzma_reader(input, memory_limit)?)),
            Format::Xz => {
                let max_kib = u32::try_from(memory_limit >> 9).unwrap_or(u32::MAX - 1);
                let input = PaddedInput { input, zeros_left: PADDING_LEN, is_truncated: false };
                Self::Xz(Box::new(XzReader::new_mem_limit(input, false, max_kib)))
            }
            Format::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)?.single_frame();
                // The maximum that the reference implementation uses is 2^27.
                decoder.window_log_max((memory_limit as u64 * 2).max(1024).ilog2().min(27))?;
                Self::Zstd(decoder)
            }
            _ => Self::Gzip(Box::new(GzDecoder::new(input))),
        })
    }

    /// The name in the header of the stream.
    fn header_name(&self) -> Option<Vec<u8>> {
        match self {
            Self::Gzip(member) => member.header()?.filename().map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// The stream that follows this one, if it has the same format.
    fn next(self, memory_limit: usize) -> io::Result<Option<Self>> {
        let (format, input) = match self {
            Self::Zlib(member) => (Format::Zlib, member.into_inner()),
            Self::Lzma(member) => {
                let (input, unread) = member.into_parts();
                input.unread(&unread);
                (Format::Lzma, input)
            }
            Self::Gzip(member) => (Format::Gzip, member.into_inner()),
            Self::Bzip2(member) => (Format::Bzip2, member.into_inner()),
            Self::Xz(member) => (Format::Xz, member.into_inner().input),
            Self::Zstd(member) => (Format::Zstd, member.finish()),
        };
        // Files from tapes and downloads may be padded with zeros. Each bzip2 decoder allocates megabytes, which is not worth it
        // for a stream without content.
        let mut passed = 1;
        while passed != 0 {
            let next_bytes = input.peek(HEAD_LEN)?;
            passed = match is_empty_bzip2(next_bytes) && format == Format::Bzip2 {
                true => EMPTY_BZIP2_LEN,
                false => next_bytes.iter().take_while(|byte| **byte == 0).count(),
            };
            input.consume(passed);
        }
        match Format::recognize(input.peek(HEAD_LEN)?) {
            Some(next) if next == format => Self::new(format, input, memory_limit).map(Some),
            _ => Ok(None),
        }
    }
}

/// Length of a bzip2 stream without content: its header, the mark of its end and a checksum.
const EMPTY_BZIP2_LEN: usize = 14;

fn is_empty_bzip2(head: &[u8]) -> bool {
    head.starts_with(b"BZh")
        && matches!(head.get(3), Some(b'1'..=b'9'))
        && head.get(4..EMPTY_BZIP2_LEN) == Some(b"\x17\x72\x45\x38\x50\x90\0\0\0\0")
}

/// A decoder for LZMA data that begins with a header.
fn lzma_reader<'m, 'a>(
    input: StreamInput<'m, 'a>,
    memory_limit: usize,
) -> io::Result<LzmaReader<StreamInput<'m, 'a>>> {
    let Some(head) = input.peek(LZMA_HEADER_LEN)?.first_chunk::<LZMA_HEADER_LEN>().copied() else {
        return Err(truncated());
    };
    input.consume(LZMA_HEADER_LEN);
    let [properties, a, b, c, d, size @ ..] = head;
    let (declared_dictionary, size) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(size));
    // The part of a dictionary that exceeds the content is never used.
    let mut dictionary = u64::from(declared_dictionary).min(size).max(4096);
    // Encoders that do not know the size write all ones.
    if declared_dictionary == u32::MAX {
        dictionary = dictionary.min(memory_limit as u64 / 2);
    }
    let dictionary = u32::try_from(dictionary).unwrap_or(u32::MAX);
    let needed = u64::from(lzma_rust2::lzma_get_memory_usage_by_props(dictionary, properties)?) << 10;
    if needed > memory_limit as u64 {
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, "needed memory too big"));
    }
    let mut reader = LzmaReader::new_with_props(input, size, properties, dictionary, None)?;
    reader.set_defer_errors(true);
    Ok(reader)
}

impl Read for Member<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(member) => member.read(buffer),
            Self::Bzip2(member) => member.read(buffer),
            Self::Zlib(member) => member.read(buffer),
            Self::Lzma(member) => member.read(buffer),
            Self::Xz(member) => {
                // An error discards the data before it in the same read, so reads are small.
                const MAX_READ_LEN: usize = 4096;
                let room = buffer.len().min(MAX_READ_LEN);
                member.read(&mut buffer[..room]).map_err(|error| match member.inner().is_truncated {
                    true => io::Error::new(io::ErrorKind::UnexpectedEof, "the xz stream is truncated"),
                    false => error,
                })
            }
            Self::Zstd(member) => member.read(buffer),
        }
    }
}

/// Reads consecutive streams as one.
struct Members<'m, 'a> {
    member: Option<Member<'m, 'a>>,
    memory_limit: usize,
}

impl Read for Members<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            let count = member.read(buffer)?;
            if count != 0 || buffer.is_empty() {
                self.member = Some(member);
                return Ok(count);
            }
            self.member = member.next(self.memory_limit)?;
        }
        Ok(0)
    }
}

/// Number of zeros appended to an xz file. The decoder needs a complete chunk of at most 64 KiB before it decodes any of it.
/// With the zeros, it also decodes the available part of a truncated chunk and only then reports damage. After a complete
/// file, zeros have no effect.
const PADDING_LEN: usize = (64 << 10) + 1024;

/// An xz file followed by zeros.
struct PaddedInput<R> {
    input: R,
    zeros_left: usize,
    /// Whether the zeros were needed.
    is_truncated: bool,
}

impl<R: Read> Read for PaddedInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        if count != 0 || buffer.is_empty() {
            return Ok(count);
        }
        self.is_truncated = true;
        let count = buffer.len().min(self.zeros_left);
        buffer[..count].fill(0);
        self.zeros_left -= count;
        Ok(count)
    }
}
