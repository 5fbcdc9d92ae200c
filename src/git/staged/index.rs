//! Reads paths, modes and blobs from an index file.
//!
//! Most of an index describes the files of the work tree. That part and the checksum are ignored, which makes this five times
//! as fast as decoding everything; a pre-commit hook spends most of its time on reading the index. Split indexes, which are
//! rare, are read by `gix`.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash::oid;

use super::super::gate;
use super::cache_tree::CacheTree;
use crate::untrusted::{self, ReadError, Symlinks};

/// Why the index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file exists, but cannot be opened or read.
    #[error("the index {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The path of the index.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not an index, or is truncated.
    #[error("the index {} is damaged: {reason}; `git read-tree HEAD` creates a new one from the last \
     commit", path.display())]
    Broken {
        /// The path of the index.
        path: PathBuf,
        /// The cause, for a message.
        reason: String,
    },
}

/// Maximum size of an index, in bytes: enough for about ten million paths.
const MAX_FILE_SIZE: u64 = 2 << 30;

/// An entry of an index: a path, or one side of a conflict about it.
#[derive(Clone, Copy)]
pub(in crate::git) struct Row {
    /// Start and length of the path, in `Index::paths` or `Index::bytes`.
    path: (u32, u32),
    /// Start of the object id in `Index::bytes`.
    id: u32,
    pub(in crate::git) mode: u32,
    /// 0; or, in a conflict, 1 for the common ancestor, 2 for HEAD and 3 for the other commit.
    pub(super) stage: u8,
    /// Whether it was added with `git add -N`, and so has no content yet.
    pub(super) is_intent_to_add: bool,
}

/// The rows of an index file, in order.
pub(in crate::git) struct Index {
    /// The file, or the object ids from a split index.
    bytes: Vec<u8>,
    /// The paths, if they are not stored verbatim in `bytes`.
    paths: Option<Vec<u8>>,
    pub(in crate::git) rows: Vec<Row>,
    hash_len: usize,
    pub(super) cache_tree: CacheTree,
}

const MODE_DIR: u32 = 0o040_000;

impl Index {
    /// Reads the index at `path`; a missing one is empty.
    pub(in crate::git) fn read(path: &Path, hash_kind: gix::hash::Kind) -> Result<Self, IndexError> {
        Self::read_limited(path, hash_kind, MAX_FILE_SIZE)
    }

    /// Like [`Self::read`], but refuses a file of more than `max_size` bytes.
    pub(super) fn read_limited(
        path: &Path,
        hash_kind: gix::hash::Kind,
        max_size: u64,
    ) -> Result<Self, IndexError> {
        let (bytes, start) = match read_file(path, max_size) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::empty(hash_kind)),
            Err(source) => return Err(IndexError::Unreadable { path: path.to_owned(), source }),
        };
        let broken = |reason: String| IndexError::Broken { path: path.to_owned(), reason };
        match parse(bytes, start, hash_kind).map_err(|reason| broken(reason.to_owned()))? {
            ParseOutcome::Whole(index) => Ok(*index),
            ParseOutcome::Split => {
                Self::read_split(path, hash_kind).map_err(|error| broken(error.to_string()))
            }
        }
    }

    fn empty(hash_kind: gix::hash::Kind) -> Self {
        let (hash_len, cache_tree) = (hash_kind.len_in_bytes(), CacheTree::default());
        Self { bytes: Vec::new(), paths: None, rows: Vec::new(), hash_len, cache_tree }
    }

    /// Reads a split index together with its shared index.
    fn read_split(path: &Path, hash_kind: gix::hash::Kind) -> Result<Self, gix::Error> {
        let file = gix::index::File::at(path, hash_kind, true, gix::index::decode::Options::default())?;
        let mut index = Self::empty(hash_kind);
        let mut paths = Vec::new();
        for entry in file.entries() {
            if entry.flags.contains(gix::index::entry::Flags::REMOVE) {
                continue;
            }
            let name = entry.path(&file);
            index.rows.push(Row {
                path: (to_u32(paths.len()), to_u32(name.len())),
                id: to_u32(index.bytes.len()),
                mode: entry.mode.bits(),
                stage: u8::try_from(entry.stage_raw()).unwrap_or(0),
                is_intent_to_add: entry.flags.contains(gix::index::entry::Flags::INTENT_TO_ADD),
            });
            paths.extend_from_slice(name);
            index.bytes.extend_from_slice(entry.id.as_bytes());
        }
        index.paths = Some(paths);
        Ok(index)
    }

    /// The path of a row.
    pub(in crate::git) fn path(&self, row: &Row) -> &[u8] {
        let (start, length) = (row.path.0 as usize, row.path.1 as usize);
        self.paths.as_ref().unwrap_or(&self.bytes).get(start..start + length).unwrap_or_default()
    }

    /// The object id of a row.
    pub(in crate::git) fn id(&self, row: &Row) -> &oid {
        let bytes = &self.bytes[row.id as usize..][..self.hash_len];
        oid::from_bytes_unchecked(bytes)
    }

    /// Whether a row is a whole directory outside a sparse checkout.
    pub(super) fn is_dir(row: &Row) -> bool {
        row.mode == MODE_DIR
    }

    /// The position of the first row whose path is not less than `path`.
    pub(super) fn first_at_or_after(&self, path: &[u8]) -> usize {
        self.rows.partition_point(|row| self.path(row) < path)
    }
}

/// Converts an offset or length. The limit on the size of an index ensures that all of them fit.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Reads the file, whose content starts at the returned offset.
fn read_file(path: &Path, max_size: u64) -> std::io::Result<(Vec<u8>, usize)> {
    gate::check_index_files(path).map_err(|error| std::io::Error::other(error.reason))?;
    match untrusted::read_aligned(path, Symlinks::Follow, max_size) {
        Ok(content) => Ok(content),
        Err(ReadError::Io(error)) => Err(error),
        Err(ReadError::NotFound) => Err(std::io::ErrorKind::NotFound.into()),
        Err(error) => Err(std::io::Error::other(error.to_string())),
    }
}

/// The outcome of [`parse`].
enum ParseOutcome {
    Whole(Box<Index>),
    /// The file refers to a shared index.
    Split,
}

const TRUNCATED: &str = "it is truncated";

/// Length of the header of an index, in bytes.
const HEADER_LEN: usize = 12;
/// Minimum length of an entry without its object id, in bytes.
const MIN_ENTRY_LEN: usize = 42;

/// Parses `bytes` from `start` on.
fn parse(bytes: Vec<u8>, start: usize, hash_kind: gix::hash::Kind) -> Result<ParseOutcome, &'static str> {
    let hash_len = hash_kind.len_in_bytes();
    if bytes.len() == start {
        return Err("it is empty");
    }
    let end = bytes.len().checked_sub(hash_len).filter(|end| *end >= start).ok_or(TRUNCATED)?;
    if bytes.get(start..start + 4) != Some(b"DIRC") {
        return Err("it does not begin like an index");
    }
    let version = read_u32(&bytes, start + 4).ok_or(TRUNCATED)?;
    let count = read_u32(&bytes, start + 8).ok_or(TRUNCATED)? as usize;
    if !(2..=4).contains(&version) {
        return Err("its version is not 2, 3 or 4");
    }
    let mut reader = RowReader {
        bytes: &bytes[..end],
        position: start + HEADER_LEN,
        hash_len,
        paths: (version == 4).then(Vec::new),
        last_path: 0,
    };
    // The header may declare any count, but the entries have a minimum length.
    let mut rows = Vec::with_capacity(count.min(end / (MIN_ENTRY_LEN + hash_len)));
    for _ in 0..count {
        rows.push(reader.next().ok_or(TRUNCATED)?);
    }
    let (mut position, paths) = (reader.position, reader.paths);
    let mut cache_tree = CacheTree::default();
    while let Some(header) = bytes[..end].get(position..position + 8) {
        let length = read_u32(header, 4).ok_or(TRUNCATED)? as usize;
        let content =
            bytes[..end].get(position + 8..).and_then(|rest| rest.get(..length)).ok_or(TRUNCATED)?;
        match &header[..4] {
            b"TREE" => cache_tree = CacheTree::parse(content, hash_len).unwrap_or_default(),
            b"link" => return Ok(ParseOutcome::Split),
            // Extensions in capitals are optional; `sdir` only repeats information from the modes.
            name if name[0].is_ascii_uppercase() || name == b"sdir" => {}
            _ => return Err("it has an unknown mandatory extension"),
        }
        position += 8 + length;
    }
    Ok(ParseOutcome::Whole(Box::new(Index { bytes, paths, rows, hash_len, cache_tree })))
}

/// In the flags of an entry: whether further flags follow.
const IS_EXTENDED: u16 = 0x4000;
/// In the flags of an entry: the length of its path, or this value itself if the path is at least that long.
const PATH_LEN: u16 = 0xfff;
/// In the further flags: whether the entry was added with `git add -N`.
const IS_INTENT_TO_ADD: u16 = 0x2000;

/// Reads the entries of an index file one after the other.
struct RowReader<'a> {
    bytes: &'a [u8],
    /// The offset of the next entry.
    position: usize,
    hash_len: usize,
    /// For version 4, which stores each path as its difference from the last one.
    paths: Option<Vec<u8>>,
    /// The offset in `paths` of the path that was read last.
    last_path: usize,
}

impl RowReader<'_> {
    fn next(&mut self) -> Option<Row> {
        let start = self.position;
        // The mode is preceded by two times, device and inode, and followed by user, group and size.
        let mode = read_u32(self.bytes, start + 24)?;
        let id = start + 40;
        let mut path = id + self.hash_len;
        let flags = read_u16(self.bytes, path)?;
        path += 2;
        let mut is_intent_to_add = false;
        if flags & IS_EXTENDED != 0 {
            is_intent_to_add = read_u16(self.bytes, path)? & IS_INTENT_TO_ADD != 0;
            path += 2;
        }
        let path = if self.paths.is_some() {
            self.read_compressed_path(path)?
        } else {
            self.read_plain_path(start, path, flags)?
        };
        let stage = u8::try_from(flags >> 12 & 3).ok()?;
        Some(Row { path, id: u32::try_from(id).ok()?, mode, stage, is_intent_to_add })
    }

    /// Reads the path at the offset `start`. NULs follow it, so that the length of the entry, which starts at `entry`, is a
    /// multiple of eight.
    fn read_plain_path(&mut self, entry: usize, start: usize, flags: u16) -> Option<(u32, u32)> {
        let length = match flags & PATH_LEN {
            // The path is at least that long.
            PATH_LEN => memchr::memchr(0, self.bytes.get(start..)?)?,
            length => usize::from(length),
        };
        self.bytes.get(start + length)?;
        self.position = entry + (start + length - entry + 8) / 8 * 8;
        Some((u32::try_from(start).ok()?, u32::try_from(length).ok()?))
    }

    /// Reads the path at the offset `position`: how much to remove from the end of the last path, and what to append.
    fn read_compressed_path(&mut self, mut position: usize) -> Option<(u32, u32)> {
        let paths = self.paths.as_mut()?;
        // The number is encoded like the offset of a delta base.
        let mut removed = 0usize;
        loop {
            let byte = *self.bytes.get(position)?;
            position += 1;
            removed = removed << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
            removed = removed.checked_add(1).filter(|removed| removed >> 40 == 0)?;
        }
        let appended = self.bytes.get(position..)?;
        let appended = &appended[..memchr::memchr(0, appended)?];
        let start = paths.len();
        let kept = (start - self.last_path).checked_sub(removed)?;
        // Bounded, since a few bytes can expand to gigabytes of paths.
        if start + kept + appended.len()
            > (self.bytes.len().saturating_mul(16) + (1 << 20)).min(MAX_FILE_SIZE as usize)
        {
            return None;
        }
        paths.extend_from_within(self.last_path..self.last_path + kept);
        paths.extend_from_slice(appended);
        self.last_path = start;
        self.position = position + appended.len() + 1;
        Some((u32::try_from(start).ok()?, u32::try_from(paths.len() - start).ok()?))
    }
}

fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    let (bytes, _) = bytes.get(offset..)?.split_first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn read_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    let (bytes, _) = bytes.get(offset..)?.split_first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

/// The object id of a row, as an owned value.
pub(super) fn owned_id(index: &Index, row: &Row) -> ObjectId {
    index.id(row).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_a_panic(
            start in 0usize..64,
            version in 0u8..6,
            count in 0u8..4,
            mut rest in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut bytes = vec![0; start];
            bytes.extend_from_slice(&[b'D', b'I', b'R', b'C', 0, 0, 0, version, 0, 0, 0, count]);
            bytes.append(&mut rest);
            if let Ok(ParseOutcome::Whole(index)) = parse(bytes, start, gix::hash::Kind::Sha1) {
                for row in &index.rows {
                    let _ = (index.path(row), index.id(row));
                }
            }
        }
    }
}
