//! Opens tars of every variant, which are read sequentially, in blocks of 512 bytes.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::format::HEAD_LEN;
use super::limits::{Budget, size_text};
use super::readers::{drain, fill};
use super::sparse::{SparseAttributes, SparseMap, StoredMap};

/// Bytes of a block.
const BLOCK_LEN: usize = 512;

/// Number of zero blocks that end an archive.
const END_BLOCKS: u64 = 2;

/// Names longer than this, in bytes, are truncated: they are held in memory, and real ones are shorter.
const MAX_NAME_LEN: u64 = 1 << 16;

/// Bytes of the attributes of an entry that are read. Real ones can contain long access control lists.
const MAX_ATTRIBUTES_LEN: u64 = 1 << 20;

/// Numbers of a map in the old GNU format that are read. Real maps have far fewer.
const MAX_OLD_NUMBERS: usize = 1 << 18;

/// Bytes of the holes of a sparse file that are put back. Many such files must not use up the limits.
const MAX_HOLES: u64 = 16 << 20;

/// Whether a tar begins with `head`: its first header has a correct checksum or, if it was changed without a new
/// checksum, at least tar's magic number.
pub(super) fn is_tar(head: &[u8]) -> bool {
    let has_magic = || head.get(257..263).is_some_and(|magic| matches!(magic, b"ustar\0" | b"ustar "));
    is_header(head) || (head.len() >= BLOCK_LEN && has_magic())
}

/// Whether a header with a correct checksum begins with `head`.
fn is_header(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<BLOCK_LEN>() else { return false };
    // An empty name is valid only with a magic number.
    if block[0] == 0 && !block[257..].starts_with(b"ustar") {
        return false;
    }
    let Some(stored) = parse_octal(&block[148..156]) else { return false };
    let sum: u64 =
        block[..148].iter().chain(&block[156..]).map(|&byte| u64::from(byte)).sum::<u64>() + 8 * 32;
    // Some programs sum signed bytes: those of 128 and more count as 256 less.
    let negative_count = block[..148].iter().chain(&block[156..]).filter(|&&byte| byte >= 128).count() as u64;
    stored == sum || Some(stored) == sum.checked_sub(256 * negative_count)
}

/// Hands over the entries. Returns their ranges.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) -> Vec<Range<u64>> {
    let mut tar = TarReader {
        sink,
        input,
        offset: 0,
        next_entry: NextEntry::default(),
        delegated: Vec::new(),
        is_entry_cut_short: false,
    };
    if let Err(error) = tar.run() {
        sink.skip(None, format!("{error}; the data before that was scanned"));
    }
    tar.delegated
}

struct TarReader<'a> {
    sink: &'a dyn EntrySink,
    input: &'a mut dyn Read,
    /// Bytes read so far.
    offset: u64,
    next_entry: NextEntry,
    delegated: Vec<Range<u64>>,
    /// Whether an entry could not be read to its end, so that the next header cannot be found.
    is_entry_cut_short: bool,
}

/// What the extended headers read so far say about the entry that follows them.
#[derive(Default)]
struct NextEntry {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: SparseAttributes,
}

impl TarReader<'_> {
    fn run(&mut self) -> io::Result<()> {
        let (mut is_searching, mut zeros, mut has_ended) = (false, 0, false);
        while !self.is_entry_cut_short && !self.sink.is_limit_hit() {
            let start = self.offset;
            let block = match self.read_block() {
                // Padding may end within a block. An error of the input occurs again when the caller reads the rest.
                Err(_) if has_ended => return Ok(()),
                block => block?,
            };
            let Some(block) = block else {
                // Neither two zero blocks, nor one, nor a part of one.
                if zeros == 0 && !has_ended && self.offset == start {
                    self.sink.skip(None, "the tar has no end marker and may be truncated");
                }
                return Ok(());
            };
            zeros = if block.iter().all(|&byte| byte == 0) { zeros + 1 } else { 0 };
            // After the end, there may be padding to the size of a tape block or sector, or another archive.
            has_ended |= zeros == END_BLOCKS;
            if is_header(&block) {
                (is_searching, has_ended) = (false, false);
                self.read_entry(&block)?;
            } else if zeros == 0 && !has_ended && !is_searching {
                is_searching = true;
                // They describe the entry whose header is damaged, not the one that is found next.
                self.next_entry = NextEntry::default();
                self.sink
                    .skip(None, format!("expected a tar header at byte {start}; searched for the next one"));
            }
        }
        Ok(())
    }

    /// Reads the next block; `None` at the end.
    fn read_block(&mut self) -> io::Result<Option<[u8; BLOCK_LEN]>> {
        let mut block = Vec::with_capacity(BLOCK_LEN);
        fill(self.input, &mut block, BLOCK_LEN)?;
        self.offset += block.len() as u64;
        match block.first_chunk::<BLOCK_LEN>() {
            Some(block) => Ok(Some(*block)),
            None if block.iter().all(|&byte| byte == 0) => Ok(None),
            None => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the tar is truncated within a header")),
        }
    }

    fn read_entry(&mut self, header: &[u8; BLOCK_LEN]) -> io::Result<()> {
        let kind = header[156];
        let size = parse_size(&header[124..136]).ok_or_else(|| invalid_size_error(self.offset))?;
        match kind {
            b'L' => self.next_entry.name = Some(until_nul(&self.read_data(size, MAX_NAME_LEN)?).to_vec()),
            b'x' | b'X' => {
                let start = self.offset;
                let attributes = self.read_data(size, MAX_ATTRIBUTES_LEN)?;
                if !self.apply_attributes(&attributes) || size > MAX_ATTRIBUTES_LEN {
                    let reason = format!(
                        "the extended header at byte {start} is damaged or longer than {MAX_ATTRIBUTES_LEN} bytes, so that \
                         the next entry may have another name or size"
                    );
                    self.sink.skip(None, reason);
                }
            }
            // A long link name, and global attributes, which contain no names.
            b'K' | b'g' => drop(self.read_data(size, 0)?),
            // Links, devices, directories and pipes have no data, whatever their size field says.
            b'1'..=b'6' => self.next_entry = NextEntry::default(),
            _ => {
                let extended = std::mem::take(&mut self.next_entry);
                let map = if kind == b'S' { Some(self.read_old_map(header)?) } else { None };
                let name = extended.name.unwrap_or_else(|| entry_name(header));
                self.hand_over_data(&name, extended.size.unwrap_or(size), map, extended.sparse)?;
            }
        }
        Ok(())
    }

    /// Reads the map of a sparse file in the old GNU format: from its header, and from the blocks after it.
    fn read_old_map(&mut self, header: &[u8; BLOCK_LEN]) -> io::Result<StoredMap> {
        let mut numbers = Vec::new();
        let mut is_damaged = !add_old_numbers(&header[386..482], &mut numbers);
        let mut is_continued = header[482] != 0;
        while is_continued {
            let Some(block) = self.read_block()? else { break };
            is_damaged |= numbers.len() > MAX_OLD_NUMBERS || !add_old_numbers(&block[..504], &mut numbers);
            is_continued = block[504] != 0;
        }
        let map = SparseMap::new(&numbers, parse_size(&header[483..495]).filter(|&size| size != 0));
        Ok(map.filter(|_| !is_damaged).map_or(StoredMap::Damaged, StoredMap::Map))
    }

    /// Hands over the `size` bytes of an entry. For a sparse file, `map` is that of its header, or `sparse` are its attributes.
    fn hand_over_data(
        &mut self,
        name: &[u8],
        size: u64,
        map: Option<StoredMap>,
        sparse: SparseAttributes,
    ) -> io::Result<()> {
        let (sink, mut start) = (self.sink, self.offset);
        let mut data_reader = ExactBytes { input: self.input, left: size };
        let mut read = Vec::new();
        let map = map.unwrap_or_else(|| sparse.into_map(&mut data_reader, &mut read));
        let map = match map {
            StoredMap::Map(map) if map.data_len() == data_reader.left => {
                start += read.len() as u64;
                read.clear();
                Some(map)
            }
            StoredMap::Map(_) | StoredMap::Damaged => {
                sink.skip(
                    Some(name),
                    "a sparse file whose map is damaged, so that a container in it cannot be opened",
                );
                None
            }
            StoredMap::None => None,
        };
        let is_complete = match map {
            Some(map) if map.hole_len() != 0 && fits(&map, sink.budget()) => {
                sink.hand_over(name, &mut map.reader(&mut data_reader, sink.budget()))
            }
            Some(map) if map.hole_len() != 0 => {
                let _ = fill(&mut data_reader, &mut read, HEAD_LEN);
                if sink.is_container(&read) {
                    let holes = size_text(map.hole_len());
                    sink.skip(Some(name), format!("a sparse container, opened without its holes of {holes}"));
                }
                sink.hand_over(name, &mut (&read[..]).chain(&mut data_reader))
            }
            _ => sink.hand_over(name, &mut (&read[..]).chain(&mut data_reader)),
        };
        match drain(&mut data_reader) {
            // The skip was already recorded for the entry.
            Err(_) if !is_complete => self.is_entry_cut_short = true,
            outcome => drop(outcome?),
        }
        if is_complete {
            self.delegated.push(start..self.offset.saturating_add(size));
        }
        self.skip_data(size)
    }

    /// Reads the data of an extended header, and returns at most `max_len` bytes of it.
    fn read_data(&mut self, size: u64, max_len: u64) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        let mut data_reader = ExactBytes { input: self.input, left: size };
        fill(&mut data_reader, &mut data, size.min(max_len) as usize)?;
        drain(&mut data_reader)?;
        self.skip_data(size)?;
        Ok(data)
    }

    /// Moves to the next block after `size` bytes of data.
    fn skip_data(&mut self, size: u64) -> io::Result<()> {
        let rest = size.wrapping_neg() % BLOCK_LEN as u64;
        self.offset = self.offset.saturating_add(size).saturating_add(rest);
        // At the very end, the padding may be missing.
        let mut padding = (&mut *self.input).take(rest);
        drain(&mut padding).map(|_| ())
    }

    /// Applies extended attributes to the next entry. Each has the form `LENGTH KEY=VALUE`, followed by a newline. Returns
    /// `false` at the first one of another form.
    fn apply_attributes(&mut self, mut records: &[u8]) -> bool {
        while let Some(space) = memchr::memchr(b' ', records) {
            let length = parse_decimal(&records[..space]).and_then(|length| usize::try_from(length).ok());
            let Some(record) = length.and_then(|length| records.get(space + 1..length)) else {
                return false;
            };
            let rest = space + 1 + record.len();
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some(equals_sign) = memchr::memchr(b'=', record) {
                match (&record[..equals_sign], &record[equals_sign + 1..]) {
                    (b"path" | b"GNU.sparse.name", name) => self.next_entry.name = Some(name.to_vec()),
                    (b"size", size) => self.next_entry.size = parse_decimal(size),
                    (key, value) => self.next_entry.sparse.apply(key, value),
                }
            }
            records = &records[rest..];
        }
        // Some programs pad them.
        records.iter().all(|&byte| byte == 0)
    }
}

/// Whether the holes of a sparse file may be put back.
fn fits(map: &SparseMap, budget: &Budget) -> bool {
    map.hole_len() <= budget.bytes_left().unwrap_or(0).min(MAX_HOLES)
}

/// Adds the offsets and lengths in a part of a map in the old GNU format. Returns whether all of them can be read.
fn add_old_numbers(part: &[u8], numbers: &mut Vec<u64>) -> bool {
    const FIELD_LEN: usize = 12;
    // Unused pairs are empty.
    let pairs = part.chunks_exact(2 * FIELD_LEN).take_while(|pair| pair[FIELD_LEN] != 0);
    let fields = pairs.flat_map(|pair| pair.chunks_exact(FIELD_LEN));
    let parsed = fields.map(parse_size).collect::<Option<Vec<u64>>>();
    parsed.map(|parsed| numbers.extend(parsed)).is_some()
}

/// Reads the next `left` bytes of the input. It is an error if the input ends before that.
struct ExactBytes<'a> {
    input: &'a mut dyn Read,
    left: u64,
}

impl Read for ExactBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        let count = self.input.read(&mut buffer[..room])?;
        if count == 0 {
            let reason = format!("the tar is truncated: {} bytes are missing", self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn invalid_size_error(offset: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the tar header before byte {offset} has an invalid size"),
    )
}

fn entry_name(header: &[u8; BLOCK_LEN]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    let prefix = if header[257..].starts_with(b"ustar\0") { until_nul(&header[345..500]) } else { b"" };
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// A size field: octal digits, or binary if its highest bit is set.
fn parse_size(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 == 0 {
        return parse_octal(field);
    }
    let digits = field.iter().enumerate().map(|(index, &byte)| if index == 0 { byte & 0x7f } else { byte });
    digits.into_iter().try_fold(0u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(byte)))
}

/// Octal digits between blanks and NULs; an empty field is 0, as for directories.
fn parse_octal(field: &[u8]) -> Option<u64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = field.iter().skip_while(|byte| is_blank(byte)).take_while(|byte| !is_blank(byte));
    digits.into_iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 8)?;
        sum.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

fn parse_decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}
