//! Opens cpio archives: with ASCII headers, as in packages and initramfs images, and with binary ones, which `cpio -o` writes by
//! default.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::readers::{drain, fill};

/// Names longer than this, in bytes, are truncated.
const MAX_NAME_LEN: usize = 1 << 16;

/// Bytes of a header with binary numbers.
const BINARY_HEADER_LEN: usize = 26;

/// Bytes of a header with octal numbers.
const OCTAL_HEADER_LEN: usize = 76;

/// Bytes of a header with hexadecimal numbers.
const HEX_HEADER_LEN: usize = 110;

/// Name of the last entry.
const LAST_NAME: &[u8] = b"TRAILER!!!";

/// Fields of a header.
struct Header {
    /// Bytes of the name, including its NUL.
    name_len: u64,
    /// Bytes of the data.
    data_len: u64,
    /// Name and data are each padded to a multiple of this many bytes.
    alignment: u64,
    /// Bytes of the header itself.
    header_len: usize,
}

/// Whether an archive begins with `head`.
pub(super) fn is_cpio(head: &[u8]) -> bool {
    parse_header(head).is_some_and(|header| {
        header.name_len > 1
            && (header.header_len != BINARY_HEADER_LEN || has_plain_name(head, header.name_len))
    })
}

/// Whether the name after a binary header ends with its only NUL and has no control characters. The magic number alone has only
/// two bytes.
fn has_plain_name(head: &[u8], name_len: u64) -> bool {
    let name = usize::try_from(name_len)
        .ok()
        .and_then(|length| head.get(BINARY_HEADER_LEN..BINARY_HEADER_LEN + length)?.split_last());
    name.is_some_and(|(&last, name)| last == 0 && name.iter().all(|byte| !byte.is_ascii_control()))
}

/// Hands over the entries. Returns their ranges.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| open_entries(sink, input, delegated))
}

fn open_entries(
    sink: &dyn EntrySink,
    input: &mut dyn Read,
    delegated: &mut Vec<Range<u64>>,
) -> io::Result<()> {
    let (mut offset, mut has_ended) = (0u64, false);
    while !sink.is_limit_hit() {
        let mut header_bytes = Vec::new();
        read_header(input, &mut header_bytes)?;
        // Tapes are padded with zeros, and another archive may follow them.
        let zeros = header_bytes.iter().take_while(|&&byte| byte == 0).count();
        if zeros == header_bytes.len() {
            if header_bytes.is_empty() {
                return if has_ended { Ok(()) } else { Err(truncated("it has no end marker")) };
            }
            offset += zeros as u64;
            continue;
        }
        if zeros != 0 {
            header_bytes.drain(..zeros);
            read_header(input, &mut header_bytes)?;
            offset += zeros as u64;
        }
        let Some(header) = parse_header(&header_bytes) else {
            let reason = format!("expected a cpio header at byte {offset}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        let mut reader = &mut *input;
        let mut name = Vec::new();
        let mut name_field = (&mut reader).take(header.name_len);
        fill(&mut name_field, &mut name, MAX_NAME_LEN)?;
        drain(&mut name_field)?;
        let padding = |length: u64| length.wrapping_neg() % header.alignment;
        let name_end = header.header_len as u64 + header.name_len;
        drain(&mut (&mut reader).take(padding(name_end)))?;
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        has_ended = name == LAST_NAME;
        offset = offset.saturating_add(name_end + padding(name_end));
        let mut data = (&mut reader).take(header.data_len);
        if !has_ended && header.data_len != 0 && sink.hand_over(name, &mut data) {
            delegated.push(offset..offset.saturating_add(header.data_len - data.limit()));
        }
        drain(&mut data)?;
        if data.limit() != 0 && !sink.is_limit_hit() {
            return Err(truncated(&format!("{} bytes are missing", data.limit())));
        }
        drain(&mut (&mut reader).take(padding(header.data_len)))?;
        offset = offset.saturating_add(header.data_len).saturating_add(padding(header.data_len));
    }
    Ok(())
}

/// Reads until the header that begins with `bytes` is complete, and no more.
fn read_header(input: &mut dyn Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    // The shortest header is longer than any magic number.
    fill(input, bytes, BINARY_HEADER_LEN)?;
    let length = match bytes.first_chunk() {
        Some(b"070707") => OCTAL_HEADER_LEN,
        Some(b"070701" | b"070702") => HEX_HEADER_LEN,
        _ => BINARY_HEADER_LEN,
    };
    fill(input, bytes, length).map(drop)
}

fn parse_header(bytes: &[u8]) -> Option<Header> {
    let number = |offset: usize, length: usize, radix: u32| {
        let digits =
            bytes.get(offset..offset + length).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
    };
    if let [0xc7, 0x71, ..] | [0x71, 0xc7, ..] = bytes {
        let number = |index: usize| {
            let number: [u8; 2] = bytes.get(2 * index..)?.first_chunk().copied()?;
            Some(u64::from(if bytes[0] == 0xc7 {
                u16::from_le_bytes(number)
            } else {
                u16::from_be_bytes(number)
            }))
        };
        return Some(Header {
            name_len: number(10)?,
            // The more significant half comes first, whatever the order of the bytes in each.
            data_len: number(11)? << 16 | number(12)?,
            alignment: 2,
            header_len: BINARY_HEADER_LEN,
        });
    }
    let header = match bytes.first_chunk()? {
        b"070701" | b"070702" => Header {
            name_len: number(94, 8, 16)?,
            data_len: number(54, 8, 16)?,
            alignment: 4,
            header_len: HEX_HEADER_LEN,
        },
        b"070707" => Header {
            name_len: number(59, 6, 8)?,
            data_len: number(65, 11, 8)?,
            alignment: 1,
            header_len: OCTAL_HEADER_LEN,
        },
        _ => return None,
    };
    Some(header).filter(|header| header.header_len <= bytes.len())
}

fn truncated(details: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the cpio archive is truncated: {details}"))
}
