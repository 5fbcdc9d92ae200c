//! Reads one table: header, blocks, and footer.
//!
//! Everything that only speeds up searching is ignored: indexes, blocks that map objects to refs, and restart
//! points. A table can be read without them, since its blocks follow each other.

use std::io::Read;
use std::ops::ControlFlow;

use gix::hash::Kind;

use super::record::{Cursor, LogRecord, RefRecord, TableError, for_each_record, log_record, ref_value};
use crate::git::inflate::InflateStream;

/// The maximum ratio of deflate.
const MAX_RATIO: usize = 1032;
/// Length of the header of a block, in bytes: one for its kind, and three for its length.
const BLOCK_HEADER_LEN: usize = 4;

const ORDER: TableError = TableError("has blocks in the wrong order");

/// A table in memory.
#[derive(Debug)]
pub(in crate::git) struct Table {
    bytes: Vec<u8>,
    hash_kind: Kind,
    /// Length of the table's header, which is part of the first block.
    header_len: usize,
    /// The size to which blocks are padded; 0 if they are not padded.
    block_size: usize,
    /// The offset at which the blocks end.
    end: usize,
    /// The offset of the reflog blocks according to the footer; `None` if the footer is damaged.
    log_offset: Option<usize>,
    /// Whether the footer is valid.
    footer: Result<(), TableError>,
}

/// The position of a block in its table.
struct Block {
    kind: u8,
    /// The offset of the block in the table.
    offset: usize,
    /// The offset of the records, or of their compressed form, in the table.
    records: usize,
    /// Length of the block, with inflated records.
    len: usize,
}

impl Table {
    /// Parses header and footer. A table with a damaged footer can still be read.
    pub(in crate::git) fn parse(bytes: Vec<u8>, hash_kind: Kind) -> Result<Self, TableError> {
        const SHORT: TableError = TableError("is too short for a reftable");
        let mut cursor = Cursor(&bytes);
        let magic: [u8; 4] = cursor.array().map_err(|_| SHORT)?;
        let [version, size @ ..] = cursor.array::<4>().map_err(|_| SHORT)?;
        cursor.take(16).map_err(|_| SHORT)?;
        let (header_len, kind) = match (&magic, version) {
            (b"REFT", 1) => (24, Kind::Sha1),
            (b"REFT", 2) => match &cursor.array().map_err(|_| SHORT)? {
                b"sha1" => (28, Kind::Sha1),
                b"s256" => (28, Kind::Sha256),
                _ => return Err(TableError("has ids of an unknown kind")),
            },
            (b"REFT", _) => return Err(TableError("has an unknown version")),
            _ => return Err(TableError("is not a reftable")),
        };
        if kind != hash_kind {
            return Err(TableError("has a different kind of ids than the repository"));
        }
        // A copy of the header, five positions, and a checksum.
        let footer_len = header_len + 44;
        let end = bytes.len().checked_sub(footer_len).filter(|&end| end >= header_len);
        let log_offset = end.and_then(|end| parse_footer(&bytes[end..], &bytes[..header_len]));
        let (end, log_offset, footer) = match (end, log_offset) {
            (Some(end), Some(logs)) => (end, Some(logs), Ok(())),
            _ => (bytes.len(), None, Err(TableError("has a damaged footer"))),
        };
        Ok(Self { hash_kind, header_len, block_size: be24(size), end, log_offset, footer, bytes })
    }

    /// The size of the table in bytes.
    pub(in crate::git) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the footer is valid.
    pub(super) fn check_footer(&self) -> Result<(), TableError> {
        self.footer
    }

    /// Calls `each` for every ref, in the order of names, until it breaks. Continues after a damaged block
    /// where possible; returns the first error.
    pub(super) fn for_each_ref(
        &self,
        mut each: impl FnMut(RefRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), TableError> {
        let mut damage = Ok(());
        let (mut offset, mut is_after_refs) = (0, false);
        // Continues up to the reflogs, since a block of a damaged kind must not hide the refs after it.
        while let Some(block) = self.block(offset)?.filter(|block| block.kind != b'g') {
            offset = self.next_block(&block)?;
            if block.kind != b'r' {
                is_after_refs = true;
                continue;
            }
            if is_after_refs {
                damage = damage.and(Err(ORDER));
            }
            let bytes = &self.bytes[block.offset..block.offset + block.len];
            let outcome = for_each_record(bytes, block.records - block.offset, |name, kind, cursor| {
                let value = ref_value(kind, cursor, self.hash_kind)?;
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

    /// Calls `each` for every reflog entry, in the order of the refs, newest first. Before it inflates a block, calls
    /// `allocate` with the number of bytes, and stops if that breaks. Handles damage like [`Self::for_each_ref`].
    pub(super) fn for_each_log_entry(
        &self,
        mut allocate: impl FnMut(usize) -> ControlFlow<()>,
        mut each: impl FnMut(LogRecord<'_>),
    ) -> Result<(), TableError> {
        let mut damage = Ok(());
        let Some(mut offset) = self.first_log_block()? else { return Ok(()) };
        let mut inflated = Vec::new();
        while let Some(block) = self.block(offset)?.filter(|block| block.kind == b'g') {
            if allocate(block.len).is_break() {
                return damage;
            }
            offset = block.records + self.inflate(&block, &mut inflated)?;
            let outcome = for_each_record(&inflated, 0, |key, kind, cursor| {
                each(log_record(key, kind, cursor, self.hash_kind)?);
                Ok(ControlFlow::Continue(()))
            });
            if let Err(error) = outcome {
                damage = damage.and(Err(error));
            }
        }
        // Only an index may follow.
        while let Some(block) = self.block(offset)? {
            if block.kind != b'i' {
                return Err(ORDER);
            }
            offset = self.next_block(&block)?;
        }
        damage
    }

    /// The offset of the first reflog block; `None` if there is none.
    fn first_log_block(&self) -> Result<Option<usize>, TableError> {
        let declared = self.log_offset.filter(|&offset| offset > 0);
        if declared.is_some() || self.bytes.get(self.header_len) == Some(&b'g') {
            let offset = declared.unwrap_or(0);
            let block = self.block(offset)?.filter(|block| block.kind == b'g');
            return block
                .map(|_| Some(offset))
                .ok_or(TableError("has no reflogs where its footer says they begin"));
        }
        if self.log_offset.is_some() {
            return Ok(None);
        }
        let mut offset = 0;
        while let Some(block) = self.block(offset)? {
            if block.kind == b'g' {
                return Ok(Some(offset));
            }
            offset = self.next_block(&block)?;
        }
        Ok(None)
    }

    /// The block at `offset`; `None` at the end of the table, and an error if its kind is unknown.
    fn block(&self, offset: usize) -> Result<Option<Block>, TableError> {
        let header_len = if offset == 0 { self.header_len } else { 0 };
        let records = offset.saturating_add(header_len + BLOCK_HEADER_LEN);
        let Some(&[kind, length @ ..]) = self.bytes[..self.end]
            .get(records - BLOCK_HEADER_LEN..)
            .and_then(|rest| rest.first_chunk::<BLOCK_HEADER_LEN>())
        else {
            // A table without refs and reflogs ends here.
            return Ok(None);
        };
        let len = be24(length);
        match kind {
            b'r' | b'i' | b'o' | b'g' if len >= header_len + BLOCK_HEADER_LEN => {
                Ok(Some(Block { kind, offset, records, len }))
            }
            _ => Err(TableError("has an unknown kind of block")),
        }
    }

    /// The offset after `block`, which must not be compressed. The block must end within the table.
    fn next_block(&self, block: &Block) -> Result<usize, TableError> {
        let end = block.offset + block.len;
        match self.bytes[..self.end].get(end) {
            _ if end > self.end => Err(TableError("has a truncated block")),
            // Padding: NULs follow.
            Some(0) => Ok((block.offset + self.block_size).max(end)),
            _ => Ok(end),
        }
    }

    /// Inflates a block's records, and returns their compressed length in bytes.
    fn inflate(&self, block: &Block, inflated: &mut Vec<u8>) -> Result<usize, TableError> {
        const DEFLATED: TableError = TableError("has reflogs whose compressed data is corrupt or truncated");
        let deflated = &self.bytes[..self.end][block.records..];
        let size = block.len - (block.records - block.offset);
        if size > deflated.len().saturating_mul(MAX_RATIO) {
            return Err(DEFLATED);
        }
        inflated.clear();
        inflated.resize(size, 0);
        let mut rest = deflated;
        let mut stream = InflateStream::new(&mut rest);
        stream.read_exact(inflated).map_err(|_| DEFLATED)?;
        // `read_exact` may not have reached the end of the stream, or there is none.
        match stream.read(&mut [0]) {
            Ok(0) => Ok(deflated.len() - rest.len()),
            _ => Err(DEFLATED),
        }
    }
}

/// The offset of the reflogs according to a footer; 0 if there are no reflogs or nothing precedes them. `None` if the footer
/// does not repeat the header or its checksum is wrong.
fn parse_footer(footer: &[u8], header: &[u8]) -> Option<usize> {
    let (body, crc) = footer.split_last_chunk::<4>()?;
    let positions = body.strip_prefix(header)?;
    if libdeflater::crc32(body) != u32::from_be_bytes(*crc) {
        return None;
    }
    let logs = positions.get(24..32)?.first_chunk()?;
    usize::try_from(u64::from_be_bytes(*logs)).ok()
}

/// The number in three bytes, most significant first.
fn be24([high, middle, low]: [u8; 3]) -> usize {
    usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
}
