//! Finds archives within other data, such as programs, scripts and images, by their signatures. What follows a signature is
//! verified, because a program that reads archives contains the signatures itself.

use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed;
use flate2::{Crc, Decompress, FlushDecompress};
use memchr::memchr2;
use memchr::memmem::Finder;

use super::format::{Format, HEAD_LEN, ZIP_END, ZIP_END_SIZE, is_bzip2, is_program, is_zip_end};
use super::seek_window::SharedInput;
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

/// Searches for all signatures. Their indices: first those of [`SIGNATURES`], then the end record of zips, then
/// [`png::COMPRESSED_TEXTS`].
static SIGNATURE_SEARCH: LazyLock<SignatureSearch> = LazyLock::new(|| {
    let signatures: Vec<&[u8]> =
        SIGNATURES.iter().map(|(magic, ..)| *magic).chain([ZIP_END]).chain(png::COMPRESSED_TEXTS).collect();
    SignatureSearch::new(&signatures)
});

/// Searches for all signatures at once or, without suitable SIMD instructions, one after the other.
pub(super) enum SignatureSearch {
    Packed(packed::Searcher),
    Each(Vec<Finder<'static>>),
}

impl SignatureSearch {
    pub(super) fn new(signatures: &[&'static [u8]]) -> Self {
        match packed::Searcher::new(signatures) {
            Some(searcher) => Self::Packed(searcher),
            None => Self::Each(signatures.iter().map(|signature| Finder::new(*signature)).collect()),
        }
    }

    /// Calls `on_signature` with the index and offset of each signature in `bytes`.
    pub(super) fn find(&self, bytes: &[u8], mut on_signature: impl FnMut(usize, usize)) {
        match self {
            Self::Packed(searcher) => {
                searcher.find_iter(bytes).for_each(|hit| on_signature(hit.pattern().as_usize(), hit.start()))
            }
            Self::Each(finders) => finders.iter().enumerate().for_each(|(index, finder)| {
                finder.find_iter(bytes).for_each(|offset| on_signature(index, offset));
            }),
        }
    }

    /// The index and offset of the first signature for which `is_archive` holds.
    pub(super) fn first(
        &self,
        bytes: &[u8],
        is_archive: impl Fn(usize, usize) -> bool,
    ) -> Option<(usize, usize)> {
        match self {
            Self::Packed(searcher) => searcher
                .find_iter(bytes)
                .map(|hit| (hit.pattern().as_usize(), hit.start()))
                .find(|(index, offset)| is_archive(*index, *offset)),
            Self::Each(finders) => {
                let numbered_finders = finders.iter().enumerate();
                numbered_finders
                    .filter_map(|(index, finder)| {
                        finder
                            .find_iter(bytes)
                            .find(|offset| is_archive(index, *offset))
                            .map(|offset| (index, offset))
                    })
                    .min_by_key(|(_, offset)| *offset)
            }
        }
    }
}

/// Length of the longest signature, in bytes.
pub const MAX_SIGNATURE_LEN: usize = 6;

/// Number of bytes, from the signature on, that are examined to verify an archive.
pub(super) const PROBE_LEN: usize = 4096;

/// Minimum decompressed bytes of compressed data, unless it is complete with fewer.
const MIN_DECOMPRESSED: usize = 256;

/// Minimum decompressed bytes of data that is complete or truncated before [`MIN_DECOMPRESSED`]. Every key is longer.
const MIN_DECOMPRESSED_OF_SHORT: usize = 16;

/// Bytes per read.
pub(super) const READ_LEN: usize = 1 << 16;

/// Quick test whether `bytes` may contain an archive, which text rarely does: gzip begins with 0x1f, and the headers of all
/// other formats contain a zero, unless the archive is very large.
pub fn may_contain_archive(bytes: &[u8]) -> bool {
    memchr2(0, 0x1f, bytes).is_some()
}

/// Calls `on_signature` with each offset in `bytes` where an archive in a program, a zip end record or an image's text
/// may begin.
pub fn find_signatures(bytes: &[u8], mut on_signature: impl FnMut(usize)) {
    SIGNATURE_SEARCH.find(bytes, |_, offset| on_signature(offset));
}

/// Calls `on_signature` like [`find_signatures`], and `on_container` with the ranges of the signatures because of which the
/// content around `bytes` may have to be opened: zip end records, the first archive, and images' texts.
pub fn containers_in(
    bytes: &[u8],
    on_signature: &mut dyn FnMut(usize),
    on_container: &mut dyn FnMut(Range<usize>),
) {
    let mut is_archive_known = false;
    SIGNATURE_SEARCH.find(bytes, |index, offset| {
        on_signature(offset);
        let length = match SIGNATURES.get(index) {
            Some((_, is_archive, _))
                if !is_archive_known && is_archive(&bytes[offset..bytes.len().min(offset + PROBE_LEN)]) =>
            {
                is_archive_known = true;
                1
            }
            Some(_) => return,
            None if index > SIGNATURES.len() => match png::text_start(&bytes[offset..]) {
                Some(length) => length,
                None => return,
            },
            // A comment longer than `bytes` may follow the end record; this is checked later.
            None if is_zip_end(&bytes[offset..]) => ZIP_END_SIZE,
            None => return,
        };
        on_container(offset..offset + length);
    });
}

/// The offset of the first archive in `bytes`.
pub(super) fn find_archive(bytes: &[u8]) -> Option<usize> {
    may_contain_archive(bytes).then(|| find_first_archive(bytes, bytes.len()))?.map(|(_, offset)| offset)
}

/// Whether an archive begins with `head`: its first [`PROBE_LEN`] bytes or all there are.
pub(super) fn begins_archive(head: &[u8]) -> bool {
    find_first_archive(head, 1).is_some_and(|(_, offset)| offset == 0)
}

/// The format and offset of the first archive in `bytes` that begins before `end`.
pub(super) fn find_first_archive(bytes: &[u8], end: usize) -> Option<(Format, usize)> {
    let is_archive = |index: usize, offset: usize| {
        let signature = SIGNATURES.get(index).filter(|_| offset < end);
        signature
            .is_some_and(|(_, is_archive, _)| is_archive(&bytes[offset..bytes.len().min(offset + PROBE_LEN)]))
    };
    let (index, offset) = SIGNATURE_SEARCH.first(bytes, is_archive)?;
    Some((SIGNATURES.get(index)?.2, offset))
}

/// The offset of the first archive in `input`, if that is a program or script.
///
/// # Errors
/// Those of `input`.
pub(super) fn find_archive_in_program(input: &mut dyn ReadSeek) -> io::Result<Option<u64>> {
    let shared = SharedInput::new(input)?;
    let mut window = shared.window();
    if !is_program(window.peek(HEAD_LEN)?) {
        return Ok(None);
    }
    let mut offset = 0;
    while offset < shared.size {
        window.seek(offset, shared.size);
        if let Some(archive_offset) = find_archive(window.peek(READ_LEN + PROBE_LEN)?) {
            return Ok(Some(offset + archive_offset as u64));
        }
        offset += READ_LEN as u64;
    }
    Ok(None)
}

fn crc_32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Whether the number at byte `offset` of `head` is the CRC-32 of `bytes`.
fn is_checksum_of(head: &[u8], offset: usize, bytes: Option<&[u8]>) -> bool {
    let stored = head.get(offset..).and_then(<[u8]>::first_chunk).map(|four| u32::from_le_bytes(*four));
    bytes.is_some_and(|bytes| stored == Some(crc_32(bytes)))
}

fn is_seven_zip(head: &[u8]) -> bool {
    is_checksum_of(head, 8, head.get(12..32))
}

fn is_xz(head: &[u8]) -> bool {
    is_checksum_of(head, 8, head.get(6..8))
}

/// Whether a RAR begins with `head`. RAR 4 begins with a main header of 13 bytes, RAR 5 with a header and its checksum.
fn is_rar(head: &[u8]) -> bool {
    match head.get(6) {
        Some(0) => head.get(9) == Some(&0x73) && head.get(12..14) == Some(&[13, 0]),
        Some(1) => {
            head.get(12).is_some_and(|&size| is_checksum_of(head, 8, head.get(12..13 + usize::from(size))))
        }
        _ => false,
    }
}

/// Whether `head` is compressed data, which `content` decompresses: [`MIN_DECOMPRESSED`] bytes can be decompressed, or
/// [`MIN_DECOMPRESSED_OF_SHORT`] if the data is complete or cut off before.
fn is_compressed(head: &[u8], content: impl Read) -> bool {
    let mut decompressed = Vec::new();
    match content.take(MIN_DECOMPRESSED as u64).read_to_end(&mut decompressed) {
        Ok(MIN_DECOMPRESSED_OF_SHORT..) => true,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            head.len() < PROBE_LEN && decompressed.len() >= MIN_DECOMPRESSED_OF_SHORT
        }
        _ => decompressed.len() == MIN_DECOMPRESSED,
    }
}

/// Whether gzip data begins with `head`: no undefined flags, and it decompresses.
fn is_gzip(head: &[u8]) -> bool {
    head.get(3).is_some_and(|flags| flags & 0xe0 == 0)
        && is_compressed(head, flate2::bufread::GzDecoder::new(Cursor::new(head)))
}

/// Whether a zlib stream with at least [`MIN_DECOMPRESSED_OF_SHORT`] bytes of content begins with `head`.
pub(super) fn is_zlib(head: &[u8]) -> bool {
    let [0x78, second, ..] = head else { return false };
    // A stream with a preset dictionary cannot be decompressed without that dictionary.
    if !u16::from_be_bytes([0x78, *second]).is_multiple_of(31) || second & 0x20 != 0 {
        return false;
    }
    let mut decompressed = [0; MIN_DECOMPRESSED];
    let mut inflater = Decompress::new(true);
    let outcome = inflater.decompress(head, &mut decompressed, FlushDecompress::None);
    outcome.is_ok() && inflater.total_out() >= MIN_DECOMPRESSED_OF_SHORT as u64
}

fn is_zstd(head: &[u8]) -> bool {
    let decoder = zstd::Decoder::with_buffer(Cursor::new(head)).map(zstd::Decoder::single_frame);
    // If a block is longer than the examined data, nothing can be decompressed.
    decoder.is_ok_and(|decoder| is_compressed(head, decoder))
        || (head.len() == PROBE_LEN && is_zstd_header(head))
}

/// Whether `head` begins with a Zstandard frame header without reserved bits, and then a compressed block of valid size.
fn is_zstd_header(head: &[u8]) -> bool {
    let flags = head[4];
    let window = usize::from(flags & 0x20 == 0);
    let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
    let size = match flags >> 6 {
        0 => usize::from(flags & 0x20 != 0),
        shift => 1 << shift,
    };
    let block_offset = 5 + window + dictionary + size;
    let Some([a, b, c]) = head.get(block_offset..).and_then(<[u8]>::first_chunk) else { return false };
    let block = u32::from_le_bytes([*a, *b, *c, 0]);
    flags & 0x08 == 0 && block >> 1 & 3 == 2 && (64..=128 << 10).contains(&(block >> 3))
}
