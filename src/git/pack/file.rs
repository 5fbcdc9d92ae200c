//! A pack and its index, mapped into memory.

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
use super::identity::{self, PackIdentity};
use super::offset_table::OffsetTable;

/// Why a pack cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    /// It was listed but no longer exists, because of a repack.
    #[error("{} disappeared while it was being opened", .0.display())]
    Vanished(PathBuf),
    /// An error of the operating system.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The pack or index.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
    /// The header of the pack or the index is damaged.
    #[error("{} is damaged: {reason}; `git index-pack` may rebuild the index", path.display())]
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
    path: PathBuf,
    ids: hash::Kind,
    /// For a cache: which bytes these are.
    identity: Option<PackIdentity>,
    /// Sorted on first use, since the entries of a pack that a cache knows are not needed.
    offsets: OnceLock<OffsetTable>,
    /// Index position of each entry, filled on first use.
    positions: OnceLock<Vec<u32>>,
    /// Filled on first use.
    fanout: OnceLock<Fanout>,
}

impl Pack {
    /// Opens the pack whose index is at `index`, with object ids of kind `ids`.
    ///
    /// # Errors
    /// When either file is missing, cannot be read, or has no valid header.
    pub(crate) fn open(index: &Path, ids: hash::Kind) -> Result<Self, PackError> {
        let data = index.with_extension("pack");
        for path in [index, &data] {
            check_regular(path)?;
        }
        let damaged = |path: &Path, error: gix::Error| match path.try_exists() {
            Ok(false) => PackError::Vanished(path.to_owned()),
            _ => PackError::Damaged { path: path.to_owned(), reason: error.to_string() },
        };
        let path = data;
        let index = pack::index::File::at(index, ids).map_err(|error| damaged(index, error))?;
        let data = pack::data::File::at(&path, ids).map_err(|error| damaged(&path, error))?;
        Ok(Self::new((index, data), path, ids, None))
    }

    /// Like [`Self::open`], but reads the index into memory, and determines which bytes it and the pack consist of. If that
    /// fails, for whatever reason, the pack has no [`identity`](Self::identity).
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub(crate) fn open_identified(index: &Path, ids: hash::Kind, threads: usize) -> Result<Self, PackError> {
        let path = index.with_extension("pack");
        match identity::open(index, &path, ids, threads) {
            Some((files, identity)) => Ok(Self::new(files, path, ids, Some(identity))),
            None => Self::open(index, ids),
        }
    }

    fn new(
        (index, data): (pack::index::File, pack::data::File),
        path: PathBuf,
        ids: hash::Kind,
        identity: Option<PackIdentity>,
    ) -> Self {
        Self {
            index,
            data,
            path,
            ids,
            identity,
            offsets: OnceLock::new(),
            positions: OnceLock::new(),
            fanout: OnceLock::new(),
        }
    }

    /// The path of the pack.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Which bytes these are; only if the pack was [opened](Self::open_identified) to be identified.
    pub(crate) fn identity(&self) -> Option<&PackIdentity> {
        self.identity.as_ref()
    }

    /// How the pack and its index contradict each other, if they do.
    pub(crate) fn mismatch(&self) -> Option<String> {
        let (listed, held) = (self.index.num_objects(), self.data.num_objects());
        if listed != held {
            return Some(format!("its index lists {listed} objects, its header declares {held}"));
        }
        (self.index.pack_checksum() != self.data.checksum())
            .then(|| "its checksum differs from the one in its index; it is truncated or modified".to_owned())
    }

    #[inline]
    fn offsets(&self) -> &OffsetTable {
        let at = |position| self.index.pack_offset_at_index(position);
        self.offsets.get_or_init(|| OffsetTable::new(self.num_objects(), at, self.data.data_len()))
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.offsets().len()
    }

    /// Start offset of an entry in the pack; `u64::MAX` if there is no such entry.
    #[inline]
    pub(crate) fn offset(&self, entry: Entry) -> u64 {
        self.offsets().offset(entry)
    }

    /// The entry that begins at `offset`.
    #[inline]
    pub(crate) fn entry_at(&self, offset: u64) -> Option<Entry> {
        self.offsets().entry_at(offset)
    }

    /// All bytes of the pack.
    pub(crate) fn all_bytes(&self) -> &[u8] {
        self.data.entry_slice(0..self.data.data_len() as u64).unwrap_or_default()
    }

    /// The bytes from the start of an entry to the end of the pack.
    #[inline]
    pub(crate) fn bytes(&self, entry: Entry) -> &[u8] {
        self.data.entry_slice(self.offset(entry)..self.data.data_len() as u64).unwrap_or_default()
    }

    /// Upper bound for the length of an entry, including its header, in bytes.
    #[inline]
    pub(crate) fn extent(&self, entry: Entry) -> u64 {
        let offsets = self.offsets();
        let next = offsets.offset(entry.saturating_add(1)).min(self.data.data_len() as u64);
        next.saturating_sub(offsets.offset(entry))
    }

    /// The bytes between the pack's header and its first entry, normally none. For a pack without entries,
    /// everything between header and trailer.
    pub(crate) fn bytes_before_first(&self) -> Range<u64> {
        const HEADER: u64 = 12;
        HEADER..self.offset(0).min(self.end()).max(HEADER)
    }

    /// Start offset of the trailer.
    fn end(&self) -> u64 {
        (self.data.data_len() as u64).saturating_sub(self.ids.len_in_bytes() as u64)
    }

    /// Start offset of the next entry, or of the trailer.
    pub(crate) fn entry_end(&self, entry: Entry) -> u64 {
        self.offset(entry.saturating_add(1)).min(self.end()).max(self.offset(entry).min(self.end()))
    }

    /// The end of unlisted bytes that reach up to `end`: the end of the file if only the trailer follows, since bytes
    /// appended to a pack push its checksum away from the end.
    pub(crate) fn unlisted_end(&self, end: u64) -> u64 {
        if end == self.end() { self.data.data_len() as u64 } else { end }
    }

    /// Parses the header of an entry. Returns it with the rest of the pack, which begins with the compressed
    /// data.
    ///
    /// # Errors
    /// When there is no valid header at the entry's offset.
    #[inline]
    pub(crate) fn header(&self, entry: Entry) -> Result<(Header, &[u8]), HeaderError> {
        let bytes = self.bytes(entry);
        let header = entry::parse(bytes, self.ids)?;
        Ok((header, &bytes[header.len..]))
    }

    /// The number of objects listed in the index.
    pub(crate) fn num_objects(&self) -> u32 {
        self.index.num_objects()
    }

    /// The id at a position of the index, which is sorted by id.
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

    /// Whether the pack contains the object `id`. Faster than [`Self::position`] for many ids, but may miss
    /// ids in an index that is not sorted.
    #[inline]
    pub(crate) fn contains(&self, id: &oid) -> bool {
        self.fanout().positions(id).any(|position| self.id_at(position) == id)
    }

    /// Like [`Self::position`], but faster for many ids.
    #[inline]
    pub(crate) fn position_of_id(&self, id: &oid) -> Option<u32> {
        let found = self.fanout().positions(id).find(|position| self.id_at(*position) == id);
        // An index that is not sorted.
        found.or_else(|| self.position(id))
    }

    /// Reads from the index where `id` would be. Doing this for several ids before looking up the first lets
    /// their cache misses overlap.
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

    /// The entry of the object `id`.
    pub(crate) fn find(&self, id: &oid) -> Option<Entry> {
        self.entry_at_position(self.position(id)?)
    }

    /// The id of the object in an entry.
    pub(crate) fn id(&self, entry: Entry) -> Option<ObjectId> {
        self.position_of(entry).map(|position| self.id_at(position).to_owned())
    }

    /// The ids of the objects in `entries`. If they are few, that is much faster than to ask for the first one by itself.
    pub(crate) fn ids_of(&self, entries: &[Entry]) -> Vec<Option<ObjectId>> {
        if self.positions.get().is_some() || entries.len() > self.num_objects() as usize / MANY {
            return entries.iter().map(|&entry| self.id(entry)).collect();
        }
        let mut wanted: Vec<(u64, usize)> =
            entries.iter().enumerate().map(|(at, &entry)| (self.offset(entry), at)).collect();
        wanted.sort_unstable();
        let mut filter = vec![false; 1 << FILTER_BITS];
        wanted.iter().for_each(|&(offset, _)| filter[filter_slot(offset)] = true);
        let mut ids = vec![None; entries.len()];
        for position in 0..self.num_objects() {
            let offset = self.index.pack_offset_at_index(position);
            if filter[filter_slot(offset)] {
                let first = wanted.partition_point(|&(other, _)| other < offset);
                for &(_, at) in wanted[first..].iter().take_while(|(other, _)| *other == offset) {
                    ids[at] = Some(self.id_at(position).to_owned());
                }
            }
        }
        ids
    }

    /// The index position of the object in an entry.
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

/// More than this part of all entries is worth a table of all ids.
const MANY: usize = 32;

/// The logarithm of the size of a filter for offsets.
const FILTER_BITS: u32 = 14;

/// Where a filter says whether it contains an offset.
fn filter_slot(offset: u64) -> usize {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - FILTER_BITS)) as usize
}

/// Opening a named pipe in place of a pack would block forever.
fn check_regular(path: &Path) -> Result<(), PackError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(PackError::Damaged { path: path.to_owned(), reason: "not a regular file".to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PackError::Vanished(path.to_owned())),
        Err(error) => Err(PackError::Unreadable { path: path.to_owned(), error }),
    }
}
