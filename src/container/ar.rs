//! Unix `ar` archives, with text headers of 60 bytes. Debian packages are `ar` archives of tars.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::readers::{drain, fill};

const MAGIC_LEN: usize = 8;
const HEADER_LEN: usize = 60;

/// Maximum size of the table of long names, or of one name.
const MAX_NAMES_LEN: usize = 1 << 20;

/// Hands over the entries. Returns their ranges.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| run(sink, input, delegated))
}

fn run(sink: &dyn EntrySink, input: &mut dyn Read, delegated: &mut Vec<Range<u64>>) -> io::Result<()> {
    let mut names: Vec<u8> = Vec::new();
    fill(input, &mut Vec::new(), MAGIC_LEN)?;
    let mut offset = MAGIC_LEN as u64;
    while !sink.is_over() {
        let mut header = Vec::with_capacity(HEADER_LEN);
        fill(input, &mut header, HEADER_LEN)?;
        if header.is_empty() || header == b"\n" {
            return Ok(());
        }
        let Some((name, mut size)) = parse(&header) else {
            let reason = format!("expected an ar header at byte {offset}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        offset += HEADER_LEN as u64;
        let filling = size % 2;
        let mut part = (&mut *input).take(size);
        let mut called = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        if name == b"//" {
            fill(&mut part, &mut names, MAX_NAMES_LEN)?;
        } else if let Some(at) = name.strip_prefix(b"/").and_then(decimal) {
            let long = usize::try_from(at).ok().and_then(|at| names.get(at..)).unwrap_or_default();
            called = long.split(|&byte| matches!(byte, b'/' | b'\n')).next().unwrap_or_default().to_vec();
        } else if let Some(length) = name.strip_prefix(b"#1/").and_then(decimal) {
            called.clear();
            let length = length.min(size);
            fill(&mut (&mut part).take(length), &mut called, MAX_NAMES_LEN)?;
            (offset, size) = (offset + length, size - length);
        }
        if name != b"//" && name != b"/" && sink.entry(&called, &mut part) {
            // The range of a truncated entry ends with the input.
            delegated.push(offset..offset.saturating_add(size.saturating_sub(part.limit())));
        }
        drain(&mut part)?;
        if part.limit() != 0 && !sink.is_over() {
            let reason = format!("the ar archive is truncated: {} bytes are missing", part.limit());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        drain(&mut (&mut *input).take(filling))?;
        offset = offset.saturating_add(size + filling);
    }
    Ok(())
}

/// Name and size of an entry.
fn parse(header: &[u8]) -> Option<(&[u8], u64)> {
    let header: &[u8; HEADER_LEN] = header.first_chunk().filter(|header| header.ends_with(b"`\n"))?;
    Some((header[..16].trim_ascii_end(), decimal(header[48..58].trim_ascii())?))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim_end().parse().ok()
}
