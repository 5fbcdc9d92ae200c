//! cpio with ASCII headers, as used in packages and initramfs images.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::readers::{drain, fill};

/// Names longer than this are truncated.
const MAX_NAME_LEN: usize = 1 << 16;

/// Name of the last entry.
const LAST_NAME: &[u8] = b"TRAILER!!!";

/// Fields of a header.
struct Header {
    /// Bytes of the name, including its NUL.
    name: u64,
    size: u64,
    /// Alignment of entries.
    unit: u64,
    /// Bytes of the header itself.
    length: usize,
}

/// Whether an archive begins with `head`.
pub(super) fn is_cpio(head: &[u8]) -> bool {
    parse(head).is_some_and(|header| header.name > 1)
}

/// Hands over the entries. Returns their ranges.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| run(sink, input, delegated))
}

fn run(sink: &dyn EntrySink, input: &mut dyn Read, delegated: &mut Vec<Range<u64>>) -> io::Result<()> {
    let (mut offset, mut has_end) = (0u64, false);
    while !sink.is_over() {
        // The length of the shorter of the two kinds of header is enough to identify the format.
        let mut start = Vec::new();
        fill(input, &mut start, 76)?;
        if start.starts_with(b"07070") && start.get(5) != Some(&b'7') {
            fill(input, &mut start, 110)?;
        }
        // Tapes are padded with zeros, and another archive may follow them.
        let zeros = start.iter().take_while(|&&byte| byte == 0).count();
        if zeros == start.len() {
            if start.is_empty() {
                return if has_end { Ok(()) } else { Err(cut_off("it has no end marker")) };
            }
            offset += zeros as u64;
            continue;
        }
        fill_behind(input, &mut start, zeros)?;
        offset += zeros as u64;
        let Some(header) = parse(&start) else {
            let reason = format!("expected a cpio header at byte {offset}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        // If zeros preceded a shorter header, the start of its name was already read.
        let mut read = io::Cursor::new(start.split_off(header.length)).chain(&mut *input);
        let mut name = Vec::new();
        let mut part = (&mut read).take(header.name);
        fill(&mut part, &mut name, MAX_NAME_LEN)?;
        drain(&mut part)?;
        let filling = |length: u64| length.wrapping_neg() % header.unit;
        let before = header.length as u64 + header.name;
        drain(&mut (&mut read).take(filling(before)))?;
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        has_end = name == LAST_NAME;
        offset = offset.saturating_add(before + filling(before));
        let mut part = (&mut read).take(header.size);
        if !has_end && header.size != 0 && sink.entry(name, &mut part) {
            delegated.push(offset..offset.saturating_add(header.size - part.limit()));
        }
        drain(&mut part)?;
        if part.limit() != 0 && !sink.is_over() {
            return Err(cut_off(&format!("{} bytes are missing", part.limit())));
        }
        drain(&mut (&mut read).take(filling(header.size)))?;
        offset = offset.saturating_add(header.size).saturating_add(filling(header.size));
    }
    Ok(())
}

/// Removes `zeros` bytes from `start` and reads until the header is complete.
fn fill_behind(input: &mut dyn Read, start: &mut Vec<u8>, zeros: usize) -> io::Result<()> {
    if zeros != 0 {
        start.drain(..zeros);
        fill(input, start, 110)?;
    }
    Ok(())
}

fn parse(bytes: &[u8]) -> Option<Header> {
    let number = |at: usize, length: usize, radix: u32| {
        let digits = bytes.get(at..at + length).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
    };
    let header = match bytes.first_chunk()? {
        b"070701" | b"070702" => {
            Header { name: number(94, 8, 16)?, size: number(54, 8, 16)?, unit: 4, length: 110 }
        }
        b"070707" => Header { name: number(59, 6, 8)?, size: number(65, 11, 8)?, unit: 1, length: 76 },
        _ => return None,
    };
    Some(header).filter(|header| header.length <= bytes.len())
}

fn cut_off(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the cpio archive is truncated: {what}"))
}
