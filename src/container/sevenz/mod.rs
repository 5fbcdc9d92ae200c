//! 7z: blocks of entries that are compressed together, and a header at the end that may itself be packed.

mod coders;
mod header;

use std::io::{self, Read};
use std::ops::Range;

use flate2::Crc;
use lzma_rust2::Lzma2Reader;

use self::coders::{DecoderFactory, PACKED_START};
use self::header::{Bytes, Files, SevenZipBlock, Streams, damaged};
use super::ReadSeek;
use super::entry_sink::EntrySink;
use super::inflate::cut_off;
use super::readers::{Metered, SmallReads, zero_padded};
use super::seek_window::Shared;

/// Maximum nesting of packed headers.
const MAX_NESTED_HEADERS: usize = 4;

/// Maximum memory for the decoders of a block, in bytes.
const MEMORY_PER_BLOCK: u64 = 2048;

/// Entries named individually if they cannot be unpacked.
const MAX_LISTED: usize = 20;

/// Hands over the entries of `input`. Returns the ranges of stored entries.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn ReadSeek) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| Shared::new(input).and_then(|shared| run(sink, &shared, delegated)))
}

fn run(sink: &dyn EntrySink, shared: &Shared<'_>, delegated: &mut Vec<Range<u64>>) -> io::Result<()> {
    let Header { bytes: header, was_packed, end } = match read_header(sink, shared) {
        Ok(Some(header)) => header,
        Ok(None) => return Ok(()),
        Err(error) => return without_header(sink, shared, &error),
    };
    let room = sink.budget().room();
    let mut bytes = Bytes(&header);
    let parsed = parse(&mut bytes, room / MEMORY_PER_BLOCK);
    let (streams, files) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return without_header(sink, shared, &error),
    };
    let factory = DecoderFactory { shared, streams: &streams, room: room / 2 };
    let read_all = header.len() + streams.blocks.len() * MEMORY_PER_BLOCK as usize;
    sink.budget().holding(read_all, || {
        blocks(sink, &factory, files, delegated);
        // It contains the names of the entries.
        if was_packed && !sink.is_over() {
            let _ = sink.entry(b"(header)", &mut &header[..]);
        }
    });
    // Several archives may be in one file; each knows only itself.
    let mut window = shared.window();
    window.go(end, shared.size);
    delegated.extend(sink.embedded(end, &mut window));
    Ok(())
}

/// The decoded header.
struct Header {
    /// Its bytes.
    bytes: Vec<u8>,
    was_packed: bool,
    /// End of the archive.
    end: u64,
}

/// Reads the header; `None` if there are no entries.
fn read_header(sink: &dyn EntrySink, shared: &Shared<'_>) -> io::Result<Option<Header>> {
    let most = sink.budget().room() / 32;
    let mut window = shared.window();
    let start = window.peek(PACKED_START as usize)?.to_vec();
    let eight =
        |at: usize| start.get(at..).and_then(<[u8]>::first_chunk).map(|eight| u64::from_le_bytes(*eight));
    let (Some(offset), Some(size)) = (eight(12), eight(20)) else { return Err(damaged()) };
    let place = offset.saturating_add(PACKED_START);
    // An archive whose creation was interrupted begins in the same way, but has data.
    if size == 0 && offset == 0 && shared.size == PACKED_START && start[8..].iter().any(|&byte| byte != 0) {
        return Ok(None);
    }
    if size == 0 || place.saturating_add(size) > shared.size {
        let reason = "the 7z is truncated: its header, which is at the end, is missing";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
    }
    window.go(place, place + size);
    let mut header = read_all(&mut window, size, most)?;
    for round in 0..MAX_NESTED_HEADERS {
        let mut bytes = Bytes(&header);
        match bytes.byte()? {
            1 => return Ok(Some(Header { bytes: header, was_packed: round != 0, end: place + size })),
            23 => {}
            _ => return Err(damaged()),
        }
        let streams = header::streams(&mut bytes, most / MEMORY_PER_BLOCK)?;
        let block = streams.blocks.first().ok_or_else(damaged)?;
        let factory = DecoderFactory { shared, streams: &streams, room: sink.budget().room() / 2 };
        let (unpacked, _) = factory.decoder(block, 0).map_err(|error| {
            io::Error::new(error.kind(), format!("the header of the 7z cannot be read: {error}"))
        })?;
        let unpacked = read_all(&mut Metered { budget: sink.budget(), unpacked }, block.size(), most)?;
        header = unpacked;
    }
    Err(damaged())
}

/// Reads all of `input`, which has `size` bytes.
fn read_all(input: &mut dyn Read, size: u64, most: u64) -> io::Result<Vec<u8>> {
    if size > most {
        let reason = "the header of the 7z exceeds the memory limit (`--max-memory`)";
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, reason));
    }
    let mut bytes = Vec::new();
    input.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse<'a>(bytes: &mut Bytes<'a>, most: u64) -> io::Result<(Streams<'a>, Files<'a>)> {
    let (mut streams, mut files) = (Streams::default(), Files::default());
    bytes.byte()?;
    loop {
        match bytes.byte() {
            Ok(0) | Err(_) => return Ok((streams, files)),
            // Archive properties, which no known program writes.
            Ok(2) => {
                while bytes.byte()? != 0 {
                    let size = bytes.number()?;
                    bytes.take(size)?;
                }
            }
            Ok(3) => drop(header::streams(bytes, most)?),
            Ok(4) => streams = header::streams(bytes, most)?,
            Ok(5) => files = Files::parse(bytes)?,
            Ok(_) => return Err(damaged()),
        }
    }
}

fn blocks(
    sink: &dyn EntrySink,
    factory: &DecoderFactory<'_, '_>,
    mut files: Files<'_>,
    delegated: &mut Vec<Range<u64>>,
) {
    let streams = factory.streams;
    let (mut sizes, mut digests) = (streams.sizes, streams.digests);
    let mut first = 0usize;
    for block in &streams.blocks {
        if sink.is_over() {
            return;
        }
        let mut left = block.size();
        let parts: u64 = block.parts;
        let mut entries = (0..parts).map(|at| {
            let said =
                if at + 1 == parts { None } else { sizes.as_mut().and_then(|sizes| sizes.number().ok()) };
            let size = said.unwrap_or(left).min(left);
            left -= size;
            let digest = if block.is_known() { block.digest } else { digests.next() };
            ListedFile { name: files.next().unwrap_or_default(), size, digest }
        });
        self::entries(sink, factory, block, first, &mut entries, delegated);
        entries.for_each(drop);
        first = first.saturating_add(block.packed.len());
    }
}

struct ListedFile {
    name: Vec<u8>,
    size: u64,
    digest: Option<u32>,
}

/// Hands over the entries of one block.
fn entries(
    sink: &dyn EntrySink,
    factory: &DecoderFactory<'_, '_>,
    block: &SevenZipBlock<'_>,
    first: usize,
    entries: &mut dyn Iterator<Item = ListedFile>,
    delegated: &mut Vec<Range<u64>>,
) {
    let budget = sink.budget();
    let (mut decoder, read_all) = match factory.decoder(block, first) {
        Ok(made) => made,
        Err(error) => return skip_block(sink, entries, &error),
    };
    // Copied data is not compressed.
    let is_stored = block.coders.len() == 1 && block.coders[0].method == [0];
    let mut place = factory.place(first).ok().filter(|_| is_stored).map(|(start, _)| start);
    budget.holding(usize::try_from(read_all).unwrap_or(usize::MAX), || {
        while let Some(ListedFile { name, size, digest }) = entries.next() {
            let unpacked = Part { input: &mut decoder, left: size, crc: Crc::new(), digest, failed: false };
            let mut metered = Metered { budget, unpacked };
            if !sink.entry(&name, &mut metered) && sink.is_over() {
                return;
            }
            let failed = metered.unpacked.failed;
            let read = size - metered.unpacked.left;
            if let Some(start) = place.as_mut().filter(|_| read != 0) {
                delegated.push(*start..start.saturating_add(read));
                *start = start.saturating_add(read);
            }
            if failed {
                let lost = entries.count();
                if lost != 0 {
                    sink.skip(
                        None,
                        format!("{lost} entries after that one in the same block could not be read"),
                    );
                }
                return;
            }
        }
        trailing_data(sink, &mut *decoder);
    });
}

/// Records that the entries of a block cannot be unpacked; there may be very many.
fn skip_block(sink: &dyn EntrySink, entries: &mut dyn Iterator<Item = ListedFile>, error: &io::Error) {
    let names: Vec<Vec<u8>> = entries.take(MAX_LISTED + 1).map(|entry| entry.name).collect();
    for name in names.iter().take(MAX_LISTED) {
        sink.skip(Some(name), error.to_string());
    }
    if names.len() > MAX_LISTED {
        let more = entries.count() + 1;
        sink.skip(None, format!("{more} more entries of the same block: {error}"));
    }
}

/// Hands over data of a block after its last entry.
fn trailing_data(sink: &dyn EntrySink, decoder: &mut dyn Read) {
    let mut metered = Metered { budget: sink.budget(), unpacked: decoder };
    let mut first = [0];
    if matches!(metered.read(&mut first), Ok(1)) {
        let _ = sink.entry(b"(after the last entry)", &mut (&first[..]).chain(metered));
    }
}

/// One entry of a block.
struct Part<'a> {
    input: &'a mut dyn Read,
    left: u64,
    crc: Crc,
    digest: Option<u32>,
    /// Whether the following entries cannot be read either.
    failed: bool,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if self.failed {
            return Ok(0);
        }
        if room == 0 {
            let is_right = self.digest.take().is_none_or(|digest| digest == self.crc.sum());
            return match is_right || buffer.is_empty() {
                true => Ok(0),
                false => {
                    Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match the archive"))
                }
            };
        }
        let read = self.input.read(&mut buffer[..room]);
        self.failed = !matches!(read, Ok(1..));
        let count = read?;
        if count == 0 {
            return Err(cut_off());
        }
        self.crc.update(&buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

/// Without the header, the first block can still be read if it is LZMA2, which needs no other information.
fn without_header(sink: &dyn EntrySink, shared: &Shared<'_>, error: &io::Error) -> io::Result<()> {
    let mut window = shared.window();
    window.go(PACKED_START, shared.size);
    let starts = matches!(window.peek(1)?.first(), Some(1 | 0xe0..));
    let is_known = matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::OutOfMemory);
    if !starts || is_known {
        sink.skip(None, error.to_string());
        return Ok(());
    }
    sink.skip(None, format!("{error}; its first block was scanned without it"));
    let budget = sink.budget();
    let dictionary = u32::try_from(budget.room() / 4).unwrap_or(u32::MAX).min(64 << 20);
    let unpacked = SmallReads(Lzma2Reader::new(zero_padded(window), dictionary, None));
    budget.holding(dictionary as usize, || {
        let _ = sink.entry(b"first block", &mut Metered { budget, unpacked });
    });
    Ok(())
}
