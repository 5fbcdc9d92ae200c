//! Tar of every variant: blocks of 512 bytes, read sequentially.

use std::io::{self, Read};
use std::ops::Range;

use super::entry_sink::EntrySink;
use super::readers::{drain, fill};

/// Bytes of a block.
const BLOCK: usize = 512;

/// Number of zero blocks that end an archive.
const END_BLOCKS: u64 = 2;

/// Names and attributes longer than this are truncated: real ones are shorter, and they are held in memory.
const MAX_NAME_LEN: u64 = 1 << 16;

/// Whether a tar begins with `head`: the checksum of its first header is correct, or it has tar's magic number
/// but was modified.
pub(super) fn begins(head: &[u8]) -> bool {
    let says_so = || head.get(257..263).is_some_and(|mark| matches!(mark, b"ustar\0" | b"ustar "));
    is_header(head) || (head.len() >= BLOCK && says_so())
}

/// Whether a header with a correct checksum begins with `head`.
fn is_header(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<BLOCK>() else { return false };
    // An empty name is valid only with a magic number.
    if block[0] == 0 && !block[257..].starts_with(b"ustar") {
        return false;
    }
    let Some(noted) = octal(&block[148..156]) else { return false };
    let sum: u64 =
        block[..148].iter().chain(&block[156..]).map(|&byte| u64::from(byte)).sum::<u64>() + 8 * 32;
    // Some programs sum signed bytes.
    let high = block[..148].iter().chain(&block[156..]).filter(|&&byte| byte >= 128).count() as u64;
    noted == sum || Some(noted) == sum.checked_sub(256 * high)
}

/// Hands over the entries. Returns their ranges.
pub(super) fn open(sink: &dyn EntrySink, input: &mut dyn Read) -> Vec<Range<u64>> {
    let mut tar = Tar { sink, input, offset: 0, next: Next::default(), delegated: Vec::new(), is_cut: false };
    if let Err(error) = tar.run() {
        sink.skip(None, format!("{error}; the data before that was scanned"));
    }
    tar.delegated
}

struct Tar<'a> {
    sink: &'a dyn EntrySink,
    input: &'a mut dyn Read,
    /// Bytes read so far.
    offset: u64,
    next: Next,
    delegated: Vec<Range<u64>>,
    /// The input ended within an entry.
    is_cut: bool,
}

/// What extended headers say about the next entry.
#[derive(Default)]
struct Next {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Tar<'_> {
    fn run(&mut self) -> io::Result<()> {
        let (mut is_lost, mut zeros, mut is_over) = (false, 0, false);
        while !self.is_cut && !self.sink.is_over() {
            let at = self.offset;
            let block = match self.block() {
                Err(_) if is_over => return Ok(()),
                block => block?,
            };
            let Some(block) = block else {
                if zeros == 0 && !is_over && self.offset == at {
                    self.sink.skip(None, "the tar has no end marker and may be truncated");
                }
                return Ok(());
            };
            zeros = if block.iter().all(|&byte| byte == 0) { zeros + 1 } else { 0 };
            // Padding of a tape or sector may follow the end, and so may another archive.
            is_over |= zeros == END_BLOCKS;
            if is_header(&block) {
                (is_lost, is_over) = (false, false);
                self.entry(&block)?;
            } else if zeros == 0 && !is_over && !is_lost {
                is_lost = true;
                self.sink
                    .skip(None, format!("expected a tar header at byte {at}; searched for the next one"));
            }
        }
        Ok(())
    }

    /// The next block; `None` at the end.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = Vec::with_capacity(BLOCK);
        fill(self.input, &mut block, BLOCK)?;
        self.offset += block.len() as u64;
        match block.first_chunk::<BLOCK>() {
            Some(block) => Ok(Some(*block)),
            None if block.iter().all(|&byte| byte == 0) => Ok(None),
            None => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the tar is truncated within a header")),
        }
    }

    fn entry(&mut self, header: &[u8; BLOCK]) -> io::Result<()> {
        let kind = header[156];
        let size = number(&header[124..136]).ok_or_else(|| damaged(self.offset))?;
        match kind {
            b'L' => self.next.name = Some(until_nul(&self.read_data(size)?).to_vec()),
            b'x' | b'X' => {
                let attributes = self.read_data(size)?;
                self.attributes(&attributes);
            }
            // A long link name, and global attributes, which contain no names.
            b'K' | b'g' => drop(self.read_data(size)?),
            // Links, devices, directories and pipes have no data, whatever their size field says.
            b'1'..=b'6' => self.next = Next::default(),
            _ => {
                let next = std::mem::take(&mut self.next);
                if kind == b'S' {
                    self.sparse(header)?;
                }
                let name = next.name.unwrap_or_else(|| name(header));
                self.data(&name, next.size.unwrap_or(size))?;
            }
        }
        Ok(())
    }

    /// The map of an old sparse file may continue in blocks before the data.
    fn sparse(&mut self, header: &[u8; BLOCK]) -> io::Result<()> {
        let mut goes_on = header[482] != 0;
        while goes_on {
            let Some(block) = self.block()? else { return Ok(()) };
            goes_on = block[504] != 0;
        }
        Ok(())
    }

    fn data(&mut self, name: &[u8], size: u64) -> io::Result<()> {
        let start = self.offset;
        let mut part = ExactBytes { input: self.input, left: size };
        let is_whole = self.sink.entry(name, &mut part);
        match drain(&mut part) {
            // The skip was already recorded for the entry.
            Err(_) if !is_whole => self.is_cut = true,
            outcome => drop(outcome?),
        }
        if is_whole {
            self.delegated.push(start..start.saturating_add(size));
        }
        self.skip_data(size)
    }

    /// The data of a header that describes the next one.
    fn read_data(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        let most = size.min(MAX_NAME_LEN);
        let mut part = ExactBytes { input: self.input, left: size };
        fill(&mut part, &mut data, most as usize)?;
        drain(&mut part)?;
        self.skip_data(size)?;
        Ok(data)
    }

    /// Continues after the block that ends `size` bytes of data.
    fn skip_data(&mut self, size: u64) -> io::Result<()> {
        let rest = size.wrapping_neg() % BLOCK as u64;
        self.offset = self.offset.saturating_add(size).saturating_add(rest);
        // At the very end, the padding may be missing.
        let mut filling = (&mut *self.input).take(rest);
        drain(&mut filling).map(|_| ())
    }

    /// Records of the form `length key=value
    /// `.
    fn attributes(&mut self, mut records: &[u8]) {
        while let Some(space) = memchr::memchr(b' ', records) {
            let length = decimal(&records[..space]).and_then(|length| usize::try_from(length).ok());
            let Some(record) = length.and_then(|length| records.get(space + 1..length)) else { return };
            let rest = space + 1 + record.len();
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some(at) = memchr::memchr(b'=', record) {
                match (&record[..at], &record[at + 1..]) {
                    (b"path" | b"GNU.sparse.name", name) => self.next.name = Some(name.to_vec()),
                    (b"size", size) => self.next.size = decimal(size),
                    _ => {}
                }
            }
            records = &records[rest..];
        }
    }
}

/// The next `left` bytes, all of which should exist.
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

fn damaged(offset: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the tar header before byte {offset} has an invalid size"),
    )
}

fn name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    let prefix = if header[257..].starts_with(b"ustar\0") { until_nul(&header[345..500]) } else { b"" };
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// A size field: octal digits, or binary if its highest bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    let digits = field.iter().enumerate().map(|(at, &byte)| if at == 0 { byte & 0x7f } else { byte });
    digits.into_iter().try_fold(0u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(byte)))
}

/// Octal digits between blanks and NULs; an empty field is 0, as for directories.
fn octal(field: &[u8]) -> Option<u64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = field.iter().skip_while(|byte| is_blank(byte)).take_while(|byte| !is_blank(byte));
    digits.into_iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 8)?;
        sum.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}
