//! Identifies the format of a container by its first bytes, never by its name.

use std::io::{self, ErrorKind, Read, SeekFrom};

use lzma_rust2::LzmaReader;

use super::{ReadSeek, cpio, embedded, git_pack, png, tar};

/// A container format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Zip and formats based on it: jar, apk, docx, wheel, …
    Zip,
    /// 7z.
    SevenZip,
    /// PDF and its streams.
    Pdf,
    /// Tar of any variant.
    Tar,
    /// A Unix `ar` archive: a Debian package, a static library.
    Ar,
    /// cpio with ASCII headers.
    Cpio,
    /// One or more gzip members.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Bare LZMA, as used before xz.
    Lzma,
    /// Zstandard.
    Zstd,
    /// Deflate with a header of two bytes.
    Zlib,
    /// A git pack.
    GitPack,
    /// A git bundle: a pack with the refs that point into it.
    GitBundle,
    /// A loose git object.
    GitObject,
    /// PNG and related formats: their compressed texts.
    Png,
    /// A known but unsupported format.
    Unsupported(&'static str),
}

/// Number of first bytes that identify a container.
pub const HEAD: usize = 1024 + 16;

/// Number of last bytes that identify a zip: its end record and the longest comment.
pub(super) const TAIL: usize = 22 + 65_535;

/// The end record of a zip: 22 bytes and a comment, of which only short ones are searched.
pub(super) const ZIP_END: &[u8] = b"PK\x05\x06";

impl Format {
    /// The format of the container that begins with `head`, its first [`HEAD`] bytes or all there are.
    pub fn of(head: &[u8]) -> Option<Self> {
        // Most text begins with none of these bytes.
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
            0x78 if embedded::is_zlib(head) => Self::Zlib,
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
            b'0' if cpio::begins(head) => Self::Cpio,
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
            0x89 | 0x8a if png::begins(head) => Self::Png,
            0x89 if head.starts_with(b"\x89LZO\0\x0d\x0a\x1a\x0a") => Self::Unsupported("lzop"),
            0x60 if is_arj(head) => Self::Unsupported("ARJ"),
            _ if head.get(7..14) == Some(b"**ACE**") => Self::Unsupported("ACE"),
            _ if is_lha(head) => Self::Unsupported("LHA"),
            0x1f if is_compress(head) => Self::Unsupported("compress (.Z)"),
            _ if tar::begins(head) => Self::Tar,
            _ if holds_pdf(head) => Self::Pdf,
            0..225 if is_other_lzma(head) => Self::Lzma,
            _ => return None,
        };
        Some(format)
    }

    /// Whether a content of this format is recognized by its start. Images are only worth opening for their
    /// texts, which have their own [signatures](super::marks).
    pub fn is_known_by_start(self) -> bool {
        self != Self::Png
    }

    /// Whether it is read sequentially.
    pub(super) fn is_streamed(self) -> bool {
        !matches!(self, Self::Zip | Self::SevenZip | Self::Pdf)
    }

    /// Whether it is supported.
    pub(super) fn is_supported(self) -> bool {
        !matches!(self, Self::Unsupported(_))
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::SevenZip => "7z",
            Self::Pdf => "PDF",
            Self::Tar => "tar",
            Self::Ar => "ar",
            Self::Cpio => "cpio",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Zlib => "zlib",
            Self::GitPack => "git pack",
            Self::GitBundle => "git bundle",
            Self::GitObject => "git object",
            Self::Png => "PNG",
            Self::Unsupported(name) => name,
        }
    }
}

/// Whether `tail`, the last 65,557 bytes of a content or all there are, ends a zip archive. The zip may follow
/// any other data: a self-extractor, a script, an image.
pub fn ends_zip(tail: &[u8]) -> bool {
    zip_comments(tail).any(|(comment, rest)| comment <= rest)
}

/// Whether a file ends a zip archive.
///
/// # Errors
/// Those of `file`, which is left at its end.
pub fn file_ends_zip(file: &mut dyn ReadSeek) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL as u64)))?;
    let mut tail = Vec::new();
    file.take(TAIL as u64).read_to_end(&mut tail)?;
    Ok(ends_zip(&tail))
}

/// The same for a container of another format, which may contain a zip near its own end. A zip that follows the
/// container must extend to the very end.
pub(super) fn ends_zip_exactly(tail: &[u8]) -> bool {
    zip_comments(tail).any(|(comment, rest)| comment == rest)
}

/// For each end record, the declared length of its comment and the actual number of bytes after it.
fn zip_comments(tail: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let tail = &tail[tail.len().saturating_sub(TAIL)..];
    // Text contains no such byte, and this test runs for every file.
    let tail = memchr::memchr(ZIP_END[2], tail).map(|_| tail);
    let ends =
        tail.into_iter().flat_map(|tail| memchr::memmem::rfind_iter(tail, ZIP_END).map(move |at| (tail, at)));
    ends.filter_map(|(tail, at)| {
        let rest = &tail[at + 4..];
        let two = |at: usize| rest.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        // There is at least one entry.
        two(16).filter(|_| two(6) != Some(0)).map(|comment| (usize::from(comment), rest.len() - 18))
    })
}

/// A PDF may follow a little other data, such as HTTP headers or a blank line. A program that contains the
/// signature does not continue like a PDF.
fn holds_pdf(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD)];
    memchr::memchr_iter(b'%', head).any(|at| {
        let [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9', rest @ ..] = &head[at..] else {
            return false;
        };
        let next = rest.trim_ascii_start();
        let is_line = matches!(rest.first(), Some(b'\r' | b'\n'));
        is_line && matches!(next.first(), Some(b'%' | b'0'..=b'9'))
    })
}

/// Deflate is the only method. Undefined flags make the data invalid.
fn is_gzip(head: &[u8]) -> bool {
    matches!(head, [0x1f, 0x8b, 8, _, ..])
}

/// A block begins with the digits of pi, an empty stream ends with those of its square root.
pub(super) fn is_bzip2(head: &[u8]) -> bool {
    matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..])
        || matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..])
}

/// LZMA properties in common use.
pub(super) const LZMA_PROPERTIES: u8 = 0x5d;

/// The usual properties, with plausible values in the rest of the header. The first byte of the data is always
/// 0.
fn is_lzma(head: &[u8]) -> bool {
    head.first() == Some(&LZMA_PROPERTIES)
        && is_lzma_header(head)
        && head.get(13).is_none_or(|byte| *byte == 0)
}

/// Other properties; in this case, the data must decompress, as far as it is available.
fn is_other_lzma(head: &[u8]) -> bool {
    /// Maximum number of bytes to decompress; no distance may reach further back.
    const MOST: u64 = 1 << 16;
    const LEAST: usize = 16;
    if !is_lzma_header(head) || head.get(13) != Some(&0) {
        return false;
    }
    let head = &head[..head.len().min(HEAD)];
    let Some(([properties, _, _, _, _, size @ ..], data)) = head.split_first_chunk::<13>() else {
        return false;
    };
    let size = u64::from_le_bytes(*size);
    let reader = LzmaReader::new_with_props(data, size, *properties, MOST as u32, None);
    let Ok(mut reader) = reader else { return false };
    reader.set_defer_errors(true);
    let mut unpacked = Vec::new();
    match reader.take(MOST).read_to_end(&mut unpacked) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => false,
        _ => unpacked.len() >= LEAST,
    }
}

/// A dictionary size in common use, and a size that is unknown or plausible.
fn is_lzma_header(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<13>() else { return false };
    let four = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (dictionary, low, high) = (four(1), four(5), four(9));
    let is_usual = dictionary.count_ones() == 1
        || (dictionary & (dictionary << 1)).count_ones() == 1
        || dictionary == u32::MAX;
    is_usual && dictionary >= 1 << 12 && ((low, high) == (u32::MAX, u32::MAX) || high < 1 << 8)
}

/// Codes of 9 to 16 bits, no undefined flags, and a first code that is a literal byte.
fn is_compress(head: &[u8]) -> bool {
    let [0x1f, 0x9d, flags, _, second, ..] = head else { return false };
    flags & 0x60 == 0 && matches!(flags & 0x1f, 9..=16) && second & 1 == 0
}

/// An existing version, in either byte order.
fn is_squashfs(head: &[u8]) -> bool {
    head.starts_with(b"hsqs") && matches!(head.get(28..32), Some([1..=4, 0, 0..=3, 0]))
}

/// A basic header of valid length, of an archive.
fn is_arj(head: &[u8]) -> bool {
    matches!(head, [0x60, 0xea, _, 0..=0x0a, 30..=46, 1..=12, _, 0..=12, _, 0..=4, 2, ..])
}

/// A method name between dashes, and a level.
fn is_lha(head: &[u8]) -> bool {
    matches!(head, [21..=255, _, b'-', b'l', b'h' | b'z', b'0'..=b'9' | b'd' | b's', b'-', ..])
        && head.get(20).is_some_and(|level| *level <= 2)
}

/// Bytes of a zip end record without its comment.
pub(super) const ZIP_END_SIZE: usize = 22;

/// Whether `bytes` begin with the end record of a non-empty zip on a single disk.
pub(super) fn is_zip_end(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP_END)
        && bytes.get(4..ZIP_END_SIZE).is_some_and(|rest| rest[..4] == [0; 4] && rest[6..8] != [0; 2])
}
