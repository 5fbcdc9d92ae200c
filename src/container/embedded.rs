//! Archives behind programs and scripts that unpack themselves. (A zip is known by its end, if that is there.)

use std::io::{self, Cursor, Read};
use std::sync::LazyLock;

use aho_corasick::packed;
use flate2::{Crc, Decompress, FlushDecompress};
use memchr::memchr2;
use memchr::memmem::Finder;

use super::format::{Format, ZIP_END, is_bzip2};
use super::window::{Shared, Window};
use super::{HEAD, ReadSeek, zip};

/// What begins an archive, and whether it does.
type Kind = (&'static [u8], fn(&[u8]) -> bool);

/// What archives begin with that stand behind programs, with what tells them from what merely looks so: a program
/// that reads them holds the first bytes itself.
const KINDS: &[Kind] = &[
    (b"7z\xbc\xaf\x27\x1c", is_seven_zip),
    (b"\x1f\x8b\x08", is_gzip),
    (b"\xfd7zXZ\x00", is_xz),
    (b"Rar!\x1a\x07", is_rar),
    (b"BZh", is_bzip2),
    (b"\x28\xb5\x2f\xfd", is_zstd),
    (b"PK\x03\x04", zip::is_entry),
];

/// Finds what begins archives, by its number in [`KINDS`], and after these what ends zips.
static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let marks: Vec<&[u8]> = KINDS.iter().map(|(magic, _)| *magic).chain([ZIP_END]).collect();
    match packed::Searcher::new(&marks) {
        Some(searcher) => Marks::Packed(searcher),
        None => Marks::Each(marks.into_iter().map(Finder::new).collect()),
    }
});

/// A search for all marks at once, or where vectors are too short for that one after the other.
enum Marks {
    Packed(packed::Searcher),
    Each(Vec<Finder<'static>>),
}

impl Marks {
    /// Calls `mark` with the number and the place of each in `bytes`.
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
}

/// The most bytes of a mark.
pub const LONGEST_MARK: usize = 6;

/// Bytes of an archive that are looked at.
const LOOK: usize = 4096;

/// Bytes that must come out of what is compressed.
const TASTE: usize = 256;

/// Bytes read at a time.
const STEP: u64 = 1 << 16;

/// Whether `head` begins a program or script, which may hold an archive behind itself.
pub fn is_program(head: &[u8]) -> bool {
    [&b"MZ"[..], b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"Cr24"]
        .iter()
        .any(|magic| head.starts_with(magic))
}

/// Whether there may be something packed in `bytes`, which is quickly told of text: nothing of the kind is without
/// these bytes for long, and the end of a zip begins with the first.
pub fn may_be_packed(bytes: &[u8]) -> bool {
    memchr2(0x05, 0x1f, bytes).is_some()
}

/// Calls `mark` with where in `bytes` an archive may begin behind a program, or a zip end.
pub fn marks(bytes: &[u8], mut mark: impl FnMut(usize)) {
    MARKS.find(bytes, |_, at| mark(at));
}

/// Where in `bytes` the first such archive begins, if one does.
pub fn archive_in(bytes: &[u8]) -> Option<usize> {
    let mut first = None;
    if may_be_packed(bytes) {
        MARKS.find(bytes, |number, at| {
            let is_earlier = first.is_none_or(|first| at < first);
            let is_archive = |(_, is_one): &Kind| is_one(&bytes[at..bytes.len().min(at + LOOK)]);
            if is_earlier && KINDS.get(number).is_some_and(is_archive) {
                first = Some(at);
            }
        });
    }
    first
}

/// The same for what is a program from its first byte on.
///
/// # Errors
/// Those of `input`.
pub fn archive_behind(input: &mut dyn ReadSeek) -> io::Result<Option<u64>> {
    let shared = Shared::new(input)?;
    let mut window = shared.window();
    if !is_program(window.peek(HEAD)?) {
        return Ok(None);
    }
    archive_from(&mut window, 0, shared.size)
}

/// Where between two places the first archive begins.
///
/// # Errors
/// Those of the content.
pub(super) fn archive_from(window: &mut Window<'_>, mut place: u64, end: u64) -> io::Result<Option<u64>> {
    while place < end {
        window.go(place, end);
        let piece = window.peek(STEP as usize + LOOK)?;
        if let Some(at) = archive_in(piece) {
            return Ok(Some(place + at as u64));
        }
        place += STEP;
    }
    Ok(None)
}

/// What an archive is called that has no name of its own.
pub(super) fn name(head: &[u8], place: u64) -> Vec<u8> {
    let kind = Format::of(head).map_or("archive", Format::name);
    format!("{kind} at byte {place}").into_bytes()
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

/// Of the old kind, a main header of 13 bytes; of the new kind, one with its checksum.
fn is_rar(head: &[u8]) -> bool {
    match head.get(6) {
        Some(0) => head.get(9) == Some(&0x73) && head.get(12..14) == Some(&[13, 0]),
        Some(1) => head.get(12).is_some_and(|&size| is_sum(head, 8, head.get(12..13 + usize::from(size)))),
        _ => false,
    }
}

/// Without flags that mean nothing, and with something in it.
fn is_gzip(head: &[u8]) -> bool {
    if head.get(3).is_none_or(|flags| flags & 0xe0 != 0) {
        return false;
    }
    let mut plain = Vec::new();
    let _ = flate2::bufread::GzDecoder::new(Cursor::new(head)).take(TASTE as u64).read_to_end(&mut plain);
    plain.len() == TASTE
}

/// Whether a zlib stream begins so, with more than a few bytes in it.
pub(super) fn is_zlib(head: &[u8]) -> bool {
    let [0x78, second, ..] = head else { return false };
    // Without a dictionary that only the reader knows.
    if !u16::from_be_bytes([0x78, *second]).is_multiple_of(31) || second & 0x20 != 0 {
        return false;
    }
    let mut plain = [0; TASTE];
    let mut state = Decompress::new(true);
    let outcome = state.decompress(head, &mut plain, FlushDecompress::None);
    outcome.is_ok() && state.total_out() >= 16
}

fn is_zstd(head: &[u8]) -> bool {
    let mut plain = Vec::new();
    let decoder = zstd::Decoder::with_buffer(Cursor::new(head));
    let _ = decoder.map(|decoder| decoder.take(TASTE as u64).read_to_end(&mut plain));
    // A block may be longer than what is looked at, of which nothing comes out.
    plain.len() == TASTE || (plain.is_empty() && head.len() == LOOK && is_zstd_header(head))
}

/// A frame header without reserved bits, and a first block that is compressed and not larger than may be.
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
