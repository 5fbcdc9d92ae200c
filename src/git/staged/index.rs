//! Reads paths, modes and blobs from an index file.
//!
//! Most of an index describes the files of the work tree. Ignoring that, and the checksum, makes this five times as
//! fast as decoding all of it, and reading the index is most of what a pre-commit hook does. Split indexes, which are
//! rare, are left to `gix`.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash::oid;

use super::super::gate;
use super::cache_tree::CacheTree;
use crate::untrusted::{self, ReadError, Symlinks};

/// Why the index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It exists, but cannot be opened or read.
    #[error("the index {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// It is not an index, or is truncated.
    #[error("the index {} is damaged: {reason}; `git read-tree HEAD` creates a new one from the last \
     commit", path.display())]
    Broken {
        /// Where it is.
        path: PathBuf,
        /// In words.
        reason: String,
    },
}

/// Larger index files, of about ten million paths, are refused.
const MAX_FILE_SIZE: u64 = 2 << 30;

/// One path, or one side of a conflict about it.
#[derive(Clone, Copy)]
pub(in crate::git) struct Row {
    path: (u32, u32),
    id: u32,
    pub(in crate::git) mode: u32,
    /// 0, or 1 to 3 in a conflict.
    pub(super) stage: u8,
    /// Added with `git add -N`: it has no content yet.
    pub(super) intent: bool,
}

/// The rows of an index file, in order.
pub(in crate::git) struct Index {
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
    pub(in crate::git) fn read(path: &Path, hash: gix::hash::Kind) -> Result<Self, IndexError> {
        Self::read_within(path, hash, MAX_FILE_SIZE)
    }

    /// Like [`Self::read`], and refuses a file of more than `largest` bytes.
    pub(super) fn read_within(path: &Path, hash: gix::hash::Kind, largest: u64) -> Result<Self, IndexError> {
        let bytes = match read_file(path, largest) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::empty(hash)),
            Err(source) => return Err(IndexError::Unreadable { path: path.to_owned(), source }),
        };
        let broken = |reason: String| IndexError::Broken { path: path.to_owned(), reason };
        match parse(bytes, hash).map_err(|reason| broken(reason.to_owned()))? {
            Parsed::Whole(index) => Ok(*index),
            Parsed::Split => Self::decode(path, hash).map_err(|error| broken(error.to_string())),
        }
    }

    fn empty(hash: gix::hash::Kind) -> Self {
        let (hash_len, cache_tree) = (hash.len_in_bytes(), CacheTree::default());
        Self { bytes: Vec::new(), paths: None, rows: Vec::new(), hash_len, cache_tree }
    }

    /// Reads a split index together with its shared index.
    fn decode(path: &Path, hash: gix::hash::Kind) -> Result<Self, gix::Error> {
        let file = gix::index::File::at(path, hash, true, gix::index::decode::Options::default())?;
        let mut index = Self::empty(hash);
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
                intent: entry.flags.contains(gix::index::entry::Flags::INTENT_TO_ADD),
            });
            paths.extend_from_slice(name);
            index.bytes.extend_from_slice(entry.id.as_bytes());
        }
        index.paths = Some(paths);
        Ok(index)
    }

    pub(in crate::git) fn path(&self, row: &Row) -> &[u8] {
        let (start, length) = (row.path.0 as usize, row.path.1 as usize);
        self.paths.as_ref().unwrap_or(&self.bytes).get(start..start + length).unwrap_or_default()
    }

    pub(in crate::git) fn id(&self, row: &Row) -> &oid {
        let bytes = &self.bytes[row.id as usize..][..self.hash_len];
        oid::from_bytes_unchecked(bytes)
    }

    /// Whether a row is a whole directory outside a sparse checkout.
    pub(super) fn is_dir(row: &Row) -> bool {
        row.mode == MODE_DIR
    }

    /// The position of the first row whose path is not less than `path`.
    pub(super) fn position(&self, path: &[u8]) -> usize {
        self.rows.partition_point(|row| self.path(row) < path)
    }
}

/// The size limit ensures that all offsets fit.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn read_file(path: &Path, largest: u64) -> std::io::Result<Vec<u8>> {
    gate::index(path).map_err(|error| std::io::Error::other(error.reason))?;
    match untrusted::read(path, Symlinks::Follow, largest) {
        Ok(bytes) => Ok(bytes),
        Err(ReadError::Io(error)) => Err(error),
        Err(ReadError::NotFound) => Err(std::io::ErrorKind::NotFound.into()),
        Err(error) => Err(std::io::Error::other(error.to_string())),
    }
}

enum Parsed {
    Whole(Box<Index>),
    /// It refers to a shared index.
    Split,
}

const CUT: &str = "it is truncated";

fn parse(bytes: Vec<u8>, hash: gix::hash::Kind) -> Result<Parsed, &'static str> {
    let hash_len = hash.len_in_bytes();
    if bytes.is_empty() {
        return Err("it is empty");
    }
    let end = bytes.len().checked_sub(hash_len).ok_or(CUT)?;
    if bytes.get(..4) != Some(b"DIRC") {
        return Err("it does not begin like an index");
    }
    let version = number(&bytes, 4).ok_or(CUT)?;
    let count = number(&bytes, 8).ok_or(CUT)? as usize;
    if !(2..=4).contains(&version) {
        return Err("its version is not 2, 3 or 4");
    }
    let mut reader =
        Rows { bytes: &bytes[..end], at: 12, hash_len, paths: (version == 4).then(Vec::new), last: 0 };
    // Every entry has at least this length, whatever count the header declares.
    let mut rows = Vec::with_capacity(count.min(end / (42 + hash_len)));
    for _ in 0..count {
        rows.push(reader.next().ok_or(CUT)?);
    }
    let (mut at, paths) = (reader.at, reader.paths);
    let mut cache_tree = CacheTree::default();
    while let Some(header) = bytes[..end].get(at..at + 8) {
        let length = number(header, 4).ok_or(CUT)? as usize;
        let content = bytes[..end].get(at + 8..).and_then(|rest| rest.get(..length)).ok_or(CUT)?;
        match &header[..4] {
            b"TREE" => cache_tree = CacheTree::parse(content, hash_len).unwrap_or_default(),
            b"link" => return Ok(Parsed::Split),
            // Extensions in capitals are optional; `sdir` only repeats information from the modes.
            name if name[0].is_ascii_uppercase() || name == b"sdir" => {}
            _ => return Err("it has an unknown mandatory extension"),
        }
        at += 8 + length;
    }
    Ok(Parsed::Whole(Box::new(Index { bytes, paths, rows, hash_len, cache_tree })))
}

/// The entries of an index file.
struct Rows<'a> {
    bytes: &'a [u8],
    at: usize,
    hash_len: usize,
    /// For version 4, which stores each path as its difference from the last one.
    paths: Option<Vec<u8>>,
    /// Where the last path starts in `paths`.
    last: usize,
}

impl Rows<'_> {
    fn next(&mut self) -> Option<Row> {
        let start = self.at;
        // Before the mode: two times, device, inode. After it: user, group, size.
        let mode = number(self.bytes, start + 24)?;
        let id = start + 40;
        let mut at = id + self.hash_len;
        let flags = half(self.bytes, at)?;
        at += 2;
        let mut intent = false;
        if flags & 0x4000 != 0 {
            intent = half(self.bytes, at)? & 0x2000 != 0;
            at += 2;
        }
        let path = if self.paths.is_some() { self.compressed(at)? } else { self.plain(start, at, flags)? };
        let stage = u8::try_from(flags >> 12 & 3).ok()?;
        Some(Row { path, id: u32::try_from(id).ok()?, mode, stage, intent })
    }

    /// A path that is padded with NULs so that the length of the entry is a multiple of eight.
    fn plain(&mut self, entry: usize, at: usize, flags: u16) -> Option<(u32, u32)> {
        let length = match usize::from(flags & 0xfff) {
            0xfff => memchr::memchr(0, self.bytes.get(at..)?)?,
            length => length,
        };
        self.bytes.get(at + length)?;
        self.at = entry + (at + length - entry + 8) / 8 * 8;
        Some((u32::try_from(at).ok()?, u32::try_from(length).ok()?))
    }

    fn compressed(&mut self, mut at: usize) -> Option<(u32, u32)> {
        let paths = self.paths.as_mut()?;
        // How much to remove from the last path, encoded like the offset of a delta base.
        let mut cut = 0usize;
        loop {
            let byte = *self.bytes.get(at)?;
            at += 1;
            cut = cut << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
            cut = cut.checked_add(1).filter(|cut| cut >> 40 == 0)?;
        }
        let rest = self.bytes.get(at..)?;
        let rest = &rest[..memchr::memchr(0, rest)?];
        let start = paths.len();
        let kept = (start - self.last).checked_sub(cut)?;
        // Bounded, since a few bytes can expand to gigabytes of paths.
        if start + kept + rest.len()
            > (self.bytes.len().saturating_mul(16) + (1 << 20)).min(MAX_FILE_SIZE as usize)
        {
            return None;
        }
        paths.extend_from_within(self.last..self.last + kept);
        paths.extend_from_slice(rest);
        self.last = start;
        self.at = at + rest.len() + 1;
        Some((u32::try_from(start).ok()?, u32::try_from(paths.len() - start).ok()?))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let (bytes, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let (bytes, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

/// The id of a row, as an owned value.
pub(super) fn owned(index: &Index, row: &Row) -> ObjectId {
    index.id(row).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn survives_any_bytes(version in 0u8..6, count in 0u8..4, mut rest in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut bytes = vec![b'D', b'I', b'R', b'C', 0, 0, 0, version, 0, 0, 0, count];
            bytes.append(&mut rest);
            if let Ok(Parsed::Whole(index)) = parse(bytes, gix::hash::Kind::Sha1) {
                for row in &index.rows {
                    let _ = (index.path(row), index.id(row));
                }
            }
        }
    }
}
