//! Recognizes containers by their first and last bytes, never by name.

use std::io::{self, ErrorKind, Read, SeekFrom};

use lzma_rust2::LzmaReader;

use super::format::{Format, HEAD_LEN, LZMA_PROPERTIES, TAIL_LEN, ZIP_END, is_bzip2, is_program};
use super::signatures::{find_archive, find_archive_in_program};
use super::{ReadSeek, cpio, git_pack, png, signatures, tar};

/// What kind of content some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentClass {
    /// Not a container.
    Plain,
    /// A container that is read from its start to its end.
    Streamed(Format),
    /// A container that is read with random access.
    Seekable(Format),
    /// Other data with a zip archive behind it: a self-extractor, a script, an image.
    AppendedZip,
    /// A program or script, which may contain an archive.
    Program,
}

impl ContentClass {
    /// The format, if the content is a container from its first byte.
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Streamed(format) | Self::Seekable(format) => Some(format),
            Self::Plain | Self::AppendedZip | Self::Program => None,
        }
    }
}

/// Classifies content by its first [`HEAD_LEN`] bytes and its last 65,557 bytes, or more of them, or all if it is shorter.
/// With an empty `tail`, an appended zip is not recognized.
pub fn classify(head: &[u8], tail: &[u8]) -> ContentClass {
    match Format::recognize(head) {
        Some(format) if format.is_streamed() => ContentClass::Streamed(format),
        Some(format) => ContentClass::Seekable(format),
        None if !tail.is_empty() && ends_with_zip(tail) => ContentClass::AppendedZip,
        None if is_program(head) => ContentClass::Program,
        None => ContentClass::Plain,
    }
}

/// Classifies content that is completely in memory. A program without an archive is plain.
pub fn classify_whole(bytes: &[u8]) -> ContentClass {
    match classify(bytes, bytes) {
        ContentClass::Program if find_archive(bytes).is_none() => ContentClass::Plain,
        class => class,
    }
}

/// Classifies a file that begins with `head`, and restores its position. A program without an archive is plain.
///
/// # Errors
/// If the position cannot be determined or restored. Errors of reading are ignored here: they occur again, and are
/// reported, when the content is read.
pub fn classify_file(head: &[u8], file: &mut dyn ReadSeek) -> io::Result<ContentClass> {
    let start = file.stream_position()?;
    let tail =
        if Format::recognize(head).is_none() { read_tail(file).unwrap_or_default() } else { Vec::new() };
    let class = match classify(head, &tail) {
        ContentClass::Program if !find_archive_in_program(file).is_ok_and(|offset| offset.is_some()) => {
            ContentClass::Plain
        }
        class => class,
    };
    file.seek(SeekFrom::Start(start))?;
    Ok(class)
}

fn read_tail(file: &mut dyn ReadSeek) -> io::Result<Vec<u8>> {
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_LEN as u64)))?;
    let mut tail = Vec::new();
    file.take(TAIL_LEN as u64).read_to_end(&mut tail)?;
    Ok(tail)
}

/// Whether content that ends with `tail` is a container of `format`, or other data, with a zip appended.
pub(super) fn has_appended_zip(format: Option<Format>, tail: &[u8]) -> bool {
    match format {
        Some(Format::Zip) => false,
        Some(_) => ends_with_zip_exactly(tail),
        None => ends_with_zip(tail),
    }
}

impl Format {
    /// The format of the container that begins with `head`, its first [`HEAD_LEN`] bytes or all there are.
    pub fn recognize(head: &[u8]) -> Option<Self> {
        // By the first byte, because most text begins with none of these.
        let format = match *head.first()? {
            b'P' if head.starts_with(b"PK\x03\x04") || head.starts_with(ZIP_END) => Self::Zip,
            b'P' if head.starts_with(b"PK\x07\x08PK\x03\x04") || head.starts_with(b"PK00PK\x03\x04") => {
                Self::Zip
            }
            b'P' if head.starts_with(b"PACK\0\0\0\x02") || head.starts_with(b"PACK\0\0\0\x03") => {
                Self::GitPack
            }
            b'#' if head.starts_with(b"# v2 git bundle\n") || head.starts_with(b"# v3 git bundle\n") => {
                Self::GitBundle
            }
            0x78 if git_pack::is_object(head) => Self::GitObject,
            0x78 if signatures::is_zlib(head) => Self::Zlib,
            b'7' if head.starts_with(b"7z\xbc\xaf\x27\x1c") => Self::SevenZip,
            b'%' if head.starts_with(b"%PDF-") => Self::Pdf,
            0x1f if is_gzip(head) => Self::Gzip,
            b'B' if is_bzip2(head) => Self::Bzip2,
            0xfd if head.starts_with(b"\xfd7zXZ\x00") => Self::Xz,
            b'L' if head.starts_with(b"LZIP\x01")
                && head.get(5).is_some_and(|size| matches!(size & 31, 12..=29)) =>
            {
                Self::Unsupported("lzip")
            }
            0x28 if head.starts_with(b"\x28\xb5\x2f\xfd") => Self::Zstd,
            // Skippable frames may precede the first one.
            0x50..=0x5f if head.get(1..4) == Some(b"\x2a\x4d\x18") => Self::Zstd,
            b'!' if head.starts_with(b"!<arch>\n") => Self::Ar,
            b'0' | 0xc7 | 0x71 if cpio::is_cpio(head) => Self::Cpio,
            LZMA_PROPERTIES if is_lzma(head) => Self::Lzma,
            0x02 if head.starts_with(b"\x02\x21\x4c\x18") => Self::Unsupported("LZ4"),
            b'R' if head.starts_with(b"Rar!\x1a\x07") => Self::Unsupported("RAR"),
            b'M' if head.starts_with(b"MSCF\x00\x00\x00\x00") => Self::Unsupported("cabinet"),
            0x04 if head.starts_with(b"\x04\x22\x4d\x18")
                && head.get(4).is_some_and(|flags| flags >> 6 == 1) =>
            {
                Self::Unsupported("LZ4")
            }
            0xed if head.starts_with(b"\xed\xab\xee\xdb") => Self::Unsupported("RPM"),
            b'x' if head.starts_with(b"xar!\0") => Self::Unsupported("xar"),
            b'h' if is_squashfs(head) => Self::Unsupported("squashfs"),
            b'L' if head.starts_with(b"LRZI\0") => Self::Unsupported("lrzip"),
            b'M' if head.starts_with(b"MSWIM\0\0\0") => Self::Unsupported("WIM"),
            b'Z' if head.starts_with(b"ZOO ") && head.get(20..24) == Some(b"\xdc\xa7\xc4\xfd") => {
                Self::Unsupported("zoo")
            }
            b'7' if head.starts_with(b"7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3zPQ") => {
                Self::Unsupported("zpaq")
            }
            0x89 | 0x8a if png::is_png(head) => Self::Png,
            0x89 if head.starts_with(b"\x89LZO\0\x0d\x0a\x1a\x0a") => Self::Unsupported("lzop"),
            0x60 if is_arj(head) => Self::Unsupported("ARJ"),
            _ if head.get(7..14) == Some(b"**ACE**") => Self::Unsupported("ACE"),
            _ if is_lha(head) => Self::Unsupported("LHA"),
            0x1f if is_compress(head) => Self::Unsupported("compress (.Z)"),
            _ if tar::is_tar(head) => Self::Tar,
            _ if contains_pdf_header(head) => Self::Pdf,
            0..225 if is_other_lzma(head) => Self::Lzma,
            _ => return None,
        };
        Some(format)
    }
}

/// Whether a zip archive ends in `tail`, the last 65,557 bytes of some content or all of it. The zip may follow any other
/// data: a self-extractor, a script, an image.
pub fn ends_with_zip(tail: &[u8]) -> bool {
    zip_comments(tail).any(|(comment, rest)| comment <= rest)
}

/// Whether a zip archive extends to the very end of `tail`. A container of another format may have a zip as its last entry,
/// so for such a container [`ends_with_zip`] is not enough.
fn ends_with_zip_exactly(tail: &[u8]) -> bool {
    zip_comments(tail).any(|(comment, rest)| comment == rest)
}

/// For each end record, the declared length of its comment and the actual number of bytes after it.
fn zip_comments(tail: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let tail = &tail[tail.len().saturating_sub(TAIL_LEN)..];
    // A quick test, since this runs for every file: text does not contain this byte.
    let tail = memchr::memchr(ZIP_END[2], tail).map(|_| tail);
    let ends = tail
        .into_iter()
        .flat_map(|tail| memchr::memmem::rfind_iter(tail, ZIP_END).map(move |offset| (tail, offset)));
    ends.filter_map(|(tail, offset)| {
        let rest = &tail[offset + 4..];
        let u16_at =
            |offset: usize| rest.get(offset..offset + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        // A zip without entries is not worth opening.
        u16_at(16).filter(|_| u16_at(6) != Some(0)).map(|comment| (usize::from(comment), rest.len() - 18))
    })
}

/// Whether a PDF begins in `head` after a little other data, such as HTTP headers or a blank line. A program may contain
/// the signature too, but what follows it there does not look like a PDF.
fn contains_pdf_header(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD_LEN)];
    memchr::memchr_iter(b'%', head).any(|offset| {
        let [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9', rest @ ..] = &head[offset..]
        else {
            return false;
        };
        let next = rest.trim_ascii_start();
        let is_line = matches!(rest.first(), Some(b'\r' | b'\n'));
        is_line && matches!(next.first(), Some(b'%' | b'0'..=b'9'))
    })
}

/// The third byte is the compression method; deflate (8) is the only one. Data with undefined flags is recognized too, so
/// that it is reported as damaged.
fn is_gzip(head: &[u8]) -> bool {
    matches!(head, [0x1f, 0x8b, 8, _, ..])
}

/// Whether `head` begins LZMA data with the default properties: the other fields must be plausible, and the first byte of
/// the data is always 0.
fn is_lzma(head: &[u8]) -> bool {
    head.first() == Some(&LZMA_PROPERTIES)
        && is_lzma_header(head)
        && head.get(13).is_none_or(|byte| *byte == 0)
}

/// Whether `head` begins LZMA data with other properties. They identify less, so the available data must also decompress.
fn is_other_lzma(head: &[u8]) -> bool {
    /// Maximum number of bytes to decompress, and so the maximum distance of a match.
    const MAX_DISTANCE: u64 = 1 << 16;
    const MIN_DECOMPRESSED: usize = 16;
    if !is_lzma_header(head) || head.get(13) != Some(&0) {
        return false;
    }
    let head = &head[..head.len().min(HEAD_LEN)];
    let Some(([properties, _, _, _, _, size @ ..], data)) = head.split_first_chunk::<13>() else {
        return false;
    };
    let size = u64::from_le_bytes(*size);
    let reader = LzmaReader::new_with_props(data, size, *properties, MAX_DISTANCE as u32, None);
    let Ok(mut reader) = reader else { return false };
    reader.set_defer_errors(true);
    let mut unpacked = Vec::new();
    match reader.take(MAX_DISTANCE).read_to_end(&mut unpacked) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => false,
        _ => unpacked.len() >= MIN_DECOMPRESSED,
    }
}

/// Whether the dictionary size is a common one, and the uncompressed size unknown or below 1 TiB.
fn is_lzma_header(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<13>() else { return false };
    let u32_at = |offset: usize| {
        u32::from_le_bytes([header[offset], header[offset + 1], header[offset + 2], header[offset + 3]])
    };
    let (dictionary, low, high) = (u32_at(1), u32_at(5), u32_at(9));
    let is_common_dictionary = dictionary.count_ones() == 1
        || (dictionary & (dictionary << 1)).count_ones() == 1
        || dictionary == u32::MAX;
    is_common_dictionary && dictionary >= 1 << 12 && ((low, high) == (u32::MAX, u32::MAX) || high < 1 << 8)
}

/// Whether `head` begins data of `compress`: codes of 9 to 16 bits, no undefined flags, and a literal byte as first code.
fn is_compress(head: &[u8]) -> bool {
    let [0x1f, 0x9d, flags, _, second, ..] = head else { return false };
    flags & 0x60 == 0 && matches!(flags & 0x1f, 9..=16) && second & 1 == 0
}

/// Whether `head` begins a squashfs image of an existing version.
fn is_squashfs(head: &[u8]) -> bool {
    head.starts_with(b"hsqs") && matches!(head.get(28..32), Some([1..=4, 0, 0..=3, 0]))
}

/// Whether `head` begins an ARJ archive: a main header of valid length.
fn is_arj(head: &[u8]) -> bool {
    matches!(head, [0x60, 0xea, _, 0..=0x0a, 30..=46, 1..=12, _, 0..=12, _, 0..=4, 2, ..])
}

/// Whether `head` begins an LHA archive: a method name between dashes, and a header level.
fn is_lha(head: &[u8]) -> bool {
    matches!(head, [21..=255, _, b'-', b'l', b'h' | b'z', b'0'..=b'9' | b'd' | b's', b'-', ..])
        && head.get(20).is_some_and(|level| *level <= 2)
}
