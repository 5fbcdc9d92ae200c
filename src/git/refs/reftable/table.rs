//! One table: header, blocks, footer. A table never changes once it is written.
//!
//! What is searched by is passed over: indices, the blocks that tell which ref names an object, and restart
//! points. Blocks follow each other, so that all of a table can be read without.

use std::io::Read;
use std::ops::ControlFlow;

use gix::hash::Kind;

use super::record::{Cursor, LogRecord, RefRecord, TableError, log_record, records, ref_value};
use crate::git::inflate::InflateStream;

/// Deflate makes at most 1032 bytes of one.
const MAX_RATIO: usize = 1032;
/// A block's type, and its length in three bytes.
const BLOCK_HEADER: usize = 4;

const ORDER: TableError = TableError("has blocks that are not in their order");

/// A table in memory.
#[derive(Debug)]
pub(in crate::git) struct Table {
    bytes: Vec<u8>,
    hash: Kind,
    /// Bytes of the header, which is part of the first block.
    header: usize,
    /// Bytes to which blocks are filled up, if they are; 0 if none is.
    block_size: usize,
    /// Where the blocks end.
    end: usize,
    /// Where the blocks of reflogs begin; nothing when the footer does not tell.
    logs: Option<usize>,
    /// Why the footer cannot be believed.
    footer: Result<(), TableError>,
}

/// A block as it stands in its table.
struct Block {
    kind: u8,
    /// Where it starts, and where its records or what they are deflated to do.
    from: usize,
    start: usize,
    /// From `from`, and of what is inflated.
    len: usize,
}

impl Table {
    /// Reads header and footer. A table whose footer is damaged is read without.
    pub(in crate::git) fn open(bytes: Vec<u8>, hash: Kind) -> Result<Self, TableError> {
        const SHORT: TableError = TableError("is too short for a reftable");
        let mut cursor = Cursor(&bytes);
        let magic: [u8; 4] = cursor.array().map_err(|_| SHORT)?;
        let [version, size @ ..] = cursor.array::<4>().map_err(|_| SHORT)?;
        cursor.take(16).map_err(|_| SHORT)?;
        let (header, kind) = match (&magic, version) {
            (b"REFT", 1) => (24, Kind::Sha1),
            (b"REFT", 2) => match &cursor.array().map_err(|_| SHORT)? {
                b"sha1" => (28, Kind::Sha1),
                b"s256" => (28, Kind::Sha256),
                _ => return Err(TableError("has ids of an unknown kind")),
            },
            (b"REFT", _) => return Err(TableError("is of a version that is not known")),
            _ => return Err(TableError("is not a reftable")),
        };
        if kind != hash {
            return Err(TableError("has ids of another kind than the repository"));
        }
        // A copy of the header, five positions, and a checksum.
        let footer = header + 44;
        let end = bytes.len().checked_sub(footer).filter(|&end| end >= header);
        let checked = end.and_then(|end| parse_footer(&bytes[end..], &bytes[..header]));
        let (end, logs, footer) = match (end, checked) {
            (Some(end), Some(logs)) => (end, Some(logs), Ok(())),
            _ => (bytes.len(), None, Err(TableError("has a damaged footer"))),
        };
        Ok(Self { hash, header, block_size: be24(size), end, logs, footer, bytes })
    }

    /// Bytes that it holds.
    pub(in crate::git) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What is wrong with its footer, if anything is.
    pub(super) fn footer(&self) -> Result<(), TableError> {
        self.footer
    }

    /// Calls `each` for every ref, in the order of names, until it breaks. After a damaged block it goes on with the
    /// next where it can; the first damage is the error.
    pub(super) fn refs(
        &self,
        mut each: impl FnMut(RefRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), TableError> {
        let mut damage = Ok(());
        let (mut at, mut after_refs) = (0, false);
        // To the reflogs, since a type that is damaged must not hide what follows.
        while let Some(block) = self.block(at)?.filter(|block| block.kind != b'g') {
            at = self.block_end(&block)?;
            if block.kind != b'r' {
                after_refs = true;
                continue;
            }
            if after_refs {
                damage = damage.and(Err(ORDER));
            }
            let bytes = &self.bytes[block.from..block.from + block.len];
            let outcome = records(bytes, block.start - block.from, |name, kind, cursor| {
                let value = ref_value(kind, cursor, self.hash)?;
                Ok(each(RefRecord { name, value }))
            });
            match outcome {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(error) => damage = damage.and(Err(error)),
            }
        }
        damage
    }

    /// Calls `each` for every entry of reflogs, in the order of refs and the newest first. `enough` is declared how many
    /// bytes will be inflated next, and may break. TableError is dealt with as in [`Self::refs`].
    pub(super) fn logs(
        &self,
        mut enough: impl FnMut(usize) -> ControlFlow<()>,
        mut each: impl FnMut(LogRecord<'_>),
    ) -> Result<(), TableError> {
        let mut damage = Ok(());
        let Some(mut at) = self.first_log_block()? else { return Ok(()) };
        let mut inflated = Vec::new();
        while let Some(block) = self.block(at)?.filter(|block| block.kind == b'g') {
            if enough(block.len).is_break() {
                return damage;
            }
            at = block.start + self.inflate(&block, &mut inflated)?;
            let outcome = records(&inflated, 0, |key, kind, cursor| {
                each(log_record(key, kind, cursor, self.hash)?);
                Ok(ControlFlow::Continue(()))
            });
            if let Err(error) = outcome {
                damage = damage.and(Err(error));
            }
        }
        // Nothing but their index follows.
        while let Some(block) = self.block(at)? {
            if block.kind != b'i' {
                return Err(ORDER);
            }
            at = self.block_end(&block)?;
        }
        damage
    }

    /// Where the first block of reflogs is.
    fn first_log_block(&self) -> Result<Option<usize>, TableError> {
        let declared = self.logs.filter(|&at| at > 0);
        if declared.is_some() || self.bytes.get(self.header) == Some(&b'g') {
            let at = declared.unwrap_or(0);
            let there = self.block(at)?.filter(|block| block.kind == b'g');
            return there.map(|_| Some(at)).ok_or(TableError("has no reflogs where it says they are"));
        }
        if self.logs.is_some() {
            return Ok(None);
        }
        let mut at = 0;
        while let Some(block) = self.block(at)? {
            if block.kind == b'g' {
                return Ok(Some(at));
            }
            at = self.block_end(&block)?;
        }
        Ok(None)
    }

    /// The block at that place, if there is one and it is of a known kind.
    fn block(&self, from: usize) -> Result<Option<Block>, TableError> {
        let header = if from == 0 { self.header } else { 0 };
        let start = from.saturating_add(header + BLOCK_HEADER);
        let Some(&[kind, length @ ..]) = self.bytes[..self.end]
            .get(start - BLOCK_HEADER..)
            .and_then(|rest| rest.first_chunk::<BLOCK_HEADER>())
        else {
            // A table without refs and reflogs.
            return Ok(None);
        };
        let len = be24(length);
        match kind {
            b'r' | b'i' | b'o' | b'g' if len >= header + BLOCK_HEADER => {
                Ok(Some(Block { kind, from, start, len }))
            }
            _ => Err(TableError("has something that is no block in place of one")),
        }
    }

    /// Where the block block_end one that is not deflated starts, which is itself within the table.
    fn block_end(&self, block: &Block) -> Result<usize, TableError> {
        let end = block.from + block.len;
        match self.bytes[..self.end].get(end) {
            _ if end > self.end => Err(TableError("has a block that is cut off")),
            // Filled up, when what comes next is nothing.
            Some(0) => Ok((block.from + self.block_size).max(end)),
            _ => Ok(end),
        }
    }

    /// Inflates a block's records, and tells how many bytes they were deflated to.
    fn inflate(&self, block: &Block, inflated: &mut Vec<u8>) -> Result<usize, TableError> {
        const DEFLATED: TableError = TableError("has reflogs whose compressed data is corrupt or cut off");
        let deflated = &self.bytes[..self.end][block.start..];
        let size = block.len - (block.start - block.from);
        if size > deflated.len().saturating_mul(MAX_RATIO) {
            return Err(DEFLATED);
        }
        inflated.clear();
        inflated.resize(size, 0);
        let mut rest = deflated;
        let mut stream = InflateStream::new(&mut rest);
        stream.read_exact(inflated).map_err(|_| DEFLATED)?;
        // Its end may not have been read yet, or not be there.
        match stream.read(&mut [0]) {
            Ok(0) => Ok(deflated.len() - rest.len()),
            _ => Err(DEFLATED),
        }
    }
}

/// Where the reflogs begin, by a footer that is right about itself; 0 when there are none or they come first.
fn parse_footer(footer: &[u8], header: &[u8]) -> Option<usize> {
    let (body, crc) = footer.split_last_chunk::<4>()?;
    let positions = body.strip_prefix(header)?;
    if libdeflater::crc32(body) != u32::from_be_bytes(*crc) {
        return None;
    }
    let logs = positions.get(24..32)?.first_chunk()?;
    usize::try_from(u64::from_be_bytes(*logs)).ok()
}

fn be24([high, middle, low]: [u8; 3]) -> usize {
    usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
}
