//! One table: header, blocks, and footer.
//!
//! Everything that only speeds up searching is ignored: indexes, blocks that map objects to refs, and restart
//! points. Blocks follow each other, so a table can be read without them.

use std::io::Read;
use std::ops::ControlFlow;

use gix::hash::Kind;

use super::record::{Cursor, LogRecord, RefRecord, TableError, log_record, records, ref_value};
use crate::git::inflate::InflateStream;

/// Deflate expands a byte to at most 1032.
const MAX_RATIO: usize = 1032;
/// The type of a block and its length in three bytes.
const BLOCK_HEADER: usize = 4;

const ORDER: TableError = TableError("has blocks in the wrong order");

/// A table in memory.
#[derive(Debug)]
pub(in crate::git) struct Table {
    bytes: Vec<u8>,
    hash: Kind,
    /// Length of the header, which is part of the first block.
    header: usize,
    /// The size to which blocks are padded; 0 if they are not.
    block_size: usize,
    /// Where the blocks end.
    end: usize,
    /// Where the reflog blocks begin; `None` if the footer is damaged.
    logs: Option<usize>,
    /// Whether the footer is valid.
    footer: Result<(), TableError>,
}

/// The position of a block in its table.
struct Block {
    kind: u8,
    /// Start of the block, and of its records or their compressed form.
    from: usize,
    start: usize,
    /// Length from `from` on, after inflating.
    len: usize,
}

impl Table {
    /// Parses header and footer. A table with a damaged footer is read without it.
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
            (b"REFT", _) => return Err(TableError("has an unknown version")),
            _ => return Err(TableError("is not a reftable")),
        };
        if kind != hash {
            return Err(TableError("has a different kind of ids than the repository"));
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

    /// The size of the table in bytes.
    pub(in crate::git) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the footer is valid.
    pub(super) fn footer(&self) -> Result<(), TableError> {
        self.footer
    }

    /// Calls `each` for every ref, in the order of names, until it breaks. Continues after a damaged block
    /// where possible; returns the first error.
    pub(super) fn refs(
        &self,
        mut each: impl FnMut(RefRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), TableError> {
        let mut damage = Ok(());
        let (mut at, mut after_refs) = (0, false);
        // Up to the reflogs, since a damaged block type must not hide what follows.
        while let Some(block) = self.block(at)?.filter(|block| block.kind != b'g') {
            at = self.next_block(&block)?;
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

    /// Calls `each` for every reflog entry, in the order of refs, newest first. Calls `enough` with the
    /// number of bytes to be inflated next; it may break. Handles damage like [`Self::refs`].
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
        // Only an index may follow.
        while let Some(block) = self.block(at)? {
            if block.kind != b'i' {
                return Err(ORDER);
            }
            at = self.next_block(&block)?;
        }
        damage
    }

    /// The start of the first reflog block.
    fn first_log_block(&self) -> Result<Option<usize>, TableError> {
        let declared = self.logs.filter(|&at| at > 0);
        if declared.is_some() || self.bytes.get(self.header) == Some(&b'g') {
            let at = declared.unwrap_or(0);
            let there = self.block(at)?.filter(|block| block.kind == b'g');
            return there
                .map(|_| Some(at))
                .ok_or(TableError("has no reflogs where its footer says they begin"));
        }
        if self.logs.is_some() {
            return Ok(None);
        }
        let mut at = 0;
        while let Some(block) = self.block(at)? {
            if block.kind == b'g' {
                return Ok(Some(at));
            }
            at = self.next_block(&block)?;
        }
        Ok(None)
    }

    /// The block at that offset; `None` at the end, and an error if its type is unknown.
    fn block(&self, from: usize) -> Result<Option<Block>, TableError> {
        let header = if from == 0 { self.header } else { 0 };
        let start = from.saturating_add(header + BLOCK_HEADER);
        let Some(&[kind, length @ ..]) = self.bytes[..self.end]
            .get(start - BLOCK_HEADER..)
            .and_then(|rest| rest.first_chunk::<BLOCK_HEADER>())
        else {
            // A table without refs and reflogs ends here.
            return Ok(None);
        };
        let len = be24(length);
        match kind {
            b'r' | b'i' | b'o' | b'g' if len >= header + BLOCK_HEADER => {
                Ok(Some(Block { kind, from, start, len }))
            }
            _ => Err(TableError("has an unknown kind of block")),
        }
    }

    /// The start of the block after one that is not compressed, which must end within the table.
    fn next_block(&self, block: &Block) -> Result<usize, TableError> {
        let end = block.from + block.len;
        match self.bytes[..self.end].get(end) {
            _ if end > self.end => Err(TableError("has a truncated block")),
            // Padding: NULs follow.
            Some(0) => Ok((block.from + self.block_size).max(end)),
            _ => Ok(end),
        }
    }

    /// Inflates a block's records, and returns their compressed length in bytes.
    fn inflate(&self, block: &Block, inflated: &mut Vec<u8>) -> Result<usize, TableError> {
        const DEFLATED: TableError = TableError("has reflogs whose compressed data is corrupt or truncated");
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
        // The end of the stream may not have been read yet, or be missing.
        match stream.read(&mut [0]) {
            Ok(0) => Ok(deflated.len() - rest.len()),
            _ => Err(DEFLATED),
        }
    }
}

/// Parses where the reflogs begin from a footer with a valid checksum; 0 if there are none or they come
/// first.
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
