//! Opens Unix `ar` archives, which have text headers of 60 bytes. Debian packages are `ar` archives of tars.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::readers::{drain, fill};

const MAGIC_LEN: usize = 8;
const HEADER_LEN: usize = 60;

/// Maximum bytes of the table of long names, or of one name.
const MAX_NAMES_LEN: usize = 1 << 20;

/// Hands over the entries. Returns the ranges of the archive that are delegated to them.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| open_entries(sink, input, delegated))
}

fn open_entries(
    sink: &dyn EntrySink,
    input: &mut dyn Read,
    delegated: &mut Vec<Range<u64>>,
) -> io::Result<()> {
    let mut long_names: Vec<u8> = Vec::new();
    fill(input, &mut Vec::new(), MAGIC_LEN)?;
    let mut offset = MAGIC_LEN as u64;
    while !sink.is_limit_hit() {
        let mut header = Vec::with_capacity(HEADER_LEN);
        fill(input, &mut header, HEADER_LEN)?;
        // A line feed may follow the last entry.
        if header.is_empty() || header == b"\n" {
            return Ok(());
        }
        let Some((name, mut size)) = parse_header(&header) else {
            let reason = format!("expected an ar header at byte {offset}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        offset += HEADER_LEN as u64;
        let padding = size % 2;
        let mut data = (&mut *input).take(size);
        let mut entry_name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        // GNU and Microsoft: `//` is the table of long names, `/N` a name at byte N of it, `/` the symbol table. BSD: `#1/N`, and
        // the name is the first N bytes of the data.
        if name == b"//" {
            fill(&mut data, &mut long_names, MAX_NAMES_LEN)?;
        } else if let Some(start) = name.strip_prefix(b"/").and_then(parse_decimal) {
            entry_name = long_name(&long_names, start).to_vec();
        } else if let Some(length) = name.strip_prefix(b"#1/").and_then(parse_decimal) {
            entry_name.clear();
            let length = length.min(size);
            fill(&mut (&mut data).take(length), &mut entry_name, MAX_NAMES_LEN)?;
            // Padded with zeros.
            entry_name.truncate(entry_name.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
            (offset, size) = (offset + length, size - length);
        }
        if name != b"//" && name != b"/" && sink.hand_over(&entry_name, &mut data) {
            // The range of a truncated entry ends with the input.
            delegated.push(offset..offset.saturating_add(size.saturating_sub(data.limit())));
        }
        drain(&mut data)?;
        if data.limit() != 0 && !sink.is_limit_hit() {
            let reason = format!("the ar archive is truncated: {} bytes are missing", data.limit());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        drain(&mut (&mut *input).take(padding))?;
        offset = offset.saturating_add(size + padding);
    }
    Ok(())
}

/// The name at byte `start` of the table of long names; empty if the table is shorter.
fn long_name(table: &[u8], start: u64) -> &[u8] {
    let rest = usize::try_from(start).ok().and_then(|start| table.get(start..)).unwrap_or_default();
    // GNU's names end with `/` and a line feed, Microsoft's with a zero. Slashes within them separate directories.
    let name = rest.split(|&byte| matches!(byte, b'\n' | 0)).next().unwrap_or_default();
    name.strip_suffix(b"/").unwrap_or(name)
}

/// The name in the header of an entry, and the bytes of its data.
fn parse_header(header: &[u8]) -> Option<(&[u8], u64)> {
    let header: &[u8; HEADER_LEN] = header.first_chunk().filter(|header| header.ends_with(b"`\n"))?;
    Some((header[..16].trim_ascii_end(), parse_decimal(header[48..58].trim_ascii())?))
}

fn parse_decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim_end().parse().ok()
}
