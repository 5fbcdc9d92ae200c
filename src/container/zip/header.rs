//! Parses the structures of a zip: the local header before the data of an entry, its record in the directory, and the end
//! records.

use std::io;

use crate::container::seek_window::Window;

/// Signature before the data of an entry.
pub(super) const HEADER_SIGNATURE: &[u8] = b"PK\x03\x04";
/// Signature of a directory record.
pub(super) const RECORD_SIGNATURE: &[u8] = b"PK\x01\x02";
/// Signature of the end record of the directory.
pub(super) const END_SIGNATURE: &[u8] = b"PK\x05\x06";
/// Signature after the data of an entry whose size was not known in advance.
pub(super) const DESCRIPTOR_SIGNATURE: &[u8] = b"PK\x07\x08";

const MIN_HEADER_LEN: usize = 30;
const MIN_RECORD_LEN: usize = 46;

/// Length of an end record without its comment, in bytes.
pub(super) const END_RECORD_LEN: usize = 22;
/// Length of a zip64 end record without its extensible data, in bytes.
pub(super) const ZIP64_END_RECORD_LEN: usize = 56;

/// Names are truncated to this many bytes.
const MAX_NAME_LEN: usize = 4096;

/// Fields of a local header or directory record. None of them is trusted.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Bytes of the compressed data.
    pub(super) compressed_size: u64,
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
    pub(super) fn read_header(window: &mut Window<'_>) -> io::Result<Option<Self>> {
        let bytes = window.peek(MIN_HEADER_LEN)?;
        if !bytes.starts_with(HEADER_SIGNATURE) || bytes.len() < MIN_HEADER_LEN {
            return Ok(None);
        }
        let lengths = [usize::from(u16_at(bytes, 26)), usize::from(u16_at(bytes, 28))];
        let header = Self {
            flags: u16_at(bytes, 6),
            method: u16_at(bytes, 8),
            crc: u32_at(bytes, 14),
            compressed_size: u32_at(bytes, 18).into(),
            size: u32_at(bytes, 22).into(),
            ..Self::default()
        };
        header.with_name(window, MIN_HEADER_LEN, lengths).map(Some)
    }

    /// The directory record at `window`'s position; `None` if there is none.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn read_record(window: &mut Window<'_>) -> io::Result<Option<Self>> {
        let bytes = window.peek(MIN_RECORD_LEN)?;
        if !bytes.starts_with(RECORD_SIGNATURE) || bytes.len() < MIN_RECORD_LEN {
            return Ok(None);
        }
        let lengths = [usize::from(u16_at(bytes, 28)), usize::from(u16_at(bytes, 30))];
        let comment_len = u64::from(u16_at(bytes, 32));
        let header = Self {
            flags: u16_at(bytes, 8),
            method: u16_at(bytes, 10),
            crc: u32_at(bytes, 16),
            compressed_size: u32_at(bytes, 20).into(),
            size: u32_at(bytes, 24).into(),
            offset: u32_at(bytes, 42).into(),
            ..Self::default()
        };
        let mut header = header.with_name(window, MIN_RECORD_LEN, lengths)?;
        header.length += comment_len;
        Ok(Some(header))
    }

    /// Adds the name, and the sizes that do not fit into the fixed part of the header. `lengths` are those of the name and
    /// the extra fields.
    fn with_name(
        mut self,
        window: &mut Window<'_>,
        fixed_len: usize,
        lengths: [usize; 2],
    ) -> io::Result<Self> {
        let [name_len, extra_len] = lengths;
        let is_zip64 = [self.size, self.compressed_size, self.offset].contains(&u32::MAX.into());
        let bytes = window.peek(fixed_len + name_len + if is_zip64 { extra_len } else { 0 })?;
        let name_bytes = bytes.get(fixed_len..).unwrap_or_default();
        self.name = name_bytes[..name_len.min(name_bytes.len()).min(MAX_NAME_LEN)].to_vec();
        self.length = (fixed_len + name_len + extra_len) as u64;
        if is_zip64 {
            let extra = bytes.get(fixed_len + name_len..).unwrap_or_default();
            self.apply_zip64_sizes(&extra[..extra_len.min(extra.len())]);
        }
        Ok(self)
    }

    /// Replaces sizes whose bits are all ones by the 64-bit sizes in the extra fields.
    fn apply_zip64_sizes(&mut self, mut extra: &[u8]) {
        while extra.len() >= 4 {
            let (kind, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
            let mut field = extra[4..].get(..length).unwrap_or(&extra[4..]);
            extra = extra[4..].get(length..).unwrap_or_default();
            if kind != 1 {
                continue;
            }
            for size in [&mut self.size, &mut self.compressed_size, &mut self.offset] {
                if *size == u64::from(u32::MAX)
                    && let Some((large, rest)) = field.split_first_chunk()
                {
                    (*size, field) = (u64::from_le_bytes(*large), rest);
                }
            }
        }
    }

    /// Whether the data of the entry is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        // Method 99 is AES.
        self.flags & 0x41 != 0 || self.method == 99
    }

    /// Whether the sizes and the checksum may follow the data, in a descriptor.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Whether the entry is a directory, which has no data. Only for directory records: a local header may omit the sizes.
    /// Empty deflated data has two bytes.
    pub(super) fn is_dir(&self) -> bool {
        self.compressed_size <= 2 && self.size == 0 && self.name.ends_with(b"/")
    }

    /// Whether the fields are plausible. Where the signature occurs by chance, they are not.
    pub(super) fn is_plausible(&self) -> bool {
        let is_known_method = matches!(self.method, 0..=20 | 93..=99);
        is_known_method && self.flags & 0xc000 == 0 && !self.name.is_empty() && !self.name.contains(&0)
    }
}

/// An end record of the directory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EndRecord {
    /// Number of this part of a multi-part archive.
    pub(super) disk: u32,
    /// Number of entries.
    pub(super) count: u64,
    /// Bytes of the directory.
    pub(super) size: u64,
    /// Declared offset of the directory.
    pub(super) offset: u64,
    /// Actual offset of this record.
    pub(super) position: u64,
}

impl EndRecord {
    /// The record at the beginning of `bytes`, whose offset is `position`.
    pub(super) fn parse(bytes: &[u8], position: u64) -> Option<Self> {
        let bytes = bytes.get(..END_RECORD_LEN).filter(|bytes| bytes.starts_with(END_SIGNATURE))?;
        Some(Self {
            disk: u16_at(bytes, 4).max(u16_at(bytes, 6)).into(),
            count: u16_at(bytes, 10).into(),
            size: u32_at(bytes, 12).into(),
            offset: u32_at(bytes, 16).into(),
            position,
        })
    }

    /// Whether some fields are in a zip64 record.
    pub(super) fn is_zip64(&self) -> bool {
        let (max_u16, max_u32) = (u64::from(u16::MAX), u64::from(u32::MAX));
        u64::from(self.disk) == max_u16
            || self.count == max_u16
            || self.size == max_u32
            || self.offset == max_u32
    }

    /// The zip64 record at the beginning of `bytes`, whose offset is `position`.
    pub(super) fn parse_zip64(bytes: &[u8], position: u64) -> Option<Self> {
        let bytes = bytes.get(..ZIP64_END_RECORD_LEN).filter(|bytes| bytes.starts_with(b"PK\x06\x06"))?;
        Some(Self {
            disk: u32_at(bytes, 16).max(u32_at(bytes, 20)),
            count: u64_at(bytes, 32),
            size: u64_at(bytes, 40),
            offset: u64_at(bytes, 48),
            position,
        })
    }
}

/// The two-byte number at `offset`; 0 past the end.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// The four-byte number at `offset`; 0 past the end.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// The eight-byte number at `offset`; 0 past the end.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
