//! Signatures of archives within other data: programs, scripts, images. Each is verified, because a program that reads
//! archives contains the signatures itself.

use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed;
use flate2::{Crc, Decompress, FlushDecompress};
use memchr::memchr2;
use memchr::memmem::Finder;

use super::format::{Format, HEAD_LEN, ZIP_END, ZIP_END_SIZE, is_bzip2, is_program, is_zip_end};
use super::seek_window::Shared;
use super::{ReadSeek, png, zip};

/// The signature of an archive, a function that verifies it, and the format.
type ArchiveSignature = (&'static [u8], fn(&[u8]) -> bool, Format);

/// Signatures of archives in programs.
const SIGNATURES: &[ArchiveSignature] = &[
    (b"7z\xbc\xaf\x27\x1c", is_seven_zip, Format::SevenZip),
    (b"\x1f\x8b\x08", is_gzip, Format::Gzip),
    (b"\xfd7zXZ\x00", is_xz, Format::Xz),
    (b"Rar!\x1a\x07", is_rar, Format::Unsupported("RAR")),
    (b"BZh", is_bzip2, Format::Bzip2),
    (b"\x28\xb5\x2f\xfd", is_zstd, Format::Zstd),
    (b"PK\x03\x04", zip::is_entry, Format::Zip),
];

/// Finds signatures by their index: first those of [`SIGNATURES`], then the end record of zips, then the compressed
/// texts of images.
static SIGNATURE_SEARCH: LazyLock<SignatureSearch> = LazyLock::new(|| {
    let marks: Vec<&[u8]> =
        SIGNATURES.iter().map(|(magic, ..)| *magic).chain([ZIP_END]).chain(png::COMPRESSED_TEXTS).collect();
    SignatureSearch::new(&marks)
});

/// Searches for all signatures at once or, without suitable SIMD instructions, one after the other.
pub(super) enum SignatureSearch {
    Packed(packed::Searcher),
    Each(Vec<Finder<'static>>),
}

impl SignatureSearch {
    pub(super) fn new(marks: &[&'static [u8]]) -> Self {
        match packed::Searcher::new(marks) {
            Some(searcher) => Self::Packed(searcher),
            None => Self::Each(marks.iter().map(|mark| Finder::new(*mark)).collect()),
        }
    }

    /// Calls `mark` with the index and position of each signature in `bytes`.
    fn find(&self, bytes: &[u8], mut mark: impl FnMut(usize, usize)) {
        match self {
            Self::Packed(searcher) => {
                searcher.find_iter(bytes).for_each(|found| mark(found.pattern().as_usize(), found.start()))
            }
            Self::Each(finders) => finders.iter().enumerate().for_each(|(number, finder)| {
                finder.find_iter(bytes).for_each(|at| mark(number, at));
            }),
        }
    }

    /// The index and position of the first signature for which `is_one` holds.
    pub(super) fn first(
        &self,
        bytes: &[u8],
        is_one: impl Fn(usize, usize) -> bool,
    ) -> Option<(usize, usize)> {
        match self {
            Self::Packed(searcher) => searcher
                .find_iter(bytes)
                .map(|found| (found.pattern().as_usize(), found.start()))
                .find(|(number, at)| is_one(*number, *at)),
            Self::Each(finders) => {
                let each = finders.iter().enumerate();
                each.filter_map(|(number, finder)| {
                    finder.find_iter(bytes).find(|at| is_one(number, *at)).map(|at| (number, at))
                })
                .min_by_key(|(_, at)| *at)
            }
        }
    }
}

/// Length of the longest signature.
pub const MAX_SIGNATURE_LEN: usize = 6;

/// Bytes that are enough to verify an archive; a shorter one must be complete.
pub(super) const PROBE_LEN: usize = 4096;

/// Minimum decompressed bytes of compressed data, unless it is complete with fewer.
const MIN_DECOMPRESSED: usize = 256;

/// Minimum decompressed bytes of data that is complete or truncated before [`MIN_DECOMPRESSED`]. No key is as short.
const MIN_DECOMPRESSED_OF_SHORT: usize = 16;

/// Bytes per read.
pub(super) const READ_LEN: usize = 1 << 16;

/// Quick test whether `bytes` may contain packed data, which text rarely does: gzip begins with one of these
/// bytes, and the headers of all other formats contain the other, unless they are very large.
pub fn may_be_packed(bytes: &[u8]) -> bool {
    memchr2(0, 0x1f, bytes).is_some()
}

/// Calls `mark` with the positions in `bytes` where an archive in a program, a zip end record or an image's
/// text may begin.
pub fn marks(bytes: &[u8], mut mark: impl FnMut(usize)) {
    SIGNATURE_SEARCH.find(bytes, |_, at| mark(at));
}

/// Calls `mark` like [`marks`], and `container` with the range of each signature in `bytes` that shows that the
/// content they are part of may have to be opened: zip end records, the first archive, and images' texts.
pub fn containers_in(bytes: &[u8], mark: &mut dyn FnMut(usize), container: &mut dyn FnMut(Range<usize>)) {
    let mut is_archive_known = false;
    SIGNATURE_SEARCH.find(bytes, |number, at| {
        mark(at);
        let shown = match SIGNATURES.get(number) {
            Some((_, is_one, _))
                if !is_archive_known && is_one(&bytes[at..bytes.len().min(at + PROBE_LEN)]) =>
            {
                is_archive_known = true;
                1
            }
            Some(_) => return,
            None if number > SIGNATURES.len() => match png::text_start(&bytes[at..]) {
                Some(shown) => shown,
                None => return,
            },
            // A comment longer than `bytes` may follow the end record; this is checked later.
            None if is_zip_end(&bytes[at..]) => ZIP_END_SIZE,
            None => return,
        };
        container(at..at + shown);
    });
}

/// The position of the first such archive in `bytes`.
pub(super) fn archive_in(bytes: &[u8]) -> Option<usize> {
    may_be_packed(bytes).then(|| first_in(bytes, bytes.len()))?.map(|(_, at)| at)
}

/// Whether `head`, all or many bytes of a possible archive, begins one.
pub(super) fn begins(head: &[u8]) -> bool {
    first_in(head, 1).is_some_and(|(_, at)| at == 0)
}

/// The format and position of the first archive in `bytes` that begins before `end`.
pub(super) fn first_in(bytes: &[u8], end: usize) -> Option<(Format, usize)> {
    let is_archive = |number: usize, at: usize| {
        let kind = SIGNATURES.get(number).filter(|_| at < end);
        kind.is_some_and(|(_, is_one, _)| is_one(&bytes[at..bytes.len().min(at + PROBE_LEN)]))
    };
    let (number, at) = SIGNATURE_SEARCH.first(bytes, is_archive)?;
    Some((SIGNATURES.get(number)?.2, at))
}

/// The position of the first archive in `input`, if it begins as a program.
///
/// # Errors
/// Those of `input`.
pub(super) fn archive_behind(input: &mut dyn ReadSeek) -> io::Result<Option<u64>> {
    let shared = Shared::new(input)?;
    let mut window = shared.window();
    if !is_program(window.peek(HEAD_LEN)?) {
        return Ok(None);
    }
    let mut place = 0;
    while place < shared.size {
        window.go(place, shared.size);
        if let Some(at) = archive_in(window.peek(READ_LEN + PROBE_LEN)?) {
            return Ok(Some(place + at as u64));
        }
        place += READ_LEN as u64;
    }
    Ok(None)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Whether the number at `at` is the checksum of `bytes`.
fn is_sum(head: &[u8], at: usize, bytes: Option<&[u8]>) -> bool {
    let noted = head.get(at..).and_then(<[u8]>::first_chunk).map(|four| u32::from_le_bytes(*four));
    bytes.is_some_and(|bytes| noted == Some(checksum(bytes)))
}

fn is_seven_zip(head: &[u8]) -> bool {
    is_sum(head, 8, head.get(12..32))
}

fn is_xz(head: &[u8]) -> bool {
    is_sum(head, 8, head.get(6..8))
}

/// RAR 4: a main header of 13 bytes; RAR 5: a header with its checksum.
fn is_rar(head: &[u8]) -> bool {
    match head.get(6) {
        Some(0) => head.get(9) == Some(&0x73) && head.get(12..14) == Some(&[13, 0]),
        Some(1) => head.get(12).is_some_and(|&size| is_sum(head, 8, head.get(12..13 + usize::from(size)))),
        _ => false,
    }
}

/// Whether `head` is compressed data, which `content` decompresses: a minimum number of bytes can be
/// decompressed, or all of it, or everything up to a truncation.
fn is_compressed(head: &[u8], content: impl Read) -> bool {
    let mut plain = Vec::new();
    match content.take(MIN_DECOMPRESSED as u64).read_to_end(&mut plain) {
        Ok(MIN_DECOMPRESSED_OF_SHORT..) => true,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            head.len() < PROBE_LEN && plain.len() >= MIN_DECOMPRESSED_OF_SHORT
        }
        _ => plain.len() == MIN_DECOMPRESSED,
    }
}

/// Without undefined flags, and with content.
fn is_gzip(head: &[u8]) -> bool {
    head.get(3).is_some_and(|flags| flags & 0xe0 == 0)
        && is_compressed(head, flate2::bufread::GzDecoder::new(Cursor::new(head)))
}

/// Whether a zlib stream with more than a few bytes begins here.
pub(super) fn is_zlib(head: &[u8]) -> bool {
    let [0x78, second, ..] = head else { return false };
    // Without a preset dictionary, which only the reader would know.
    if !u16::from_be_bytes([0x78, *second]).is_multiple_of(31) || second & 0x20 != 0 {
        return false;
    }
    let mut plain = [0; MIN_DECOMPRESSED];
    let mut state = Decompress::new(true);
    let outcome = state.decompress(head, &mut plain, FlushDecompress::None);
    outcome.is_ok() && state.total_out() >= 16
}

fn is_zstd(head: &[u8]) -> bool {
    let decoder = zstd::Decoder::with_buffer(Cursor::new(head)).map(zstd::Decoder::single_frame);
    // A block may be longer than the examined data, which then yields nothing.
    decoder.is_ok_and(|decoder| is_compressed(head, decoder))
        || (head.len() == PROBE_LEN && is_zstd_header(head))
}

/// A frame header without reserved bits, followed by a compressed block of valid size.
fn is_zstd_header(head: &[u8]) -> bool {
    let flags = head[4];
    let window = usize::from(flags & 0x20 == 0);
    let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
    let size = match flags >> 6 {
        0 => usize::from(flags & 0x20 != 0),
        shift => 1 << shift,
    };
    let at = 5 + window + dictionary + size;
    let Some([a, b, c]) = head.get(at..).and_then(<[u8]>::first_chunk) else { return false };
    let block = u32::from_le_bytes([*a, *b, *c, 0]);
    flags & 0x08 == 0 && block >> 1 & 3 == 2 && (64..=128 << 10).contains(&(block >> 3))
}
