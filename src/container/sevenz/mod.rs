//! Opens 7z archives: blocks of entries that are compressed together, and a header at the end that may be compressed itself.

mod coders;
mod header;

use std::io::{self, Read};
use std::ops::Range;

use flate2::Crc;
use lzma_rust2::Lzma2Reader;

use self::coders::{DecoderFactory, PACKED_START};
use self::header::{FileNames, HeaderBytes, SevenZipBlock, Streams, invalid_header_error, property};
use super::ReadSeek;
use super::entry_sink::EntrySink;
use super::inflate::truncated;
use super::readers::{MeteredReader, SmallReads, pad_with_zeros};
use super::seek_window::SharedInput;

/// Maximum nesting of compressed headers.
const MAX_NESTED_HEADERS: usize = 4;

/// Maximum memory that the description of a block takes, in bytes.
const MEMORY_PER_BLOCK: u64 = 2048;

/// Maximum number of entries of a block that are named individually if the block cannot be unpacked.
const MAX_LISTED_ENTRIES: usize = 20;

/// Hands over the entries of `input`. Returns the ranges of stored entries.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn ReadSeek) -> Vec<Range<u64>> {
    sink.collect_delegated(|delegated| {
        SharedInput::new(input).and_then(|shared| open_archive(sink, &shared, delegated))
    })
}

fn open_archive(
    sink: &dyn EntrySink,
    shared: &SharedInput<'_>,
    delegated: &mut Vec<Range<u64>>,
) -> io::Result<()> {
    let Header { bytes: header, was_compressed, end } = match read_header(sink, shared) {
        Ok(Some(header)) => header,
        Ok(None) => return Ok(()),
        Err(error) => return open_without_header(sink, shared, &error),
    };
    let memory_left = sink.budget().memory_left();
    let mut bytes = HeaderBytes(&header);
    let parsed = parse(&mut bytes, memory_left / MEMORY_PER_BLOCK);
    let (streams, files) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return open_without_header(sink, shared, &error),
    };
    let factory = DecoderFactory { shared, streams: &streams, max_memory: memory_left / 2 };
    let header_memory = header.len() + streams.blocks.len() * MEMORY_PER_BLOCK as usize;
    sink.budget().while_holding(header_memory, || {
        hand_over_blocks(sink, &factory, files, delegated);
        // Its raw bytes are compressed, and it contains the names of the entries.
        if was_compressed && !sink.is_limit_hit() {
            let _ = sink.hand_over(b"(header)", &mut &header[..]);
        }
    });
    // A file may contain several archives, and a header describes only its own.
    let mut window = shared.window();
    window.seek(end, shared.size);
    delegated.extend(sink.hand_over_embedded(end, &mut window));
    Ok(())
}

/// The decoded header.
struct Header {
    bytes: Vec<u8>,
    was_compressed: bool,
    /// Offset of the end of the archive.
    end: u64,
}

/// Reads the header; `None` if there are no entries.
fn read_header(sink: &dyn EntrySink, shared: &SharedInput<'_>) -> io::Result<Option<Header>> {
    let max_len = sink.budget().memory_left() / 32;
    let mut window = shared.window();
    let signature_header = window.peek(PACKED_START as usize)?.to_vec();
    let u64_at = |offset: usize| {
        signature_header.get(offset..).and_then(<[u8]>::first_chunk).map(|bytes| u64::from_le_bytes(*bytes))
    };
    let (Some(offset), Some(size)) = (u64_at(12), u64_at(20)) else { return Err(invalid_header_error()) };
    let start = offset.saturating_add(PACKED_START);
    // An archive whose creation was interrupted begins in the same way, but has data.
    if size == 0
        && offset == 0
        && shared.size == PACKED_START
        && signature_header[8..].iter().any(|&byte| byte != 0)
    {
        return Ok(None);
    }
    if size == 0 || start.saturating_add(size) > shared.size {
        let reason = "the 7z is truncated: its header, which is at the end, is missing";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
    }
    window.seek(start, start + size);
    let mut header = read_all(&mut window, size, max_len)?;
    for round in 0..MAX_NESTED_HEADERS {
        let mut bytes = HeaderBytes(&header);
        match bytes.read_byte()? {
            property::HEADER => {
                return Ok(Some(Header { bytes: header, was_compressed: round != 0, end: start + size }));
            }
            property::COMPRESSED_HEADER => {}
            _ => return Err(invalid_header_error()),
        }
        let streams = header::read_streams(&mut bytes, max_len / MEMORY_PER_BLOCK)?;
        let block = streams.blocks.first().ok_or_else(invalid_header_error)?;
        let factory =
            DecoderFactory { shared, streams: &streams, max_memory: sink.budget().memory_left() / 2 };
        let (decoder, _) = factory.decoder(block, 0).map_err(|error| {
            io::Error::new(error.kind(), format!("the header of the 7z cannot be read: {error}"))
        })?;
        let decoded =
            read_all(&mut MeteredReader { budget: sink.budget(), input: decoder }, block.size(), max_len)?;
        header = decoded;
    }
    Err(invalid_header_error())
}

/// Reads `size` bytes of `input`, fewer if it ends before.
///
/// # Errors
/// Those of `input`, and if `size` exceeds `max_len`.
fn read_all(input: &mut dyn Read, size: u64, max_len: u64) -> io::Result<Vec<u8>> {
    if size > max_len {
        let reason = "the header of the 7z exceeds the memory limit (`--max-memory`)";
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, reason));
    }
    let mut bytes = Vec::new();
    input.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Parses a decoded header: the streams with the entries, and the names of the entries.
fn parse<'a>(bytes: &mut HeaderBytes<'a>, max_blocks: u64) -> io::Result<(Streams<'a>, FileNames<'a>)> {
    let (mut streams, mut files) = (Streams::default(), FileNames::default());
    bytes.read_byte()?;
    loop {
        match bytes.read_byte() {
            Ok(property::END) | Err(_) => return Ok((streams, files)),
            // Archive properties, which no known program writes.
            Ok(property::ARCHIVE_PROPERTIES) => {
                while bytes.read_byte()? != property::END {
                    let size = bytes.read_number()?;
                    bytes.take(size)?;
                }
            }
            Ok(property::OTHER_STREAMS) => drop(header::read_streams(bytes, max_blocks)?),
            Ok(property::MAIN_STREAMS) => streams = header::read_streams(bytes, max_blocks)?,
            Ok(property::FILES) => files = FileNames::read(bytes)?,
            Ok(_) => return Err(invalid_header_error()),
        }
    }
}

/// Hands over the entries of all blocks.
fn hand_over_blocks(
    sink: &dyn EntrySink,
    factory: &DecoderFactory<'_, '_>,
    mut files: FileNames<'_>,
    delegated: &mut Vec<Range<u64>>,
) {
    let streams = factory.streams;
    let (mut sizes, mut digests) = (streams.sizes, streams.digests);
    let mut first_stream = 0usize;
    for block in &streams.blocks {
        if sink.is_limit_hit() {
            return;
        }
        let mut left = block.size();
        let entry_count: u64 = block.entry_count;
        let mut entries = (0..entry_count).map(|index| {
            let declared = if index + 1 == entry_count {
                None
            } else {
                sizes.as_mut().and_then(|sizes| sizes.read_number().ok())
            };
            let size = declared.unwrap_or(left).min(left);
            left -= size;
            let digest = if block.has_entry_digest() { block.digest } else { digests.next() };
            FileInBlock { name: files.next().unwrap_or_default(), size, digest }
        });
        hand_over_entries(sink, factory, block, first_stream, &mut entries, delegated);
        entries.for_each(drop);
        first_stream = first_stream.saturating_add(block.packed_streams.len());
    }
}

/// What the header says about an entry.
struct FileInBlock {
    name: Vec<u8>,
    size: u64,
    digest: Option<u32>,
}

/// Hands over the entries of one block.
fn hand_over_entries(
    sink: &dyn EntrySink,
    factory: &DecoderFactory<'_, '_>,
    block: &SevenZipBlock<'_>,
    first_stream: usize,
    entries: &mut dyn Iterator<Item = FileInBlock>,
    delegated: &mut Vec<Range<u64>>,
) {
    let budget = sink.budget();
    let (mut decoder, memory) = match factory.decoder(block, first_stream) {
        Ok(decoder) => decoder,
        Err(error) => return skip_block(sink, entries, &error),
    };
    // The only coder with this method copies its input, so the entries are stored.
    let is_stored = block.coders.len() == 1 && block.coders[0].method == [0];
    let mut start = factory.stream_range(first_stream).ok().filter(|_| is_stored).map(|(start, _)| start);
    budget.while_holding(usize::try_from(memory).unwrap_or(usize::MAX), || {
        while let Some(FileInBlock { name, size, digest }) = entries.next() {
            let input =
                EntryReader { input: &mut decoder, left: size, crc: Crc::new(), digest, has_failed: false };
            let mut metered = MeteredReader { budget, input };
            if !sink.hand_over(&name, &mut metered) && sink.is_limit_hit() {
                return;
            }
            let has_failed = metered.input.has_failed;
            let read = size - metered.input.left;
            if let Some(start) = start.as_mut().filter(|_| read != 0) {
                delegated.push(*start..start.saturating_add(read));
                *start = start.saturating_add(read);
            }
            if has_failed {
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
        hand_over_trailing_data(sink, &mut *decoder);
    });
}

/// Records that the entries of a block cannot be unpacked; there may be very many.
fn skip_block(sink: &dyn EntrySink, entries: &mut dyn Iterator<Item = FileInBlock>, error: &io::Error) {
    let names: Vec<Vec<u8>> = entries.take(MAX_LISTED_ENTRIES + 1).map(|entry| entry.name).collect();
    for name in names.iter().take(MAX_LISTED_ENTRIES) {
        sink.skip(Some(name), error.to_string());
    }
    if names.len() > MAX_LISTED_ENTRIES {
        let unlisted = entries.count() + 1;
        sink.skip(None, format!("{unlisted} more entries of the same block: {error}"));
    }
}

/// Hands over data of a block after the last entry, if there is any.
fn hand_over_trailing_data(sink: &dyn EntrySink, decoder: &mut dyn Read) {
    let mut metered = MeteredReader { budget: sink.budget(), input: decoder };
    let mut first_byte = [0];
    if matches!(metered.read(&mut first_byte), Ok(1)) {
        let _ = sink.hand_over(b"(after the last entry)", &mut (&first_byte[..]).chain(metered));
    }
}

/// Reads one entry of a block and verifies its checksum.
struct EntryReader<'a> {
    input: &'a mut dyn Read,
    left: u64,
    crc: Crc,
    digest: Option<u32>,
    /// Whether the following entries cannot be read either.
    has_failed: bool,
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if self.has_failed {
            return Ok(0);
        }
        if room == 0 {
            let is_intact = self.digest.take().is_none_or(|digest| digest == self.crc.sum());
            return match is_intact || buffer.is_empty() {
                true => Ok(0),
                false => {
                    Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match the archive"))
                }
            };
        }
        let read = self.input.read(&mut buffer[..room]);
        self.has_failed = !matches!(read, Ok(1..));
        let count = read?;
        if count == 0 {
            return Err(truncated());
        }
        self.crc.update(&buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

/// Hands over the first block of an archive whose header cannot be read, because of `error`, if that block is LZMA2, which
/// needs no other information.
fn open_without_header(sink: &dyn EntrySink, shared: &SharedInput<'_>, error: &io::Error) -> io::Result<()> {
    let mut window = shared.window();
    window.seek(PACKED_START, shared.size);
    let is_lzma2 = matches!(window.peek(1)?.first(), Some(1 | 0xe0..));
    let is_unreadable = matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::OutOfMemory);
    if !is_lzma2 || is_unreadable {
        sink.skip(None, error.to_string());
        return Ok(());
    }
    sink.skip(None, format!("{error}; its first block was scanned without it"));
    let budget = sink.budget();
    let dictionary = u32::try_from(budget.memory_left() / 4).unwrap_or(u32::MAX).min(64 << 20);
    let unpacked = SmallReads(Lzma2Reader::new(pad_with_zeros(window), dictionary, None));
    budget.while_holding(dictionary as usize, || {
        let _ = sink.hand_over(b"first block", &mut MeteredReader { budget, input: unpacked });
    });
    Ok(())
}
