//! Opens a pack and its index in memory, and finds entries (objects by number, in order of offset), offsets and ids.

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
    /// The pack was listed but no longer exists, because of a repack.
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
    hash_kind: hash::Kind,
    /// What identifies the bytes of the pack and its index, for a cache.
    identity: Option<PackIdentity>,
    /// The offset of each entry. Filled on first use, since a sweep does not need it for packs that the cache knows.
    offsets: OnceLock<OffsetTable>,
    /// The index position of each entry, filled on first use.
    positions: OnceLock<Vec<u32>>,
    /// Finds positions by id; filled on first use.
    fanout: OnceLock<Fanout>,
}

impl Pack {
    /// Opens the pack whose index is at `index`, with object ids of kind `hash_kind`.
    ///
    /// # Errors
    /// When either file is missing, cannot be read, or has no valid header.
    pub(crate) fn open(index: &Path, hash_kind: hash::Kind) -> Result<Self, PackError> {
        let data = index.with_extension("pack");
        for path in [index, &data] {
            check_regular(path)?;
        }
        let damaged = |path: &Path, error: gix::Error| match path.try_exists() {
            Ok(false) => PackError::Vanished(path.to_owned()),
            _ => PackError::Damaged { path: path.to_owned(), reason: error.to_string() },
        };
        let path = data;
        let index = pack::index::File::at(index, hash_kind).map_err(|error| damaged(index, error))?;
        let data = pack::data::File::at(&path, hash_kind).map_err(|error| damaged(&path, error))?;
        Ok(Self::new((index, data), path, hash_kind, None))
    }

    /// Like [`Self::open`], but determines the [`identity`](Self::identity) of the pack. If that fails for any reason, the
    /// pack has none.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub(crate) fn open_with_identity(
        index: &Path,
        hash_kind: hash::Kind,
        threads: usize,
    ) -> Result<Self, PackError> {
        let path = index.with_extension("pack");
        match identity::open(index, &path, hash_kind, threads) {
            Some((files, identity)) => Ok(Self::new(files, path, hash_kind, Some(identity))),
            None => Self::open(index, hash_kind),
        }
    }

    /// From now on uses the index from a copy in memory, where later changes of the file do not show. If the index no longer has
    /// the bytes that were identified, the pack has no identity any more.
    pub(crate) fn copy_index(&mut self, threads: usize) {
        let Some(identity) = self.identity.take() else { return };
        let path = self.path.with_extension("idx");
        if let Some(copy) = identity::copy_index(&path, &identity, self.hash_kind, threads) {
            (self.index, self.identity) = (copy, Some(identity));
            (self.offsets, self.positions, self.fanout) = Default::default();
        }
    }

    fn new(
        (index, data): (pack::index::File, pack::data::File),
        path: PathBuf,
        hash_kind: hash::Kind,
        identity: Option<PackIdentity>,
    ) -> Self {
        Self {
            index,
            data,
            path,
            hash_kind,
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

    /// What identifies the bytes of the pack and its index; `None` unless it was opened [with its
    /// identity](Self::open_with_identity).
    pub(crate) fn identity(&self) -> Option<&PackIdentity> {
        self.identity.as_ref()
    }

    /// How the pack contradicts its index; `None` if they match.
    pub(crate) fn mismatch(&self) -> Option<String> {
        let (listed, declared) = (self.index.num_objects(), self.data.num_objects());
        if listed != declared {
            return Some(format!("its index lists {listed} objects, its header declares {declared}"));
        }
        (self.index.pack_checksum() != self.data.checksum())
            .then(|| "its checksum differs from the one in its index; it is truncated or modified".to_owned())
    }

    #[inline]
    fn offsets(&self) -> &OffsetTable {
        let offset = |position| self.index.pack_offset_at_index(position);
        self.offsets.get_or_init(|| OffsetTable::new(self.num_objects(), offset, self.data.data_len()))
    }

    /// The number of entries: less than [`Self::num_objects`] if the index lists an offset twice.
    pub(crate) fn len(&self) -> usize {
        self.offsets().len()
    }

    /// The offset of an entry in the pack; `u64::MAX` if there is no such entry.
    #[inline]
    pub(crate) fn offset(&self, entry: Entry) -> u64 {
        self.offsets().offset(entry)
    }

    /// The entry that begins at `offset`; `None` if none does.
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

    /// Upper bound for the length of an entry, including its header, in bytes: up to the next entry, or to the end of the
    /// pack, trailer included.
    #[inline]
    pub(crate) fn extent(&self, entry: Entry) -> u64 {
        let offsets = self.offsets();
        let next = offsets.offset(entry.saturating_add(1)).min(self.data.data_len() as u64);
        next.saturating_sub(offsets.offset(entry))
    }

    /// The bytes between the pack's header and its first entry, normally none. For a pack without entries,
    /// everything between header and trailer.
    pub(crate) fn bytes_before_first(&self) -> Range<u64> {
        const HEADER_LEN: u64 = 12;
        HEADER_LEN..self.offset(0).min(self.trailer()).max(HEADER_LEN)
    }

    /// The offset of the trailer, which is the checksum of the pack.
    fn trailer(&self) -> u64 {
        (self.data.data_len() as u64).saturating_sub(self.hash_kind.len_in_bytes() as u64)
    }

    /// The offset of the next entry, or of the trailer after the last one.
    pub(crate) fn entry_end(&self, entry: Entry) -> u64 {
        self.offset(entry.saturating_add(1)).min(self.trailer()).max(self.offset(entry).min(self.trailer()))
    }

    /// The end of unlisted bytes (which belong to no entry) before the entry or the trailer at `end`. Before the trailer,
    /// they extend to the end of the pack: if bytes were appended, what is taken for the trailer is the last of them, and
    /// the real checksum precedes it.
    pub(crate) fn unlisted_end(&self, end: u64) -> u64 {
        if end == self.trailer() { self.data.data_len() as u64 } else { end }
    }

    /// Parses the header of an entry. Returns it with the rest of the pack, which begins with the compressed
    /// data.
    ///
    /// # Errors
    /// When there is no valid header at the entry's offset.
    #[inline]
    pub(crate) fn header(&self, entry: Entry) -> Result<(Header, &[u8]), HeaderError> {
        let bytes = self.bytes(entry);
        let header = entry::parse(bytes, self.hash_kind)?;
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

    /// The position of the object `id` in the index; `None` if it is not there.
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

    /// The first position from `start` on whose id is not less than `id`; the number of objects if there is none. The fewer
    /// positions are between `start` and the result, the faster. The result is arbitrary if the index is not sorted.
    pub(crate) fn first_from(&self, start: u32, id: &oid) -> u32 {
        let (mut low, mut step) = (start, 1);
        let mut high = loop {
            let next = low.saturating_add(step);
            if next >= self.num_objects() {
                break self.num_objects();
            }
            if self.id_at(next) >= id {
                break next;
            }
            (low, step) = (next, step.saturating_mul(2));
        };
        while low < high {
            let middle = low.midpoint(high);
            if self.id_at(middle) < id {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Like [`Self::position`], but faster for many ids, since it fills a table on first use.
    #[inline]
    pub(crate) fn position_by_table(&self, id: &oid) -> Option<u32> {
        let found = self.fanout().positions(id).find(|position| self.id_at(*position) == id);
        // The table does not find every id of an index that is not sorted.
        found.or_else(|| self.position(id))
    }

    /// Loads the part of the index where `id` would be into the processor's cache. If this is done for several ids before the
    /// first is looked up, their cache misses overlap. Returns a value without meaning, which the caller must use: otherwise
    /// the compiler may remove the reads.
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
        let ids = || (0..self.num_objects()).map(|position| self.id_at(position));
        self.fanout.get_or_init(|| Fanout::new(self.num_objects(), ids()))
    }

    /// The entry of the object `id`; `None` if it is not in the pack.
    pub(crate) fn find(&self, id: &oid) -> Option<Entry> {
        self.entry_at_position(self.position(id)?)
    }

    /// The id of the object in an entry; `None` if the index does not list the entry.
    pub(crate) fn id(&self, entry: Entry) -> Option<ObjectId> {
        self.position_of(entry).map(|position| self.id_at(position).to_owned())
    }

    /// The ids of the objects in `entries`. For few entries, this is much faster than [`Self::id`], which fills a table
    /// on first use.
    pub(crate) fn ids_of(&self, entries: &[Entry]) -> Vec<Option<ObjectId>> {
        if self.positions.get().is_some()
            || entries.len() > self.num_objects() as usize / ENTRIES_PER_ID_FOR_TABLE
        {
            return entries.iter().map(|&entry| self.id(entry)).collect();
        }
        let mut wanted: Vec<(u64, usize)> =
            entries.iter().enumerate().map(|(number, &entry)| (self.offset(entry), number)).collect();
        wanted.sort_unstable();
        let mut filter = vec![false; 1 << FILTER_BITS];
        wanted.iter().for_each(|&(offset, _)| filter[filter_slot(offset)] = true);
        let mut ids = vec![None; entries.len()];
        for position in 0..self.num_objects() {
            let offset = self.index.pack_offset_at_index(position);
            if filter[filter_slot(offset)] {
                let first = wanted.partition_point(|&(other, _)| other < offset);
                for &(_, number) in wanted[first..].iter().take_while(|(other, _)| *other == offset) {
                    ids[number] = Some(self.id_at(position).to_owned());
                }
            }
        }
        ids
    }

    /// The index position of the object in an entry; `None` if the index does not list the entry.
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

/// The ids of at most one in this many entries of a pack are found without filling a table of all its ids.
const ENTRIES_PER_ID_FOR_TABLE: usize = 32;

/// The logarithm to base 2 of the number of slots in the filter for offsets.
const FILTER_BITS: u32 = 14;

/// The slot for an offset in the filter: its hash by multiplication with 2^64 divided by the golden ratio.
fn filter_slot(offset: u64) -> usize {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - FILTER_BITS)) as usize
}

/// Refuses anything but a regular file. Opening a named pipe in place of a pack would block forever.
fn check_regular(path: &Path) -> Result<(), PackError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(PackError::Damaged { path: path.to_owned(), reason: "not a regular file".to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PackError::Vanished(path.to_owned())),
        Err(error) => Err(PackError::Unreadable { path: path.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::scratch::Scratch;

    #[test]
    fn the_first_position_from_a_start_is_found() {
        let scratch = Scratch::new(&[]);
        for number in 0..20 {
            scratch.write("file", &format!("{number}"));
            scratch.commit("one of many");
        }
        scratch.git(&["repack", "-qad"]);
        let files = fs::read_dir(scratch.path().join(".git/objects/pack")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let index = files.find(|path| path.extension().unwrap() == "idx").unwrap();
        let pack = Pack::open(&index, hash::Kind::Sha1).unwrap();
        let count = pack.num_objects();
        assert!(count > 40);
        for start in 0..=count {
            for position in 0..count {
                let expected = if start == count { count } else { position.max(start) };
                assert_eq!(pack.first_from(start, pack.id_at(position)), expected, "{position} from {start}");
            }
            assert_eq!(pack.first_from(start, &ObjectId::from([0xff; 20])), count);
        }
    }
}
