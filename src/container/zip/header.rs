//! Records of a zip: the local header before an entry's data, the directory's record of it, and the end
//! records.

use std::io;

use crate::container::seek_window::Window;

/// Signature before the data of an entry.
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
/// Signature of a directory record.
pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";
/// Signature of the end record of the directory.
pub(super) const END: &[u8] = b"PK\x05\x06";
/// Signature after the data of an entry whose size was not known in advance.
pub(super) const DESCRIPTOR: &[u8] = b"PK\x07\x08";

const LOCAL_LENGTH: usize = 30;
const CENTRAL_LENGTH: usize = 46;

/// Names are truncated to this length.
const MAX_NAME_LEN: usize = 4096;

/// Fields of a header or directory record. None of them is trusted.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Bytes of the compressed data.
    pub(super) packed: u64,
    /// Bytes of the uncompressed data.
    pub(super) size: u64,
    /// Offset of the local header according to the directory.
    pub(super) offset: u64,
    pub(super) name: Vec<u8>,
    /// Bytes of the header or record itself, including name and extra fields.
    pub(super) length: u64,
}

impl Header {
    /// The local header at `window`'s position; `None` if there is none.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn local(window: &mut Window<'_>) -> io::Result<Option<Self>> {
        let bytes = window.peek(LOCAL_LENGTH)?;
        if !bytes.starts_with(LOCAL) || bytes.len() < LOCAL_LENGTH {
            return Ok(None);
        }
        let lengths = [usize::from(two(bytes, 26)), usize::from(two(bytes, 28))];
        let header = Self {
            flags: two(bytes, 6),
            method: two(bytes, 8),
            crc: four(bytes, 14),
            packed: four(bytes, 18).into(),
            size: four(bytes, 22).into(),
            ..Self::default()
        };
        header.named(window, LOCAL_LENGTH, lengths).map(Some)
    }

    /// The directory record at `window`'s position; `None` if there is none.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn central(window: &mut Window<'_>) -> io::Result<Option<Self>> {
        let bytes = window.peek(CENTRAL_LENGTH)?;
        if !bytes.starts_with(CENTRAL) || bytes.len() < CENTRAL_LENGTH {
            return Ok(None);
        }
        let lengths = [usize::from(two(bytes, 28)), usize::from(two(bytes, 30))];
        let comment = u64::from(two(bytes, 32));
        let header = Self {
            flags: two(bytes, 8),
            method: two(bytes, 10),
            crc: four(bytes, 16),
            packed: four(bytes, 20).into(),
            size: four(bytes, 24).into(),
            offset: four(bytes, 42).into(),
            ..Self::default()
        };
        let mut header = header.named(window, CENTRAL_LENGTH, lengths)?;
        header.length += comment;
        Ok(Some(header))
    }

    /// Adds the name, and sizes that do not fit into the header itself.
    fn named(mut self, window: &mut Window<'_>, fixed: usize, lengths: [usize; 2]) -> io::Result<Self> {
        let [name, extra] = lengths;
        let is_large = [self.size, self.packed, self.offset].contains(&u32::MAX.into());
        let bytes = window.peek(fixed + name + if is_large { extra } else { 0 })?;
        let called = bytes.get(fixed..).unwrap_or_default();
        self.name = called[..name.min(called.len()).min(MAX_NAME_LEN)].to_vec();
        self.length = (fixed + name + extra) as u64;
        if is_large {
            let field = bytes.get(fixed + name..).unwrap_or_default();
            self.enlarge(&field[..extra.min(field.len())]);
        }
        Ok(self)
    }

    /// Replaces sizes of all ones by the 64-bit sizes.
    fn enlarge(&mut self, mut extra: &[u8]) {
        while extra.len() >= 4 {
            let (kind, length) = (two(extra, 0), usize::from(two(extra, 2)));
            let mut field = extra[4..].get(..length).unwrap_or(&extra[4..]);
            extra = extra[4..].get(length..).unwrap_or_default();
            if kind != 1 {
                continue;
            }
            for size in [&mut self.size, &mut self.packed, &mut self.offset] {
                if *size == u64::from(u32::MAX)
                    && let Some((large, rest)) = field.split_first_chunk()
                {
                    (*size, field) = (u64::from_le_bytes(*large), rest);
                }
            }
        }
    }

    /// Whether its data is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        // With AES, the method is 99 as well.
        self.flags & 0x41 != 0 || self.method == 99
    }

    /// Whether its sizes follow its data.
    pub(super) fn is_open(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Whether it is a directory, which has no data, according to the zip's own directory; a local header may
    /// omit the sizes. Deflated data is never two bytes long.
    pub(super) fn is_dir(&self) -> bool {
        self.packed <= 2 && self.size == 0 && self.name.ends_with(b"/")
    }

    /// Whether bytes with the signature are plausibly a header: four bytes may match by chance.
    pub(super) fn is_likely(&self) -> bool {
        let is_known = matches!(self.method, 0..=20 | 93..=99);
        is_known && self.flags & 0xc000 == 0 && !self.name.is_empty() && !self.name.contains(&0)
    }
}

/// An end record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// Number of this part of a multi-part archive.
    pub(super) disk: u32,
    pub(super) count: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    /// Offset of this record, or of the first that belongs to it.
    pub(super) place: u64,
}

impl End {
    /// The record at the beginning of `bytes`, whose offset is `place`.
    pub(super) fn parse(bytes: &[u8], place: u64) -> Option<Self> {
        let bytes = bytes.get(..22).filter(|bytes| bytes.starts_with(END))?;
        Some(Self {
            disk: two(bytes, 4).max(two(bytes, 6)).into(),
            count: two(bytes, 10).into(),
            size: four(bytes, 12).into(),
            offset: four(bytes, 16).into(),
            place,
        })
    }

    /// Whether some fields are in a zip64 record.
    pub(super) fn is_large(&self) -> bool {
        let (two, four) = (u64::from(u16::MAX), u64::from(u32::MAX));
        u64::from(self.disk) == two || self.count == two || self.size == four || self.offset == four
    }

    /// The zip64 record at the beginning of `bytes`, whose offset is `place`.
    pub(super) fn parse_large(bytes: &[u8], place: u64) -> Option<Self> {
        let bytes = bytes.get(..56).filter(|bytes| bytes.starts_with(b"PK\x06\x06"))?;
        Some(Self {
            disk: four(bytes, 16).max(four(bytes, 20)),
            count: eight(bytes, 32),
            size: eight(bytes, 40),
            offset: eight(bytes, 48),
            place,
        })
    }
}

/// The two-byte number at `at`; 0 past the end.
pub(super) fn two(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |two| u16::from_le_bytes(*two))
}

/// The four-byte number at `at`; 0 past the end.
pub(super) fn four(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_le_bytes(*four))
}

/// The eight-byte number at `at`; 0 past the end.
pub(super) fn eight(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}
