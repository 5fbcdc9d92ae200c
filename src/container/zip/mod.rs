//! Zip and formats based on it. Entries that the directory lists are unpacked, and so are others: all bytes
//! that belong to no entry are searched for local headers. No size is trusted.

mod directory;
mod header;
mod methods;

use std::io::{self, Cursor, Read};
use std::ops::Range;

use flate2::{Decompress, FlushDecompress};

use self::directory::{Directory, EntryPosition};
use self::header::{CENTRAL, DESCRIPTOR, Header, LOCAL, eight, four};
use self::methods::{Checked, Tally};
use super::ReadSeek;
use super::entry_sink::EntrySink;
use super::format::{HEAD_LEN, is_program};
use super::limits::in_words;
use super::readers::Metered;
use super::seek_window::{Shared, Window};

/// Bytes of the shortest header.
const MIN_HEADER_LEN: u64 = 31;

/// Bytes that are unpacked to see whether something is an entry.
const MIN_DECOMPRESSED: usize = 4096;

/// Hands over the entries of `input`. Returns the ranges of stored entries, or `None` if it is not a zip and
/// only ends like one.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn ReadSeek) -> Option<Vec<Range<u64>>> {
    let shared = match Shared::new(input) {
        Ok(shared) => shared,
        Err(error) => {
            sink.skip(None, error.to_string());
            return Some(Vec::new());
        }
    };
    let mut zip = Zip {
        sink,
        size: shared.size,
        data: shared.window(),
        records: shared.window(),
        state: Decompress::new(false),
        delegated: Vec::new(),
        undescribed: u64::MAX,
    };
    match zip.run() {
        Ok(false) => return None,
        Ok(true) => {}
        Err(error) => sink.skip(None, format!("{error}; the data before that was scanned")),
    }
    zip.delegated.sort_unstable_by_key(|range| range.start);
    Some(zip.delegated)
}

/// Whether an entry begins with `head`: a plausible header, a readable name, and data that unpacks.
pub(super) fn is_entry(head: &[u8]) -> bool {
    let mut content = Cursor::new(head);
    let Ok(shared) = Shared::new(&mut content) else { return false };
    let mut window = shared.window();
    let Ok(Some(header)) = Header::local(&mut window) else { return false };
    if !header.is_likely() || header.length >= shared.size || header.name.iter().any(u8::is_ascii_control) {
        return false;
    }
    if header.method != 8 || header.is_encrypted() {
        return true;
    }
    let mut unpacked = [0; 256];
    let data = &head[header.length as usize..];
    Decompress::new(false).decompress(data, &mut unpacked, FlushDecompress::None).is_ok()
}

struct Zip<'a> {
    sink: &'a dyn EntrySink,
    size: u64,
    /// Reads entries.
    data: Window<'a>,
    /// Reads the directory.
    records: Window<'a>,
    state: Decompress,
    delegated: Vec<Range<u64>>,
    /// From here to the end, no data is followed by a descriptor.
    undescribed: u64,
}

/// How an entry was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EntrySource {
    /// Listed in the directory.
    Directory,
    /// By its header; no entry may extend beyond this offset.
    OwnHeader(u64),
}

impl Zip<'_> {
    /// Returns whether it is a zip.
    fn run(&mut self) -> io::Result<bool> {
        let directory = directory::read(self.sink, &mut self.records, self.size)?;
        if directory.is_none() {
            self.data.go(0, self.size);
            let head = self.data.peek(LOCAL.len())?;
            if !head.starts_with(b"PK") {
                // Other data that happens to end like a zip.
                return Ok(false);
            }
            self.sink.skip(
                None,
                "the zip is damaged or truncated and has no readable directory; its entries were searched for individually",
            );
        }
        let Directory { items, range } = directory.unwrap_or_default();
        let mut place = 0;
        for item in &items {
            if place <= range.start && range.start < item.at {
                self.gap(place, range.start)?;
                place = place.max(range.end);
            }
            self.gap(place, item.at)?;
            if self.sink.is_over() {
                return Ok(true);
            }
            place = place.max(self.named(*item)?);
        }
        if place <= range.start {
            self.gap(place, range.start)?;
            place = range.end;
        }
        self.gap(place, self.size)?;
        Ok(true)
    }

    /// Handles an entry that the directory lists. Returns its end.
    fn named(&mut self, item: EntryPosition) -> io::Result<u64> {
        self.records.go(item.record, self.size);
        let Some(record) = Header::central(&mut self.records)? else { return Ok(item.at) };
        if item.at >= self.size {
            let reason = format!("the directory places it at byte {}, past the end of the archive", item.at);
            self.sink.skip(Some(&record.name), reason);
            return Ok(self.size);
        }
        self.data.go(item.at, self.size);
        let Some(local) = Header::local(&mut self.data)? else {
            let reason = format!("the directory places it at byte {}, where there is no entry", item.at);
            self.sink.skip(Some(&record.name), reason);
            return Ok(item.at);
        };
        let start = item.at.saturating_add(local.length);
        let end = self.entry(&record, start, EntrySource::Directory)?;
        // Some programs trust the header, others the directory.
        let is_like = local.method == record.method && local.is_encrypted() == record.is_encrypted();
        let is_as_long = local.method != 0 || local.packed == 0 || local.packed == record.packed;
        if is_like && is_as_long {
            return Ok(end);
        }
        Ok(end.max(self.entry(&local, start, EntrySource::Directory)?))
    }

    /// Looks for entries between two offsets, in bytes that belong to no known entry.
    fn gap(&mut self, mut place: u64, end: u64) -> io::Result<()> {
        let end = end.min(self.size);
        while place.saturating_add(MIN_HEADER_LEN) <= end && self.sink.budget().unpacked(0).is_ok() {
            let Some(at) = self.data.find(place, end, LOCAL)? else { return self.other_archives(place, end) };
            self.other_archives(place, at)?;
            place = at + LOCAL.len() as u64;
            self.data.go(at, self.size);
            if let Some(local) = Header::local(&mut self.data)?.filter(Header::is_likely) {
                let start = at.saturating_add(local.length);
                place = place.max(self.entry(&local, start, EntrySource::OwnHeader(end))?);
            }
        }
        Ok(())
    }

    /// Opens other archives between two offsets where no entry begins.
    fn other_archives(&mut self, place: u64, end: u64) -> io::Result<()> {
        if place.saturating_add(MIN_HEADER_LEN) > end {
            return Ok(());
        }
        // Data before a zip was already searched, unless it is a program.
        self.data.go(0, self.size);
        if place == 0 && !is_program(self.data.peek(HEAD_LEN)?) {
            return Ok(());
        }
        self.data.go(place, end);
        let found = self.sink.embedded(place, &mut self.data);
        self.delegated.extend(found.into_iter().map(|range| range.start..range.end.min(end)));
        Ok(())
    }

    /// Hands over the data at `start`, described by `header`. Returns its end.
    fn entry(&mut self, header: &Header, start: u64, found: EntrySource) -> io::Result<u64> {
        let sink = self.sink;
        let budget = sink.budget();
        let stated = start.saturating_add(header.packed).min(self.size);
        if found == EntrySource::Directory && header.is_dir() {
            return Ok(stated);
        }
        if header.is_encrypted() {
            sink.skip(Some(&header.name), "encrypted");
            return Ok(stated);
        }
        let is_stored = header.method == 0;
        let limit = match found {
            EntrySource::OwnHeader(end) if is_stored && header.is_open() && header.packed == 0 => {
                self.stored_end(start, end)?
            }
            _ if is_stored || (!methods::ends_itself(header.method) && header.packed != 0) => stated,
            _ => self.size,
        };
        self.data.go(start, limit);
        let (mut unpacked, held) = match methods::unpack(header, &mut self.data, &mut self.state, budget) {
            Ok(unpacked) => unpacked,
            Err(error) if found == EntrySource::Directory || error.kind() == io::ErrorKind::Unsupported => {
                sink.skip(Some(&header.name), in_words(&error));
                return Ok(if found == EntrySource::Directory { stated } else { start });
            }
            Err(_) => return Ok(start),
        };
        let mut first = Vec::new();
        if found != EntrySource::Directory && !is_stored {
            // A few bytes may look like a header by chance, but then the data does not unpack.
            let tasted = Metered { budget, unpacked: &mut unpacked }
                .take(MIN_DECOMPRESSED as u64)
                .read_to_end(&mut first);
            if tasted.is_err() && first.is_empty() {
                return Ok(start);
            }
        }
        let tally = Tally::default();
        let known = Cursor::new(first).chain(unpacked);
        let checked = Checked::new(known, header, &tally);
        let mut metered = Metered { budget, unpacked: checked };
        let is_whole = budget.holding(held, || sink.entry(&header.name, &mut metered));
        drop(metered);
        // Data that was read when a limit was hit may not have been handed over.
        let is_lost = !is_whole && sink.is_over();
        Ok(if is_lost { start } else { self.ended(header, start, stated, &tally) })
    }

    /// The end of data that was read from `start` on and should end at `stated`.
    fn ended(&mut self, header: &Header, start: u64, stated: u64, tally: &Tally) -> u64 {
        if header.method == 0 {
            let end = start.saturating_add(tally.count.get());
            match self.delegated.last_mut() {
                _ if end == start => {}
                Some(last) if last.start <= start && start <= last.end => last.end = last.end.max(end),
                _ => self.delegated.push(start..end),
            }
            // Truncated data that begins with something else is not recognized as a zip, but may contain one.
            self.data.go(start, self.size);
            let is_zip = tally.failed.get() && self.data.peek(2).is_ok_and(|head| head.starts_with(b"PK"));
            return if tally.failed.get() && !is_zip { start } else { end };
        }
        // Damaged data may extend over the next entry.
        let end = match tally.failed.get() {
            true => start,
            false if methods::ends_itself(header.method) => self.data.place(),
            false => stated,
        };
        let more = stated.saturating_sub(end);
        if matches!(header.method, 8 | 9) && !tally.failed.get() && !header.is_open() && more != 0 {
            let reason =
                format!("it ends {more} bytes before the declared end; their raw bytes were scanned");
            self.sink.skip(Some(&header.name), reason);
        }
        // Incompressible data is stored verbatim in compressed streams.
        if start < end {
            self.delegated.push(start..end);
        }
        end
    }

    /// The end of stored data at `start` whose size is recorded only after it.
    fn stored_end(&mut self, start: u64, end: u64) -> io::Result<u64> {
        let mut place = start;
        while place < self.undescribed
            && let Some(at) = self.data.find(place, end, DESCRIPTOR)?
        {
            // There may be any number of them.
            self.sink.budget().left()?;
            self.data.go(at, end);
            let bytes = self.data.peek(24)?;
            if u64::from(four(bytes, 8)) == at - start || eight(bytes, 8) == at - start {
                return Ok(at);
            }
            place = at + DESCRIPTOR.len() as u64;
        }
        if end == self.size {
            self.undescribed = self.undescribed.min(place);
        }
        // Without a descriptor, it ends where the next entry begins.
        for next in [LOCAL, CENTRAL] {
            if let Some(at) = self.data.find(start, end, next)? {
                return Ok(at);
            }
        }
        Ok(end)
    }
}
