//! Files that hold one compressed content: gzip, bzip2, xz, LZMA, Zstandard, zlib. Several may follow each other in
//! one file, and are one content then.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{GzDecoder, ZlibDecoder};
use lzma_rust2::{LzmaReader, XzReader};

use super::format::Format;
use super::opener::Opener;
use super::reading::{Ahead, Metered};

/// Hands over what is compressed in `input`, which is called `packed`.
pub(super) fn open(opener: &Opener<'_>, format: Format, input: &mut dyn Read, packed: &[u8]) {
    let budget = &opener.budget;
    // A dictionary may take what is left, and leaves half of it to what is within.
    let room = budget.room();
    let held = usize::try_from(room / 2).unwrap_or(usize::MAX);
    match format {
        Format::Gzip | Format::Bzip2 => {
            let input = Ahead::new(input);
            let first = Member::begin(format, input);
            let given = first.name();
            let unpacked = Members { member: Some(first) };
            opener.squeezed(packed, given.as_deref(), &mut Metered { budget, unpacked });
        }
        Format::Zlib => {
            let unpacked = ZlibDecoder::new(Ahead::new(input));
            opener.squeezed(packed, None, &mut Metered { budget, unpacked });
        }
        Format::Xz => {
            let most = u32::try_from(room >> 10).unwrap_or(u32::MAX - 1);
            let is_cut = Cell::new(false);
            let input = Padded { input: BufReader::new(input), left: PADDING, is_cut: &is_cut };
            let unpacked = Xz { reader: XzReader::new_mem_limit(input, true, most), is_cut: &is_cut };
            budget.holding(held, || opener.squeezed(packed, None, &mut Metered { budget, unpacked }));
        }
        Format::Lzma => {
            let most = u32::try_from(room >> 10).unwrap_or(u32::MAX - 1);
            match LzmaReader::new_mem_limit(BufReader::new(input), most, None) {
                Ok(unpacked) => {
                    budget.holding(held, || opener.squeezed(packed, None, &mut Metered { budget, unpacked }));
                }
                Err(error) => opener.skip(None, error.to_string()),
            }
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
                Err(error) => opener.skip(None, error.to_string()),
            }
        }
    }
}

/// One compressed stream of several.
enum Member<'a> {
    Gzip(Box<GzDecoder<Ahead<'a>>>),
    Bzip2(BzDecoder<Ahead<'a>>),
}

impl<'a> Member<'a> {
    fn begin(format: Format, input: Ahead<'a>) -> Self {
        match format {
            Format::Bzip2 => Self::Bzip2(BzDecoder::new(input)),
            _ => Self::Gzip(Box::new(GzDecoder::new(input))),
        }
    }

    /// What its header calls it.
    fn name(&self) -> Option<Vec<u8>> {
        match self {
            Self::Gzip(member) => member.header()?.filename().map(<[u8]>::to_vec),
            Self::Bzip2(_) => None,
        }
    }

    /// What follows it, if that is another one.
    fn next(self) -> io::Result<Option<Self>> {
        let (format, mut input) = match self {
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
            Some(next) if next == format => Ok(Some(Self::begin(format, input))),
            Some(next) => {
                let reason =
                    format!("a {} container follows what is compressed, and was not opened", next.name());
                Err(io::Error::new(io::ErrorKind::Unsupported, reason))
            }
            None => Ok(None),
        }
    }
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(member) => member.read(buffer),
            Self::Bzip2(member) => member.read(buffer),
        }
    }
}

/// All of them, as one. What follows the last is not looked at here.
struct Members<'a> {
    member: Option<Member<'a>>,
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            let count = member.read(buffer)?;
            if count != 0 || buffer.is_empty() {
                self.member = Some(member);
                return Ok(count);
            }
            self.member = member.next()?;
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
