//! Determines which entries of a pack are deltas against which: the delta trees of the pack.

use std::collections::BTreeSet;

use gix::ObjectId;

use super::Pack;
use super::entry::{EntryContent, HeaderError};
use crate::threads;

/// An entry of a pack: its number in pack order.
pub(crate) type Entry = u32;

/// Why an entry cannot be placed in a delta tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryFault {
    /// The header is damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// No entry begins at the offset of the base.
    #[error("no object begins {0} bytes before it, at its delta base")]
    NoBase(u64),
    /// The delta chain leads back to the entry.
    #[error("its delta chain is circular")]
    Circular,
}

/// The delta trees of one pack.
pub(crate) struct DeltaTree {
    /// The start of each entry's children in `children`, and the end of the last entry's. Empty if
    /// there are no children.
    starts: Vec<u32>,
    /// The children of all entries, in pack order except that the heaviest child of each entry comes last.
    children: Vec<Entry>,
    /// The number of entries in the subtree of each entry, including itself.
    weights: Vec<u32>,
    /// Entries that are not deltas.
    pub(crate) roots: Vec<Entry>,
    /// Deltas whose base is not in this pack, with the id of the base.
    pub(crate) external_deltas: Vec<(Entry, ObjectId)>,
    /// Entries that cannot be read. Their descendants are part of the trees nevertheless, except for circular chains.
    pub(crate) faults: Vec<(Entry, EntryFault)>,
}

/// The value in place of a base, for an entry without a base in this pack.
const NO_BASE: Entry = Entry::MAX;

/// Minimum number of headers for which another thread is started.
const MIN_HEADERS_PER_THREAD: usize = 1 << 13;

impl DeltaTree {
    /// Builds the trees of all entries of `pack`. Reads every header, on up to `threads` threads.
    pub(crate) fn build(pack: &Pack, threads: usize) -> Self {
        let mut tree = Self {
            starts: Vec::new(),
            children: Vec::new(),
            weights: Vec::new(),
            roots: Vec::new(),
            external_deltas: Vec::new(),
            faults: Vec::new(),
        };
        let bases = tree.read_headers(pack, threads);
        tree.link(&bases);
        tree.weigh(&bases);
        tree.put_heaviest_last();
        tree
    }

    /// Builds trees of only these entries and all their delta bases.
    pub(crate) fn for_entries(pack: &Pack, entries: &[Entry]) -> Self {
        let mut tree = Self {
            starts: Vec::new(),
            children: Vec::new(),
            weights: Vec::new(),
            roots: Vec::new(),
            external_deltas: Vec::new(),
            faults: Vec::new(),
        };
        if entries.is_empty() {
            return tree;
        }
        let mut links = Vec::new();
        for entry in Self::with_bases(pack, entries) {
            match base_of(pack, entry) {
                Ok(EntryBase::None) => tree.roots.push(entry),
                Ok(EntryBase::Entry(base)) => links.push((entry, base)),
                Ok(EntryBase::External(id)) => tree.external_deltas.push((entry, id)),
                Err(fault) => tree.faults.push((entry, fault)),
            }
        }
        if links.is_empty() {
            return tree;
        }
        let mut bases = vec![NO_BASE; pack.len()];
        links.into_iter().for_each(|(entry, base)| bases[entry as usize] = base);
        tree.link(&bases);
        tree.weigh(&bases);
        tree.put_heaviest_last();
        tree
    }

    /// These entries and all their delta bases in the same pack, in pack order.
    pub(crate) fn with_bases(pack: &Pack, entries: &[Entry]) -> Vec<Entry> {
        let mut all = BTreeSet::new();
        for &entry in entries {
            let mut next = entry;
            while all.insert(next)
                && let Ok(EntryBase::Entry(base)) = base_of(pack, next)
            {
                next = base;
            }
        }
        all.into_iter().collect()
    }

    /// The children of `entry`, as positions for [`Self::child`].
    #[inline]
    pub(crate) fn children(&self, entry: Entry) -> std::ops::Range<u32> {
        match self.starts.get(entry as usize..entry as usize + 2) {
            Some(bounds) => bounds[0]..bounds[1],
            None => 0..0,
        }
    }

    /// The child at a position within [`Self::children`].
    #[inline]
    pub(crate) fn child(&self, position: u32) -> Entry {
        self.children[position as usize]
    }

    /// `entry` and all entries that are deltas against it, directly or indirectly.
    pub(crate) fn with_descendants(&self, entry: Entry) -> Vec<Entry> {
        let mut all = vec![entry];
        let mut next = 0;
        while let Some(&parent) = all.get(next) {
            all.extend(self.children(parent).map(|position| self.child(position)));
            next += 1;
        }
        all
    }

    /// Returns the base of every entry, or [`NO_BASE`]; fills `roots`, `external_deltas` and `faults`.
    fn read_headers(&mut self, pack: &Pack, threads: usize) -> Vec<Entry> {
        let mut bases = vec![NO_BASE; pack.len()];
        let per_thread = pack.len().div_ceil(threads.max(1)).max(MIN_HEADERS_PER_THREAD);
        let threads = pack.len().div_ceil(per_thread);
        let chunks = bases.chunks_mut(per_thread).enumerate();
        let scans = threads::map(threads, chunks, |(chunk, bases)| {
            HeaderScan::read(pack, (chunk * per_thread) as Entry, bases)
        });
        for scan in scans {
            self.roots.extend(scan.roots);
            self.external_deltas.extend(scan.external_deltas);
            self.faults.extend(scan.faults);
        }
        bases
    }

    /// Lists the children of each entry, in pack order.
    fn link(&mut self, bases: &[Entry]) {
        let mut starts = vec![0u32; bases.len() + 1];
        for &base in bases.iter().filter(|base| **base != NO_BASE) {
            starts[base as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        // The position of each entry's next child.
        let mut next = starts.clone();
        let mut children = vec![0; starts.last().map_or(0, |total| *total as usize)];
        for (entry, &base) in bases.iter().enumerate().filter(|(_, base)| **base != NO_BASE) {
            let position = &mut next[base as usize];
            children[*position as usize] = entry as Entry;
            *position += 1;
        }
        (self.starts, self.children) = (starts, children);
    }

    /// Sums up weights from the leaves to the roots, and finds circular chains.
    fn weigh(&mut self, bases: &[Entry]) {
        self.weights = vec![1; bases.len()];
        let mut add = |entry: usize| {
            if bases[entry] != NO_BASE {
                self.weights[bases[entry] as usize] += self.weights[entry];
            }
        };
        let is_backward = |(entry, base): (usize, &Entry)| *base == NO_BASE || (*base as usize) < entry;
        if bases.iter().enumerate().all(is_backward) {
            (0..bases.len()).rev().for_each(&mut add);
            return;
        }
        // A delta that names its base by id may precede it. Then the order is that of a walk from the roots.
        let mut order: Vec<Entry> =
            (0..bases.len()).filter(|entry| bases[*entry] == NO_BASE).map(|entry| entry as Entry).collect();
        let mut reached = vec![false; bases.len()];
        let mut next = 0;
        while let Some(&entry) = order.get(next) {
            reached[entry as usize] = true;
            let (start, end) =
                (self.starts[entry as usize] as usize, self.starts[entry as usize + 1] as usize);
            order.extend_from_slice(&self.children[start..end]);
            next += 1;
        }
        order.iter().rev().for_each(|entry| add(*entry as usize));
        let circular = (0..bases.len()).filter(|entry| !reached[*entry]);
        self.faults.extend(circular.map(|entry| (entry as Entry, EntryFault::Circular)));
    }

    /// Moves the heaviest child of each entry behind the others. A base is freed as soon as its last child has been
    /// assembled, so this order keeps no more bases in memory than the logarithm of the number of objects.
    fn put_heaviest_last(&mut self) {
        for bounds in self.starts.windows(2) {
            let children = &mut self.children[bounds[0] as usize..bounds[1] as usize];
            let heaviest = (0..children.len()).max_by_key(|index| self.weights[children[*index] as usize]);
            if let Some(heaviest) = heaviest {
                children[heaviest..].rotate_left(1);
            }
        }
    }
}

/// Number of entries whose headers are prefetched together.
const PREFETCH: Entry = 32;

/// Loads the headers of some entries into the processor's cache by reading their first bytes. These reads do not depend on
/// each other, so their cache misses overlap, unlike those of parsing one header after the other.
fn prefetch(pack: &Pack, entries: std::ops::Range<Entry>) {
    let first = |entry| pack.bytes(entry).first().copied().unwrap_or(0);
    std::hint::black_box(entries.map(first).fold(0, |all, byte| all ^ byte));
}

/// Where the delta base of an entry is.
enum EntryBase {
    /// There is none: the entry is not a delta.
    None,
    /// In this entry of the same pack.
    Entry(Entry),
    /// Not in the pack; the object has this id.
    External(ObjectId),
}

/// Determines the delta base of an entry from its header.
#[inline]
fn base_of(pack: &Pack, entry: Entry) -> Result<EntryBase, EntryFault> {
    match pack.header(entry)?.0.content {
        EntryContent::Whole(_) => Ok(EntryBase::None),
        EntryContent::OffsetDelta(distance) => {
            let base = pack.offset(entry).checked_sub(distance).and_then(|offset| pack.entry_at(offset));
            base.map(EntryBase::Entry).ok_or(EntryFault::NoBase(distance))
        }
        EntryContent::IdDelta(id) => Ok(pack.find(&id).map_or(EntryBase::External(id), EntryBase::Entry)),
    }
}

/// What one thread found in headers.
#[derive(Default)]
struct HeaderScan {
    roots: Vec<Entry>,
    external_deltas: Vec<(Entry, ObjectId)>,
    faults: Vec<(Entry, EntryFault)>,
}

impl HeaderScan {
    /// Reads the headers of the entries from `first` on, as many as `bases`, and sets their bases in this pack.
    fn read(pack: &Pack, first: Entry, bases: &mut [Entry]) -> Self {
        let mut scan = Self::default();
        for (entry, base) in (first..).zip(bases) {
            if entry % PREFETCH == 0 {
                prefetch(pack, entry..entry.saturating_add(PREFETCH));
            }
            match base_of(pack, entry) {
                Ok(EntryBase::None) => scan.roots.push(entry),
                Ok(EntryBase::Entry(base_entry)) => *base = base_entry,
                Ok(EntryBase::External(id)) => scan.external_deltas.push((entry, id)),
                Err(fault) => scan.faults.push((entry, fault)),
            }
        }
        scan
    }
}
