//! The formats of containers, and the signatures that several modules need.

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
    /// cpio.
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
pub const HEAD_LEN: usize = 1024 + 16;

/// The signature of a zip's end record.
pub(super) const ZIP_END: &[u8] = b"PK\x05\x06";

/// Bytes of a zip's end record without its comment.
pub(super) const ZIP_END_SIZE: usize = 22;

/// Number of last bytes that identify a zip: its end record with the longest possible comment.
pub(super) const TAIL_LEN: usize = ZIP_END_SIZE + 65_535;

impl Format {
    /// Whether content in this format is recognized by its start. Images are only worth opening for their
    /// texts, which have [signatures](super::find_signatures) of their own.
    pub fn is_known_by_start(self) -> bool {
        self != Self::Png
    }

    /// Whether containers of this format are read sequentially.
    pub(super) fn is_streamed(self) -> bool {
        !matches!(self, Self::Zip | Self::SevenZip | Self::Pdf)
    }

    /// Whether containers of this format can be opened.
    pub(super) fn is_supported(self) -> bool {
        !matches!(self, Self::Unsupported(_))
    }

    /// The name of the format in messages.
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

/// The properties byte that LZMA encoders write by default: lc=3, lp=0, pb=2.
pub(super) const LZMA_PROPERTIES: u8 = 0x5d;

/// Whether `bytes` begin with the end record of a non-empty zip on a single disk.
pub(super) fn is_zip_end(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP_END)
        && bytes.get(4..ZIP_END_SIZE).is_some_and(|rest| rest[..4] == [0; 4] && rest[6..8] != [0; 2])
}

/// Whether `head` begins a bzip2 stream. A block begins with digits of pi, the end of a stream with digits of the square
/// root of pi.
pub(super) fn is_bzip2(head: &[u8]) -> bool {
    matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..])
        || matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..])
}

/// Whether `head` begins a program or script, which may contain an archive.
pub(super) fn is_program(head: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[
        b"MZ",
        b"\x7fELF",
        b"#!",
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xca\xfe\xba\xbe",
        b"\0asm",
        b"Cr24",
    ];
    STARTS.iter().any(|magic| head.starts_with(magic))
}
