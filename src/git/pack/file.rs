//! One pack and its index, mapped into memory.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gix::hash;
use gix::odb::pack;
use gix::{ObjectId, oid};

use super::Entry;
use super::entry::{self, Header, HeaderError};
use super::fanout::Fanout;

/// Why a pack cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    /// It was listed and is no longer there: a repack is at work.
    #[error("{} disappeared while it was being opened", .0.display())]
    Vanished(PathBuf),
    /// The system does not let it be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The pack or index.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Its index, or its own header, is damaged.
    #[error("{} is damaged: {reason}; `git index-pack` may rebuild an index", path.display())]
    Damaged {
        /// The pack or index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A pack with its index.
pub(crate) struct Pack {
    index: pack::index::File,
    data: pack::data::File,
    ids: hash::Kind,
    /// Where entries begin, ascending, each once.
    offsets: Vec<u64>,
    /// For every stretch of `1 << shift` bytes, the first entry that begins in it or later.
    buckets: Vec<Entry>,
    shift: u32,
    /// For each entry its place in the index; made when the first id is asked for.
    positions: OnceLock<Vec<u32>>,
    /// Where ids stand in the index; made when the first is asked for.
    fanout: OnceLock<Fanout>,
}

impl Pack {
    /// Opens the pack whose index stands at `index`, with object ids of kind `ids`.
    ///
    /// # Errors
    /// When either file is gone, cannot be read, or has no valid header.
    pub(crate) fn open(index: &Path, ids: hash::Kind) -> Result<Self, PackError> {
        let data = index.with_extension("pack");
        for path in [index, &data] {
            check_regular(path)?;
        }
        let damaged = |path: &Path, error: gix::Error| match path.try_exists() {
            Ok(false) => PackError::Vanished(path.to_owned()),
            _ => PackError::Damaged { path: path.to_owned(), reason: error.to_string() },
        };
        let index = pack::index::File::at(index, ids).map_err(|error| damaged(index, error))?;
        let data = pack::data::File::at(&data, ids).map_err(|error| damaged(&data, error))?;
        let mut offsets = index.sorted_offsets();
        offsets.dedup();
        let (buckets, shift) = buckets(&offsets, data.data_len());
        Ok(Self {
            index,
            data,
            ids,
            offsets,
            buckets,
            shift,
            positions: OnceLock::new(),
            fanout: OnceLock::new(),
        })
    }

    /// Where the pack stands.
    pub(crate) fn path(&self) -> &Path {
        self.data.path()
    }

    /// What does not fit between pack and index, if anything.
    pub(crate) fn mismatch(&self) -> Option<String> {
        let (listed, held) = (self.index.num_objects(), self.data.num_objects());
        if listed != held {
            return Some(format!("its index lists {listed} objects, its header says {held}"));
        }
        (self.index.pack_checksum() != self.data.checksum())
            .then(|| "its trailer is not the one its index was made for; it is cut off or altered".to_owned())
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Where an entry begins in the pack. `u64::MAX` if there is no such entry.
    #[inline]
    pub(crate) fn offset(&self, entry: Entry) -> u64 {
        self.offsets.get(entry as usize).copied().unwrap_or(u64::MAX)
    }

    /// The entry that begins at `offset`.
    #[inline]
    pub(crate) fn entry_at(&self, offset: u64) -> Option<Entry> {
        let bucket = usize::try_from(offset >> self.shift).ok()?;
        let first = *self.buckets.get(bucket)? as usize;
        let end = *self.buckets.get(bucket + 1)? as usize;
        let found = self.offsets[first..end].binary_search(&offset).ok()?;
        Some((first + found) as Entry)
    }

    /// The mapped bytes from the start of an entry to the end of the pack.
    #[inline]
    pub(crate) fn bytes(&self, entry: Entry) -> &[u8] {
        self.data.entry_slice(self.offset(entry)..self.data.data_len() as u64).unwrap_or_default()
    }

    /// The bytes that an entry can take at most, header and all.
    #[inline]
    pub(crate) fn extent(&self, entry: Entry) -> u64 {
        let next = self.offset(entry.saturating_add(1)).min(self.data.data_len() as u64);
        next.saturating_sub(self.offset(entry))
    }

    /// The bytes before the first entry, if there are some that are not the pack's header; of a pack without entries
    /// all but its header and its trailer.
    pub(crate) fn bytes_before_first(&self) -> Range<u64> {
        const HEADER: u64 = 12;
        HEADER..self.offset(0).min(self.end()).max(HEADER)
    }

    /// Where the trailer begins.
    fn end(&self) -> u64 {
        (self.data.data_len() as u64).saturating_sub(self.ids.len_in_bytes() as u64)
    }

    /// Where the next entry begins, or the trailer.
    pub(crate) fn entry_end(&self, entry: Entry) -> u64 {
        self.offset(entry.saturating_add(1)).min(self.end()).max(self.offset(entry).min(self.end()))
    }

    /// The header of an entry and its deflated bytes (and whatever follows them).
    ///
    /// # Errors
    /// When there is no header at its offset.
    #[inline]
    pub(crate) fn header(&self, entry: Entry) -> Result<(Header, &[u8]), HeaderError> {
        let bytes = self.bytes(entry);
        let header = entry::parse(bytes, self.ids)?;
        Ok((header, &bytes[header.len..]))
    }

    /// How many objects the index lists.
    pub(crate) fn num_objects(&self) -> u32 {
        self.index.num_objects()
    }

    /// The id at a position of the index, where they stand in order.
    ///
    /// # Panics
    /// When `position` is not below [`Self::num_objects`].
    #[inline]
    pub(crate) fn id_at(&self, position: u32) -> &oid {
        self.index.oid_at_index(position)
    }

    /// The entry of the object at a position of the index.
    #[inline]
    pub(crate) fn entry_at_position(&self, position: u32) -> Option<Entry> {
        self.entry_at(self.index.pack_offset_at_index(position))
    }

    /// The position of the object `id` in the index.
    #[inline]
    pub(crate) fn position(&self, id: &oid) -> Option<u32> {
        self.index.lookup(id)
    }

    /// Whether it holds the object `id`: the same, sooner told if it is asked of many. An index whose ids are not in
    /// order may have it and not tell.
    #[inline]
    pub(crate) fn contains(&self, id: &oid) -> bool {
        self.fanout().positions(id).any(|position| self.id_at(position) == id)
    }

    /// Some bytes of the place where the index has `id`, if it does. Reading those of several ids before asking for
    /// the first brings all of them from memory at once.
    #[inline]
    pub(crate) fn prefetch(&self, id: &oid) -> u8 {
        let positions = self.fanout().positions(id);
        if positions.is_empty() {
            return 0;
        }
        let (first, last) = (self.id_at(positions.start), self.id_at(positions.end - 1));
        first.first_byte() ^ last.as_bytes().last().copied().unwrap_or(0)
    }

    fn fanout(&self) -> &Fanout {
        let all = || (0..self.num_objects()).map(|position| self.id_at(position));
        self.fanout.get_or_init(|| Fanout::new(self.num_objects(), all()))
    }

    /// The entry that holds the object `id`.
    pub(crate) fn find(&self, id: &oid) -> Option<Entry> {
        self.entry_at_position(self.position(id)?)
    }

    /// The id of the object in an entry.
    pub(crate) fn id(&self, entry: Entry) -> Option<ObjectId> {
        self.position_of(entry).map(|position| self.id_at(position).to_owned())
    }

    /// The position in the index of the object in an entry.
    pub(crate) fn position_of(&self, entry: Entry) -> Option<u32> {
        let positions = self.positions.get_or_init(|| {
            let mut positions = vec![u32::MAX; self.len()];
            for position in 0..self.num_objects() {
                if let Some(slot) =
                    self.entry_at_position(position).and_then(|entry| positions.get_mut(entry as usize))
                {
                    *slot = position;
                }
            }
            positions
        });
        positions.get(entry as usize).copied().filter(|position| *position != u32::MAX)
    }
}

/// A table that leads from an offset close to its entry: one entry for each bucket, on average.
fn buckets(offsets: &[u64], data_len: usize) -> (Vec<Entry>, u32) {
    let mean = data_len / offsets.len().max(1);
    let shift = mean.max(1).ilog2();
    let mut buckets = Vec::with_capacity((data_len >> shift) + 2);
    let mut entry = 0;
    for bucket in 0..(data_len >> shift) + 2 {
        let start = (bucket as u64) << shift;
        while offsets.get(entry).is_some_and(|offset| *offset < start) {
            entry += 1;
        }
        buckets.push(entry as Entry);
    }
    (buckets, shift)
}

/// A pipe in place of a pack would block for ever when it is opened.
fn check_regular(path: &Path) -> Result<(), PackError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(PackError::Damaged { path: path.to_owned(), reason: "it is not a file".to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PackError::Vanished(path.to_owned())),
        Err(error) => Err(PackError::Unreadable { path: path.to_owned(), error }),
    }
}
