//! Finds the central directory of a zip, and reads from it where the entries are.

use std::io;
use std::ops::Range;

use super::header::{
    END_RECORD_LEN, END_SIGNATURE, EndRecord, HEADER_SIGNATURE, Header, RECORD_SIGNATURE,
    ZIP64_END_RECORD_LEN, u64_at,
};
use crate::container::entry_sink::EntrySink;
use crate::container::format::TAIL_LEN;
use crate::container::seek_window::Window;

/// Maximum number of end records to try: a comment may contain any number of false ones.
const MAX_END_RECORDS: usize = 64;

/// Length of the record that says where the zip64 end record is, in bytes.
const ZIP64_LOCATOR_LEN: usize = 20;

/// Length of the shortest directory record, in bytes.
const MIN_RECORD_LEN: u64 = 46;

/// Number of records between checks of the limits.
const CHECK_INTERVAL: u64 = 1024;

/// Where an entry and its directory record are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryPosition {
    /// Offset of the local header of the entry.
    pub(super) offset: u64,
    /// Offset of its directory record.
    pub(super) record_offset: u64,
}

/// The entries that a directory lists, sorted by offset.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) entries: Vec<EntryPosition>,
    /// The bytes of the directory.
    pub(super) range: Range<u64>,
}

/// Reads the directory; `None` if there is no usable one. Problems are recorded as skips.
///
/// # Errors
/// Those of the content.
pub(super) fn read(
    sink: &dyn EntrySink,
    window: &mut Window<'_>,
    size: u64,
) -> io::Result<Option<Directory>> {
    let tail_start = size.saturating_sub(TAIL_LEN as u64);
    window.seek(tail_start, size);
    let tail = window.peek(TAIL_LEN)?.to_vec();
    let candidates = || {
        let offsets = memchr::memmem::rfind_iter(&tail, END_SIGNATURE).take(MAX_END_RECORDS);
        offsets.filter_map(|offset| {
            let rest = &tail[offset..];
            Some((EndRecord::parse(rest, tail_start + offset as u64)?, rest))
        })
    };
    // A record whose comment ends exactly at the end of the content is tried first: other records may be part of its
    // comment.
    let exact = candidates().filter(|(_, rest)| ends_exactly(rest));
    for (end, rest) in exact.chain(candidates().filter(|(_, rest)| !ends_exactly(rest))) {
        let end = if end.is_zip64() { zip64_end(window, size, end)? } else { end };
        if end.disk != 0 {
            // A program that reads zips contains the signature of the record.
            if !is_last_part(window, size, &end, rest)? {
                continue;
            }
            sink.skip(None, "part of a multi-part archive whose other parts are not in this file");
            return Ok(None);
        }
        if let Some(start) = directory_start(window, size, &end)? {
            // In a truncated archive, the last record may belong to an archive stored in it.
            if start != end.offset && !ends_exactly(rest) && is_entry(window, size, 0)? {
                continue;
            }
            return read_records(sink, window, size, &end, start).map(Some);
        }
        window.seek(end.position.saturating_sub(end.size), size);
        if window.peek(4)?.starts_with(b"PK\x06\x08") {
            sink.skip(None, "its directory is encrypted");
            return Ok(None);
        }
        if end.count == 0 && end.size == 0 {
            return Ok(Some(Directory {
                entries: Vec::new(),
                range: end.position..end.position + END_RECORD_LEN as u64,
            }));
        }
    }
    read_before_other_data(sink, window, size)
}

/// Whether `end`, with which `rest` begins, is the end record of the last part of a multi-part archive.
fn is_last_part(window: &mut Window<'_>, size: u64, end: &EndRecord, rest: &[u8]) -> io::Result<bool> {
    let is_plausible = end.size >= MIN_RECORD_LEN.saturating_mul(end.count) && ends_exactly(rest);
    window.seek(end.position.saturating_sub(end.size), size);
    Ok((is_plausible && end.size > end.position) || window.peek(4)?.starts_with(RECORD_SIGNATURE))
}

/// Reads the directory of a zip that is followed by other data, as in a program. Only an end record with a correct offset is
/// accepted.
fn read_before_other_data(
    sink: &dyn EntrySink,
    window: &mut Window<'_>,
    size: u64,
) -> io::Result<Option<Directory>> {
    let mut position = 0;
    if !is_entry(window, size, position)? {
        return Ok(None);
    }
    while let Some(end_offset) = window.find(position, size, END_SIGNATURE)? {
        sink.budget().check()?;
        window.seek(end_offset, size);
        let end = EndRecord::parse(window.peek(END_RECORD_LEN)?, end_offset);
        if let Some(end) =
            end.filter(|end| end.disk == 0 && end.offset.saturating_add(end.size) == end_offset)
            && directory_start(window, size, &end)? == Some(end.offset)
        {
            return read_records(sink, window, size, &end, end.offset).map(Some);
        }
        position = end_offset + END_SIGNATURE.len() as u64;
    }
    Ok(None)
}

/// Whether the comment of the end record at the start of `end` extends exactly to the end of the content.
fn ends_exactly(end: &[u8]) -> bool {
    let comment = super::header::u16_at(end, 20);
    end.len() == END_RECORD_LEN + usize::from(comment)
}

/// The zip64 end record before `end`, if there is one.
fn zip64_end(window: &mut Window<'_>, size: u64, end: EndRecord) -> io::Result<EndRecord> {
    let Some(locator_offset) = end.position.checked_sub(ZIP64_LOCATOR_LEN as u64) else { return Ok(end) };
    window.seek(locator_offset, size);
    let locator = window.peek(ZIP64_LOCATOR_LEN)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(end);
    }
    // At its declared offset, or directly before its locator if other data before the zip shifts everything.
    for position in [u64_at(locator, 8), locator_offset.saturating_sub(ZIP64_END_RECORD_LEN as u64)] {
        window.seek(position, size);
        if let Some(zip64_end) = EndRecord::parse_zip64(window.peek(ZIP64_END_RECORD_LEN)?, position) {
            return Ok(zip64_end);
        }
    }
    Ok(end)
}

/// The start of the directory that `end` declares: directly before it, or at the declared offset.
fn directory_start(window: &mut Window<'_>, size: u64, end: &EndRecord) -> io::Result<Option<u64>> {
    for start in [end.position.checked_sub(end.size), Some(end.offset)].into_iter().flatten() {
        if start < end.position {
            window.seek(start, size);
            if window.peek(4)?.starts_with(RECORD_SIGNATURE) {
                return Ok(Some(start));
            }
        }
    }
    Ok(None)
}

/// Reads the records of the directory that begins at `start`.
fn read_records(
    sink: &dyn EntrySink,
    window: &mut Window<'_>,
    size: u64,
    end: &EndRecord,
    start: u64,
) -> io::Result<Directory> {
    // Data before the first entry shifts all offsets, unless they were corrected afterwards.
    let mut shift = start.wrapping_sub(end.offset);
    let max_entries = usize::try_from(sink.budget().limits.entries).unwrap_or(usize::MAX).saturating_add(1);
    let mut entries: Vec<EntryPosition> = Vec::new();
    let (mut position, mut count, mut is_full) = (start, 0u64, false);
    while position < end.position {
        window.seek(position, end.position);
        let Some(header) = Header::read_record(window)? else { break };
        if count == 0 && shift != 0 && !is_entry(window, size, header.offset.wrapping_add(shift))? {
            shift = 0;
        }
        if !header.is_dir() {
            entries
                .push(EntryPosition { offset: header.offset.wrapping_add(shift), record_offset: position });
        }
        count += 1;
        position = position.saturating_add(header.length);
        // A directory that lists the same entries a million times must not need memory for all of its records.
        if entries.len() > max_entries.saturating_mul(2) {
            sort_and_deduplicate(&mut entries);
            is_full = entries.len() > max_entries;
        }
        if is_full || (count % CHECK_INTERVAL == 0 && sink.budget().check().is_err()) {
            sink.skip(None, format!("its directory was read only up to entry {count}"));
            break;
        }
    }
    sort_and_deduplicate(&mut entries);
    let is_complete = count == end.count || (!end.is_zip64() && count % 65_536 == end.count);
    if !is_complete && !is_full {
        sink.skip(None, format!("its directory lists {count} entries instead of {}", end.count));
    }
    Ok(Directory { entries, range: start..position })
}

/// Sorts the entries, and removes repeated records of the same entry.
fn sort_and_deduplicate(entries: &mut Vec<EntryPosition>) {
    entries.sort_unstable();
    entries.dedup_by_key(|entry| entry.offset);
}

/// Whether a local header begins at `position`.
fn is_entry(window: &mut Window<'_>, size: u64, position: u64) -> io::Result<bool> {
    window.seek(position, size);
    Ok(window.peek(4)?.starts_with(HEADER_SIGNATURE))
}
