//! Opens zips and formats based on them. Unlisted entries are unpacked as well as those in the directory: bytes that belong to
//! no listed entry are searched for local headers. No size is trusted.

mod directory;
mod first_header;
mod header;
mod methods;

use std::io::{self, Cursor, Read};
use std::ops::Range;

use flate2::{Decompress, FlushDecompress};

pub(super) use self::first_header::FirstHeader;

use self::directory::{Directory, EntryPosition};
use self::header::{DESCRIPTOR_SIGNATURE, HEADER_SIGNATURE, Header, RECORD_SIGNATURE, u32_at, u64_at};
use self::methods::{ReadTotals, VerifyingReader, method};
use super::ReadSeek;
use super::entry_sink::EntrySink;
use super::format::{HEAD_LEN, is_program};
use super::limits::error_text;
use super::readers::MeteredReader;
use super::seek_window::{SharedInput, Window};

/// Length of the shortest local header, in bytes.
const MIN_HEADER_LEN: u64 = 31;

/// Maximum number of bytes that are unpacked to decide whether a local header has an entry behind it.
const MAX_PROBED_LEN: usize = 4096;

/// Hands over the entries of `input`, before whose byte `first_header` no local header begins. Returns the ranges that were
/// handed over, or `None` if `input` only ends like a zip.
pub(super) fn open(
    sink: &dyn EntrySink,
    input: &mut dyn ReadSeek,
    first_header: u64,
) -> Option<Vec<Range<u64>>> {
    let shared = match SharedInput::new(input) {
        Ok(shared) => shared,
        Err(error) => {
            sink.skip(None, error.to_string());
            return Some(Vec::new());
        }
    };
    let mut zip = ZipReader {
        sink,
        size: shared.size,
        first_header,
        data: shared.window(),
        records: shared.window(),
        inflater: Decompress::new(false),
        delegated: Vec::new(),
        no_descriptor_after: u64::MAX,
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
    let Ok(shared) = SharedInput::new(&mut content) else { return false };
    let mut window = shared.window();
    let Ok(Some(header)) = Header::read_header(&mut window) else { return false };
    if !header.is_plausible() || header.length >= shared.size || header.name.iter().any(u8::is_ascii_control)
    {
        return false;
    }
    if header.method != method::DEFLATE || header.is_encrypted() {
        return true;
    }
    let mut unpacked = [0; 256];
    let data = &head[header.length as usize..];
    Decompress::new(false).decompress(data, &mut unpacked, FlushDecompress::None).is_ok()
}

struct ZipReader<'a> {
    sink: &'a dyn EntrySink,
    size: u64,
    /// No local header begins before this offset.
    first_header: u64,
    /// Reads entries.
    data: Window<'a>,
    /// Reads the directory.
    records: Window<'a>,
    inflater: Decompress,
    delegated: Vec<Range<u64>>,
    /// Offset after which there is no descriptor up to the end of the content.
    no_descriptor_after: u64,
}

/// How an entry was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EntrySource {
    /// In the directory.
    Directory,
    /// By its header; no entry may extend beyond this offset.
    LocalHeader(u64),
}

impl ZipReader<'_> {
    /// Hands over all entries. Returns whether the content is a zip.
    fn run(&mut self) -> io::Result<bool> {
        let directory = directory::read(self.sink, &mut self.records, self.size)?;
        if directory.is_none() {
            self.data.seek(0, self.size);
            let head = self.data.peek(HEADER_SIGNATURE.len())?;
            if !head.starts_with(b"PK") {
                // Other data that happens to end like a zip.
                return Ok(false);
            }
            self.sink.skip(
                None,
                "the zip is damaged or truncated and has no readable directory; its entries were searched for individually",
            );
        }
        let Directory { entries, range } = directory.unwrap_or_default();
        let mut position = self.first_header.min(range.start);
        for entry in &entries {
            if position <= range.start && range.start < entry.offset {
                self.search_unlisted(position, range.start)?;
                position = position.max(range.end);
            }
            self.search_unlisted(position, entry.offset)?;
            if self.sink.is_limit_hit() {
                return Ok(true);
            }
            position = position.max(self.read_listed(*entry)?);
        }
        if position <= range.start {
            self.search_unlisted(position, range.start)?;
            position = range.end;
        }
        self.search_unlisted(position, self.size)?;
        Ok(true)
    }

    /// Hands over an entry that the directory lists. Returns the offset of its end.
    fn read_listed(&mut self, entry: EntryPosition) -> io::Result<u64> {
        self.records.seek(entry.record_offset, self.size);
        let Some(record) = Header::read_record(&mut self.records)? else { return Ok(entry.offset) };
        if entry.offset >= self.size {
            let reason =
                format!("the directory places it at byte {}, past the end of the archive", entry.offset);
            self.sink.skip(Some(&record.name), reason);
            return Ok(self.size);
        }
        self.data.seek(entry.offset, self.size);
        let Some(local) = Header::read_header(&mut self.data)? else {
            let reason = format!("the directory places it at byte {}, where there is no entry", entry.offset);
            self.sink.skip(Some(&record.name), reason);
            return Ok(entry.offset);
        };
        let start = entry.offset.saturating_add(local.length);
        let end = self.hand_over(&record, start, EntrySource::Directory)?;
        // Some programs unpack what the local header says, others what the directory says.
        let is_same_method = local.method == record.method && local.is_encrypted() == record.is_encrypted();
        let is_same_size = local.method != method::STORED
            || local.compressed_size == 0
            || local.compressed_size == record.compressed_size;
        if is_same_method && is_same_size {
            return Ok(end);
        }
        Ok(end.max(self.hand_over(&local, start, EntrySource::Directory)?))
    }

    /// Looks for entries between two offsets, in bytes that belong to no listed entry.
    fn search_unlisted(&mut self, mut position: u64, end: u64) -> io::Result<()> {
        let end = end.min(self.size);
        while position.saturating_add(MIN_HEADER_LEN) <= end && self.sink.budget().check().is_ok() {
            let Some(offset) = self.data.find(position, end, HEADER_SIGNATURE)? else {
                return self.open_other_archives(position, end);
            };
            self.open_other_archives(position, offset)?;
            position = offset + HEADER_SIGNATURE.len() as u64;
            self.data.seek(offset, self.size);
            if let Some(local) = Header::read_header(&mut self.data)?.filter(Header::is_plausible) {
                let start = offset.saturating_add(local.length);
                position = position.max(self.hand_over(&local, start, EntrySource::LocalHeader(end))?);
            }
        }
        Ok(())
    }

    /// Opens other archives between two offsets where no entry begins.
    fn open_other_archives(&mut self, position: u64, end: u64) -> io::Result<()> {
        if position.saturating_add(MIN_HEADER_LEN) > end {
            return Ok(());
        }
        // If the zip follows a container, the extractor has opened that. The archives of a program are opened here.
        self.data.seek(0, self.size);
        if position == 0 && !is_program(self.data.peek(HEAD_LEN)?) {
            return Ok(());
        }
        self.data.seek(position, end);
        let ranges = self.sink.hand_over_embedded(position, &mut self.data);
        self.delegated.extend(ranges.into_iter().map(|range| range.start..range.end.min(end)));
        Ok(())
    }

    /// Hands over the entry with `header` whose data begins at `start`. Returns the offset of its end, or `start` if that is
    /// unknown.
    fn hand_over(&mut self, header: &Header, start: u64, source: EntrySource) -> io::Result<u64> {
        let sink = self.sink;
        let budget = sink.budget();
        let declared_end = start.saturating_add(header.compressed_size).min(self.size);
        if source == EntrySource::Directory && header.is_dir() {
            return Ok(declared_end);
        }
        if header.is_encrypted() {
            sink.skip(Some(&header.name), "encrypted");
            return Ok(declared_end);
        }
        let is_stored = header.method == method::STORED;
        let limit = match source {
            EntrySource::LocalHeader(end)
                if is_stored && header.has_descriptor() && header.compressed_size == 0 =>
            {
                self.stored_end(start, end)?
            }
            _ if is_stored
                || (!methods::is_self_terminating(header.method) && header.compressed_size != 0) =>
            {
                declared_end
            }
            _ => self.size,
        };
        self.data.seek(start, limit);
        let (mut decoder, memory) = match methods::decoder(header, &mut self.data, &mut self.inflater, budget)
        {
            Ok(decoder) => decoder,
            Err(error) if source == EntrySource::Directory || error.kind() == io::ErrorKind::Unsupported => {
                sink.skip(Some(&header.name), error_text(&error));
                return Ok(if source == EntrySource::Directory { declared_end } else { start });
            }
            Err(_) => return Ok(start),
        };
        let mut first_bytes = Vec::new();
        if source != EntrySource::Directory && !is_stored {
            // A few bytes may look like a header by chance, but then the data does not unpack.
            let outcome = MeteredReader { budget, input: &mut decoder }
                .take(MAX_PROBED_LEN as u64)
                .read_to_end(&mut first_bytes);
            if outcome.is_err() && first_bytes.is_empty() {
                return Ok(start);
            }
        }
        let totals = ReadTotals::default();
        let data = Cursor::new(first_bytes).chain(decoder);
        let verified = VerifyingReader::new(data, header, &totals);
        let mut metered = MeteredReader { budget, input: verified };
        let is_complete = budget.while_holding(memory, || sink.hand_over(&header.name, &mut metered));
        drop(metered);
        // Data that was read when a limit was hit may not have been handed over.
        let is_uncertain = !is_complete && sink.is_limit_hit();
        Ok(if is_uncertain { start } else { self.data_end(header, start, declared_end, &totals) })
    }

    /// The offset at which data that was read from `start` on ends, or `start` if that is unknown. It should be `declared_end`.
    /// Adds the range of the data to those that were handed over.
    fn data_end(&mut self, header: &Header, start: u64, declared_end: u64, totals: &ReadTotals) -> u64 {
        if header.method == method::STORED {
            let end = start.saturating_add(totals.count.get());
            match self.delegated.last_mut() {
                _ if end == start => {}
                Some(last) if last.start <= start && start <= last.end => last.end = last.end.max(end),
                _ => self.delegated.push(start..end),
            }
            // Truncated data that begins with something else is not recognized as a zip, but may contain one.
            self.data.seek(start, self.size);
            let is_zip =
                totals.has_failed.get() && self.data.peek(2).is_ok_and(|head| head.starts_with(b"PK"));
            return if totals.has_failed.get() && !is_zip { start } else { end };
        }
        // Damaged data may extend over the next entry.
        let end = match totals.has_failed.get() {
            true => start,
            false if methods::is_self_terminating(header.method) => self.data.position(),
            false => declared_end,
        };
        let rest = declared_end.saturating_sub(end);
        if matches!(header.method, method::DEFLATE | method::DEFLATE64)
            && !totals.has_failed.get()
            && !header.has_descriptor()
            && rest != 0
        {
            let reason =
                format!("it ends {rest} bytes before the declared end; their raw bytes were scanned");
            self.sink.skip(Some(&header.name), reason);
        }
        // Incompressible data is stored verbatim in compressed streams.
        if start < end {
            self.delegated.push(start..end);
        }
        end
    }

    /// The offset of the end of stored data at `start` whose size is only in its descriptor; at most `end`.
    fn stored_end(&mut self, start: u64, end: u64) -> io::Result<u64> {
        let mut position = start;
        while position < self.no_descriptor_after
            && let Some(offset) = self.data.find(position, end, DESCRIPTOR_SIGNATURE)?
        {
            // The content may be full of signatures, so time is checked for each.
            self.sink.budget().check()?;
            self.data.seek(offset, end);
            let bytes = self.data.peek(24)?;
            if u64::from(u32_at(bytes, 8)) == offset - start || u64_at(bytes, 8) == offset - start {
                return Ok(offset);
            }
            position = offset + DESCRIPTOR_SIGNATURE.len() as u64;
        }
        if end == self.size {
            self.no_descriptor_after = self.no_descriptor_after.min(position);
        }
        // Without a descriptor, it ends where the next entry begins.
        for signature in [HEADER_SIGNATURE, RECORD_SIGNATURE] {
            if let Some(offset) = self.data.find(start, end, signature)? {
                return Ok(offset);
            }
        }
        Ok(end)
    }
}
