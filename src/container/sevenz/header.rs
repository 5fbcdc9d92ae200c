//! Parses the header of a 7z: its blocks, their coders, and their entries.
//!
//! Only the bytes of the header and the blocks are held in memory. Sizes, checksums and names of entries are parsed when they
//! are needed, so that a header may declare any number of them.

use std::io;

/// Maximum number of coders in a block.
const MAX_CODERS: u64 = 32;

/// Ids of the properties in a header, from `7zFormat.txt` of 7-Zip's source.
pub(super) mod property {
    pub(in super::super) const END: u8 = 0;
    pub(in super::super) const HEADER: u8 = 1;
    pub(in super::super) const ARCHIVE_PROPERTIES: u8 = 2;
    pub(in super::super) const OTHER_STREAMS: u8 = 3;
    pub(in super::super) const MAIN_STREAMS: u8 = 4;
    pub(in super::super) const FILES: u8 = 5;
    pub(super) const PACKED_STREAMS: u8 = 6;
    pub(super) const BLOCKS: u8 = 7;
    pub(super) const ENTRY_LISTS: u8 = 8;
    pub(super) const SIZES: u8 = 9;
    pub(super) const DIGESTS: u8 = 10;
    pub(super) const BLOCK_LIST: u8 = 11;
    pub(super) const CODER_SIZES: u8 = 12;
    pub(super) const ENTRY_COUNTS: u8 = 13;
    pub(super) const FILES_WITHOUT_DATA: u8 = 14;
    pub(super) const NAMES: u8 = 17;
    pub(in super::super) const COMPRESSED_HEADER: u8 = 23;
}

/// The bytes of a header that have not been read yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeaderBytes<'a>(pub(super) &'a [u8]);

impl<'a> HeaderBytes<'a> {
    /// Reads `count` bytes.
    pub(super) fn take(&mut self, count: u64) -> io::Result<&'a [u8]> {
        let count = usize::try_from(count).map_err(|_| invalid_header_error())?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(invalid_header_error)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn read_byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Reads a number of one to nine bytes. The number of leading one bits of the first byte is the number of bytes that
    /// follow.
    pub(super) fn read_number(&mut self) -> io::Result<u64> {
        let first = self.read_byte()?;
        let count = first.leading_ones();
        let low = self.take(count.into())?;
        let low = low.iter().rev().fold(0u64, |sum, &byte| (sum << 8) | u64::from(byte));
        let high = if count < 7 { u64::from(first & (0x7f >> count)) << (8 * count) } else { 0 };
        Ok(low | high)
    }

    /// Reads a number of items. It must not exceed the rest of the header, which contains at least a byte for each item.
    fn read_count(&mut self) -> io::Result<u64> {
        Some(self.read_number()?)
            .filter(|&count| count <= self.0.len() as u64)
            .ok_or_else(invalid_header_error)
    }

    /// Reads the checksums of `count` items.
    fn read_digests(&mut self, count: u64) -> io::Result<Digests<'a>> {
        let bits = if self.read_byte()? == 0 { Some(self.take(count.div_ceil(8))?) } else { None };
        let digest_count =
            bits.map_or(count, |bits| (0..count).filter(|&index| bit(bits, index)).count() as u64);
        Ok(Digests { bits, index: 0, values: HeaderBytes(self.take(digest_count.saturating_mul(4))?) })
    }
}

/// CRC-32 checksums, some of which may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digests<'a> {
    /// A bit for each item that has a checksum; `None` if all have one.
    bits: Option<&'a [u8]>,
    /// Index of the next item.
    index: u64,
    values: HeaderBytes<'a>,
}

impl Digests<'_> {
    /// The checksum of the next item, if it has one.
    pub(super) fn next(&mut self) -> Option<u32> {
        let has_digest = self.bits.is_none_or(|bits| bit(bits, self.index));
        self.index += 1;
        let value = if has_digest { self.values.take(4).ok()? } else { return None };
        value.first_chunk().map(|four| u32::from_le_bytes(*four))
    }
}

/// One step of decoding a block.
#[derive(Debug)]
pub(super) struct Coder<'a> {
    /// The id of the method.
    pub(super) method: &'a [u8],
    /// Number of inputs.
    pub(super) inputs: u64,
    pub(super) properties: &'a [u8],
    /// Bytes of the output.
    pub(super) size: u64,
}

/// A block (7z calls it a folder): a stream that contains one or more entries.
#[derive(Debug, Default)]
pub(super) struct SevenZipBlock<'a> {
    pub(super) coders: Vec<Coder<'a>>,
    /// Pairs of an input and the coder whose output feeds it.
    pub(super) bindings: Vec<(u64, u64)>,
    /// Inputs that are packed streams of the archive.
    pub(super) packed_streams: Vec<u64>,
    /// Checksum of the content.
    pub(super) digest: Option<u32>,
    /// Number of entries in the block.
    pub(super) entry_count: u64,
}

impl SevenZipBlock<'_> {
    /// The index of the coder whose output is the content of the block.
    pub(super) fn main_coder(&self) -> Option<usize> {
        (0..self.coders.len()).find(|&index| self.bindings.iter().all(|&(_, output)| output != index as u64))
    }

    /// Bytes of the content.
    pub(super) fn size(&self) -> u64 {
        self.main_coder().map_or(0, |main| self.coders[main].size)
    }
}

/// Where the packed streams are, and how they are decoded to the blocks that contain the entries.
#[derive(Debug, Default)]
pub(super) struct Streams<'a> {
    /// Offset of the first packed stream, relative to the end of the signature header.
    pub(super) offset: u64,
    /// End of each packed stream, relative to that offset.
    pub(super) ends: Vec<u64>,
    pub(super) blocks: Vec<SevenZipBlock<'a>>,
    /// The encoded sizes of the entries, except the last of each block.
    pub(super) sizes: Option<HeaderBytes<'a>>,
    /// Checksums of the entries, except those that are the only entry of a block with a checksum.
    pub(super) digests: Digests<'a>,
}

/// Reads the description of the packed streams.
///
/// # Errors
/// If it is invalid or has more than `max_blocks` blocks.
pub(super) fn read_streams<'a>(bytes: &mut HeaderBytes<'a>, max_blocks: u64) -> io::Result<Streams<'a>> {
    let mut streams = Streams::default();
    loop {
        match bytes.read_byte()? {
            property::END => return Ok(streams),
            property::PACKED_STREAMS => read_packed_streams(bytes, &mut streams)?,
            property::BLOCKS => read_blocks(bytes, &mut streams, max_blocks)?,
            property::ENTRY_LISTS => read_entry_lists(bytes, &mut streams)?,
            _ => return Err(invalid_header_error()),
        }
    }
}

fn read_packed_streams(bytes: &mut HeaderBytes<'_>, streams: &mut Streams<'_>) -> io::Result<()> {
    streams.offset = bytes.read_number()?;
    let count = bytes.read_count()?;
    loop {
        match bytes.read_byte()? {
            property::END => return Ok(()),
            property::SIZES => {
                let mut end = 0u64;
                let mut next = || {
                    end = end.saturating_add(bytes.read_number()?);
                    Ok(end)
                };
                streams.ends = (0..count).map(|_| next()).collect::<io::Result<_>>()?;
            }
            property::DIGESTS => drop(bytes.read_digests(count)?),
            _ => return Err(invalid_header_error()),
        }
    }
}

fn read_blocks<'a>(
    bytes: &mut HeaderBytes<'a>,
    streams: &mut Streams<'a>,
    max_blocks: u64,
) -> io::Result<()> {
    if bytes.read_byte()? != property::BLOCK_LIST {
        return Err(invalid_header_error());
    }
    let count = bytes.read_count()?;
    if count > max_blocks {
        let reason = format!("it has {count} blocks, but only {max_blocks} fit into memory (`--max-memory`)");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, reason));
    }
    if bytes.read_byte()? != 0 {
        return Err(invalid_header_error());
    }
    streams.blocks = (0..count).map(|_| read_block(bytes)).collect::<io::Result<_>>()?;
    loop {
        match bytes.read_byte()? {
            property::END => return Ok(()),
            property::CODER_SIZES => {
                for coder in streams.blocks.iter_mut().flat_map(|block| &mut block.coders) {
                    coder.size = bytes.read_number()?;
                }
            }
            property::DIGESTS => {
                let mut digests = bytes.read_digests(count)?;
                streams.blocks.iter_mut().for_each(|block| block.digest = digests.next());
            }
            _ => return Err(invalid_header_error()),
        }
    }
}

fn read_block<'a>(bytes: &mut HeaderBytes<'a>) -> io::Result<SevenZipBlock<'a>> {
    let count = Some(bytes.read_count()?).filter(|count| (1..=MAX_CODERS).contains(count));
    let count = count.ok_or_else(invalid_header_error)?;
    let mut block = SevenZipBlock { entry_count: 1, ..SevenZipBlock::default() };
    let mut inputs = 0;
    for _ in 0..count {
        let kind = bytes.read_byte()?;
        let method = bytes.take((kind & 15).into())?;
        let mut coder = Coder { method, inputs: 1, properties: &[], size: 0 };
        if kind & 0x10 != 0 {
            coder.inputs = bytes.read_number()?;
            if bytes.read_number()? != 1 || coder.inputs > MAX_CODERS {
                return Err(invalid_header_error());
            }
        }
        if kind & 0x20 != 0 {
            let length = bytes.read_number()?;
            coder.properties = bytes.take(length)?;
        }
        inputs += coder.inputs;
        block.coders.push(coder);
    }
    for _ in 1..count {
        block.bindings.push((bytes.read_number()?, bytes.read_number()?));
    }
    let is_bound = |input: &u64| block.bindings.iter().any(|(bound, _)| bound == input);
    match inputs.saturating_sub(count - 1) {
        1 => block.packed_streams = (0..inputs).filter(|input| !is_bound(input)).take(1).collect(),
        several => {
            block.packed_streams = (0..several).map(|_| bytes.read_number()).collect::<io::Result<_>>()?
        }
    }
    Ok(block)
}

/// Reads which entries the blocks contain.
fn read_entry_lists<'a>(bytes: &mut HeaderBytes<'a>, streams: &mut Streams<'a>) -> io::Result<()> {
    loop {
        match bytes.read_byte()? {
            property::END => return Ok(()),
            property::ENTRY_COUNTS => {
                for block in &mut streams.blocks {
                    block.entry_count = bytes.read_count()?;
                }
            }
            property::SIZES => {
                streams.sizes = Some(*bytes);
                for _ in streams.blocks.iter().flat_map(|block| 1..block.entry_count.max(1)) {
                    bytes.read_number()?;
                }
            }
            property::DIGESTS => {
                let blocks_without_digest = streams.blocks.iter().filter(|block| !block.has_entry_digest());
                streams.digests =
                    bytes.read_digests(blocks_without_digest.map(|block| block.entry_count).sum())?;
            }
            _ => return Err(invalid_header_error()),
        }
    }
}

impl SevenZipBlock<'_> {
    /// Whether the checksum of the block is that of its only entry.
    pub(super) fn has_entry_digest(&self) -> bool {
        self.entry_count == 1 && self.digest.is_some()
    }
}

/// The names of the entries.
#[derive(Debug, Default)]
pub(super) struct FileNames<'a> {
    /// Number of entries.
    count: u64,
    /// Index of the next entry.
    index: u64,
    /// A bit for each entry without data.
    without_data: &'a [u8],
    /// UTF-16, each terminated by a zero.
    names: &'a [u8],
}

impl<'a> FileNames<'a> {
    pub(super) fn read(bytes: &mut HeaderBytes<'a>) -> io::Result<Self> {
        let mut files = Self { count: bytes.read_count()?, ..Self::default() };
        loop {
            let kind = bytes.read_byte()?;
            if kind == property::END {
                return Ok(files);
            }
            let size = bytes.read_number()?;
            let value = bytes.take(size)?;
            match (kind, value) {
                (property::FILES_WITHOUT_DATA, value) => files.without_data = value,
                (property::NAMES, [0, names @ ..]) => files.names = names,
                _ => {}
            }
        }
    }

    /// The name of the next entry with data.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        while self.index < self.count {
            let end = self.names.chunks_exact(2).position(|unit| unit == [0, 0]);
            let (name, rest) = self.names.split_at(end.map_or(self.names.len(), |units| units * 2));
            self.names = rest.get(2..).unwrap_or_default();
            let is_empty = bit(self.without_data, self.index);
            self.index += 1;
            if !is_empty {
                let units = name.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
                let characters =
                    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
                return Some(characters.collect::<String>().into_bytes());
            }
        }
        None
    }
}

/// The bit at `index`, most significant bit of each byte first; `false` past the end.
fn bit(bits: &[u8], index: u64) -> bool {
    let byte = usize::try_from(index / 8).ok().and_then(|byte| bits.get(byte));
    byte.is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
}

pub(super) fn invalid_header_error() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the 7z is damaged: its header is invalid")
}
