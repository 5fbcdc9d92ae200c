//! The header of a 7z: its blocks, their coders, and their entries.
//!
//! Only the header itself and its blocks are held in memory. Sizes, checksums and names are read again when
//! they are needed, so that a header may declare any number of them.

use std::io;

/// Maximum number of coders in a block.
const MAX_CODERS: u64 = 32;

/// The bytes of a header that have not been read yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: u64) -> io::Result<&'a [u8]> {
        let count = usize::try_from(count).map_err(|_| damaged())?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A number of one to nine bytes; the leading one bits of the first byte give the number of bytes that
    /// follow.
    pub(super) fn number(&mut self) -> io::Result<u64> {
        let first = self.byte()?;
        let count = first.leading_ones();
        let low = self.take(count.into())?;
        let low = low.iter().rev().fold(0u64, |sum, &byte| (sum << 8) | u64::from(byte));
        let high = if count < 7 { u64::from(first & (0x7f >> count)) << (8 * count) } else { 0 };
        Ok(low | high)
    }

    /// A count that is not larger than the rest of the header, which contains at least a byte for each item.
    fn count(&mut self) -> io::Result<u64> {
        Some(self.number()?).filter(|&count| count <= self.0.len() as u64).ok_or_else(damaged)
    }

    fn digests(&mut self, count: u64) -> io::Result<Digests<'a>> {
        let bits = if self.byte()? == 0 { Some(self.take(count.div_ceil(8))?) } else { None };
        let known = bits.map_or(count, |bits| (0..count).filter(|&at| bit(bits, at)).count() as u64);
        Ok(Digests { bits, at: 0, values: Bytes(self.take(known.saturating_mul(4))?) })
    }
}

/// Checksums, some of which may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digests<'a> {
    bits: Option<&'a [u8]>,
    at: u64,
    values: Bytes<'a>,
}

impl Digests<'_> {
    pub(super) fn next(&mut self) -> Option<u32> {
        let is_known = self.bits.is_none_or(|bits| bit(bits, self.at));
        self.at += 1;
        let value = if is_known { self.values.take(4).ok()? } else { return None };
        value.first_chunk().map(|four| u32::from_le_bytes(*four))
    }
}

/// One decoding step.
#[derive(Debug)]
pub(super) struct Coder<'a> {
    pub(super) method: &'a [u8],
    pub(super) inputs: u64,
    pub(super) properties: &'a [u8],
    /// Bytes of its output.
    pub(super) size: u64,
}

/// A block (7z calls it a folder): a stream that contains one or more entries.
#[derive(Debug, Default)]
pub(super) struct SevenZipBlock<'a> {
    pub(super) coders: Vec<Coder<'a>>,
    /// Pairs of an input and the coder whose output feeds it.
    pub(super) binds: Vec<(u64, u64)>,
    /// Inputs that are packed streams of the archive.
    pub(super) packed: Vec<u64>,
    pub(super) digest: Option<u32>,
    /// Number of entries in the block.
    pub(super) parts: u64,
}

impl SevenZipBlock<'_> {
    /// The coder whose output is the content of the block.
    pub(super) fn last(&self) -> Option<usize> {
        (0..self.coders.len()).find(|&at| self.binds.iter().all(|&(_, output)| output != at as u64))
    }

    /// Bytes of its content.
    pub(super) fn size(&self) -> u64 {
        self.last().map_or(0, |last| self.coders[last].size)
    }
}

/// Positions of the packed streams and how they are packed.
#[derive(Debug, Default)]
pub(super) struct Streams<'a> {
    /// Offset of the first packed stream, relative to the end of the signature header.
    pub(super) offset: u64,
    /// End of each packed stream, relative to that offset.
    pub(super) ends: Vec<u64>,
    pub(super) blocks: Vec<SevenZipBlock<'a>>,
    /// Sizes of the entries, except the last of each block.
    pub(super) sizes: Option<Bytes<'a>>,
    pub(super) digests: Digests<'a>,
}

/// Reads the description of packed streams, with at most `most` blocks.
pub(super) fn streams<'a>(bytes: &mut Bytes<'a>, most: u64) -> io::Result<Streams<'a>> {
    let mut streams = Streams::default();
    loop {
        match bytes.byte()? {
            0 => return Ok(streams),
            6 => packs(bytes, &mut streams)?,
            7 => blocks(bytes, &mut streams, most)?,
            8 => parts(bytes, &mut streams)?,
            _ => return Err(damaged()),
        }
    }
}

fn packs(bytes: &mut Bytes<'_>, streams: &mut Streams<'_>) -> io::Result<()> {
    streams.offset = bytes.number()?;
    let count = bytes.count()?;
    loop {
        match bytes.byte()? {
            0 => return Ok(()),
            9 => {
                let mut end = 0u64;
                let mut next = || {
                    end = end.saturating_add(bytes.number()?);
                    Ok(end)
                };
                streams.ends = (0..count).map(|_| next()).collect::<io::Result<_>>()?;
            }
            10 => drop(bytes.digests(count)?),
            _ => return Err(damaged()),
        }
    }
}

fn blocks<'a>(bytes: &mut Bytes<'a>, streams: &mut Streams<'a>, most: u64) -> io::Result<()> {
    if bytes.byte()? != 11 {
        return Err(damaged());
    }
    let count = bytes.count()?;
    if count > most {
        let reason = format!("it has {count} blocks, but only {most} fit into memory (`--max-memory`)");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, reason));
    }
    if bytes.byte()? != 0 {
        return Err(damaged());
    }
    streams.blocks = (0..count).map(|_| block(bytes)).collect::<io::Result<_>>()?;
    loop {
        match bytes.byte()? {
            0 => return Ok(()),
            12 => {
                for coder in streams.blocks.iter_mut().flat_map(|block| &mut block.coders) {
                    coder.size = bytes.number()?;
                }
            }
            10 => {
                let mut digests = bytes.digests(count)?;
                streams.blocks.iter_mut().for_each(|block| block.digest = digests.next());
            }
            _ => return Err(damaged()),
        }
    }
}

fn block<'a>(bytes: &mut Bytes<'a>) -> io::Result<SevenZipBlock<'a>> {
    let count = Some(bytes.count()?).filter(|count| (1..=MAX_CODERS).contains(count));
    let count = count.ok_or_else(damaged)?;
    let mut block = SevenZipBlock { parts: 1, ..SevenZipBlock::default() };
    let mut inputs = 0;
    for _ in 0..count {
        let kind = bytes.byte()?;
        let method = bytes.take((kind & 15).into())?;
        let mut coder = Coder { method, inputs: 1, properties: &[], size: 0 };
        if kind & 0x10 != 0 {
            coder.inputs = bytes.number()?;
            if bytes.number()? != 1 || coder.inputs > MAX_CODERS {
                return Err(damaged());
            }
        }
        if kind & 0x20 != 0 {
            let length = bytes.number()?;
            coder.properties = bytes.take(length)?;
        }
        inputs += coder.inputs;
        block.coders.push(coder);
    }
    for _ in 1..count {
        block.binds.push((bytes.number()?, bytes.number()?));
    }
    let is_bound = |input: &u64| block.binds.iter().any(|(bound, _)| bound == input);
    match inputs.saturating_sub(count - 1) {
        1 => block.packed = (0..inputs).filter(|input| !is_bound(input)).take(1).collect(),
        several => block.packed = (0..several).map(|_| bytes.number()).collect::<io::Result<_>>()?,
    }
    Ok(block)
}

/// Reads which entries the blocks contain.
fn parts<'a>(bytes: &mut Bytes<'a>, streams: &mut Streams<'a>) -> io::Result<()> {
    loop {
        match bytes.byte()? {
            0 => return Ok(()),
            13 => {
                for block in &mut streams.blocks {
                    block.parts = bytes.count()?;
                }
            }
            9 => {
                streams.sizes = Some(*bytes);
                for _ in streams.blocks.iter().flat_map(|block| 1..block.parts.max(1)) {
                    bytes.number()?;
                }
            }
            10 => {
                let unknown = streams.blocks.iter().filter(|block| !block.is_known());
                streams.digests = bytes.digests(unknown.map(|block| block.parts).sum())?;
            }
            _ => return Err(damaged()),
        }
    }
}

impl SevenZipBlock<'_> {
    /// Whether its checksum is that of its only entry.
    pub(super) fn is_known(&self) -> bool {
        self.parts == 1 && self.digest.is_some()
    }
}

/// Names of the entries.
#[derive(Debug, Default)]
pub(super) struct Files<'a> {
    count: u64,
    at: u64,
    /// Marks entries without data.
    empty: &'a [u8],
    /// UTF-16, each terminated by a zero.
    names: &'a [u8],
}

impl<'a> Files<'a> {
    pub(super) fn parse(bytes: &mut Bytes<'a>) -> io::Result<Self> {
        let mut files = Self { count: bytes.count()?, ..Self::default() };
        loop {
            let kind = bytes.byte()?;
            if kind == 0 {
                return Ok(files);
            }
            let size = bytes.number()?;
            let property = bytes.take(size)?;
            match (kind, property) {
                (14, property) => files.empty = property,
                (17, [0, names @ ..]) => files.names = names,
                _ => {}
            }
        }
    }

    /// The name of the next entry with data.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        while self.at < self.count {
            let end = self.names.chunks_exact(2).position(|unit| unit == [0, 0]);
            let (name, rest) = self.names.split_at(end.map_or(self.names.len(), |units| units * 2));
            self.names = rest.get(2..).unwrap_or_default();
            let is_empty = bit(self.empty, self.at);
            self.at += 1;
            if !is_empty {
                let units = name.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
                let letters =
                    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
                return Some(letters.collect::<String>().into_bytes());
            }
        }
        None
    }
}

/// The bit at `at`, most significant bit of each byte first; `false` past the end.
fn bit(bits: &[u8], at: u64) -> bool {
    let byte = usize::try_from(at / 8).ok().and_then(|byte| bits.get(byte));
    byte.is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
}

pub(super) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the 7z is damaged: its header is invalid")
}
