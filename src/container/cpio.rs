//! Opens cpio archives with ASCII headers, as used in packages and initramfs images.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::readers::{drain, fill};

/// Names longer than this, in bytes, are truncated.
const MAX_NAME_LEN: usize = 1 << 16;

/// Bytes of a header with octal numbers.
const SHORT_HEADER_LEN: usize = 76;

/// Bytes of a header with hexadecimal numbers.
const LONG_HEADER_LEN: usize = 110;

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
    parse_header(head).is_some_and(|header| header.name_len > 1)
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
        // The length of the shorter of the two kinds of header is enough to identify the format.
        let mut header_bytes = Vec::new();
        fill(input, &mut header_bytes, SHORT_HEADER_LEN)?;
        if header_bytes.starts_with(b"07070") && header_bytes.get(5) != Some(&b'7') {
            fill(input, &mut header_bytes, LONG_HEADER_LEN)?;
        }
        // Tapes are padded with zeros, and another archive may follow them.
        let zeros = header_bytes.iter().take_while(|&&byte| byte == 0).count();
        if zeros == header_bytes.len() {
            if header_bytes.is_empty() {
                return if has_ended { Ok(()) } else { Err(truncated("it has no end marker")) };
            }
            offset += zeros as u64;
            continue;
        }
        refill_header(input, &mut header_bytes, zeros)?;
        offset += zeros as u64;
        let Some(header) = parse_header(&header_bytes) else {
            let reason = format!("expected a cpio header at byte {offset}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        // `refill_header` may have read more than a short header: the start of the name.
        let mut reader = io::Cursor::new(header_bytes.split_off(header.header_len)).chain(&mut *input);
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

/// Removes the first `zeros` bytes of `header_bytes` and reads until the header is complete.
fn refill_header(input: &mut dyn Read, header_bytes: &mut Vec<u8>, zeros: usize) -> io::Result<()> {
    if zeros != 0 {
        header_bytes.drain(..zeros);
        fill(input, header_bytes, LONG_HEADER_LEN)?;
    }
    Ok(())
}

fn parse_header(bytes: &[u8]) -> Option<Header> {
    let number = |offset: usize, length: usize, radix: u32| {
        let digits =
            bytes.get(offset..offset + length).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
    };
    let header = match bytes.first_chunk()? {
        b"070701" | b"070702" => Header {
            name_len: number(94, 8, 16)?,
            data_len: number(54, 8, 16)?,
            alignment: 4,
            header_len: LONG_HEADER_LEN,
        },
        b"070707" => Header {
            name_len: number(59, 6, 8)?,
            data_len: number(65, 11, 8)?,
            alignment: 1,
            header_len: SHORT_HEADER_LEN,
        },
        _ => return None,
    };
    Some(header).filter(|header| header.header_len <= bytes.len())
}

fn truncated(details: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the cpio archive is truncated: {details}"))
}
