//! Compressed files: gzip, bzip2, xz, LZMA, Zstandard, zlib. Consecutive streams in one file are read as one.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{GzDecoder, ZlibDecoder};
use lzma_rust2::{LzmaReader, XzReader};

use super::HEAD_LEN;
use super::entry_sink::EntrySink;
use super::format::Format;
use super::inflate::cut_off;
use super::limits::in_words;
use super::proof::CompressionProof;
use super::readers::{Metered, PeekReader};

/// Bytes of an LZMA header: properties, dictionary size, uncompressed size.
const LZMA_HEADER: usize = 13;

/// Hands over the decompressed beginning of `input`, which is called `packed`, and leaves `input` after its
/// last stream.
pub(super) fn open(
    sink: &dyn EntrySink,
    format: Format,
    input: &mut PeekReader<'_>,
    packed: &[u8],
    proof: CompressionProof,
) {
    let budget = sink.budget();
    // A dictionary may use half of the remaining memory; the rest is for nested contents.
    let room = usize::try_from(budget.room() / 2).unwrap_or(usize::MAX);
    let first = match Member::begin(format, input, room) {
        Ok(first) => first,
        // The first byte would already take more memory than is left.
        Err(error) if proof.is_enough(&error, 0) || error.kind() == io::ErrorKind::OutOfMemory => {
            return sink.skip(None, in_words(&error));
        }
        Err(_) => return,
    };
    let given = first.name();
    let held = if matches!(format, Format::Xz | Format::Zstd | Format::Lzma) { room } else { 0 };
    let unpacked = Members { member: Some(first), room };
    budget.holding(held, || {
        sink.compressed_content(packed, given.as_deref(), &mut Metered { budget, unpacked }, proof);
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
    Xz(Box<XzReader<Padded<StreamInput<'m, 'a>>>>),
    Zstd(zstd::Decoder<'static, StreamInput<'m, 'a>>),
}

impl<'m, 'a> Member<'m, 'a> {
    /// It may use `room` bytes of memory.
    fn begin(format: Format, input: StreamInput<'m, 'a>, room: usize) -> io::Result<Self> {
        Ok(match format {
            Format::Bzip2 => Self::Bzip2(BzDecoder::new(input)),
            Format::Zlib => Self::Zlib(ZlibDecoder::new(input)),
            Format::Lzma => Self::Lzma(Box::new(lzma(input, room)?)),
            Format::Xz => {
                let most = u32::try_from(room >> 9).unwrap_or(u32::MAX - 1);
                let input = Padded { input, left: PADDING, is_cut: false };
                Self::Xz(Box::new(XzReader::new_mem_limit(input, false, most)))
            }
            Format::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)?.single_frame();
                // The maximum that the reference implementation uses is 2^27.
                decoder.window_log_max((room as u64 * 2).max(1024).ilog2().min(27))?;
                Self::Zstd(decoder)
            }
            _ => Self::Gzip(Box::new(GzDecoder::new(input))),
        })
    }

    /// The name in its header.
    fn name(&self) -> Option<Vec<u8>> {
        match self {
            Self::Gzip(member) => member.header()?.filename().map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// The next stream, if it has the same format.
    fn next(self, room: usize) -> io::Result<Option<Self>> {
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
        // Tapes and downloads are padded with zeros.
        let mut zeros = 1;
        while zeros != 0 {
            let ahead = input.peek(HEAD_LEN)?;
            zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            input.consume(zeros);
        }
        match Format::of(input.peek(HEAD_LEN)?) {
            Some(next) if next == format => Self::begin(format, input, room).map(Some),
            _ => Ok(None),
        }
    }
}

/// Reads LZMA with its own header.
fn lzma<'m, 'a>(input: StreamInput<'m, 'a>, room: usize) -> io::Result<LzmaReader<StreamInput<'m, 'a>>> {
    let Some(head) = input.peek(LZMA_HEADER)?.first_chunk::<LZMA_HEADER>().copied() else {
        return Err(cut_off());
    };
    input.consume(LZMA_HEADER);
    let [properties, a, b, c, d, size @ ..] = head;
    let (said, size) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(size));
    // No more of the dictionary is used than there is content.
    let mut dictionary = u64::from(said).min(size).max(4096);
    // Encoders that do not know the size write all ones.
    if said == u32::MAX {
        dictionary = dictionary.min(room as u64 / 2);
    }
    let dictionary = u32::try_from(dictionary).unwrap_or(u32::MAX);
    let needed = u64::from(lzma_rust2::lzma_get_memory_usage_by_props(dictionary, properties)?) << 10;
    if needed > room as u64 {
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
                const LITTLE: usize = 4096;
                let room = buffer.len().min(LITTLE);
                member.read(&mut buffer[..room]).map_err(|error| match member.inner().is_cut {
                    true => io::Error::new(io::ErrorKind::UnexpectedEof, "the xz stream is truncated"),
                    false => error,
                })
            }
            Self::Zstd(member) => member.read(buffer),
        }
    }
}

/// All streams as one.
struct Members<'m, 'a> {
    member: Option<Member<'m, 'a>>,
    room: usize,
}

impl Read for Members<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            let count = member.read(buffer)?;
            if count != 0 || buffer.is_empty() {
                self.member = Some(member);
                return Ok(count);
            }
            self.member = member.next(self.room)?;
        }
        Ok(0)
    }
}

/// Zeros appended to an xz file. The reader needs a complete chunk of at most 64 KiB before it decodes any of
/// it. With the zeros, it also decodes the available part of a truncated chunk and only then reports damage.
/// After a complete file, zeros have no effect.
const PADDING: usize = (64 << 10) + 1024;

/// An xz file followed by zeros.
struct Padded<R> {
    input: R,
    left: usize,
    /// Whether the zeros were needed.
    is_cut: bool,
}

impl<R: Read> Read for Padded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        if count != 0 || buffer.is_empty() {
            return Ok(count);
        }
        self.is_cut = true;
        let zeros = buffer.len().min(self.left);
        buffer[..zeros].fill(0);
        self.left -= zeros;
        Ok(zeros)
    }
}
