//! Files that hold one compressed content: gzip, bzip2, xz, LZMA, Zstandard, zlib. Several may follow each other in
//! one file, and are one content then.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{GzDecoder, ZlibDecoder};
use lzma_rust2::{LzmaReader, XzReader};

use super::embedded::archive_in;
use super::format::Format;
use super::inflate::cut_off;
use super::limits::in_words;
use super::opener::Opener;
use super::reading::{Ahead, Metered, PIECE};

/// Bytes of the header of LZMA: properties, dictionary, size.
const LZMA_HEADER: usize = 13;

/// Hands over what is compressed in `input`, which is called `packed`.
pub(super) fn open(opener: &Opener<'_>, format: Format, input: &mut dyn Read, packed: &[u8]) {
    let budget = &opener.budget;
    // A dictionary may take what is left, and leaves half of it to what is within.
    let room = budget.room();
    let held = usize::try_from(room / 2).unwrap_or(usize::MAX);
    match format {
        Format::Gzip | Format::Bzip2 | Format::Zlib | Format::Lzma => {
            let first = match Member::begin(format, Ahead::new(input), held) {
                Ok(first) => first,
                Err(error) => return opener.skip(None, in_words(&error)),
            };
            let given = first.name();
            let unpacked = Members { member: Some(first), room: held };
            let held = if format == Format::Lzma { held } else { 0 };
            budget.holding(held, || {
                opener.squeezed(packed, given.as_deref(), &mut Metered { budget, unpacked });
            });
        }
        Format::Xz => {
            let most = u32::try_from(room >> 10).unwrap_or(u32::MAX - 1);
            let is_cut = Cell::new(false);
            let input = Padded { input: BufReader::new(input), left: PADDING, is_cut: &is_cut };
            let unpacked = Xz { reader: XzReader::new_mem_limit(input, true, most), is_cut: &is_cut };
            budget.holding(held, || opener.squeezed(packed, None, &mut Metered { budget, unpacked }));
        }
        _ => {
            // 2 to the 27th is what the reference implementation allows itself.
            let window = room.max(1024).ilog2().min(27);
            let decoder = zstd::Decoder::new(input).and_then(|mut decoder| {
                decoder.window_log_max(window)?;
                Ok(decoder)
            });
            match decoder {
                Ok(unpacked) => {
                    budget.holding(held, || opener.squeezed(packed, None, &mut Metered { budget, unpacked }));
                }
                Err(error) => opener.skip(None, in_words(&error)),
            }
        }
    }
}

/// One compressed stream of several.
enum Member<'a> {
    Gzip(Box<GzDecoder<Ahead<'a>>>),
    Bzip2(BzDecoder<Ahead<'a>>),
    Zlib(ZlibDecoder<Ahead<'a>>),
    Lzma(Box<LzmaReader<Ahead<'a>>>),
}

impl<'a> Member<'a> {
    /// It may take `room` bytes of memory.
    fn begin(format: Format, input: Ahead<'a>, room: usize) -> io::Result<Self> {
        Ok(match format {
            Format::Bzip2 => Self::Bzip2(BzDecoder::new(input)),
            Format::Zlib => Self::Zlib(ZlibDecoder::new(input)),
            Format::Lzma => Self::Lzma(Box::new(lzma(input, room)?)),
            _ => Self::Gzip(Box::new(GzDecoder::new(input))),
        })
    }

    /// What its header calls it.
    fn name(&self) -> Option<Vec<u8>> {
        match self {
            Self::Gzip(member) => member.header()?.filename().map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// What follows it, if that is another one.
    fn next(self, room: usize) -> io::Result<Option<Self>> {
        let (format, mut input) = match self {
            Self::Zlib(member) => (Format::Zlib, member.into_inner()),
            Self::Lzma(member) => {
                let (mut input, unread) = member.into_parts();
                input.unread(&unread);
                (Format::Lzma, input)
            }
            Self::Gzip(member) => (Format::Gzip, member.into_inner()),
            Self::Bzip2(member) => (Format::Bzip2, member.into_inner()),
        };
        // Tapes and downloads are filled up with zeros.
        let mut zeros = 1;
        while zeros != 0 {
            let ahead = input.peek(super::HEAD)?;
            zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            input.consume(zeros);
        }
        match Format::of(input.peek(super::HEAD)?) {
            Some(next) if next == format => Self::begin(format, input, room).map(Some),
            Some(next) => Err(follows(next.name(), input.offset)),
            // Its beginning is not known as surely as that of others.
            None if format == Format::Lzma && !input.peek(1)?.is_empty() => {
                Err(follows("nameless", input.offset))
            }
            None => {
                foreign(&mut input)?;
                Ok(None)
            }
        }
    }
}

/// Looks through what follows the last member, and is none.
fn foreign(input: &mut Ahead<'_>) -> io::Result<()> {
    loop {
        let piece = input.peek(2 * PIECE)?;
        let (length, is_last) = (piece.len(), piece.len() < 2 * PIECE);
        if let Some(at) = archive_in(piece) {
            let what = Format::of(&piece[at..]).map_or("nameless", Format::name);
            return Err(follows(what, input.offset + at as u64));
        }
        input.consume(if is_last { length } else { PIECE });
        if is_last {
            return Ok(());
        }
    }
}

fn follows(what: &str, place: u64) -> io::Error {
    let reason =
        format!("a {what} container follows what is compressed, at byte {place}, and was not opened");
    io::Error::new(io::ErrorKind::Unsupported, reason)
}

/// Reads LZMA with a header of its own.
fn lzma<'a>(mut input: Ahead<'a>, room: usize) -> io::Result<LzmaReader<Ahead<'a>>> {
    let Some(head) = input.peek(LZMA_HEADER)?.first_chunk::<LZMA_HEADER>().copied() else {
        return Err(cut_off());
    };
    input.consume(LZMA_HEADER);
    let [properties, a, b, c, d, size @ ..] = head;
    let (said, size) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(size));
    // No more of it is used than there is content.
    let mut dictionary = u64::from(said).min(size).max(4096);
    // All ones are what a packer writes that keeps no count.
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

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(member) => member.read(buffer),
            Self::Bzip2(member) => member.read(buffer),
            Self::Zlib(member) => member.read(buffer),
            Self::Lzma(member) => member.read(buffer),
        }
    }
}

/// All of them, as one.
struct Members<'a> {
    member: Option<Member<'a>>,
    room: usize,
}

impl Read for Members<'_> {
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

/// Zeros that are put behind an xz file. Its reader wants a chunk of at most 64 KiB whole before it
/// unpacks any of it: so it also unpacks what is there of a chunk that is cut off, and then finds it
/// damaged. Behind a file that is whole, zeros mean nothing.
const PADDING: usize = (64 << 10) + 1024;

/// An xz file and zeros behind it.
struct Padded<'a, R> {
    input: R,
    left: usize,
    is_cut: &'a Cell<bool>,
}

impl<R: Read> Read for Padded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        if count != 0 || buffer.is_empty() {
            return Ok(count);
        }
        self.is_cut.set(true);
        let zeros = buffer.len().min(self.left);
        buffer[..zeros].fill(0);
        self.left -= zeros;
        Ok(zeros)
    }
}

/// Tells what is cut off from what is damaged.
struct Xz<'a, R> {
    reader: R,
    is_cut: &'a Cell<bool>,
}

impl<R: Read> Read for Xz<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // With an error goes what came just before it, so that it should be little.
        const LITTLE: usize = 4096;
        let room = buffer.len().min(LITTLE);
        self.reader.read(&mut buffer[..room]).map_err(|error| match self.is_cut.get() {
            true => io::Error::new(io::ErrorKind::UnexpectedEof, "the xz stream is cut off"),
            false => error,
        })
    }
}
