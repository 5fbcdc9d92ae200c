//! The central directory of a zip: where it is, and where its entries are.

use std::io;
use std::ops::Range;

use super::header::{CENTRAL, END, End, Header, LOCAL, eight};
use crate::container::entry_sink::EntrySink;
use crate::container::format::TAIL_LEN;
use crate::container::seek_window::Window;

/// End records to try: a comment may contain any number of false ones.
const MAX_TRIES: usize = 64;

/// Bytes of the shortest directory record.
const MIN_RECORD_LEN: u64 = 46;

/// Number of records between checks of the limits.
const CHECK_INTERVAL: u64 = 1024;

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryPosition {
    /// Offset of its local header.
    pub(super) at: u64,
    /// Offset of its directory record.
    pub(super) record: u64,
}

/// The entries that a directory lists, sorted by offset.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) items: Vec<EntryPosition>,
    /// The directory itself.
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
    let begins = size.saturating_sub(TAIL_LEN as u64);
    window.go(begins, size);
    let tail = window.peek(TAIL_LEN)?.to_vec();
    let candidates = || {
        let places = memchr::memmem::rfind_iter(&tail, END).take(MAX_TRIES);
        places.filter_map(|at| Some((End::parse(&tail[at..], begins + at as u64)?, &tail[at..])))
    };
    // The record whose comment ends at the end of the content comes first: bytes after others may be part of
    // its comment.
    let exact = candidates().filter(|(_, rest)| ends_exactly(rest));
    for (end, rest) in exact.chain(candidates().filter(|(_, rest)| !ends_exactly(rest))) {
        let end = if end.is_large() { zip64_end(window, size, end)? } else { end };
        if end.disk != 0 {
            // A program that reads zips contains the signature of the record.
            if !is_last_part(window, size, &end, rest)? {
                continue;
            }
            sink.skip(None, "part of a multi-part archive whose other parts are not in this file");
            return Ok(None);
        }
        if let Some(start) = start(window, size, &end)? {
            // In a truncated archive, the last record may belong to an archive stored in it.
            if start != end.offset && !ends_exactly(rest) && is_entry(window, size, 0)? {
                continue;
            }
            return records(sink, window, size, &end, start).map(Some);
        }
        window.go(end.place.saturating_sub(end.size), size);
        if window.peek(4)?.starts_with(b"PK\x06\x08") {
            sink.skip(None, "its directory is encrypted");
            return Ok(None);
        }
        if end.count == 0 && end.size == 0 {
            return Ok(Some(Directory { items: Vec::new(), range: end.place..end.place + 22 }));
        }
    }
    before_others(sink, window, size)
}

/// Whether `end`, with which `rest` begins, is the end record of the last part of a multi-part archive.
fn is_last_part(window: &mut Window<'_>, size: u64, end: &End, rest: &[u8]) -> io::Result<bool> {
    let is_likely = end.size >= MIN_RECORD_LEN.saturating_mul(end.count) && ends_exactly(rest);
    window.go(end.place.saturating_sub(end.size), size);
    Ok((is_likely && end.size > end.place) || window.peek(4)?.starts_with(CENTRAL))
}

/// The directory of a zip that other data follows, e.g. one in a program, if the offset in its end record is
/// correct.
fn before_others(sink: &dyn EntrySink, window: &mut Window<'_>, size: u64) -> io::Result<Option<Directory>> {
    let mut place = 0;
    if !is_entry(window, size, place)? {
        return Ok(None);
    }
    while let Some(at) = window.find(place, size, END)? {
        sink.budget().left()?;
        window.go(at, size);
        let end = End::parse(window.peek(22)?, at);
        if let Some(end) = end.filter(|end| end.disk == 0 && end.offset.saturating_add(end.size) == at)
            && start(window, size, &end)? == Some(end.offset)
        {
            return records(sink, window, size, &end, end.offset).map(Some);
        }
        place = at + END.len() as u64;
    }
    Ok(None)
}

fn ends_exactly(end: &[u8]) -> bool {
    let comment = super::header::two(end, 20);
    end.len() == 22 + usize::from(comment)
}

/// The zip64 end record before `end`, if there is one.
fn zip64_end(window: &mut Window<'_>, size: u64, end: End) -> io::Result<End> {
    let Some(at) = end.place.checked_sub(20) else { return Ok(end) };
    window.go(at, size);
    let locator = window.peek(20)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(end);
    }
    // At its stated offset, or directly before `end` if everything is shifted.
    for place in [eight(locator, 8), at.saturating_sub(56)] {
        window.go(place, size);
        if let Some(zip64_end) = End::parse_large(window.peek(56)?, place) {
            return Ok(zip64_end);
        }
    }
    Ok(end)
}

/// The start of the directory to which the record `end` belongs: directly before it, or at its stated offset.
fn start(window: &mut Window<'_>, size: u64, end: &End) -> io::Result<Option<u64>> {
    for start in [end.place.checked_sub(end.size), Some(end.offset)].into_iter().flatten() {
        if start < end.place {
            window.go(start, size);
            if window.peek(4)?.starts_with(CENTRAL) {
                return Ok(Some(start));
            }
        }
    }
    Ok(None)
}

/// Reads the records from `start` on.
fn records(
    sink: &dyn EntrySink,
    window: &mut Window<'_>,
    size: u64,
    end: &End,
    start: u64,
) -> io::Result<Directory> {
    // Data before the first entry shifts all offsets, unless they were corrected afterwards.
    let mut shift = start.wrapping_sub(end.offset);
    let most = usize::try_from(sink.budget().limits.entries).unwrap_or(usize::MAX).saturating_add(1);
    let mut items: Vec<EntryPosition> = Vec::new();
    let (mut place, mut count, mut is_full) = (start, 0u64, false);
    while place < end.place {
        window.go(place, end.place);
        let Some(header) = Header::central(window)? else { break };
        if count == 0 && shift != 0 && !is_entry(window, size, header.offset.wrapping_add(shift))? {
            shift = 0;
        }
        if !header.is_dir() {
            items.push(EntryPosition { at: header.offset.wrapping_add(shift), record: place });
        }
        count += 1;
        place = place.saturating_add(header.length);
        // Deduplicates from time to time; otherwise a directory that lists one entry a million times would take
        // forever.
        if items.len() > most.saturating_mul(2) {
            settle(&mut items);
            is_full = items.len() > most;
        }
        if is_full || (count % CHECK_INTERVAL == 0 && sink.budget().unpacked(0).is_err()) {
            sink.skip(None, format!("its directory was read only up to entry {count}"));
            break;
        }
    }
    settle(&mut items);
    let is_whole = count == end.count || (!end.is_large() && count % 65_536 == end.count);
    if !is_whole && !is_full {
        sink.skip(None, format!("its directory lists {count} entries instead of {}", end.count));
    }
    Ok(Directory { items, range: start..place })
}

/// Sorts the entries and merges records of the same entry.
fn settle(items: &mut Vec<EntryPosition>) {
    items.sort_unstable();
    items.dedup_by_key(|item| item.at);
}

fn is_entry(window: &mut Window<'_>, size: u64, place: u64) -> io::Result<bool> {
    window.go(place, size);
    Ok(window.peek(4)?.starts_with(LOCAL))
}
