//! Which entries of a pack are deltas against which: the delta trees of a pack.

use std::collections::BTreeSet;

use gix::ObjectId;

use super::Pack;
use super::entry::{EntryContent, HeaderError};
use crate::threads;

/// An entry of a pack: its index in pack order.
pub(crate) type Entry = u32;

/// Why an entry cannot be placed in a delta tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryFault {
    /// Its header is damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// No entry begins at the position of its base.
    #[error("no object begins {0} bytes before it, at its delta base")]
    NoBase(u64),
    /// Its delta chain leads back to itself.
    #[error("its delta chain is circular")]
    Circular,
}

/// The delta trees of one pack.
pub(crate) struct DeltaTree {
    /// Start of each entry's children in `children`, plus one final end.
    starts: Vec<u32>,
    /// The children of all entries, in pack order except that the heaviest child of each entry comes last.
    children: Vec<Entry>,
    /// The number of entries in the subtree of each entry, including itself.
    weights: Vec<u32>,
    /// Entries that are not deltas.
    pub(crate) roots: Vec<Entry>,
    /// Deltas whose base is not in this pack, with the id of the base.
    pub(crate) external_deltas: Vec<(Entry, ObjectId)>,
    /// Entries that cannot be read. Their descendants are still part of the tree, unless they are circular.
    pub(crate) faults: Vec<(Entry, EntryFault)>,
}

/// Marks an entry without a base in this pack.
const NO_BASE: Entry = Entry::MAX;

/// A thread is not worth starting for fewer headers.
const MIN_HEADERS_PER_THREAD: usize = 1 << 13;

impl DeltaTree {
    /// Reads every entry header of `pack` on up to `threads` threads.
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

    /// The trees of these entries and of all their delta bases, without any other entry.
    pub(crate) fn of_entries(pack: &Pack, entries: &[Entry]) -> Self {
        let mut tree = Self {
            starts: Vec::new(),
            children: Vec::new(),
            weights: Vec::new(),
            roots: Vec::new(),
            external_deltas: Vec::new(),
            faults: Vec::new(),
        };
        if entries.is_empty() {
            // An upper bound: an exact count would require sorting the offsets.
            tree.starts = vec![0; pack.num_objects() as usize + 1];
            return tree;
        }
        let mut links = Vec::new();
        for entry in Self::with_bases(pack, entries) {
            match base_of(pack, entry) {
                Ok(EntryBase::None) => tree.roots.push(entry),
                Ok(EntryBase::Entry(base)) => links.push((entry, base)),
                Ok(EntryBase::Elsewhere(id)) => tree.external_deltas.push((entry, id)),
                Err(fault) => tree.faults.push((entry, fault)),
            }
        }
        if links.is_empty() {
            tree.starts = vec![0; pack.len() + 1];
            return tree;
        }
        let mut bases = vec![NO_BASE; pack.len()];
        links.into_iter().for_each(|(entry, base)| bases[entry as usize] = base);
        tree.link(&bases);
        tree.weigh(&bases);
        tree.put_heaviest_last();
        tree
    }

    /// These entries and all their delta bases in the same pack, ascending.
    pub(crate) fn with_bases(pack: &Pack, entries: &[Entry]) -> Vec<Entry> {
        let mut all = BTreeSet::new();
        for &entry in entries {
            let mut at = entry;
            while all.insert(at)
                && let Ok(EntryBase::Entry(base)) = base_of(pack, at)
            {
                at = base;
            }
        }
        all.into_iter().collect()
    }

    /// The children of `entry`, as positions for [`Self::child`].
    #[inline]
    pub(crate) fn children(&self, entry: Entry) -> std::ops::Range<u32> {
        self.starts[entry as usize]..self.starts[entry as usize + 1]
    }

    /// The child at a position within [`Self::children`].
    #[inline]
    pub(crate) fn child(&self, place: u32) -> Entry {
        self.children[place as usize]
    }

    /// `entry` and all its descendants.
    pub(crate) fn with_descendants(&self, entry: Entry) -> Vec<Entry> {
        let mut all = vec![entry];
        let mut next = 0;
        while let Some(&parent) = all.get(next) {
            all.extend_from_slice(
                &self.children[self.starts[parent as usize] as usize..][..self.children(parent).len()],
            );
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
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut free = starts.clone();
        let mut children = vec![0; starts.last().map_or(0, |total| *total as usize)];
        for (entry, &base) in bases.iter().enumerate().filter(|(_, base)| **base != NO_BASE) {
            let place = &mut free[base as usize];
            children[*place as usize] = entry as Entry;
            *place += 1;
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
        let backward = |(entry, base): (usize, &Entry)| *base == NO_BASE || (*base as usize) < entry;
        if bases.iter().enumerate().all(backward) {
            (0..bases.len()).rev().for_each(&mut add);
            return;
        }
        // Deltas that name their base by id may precede it, so descend from the roots instead.
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

    /// A base is freed when its last child has been made. Making the heaviest child last keeps only as many
    /// bases in memory as the logarithm of the number of objects.
    fn put_heaviest_last(&mut self) {
        for bounds in self.starts.windows(2) {
            let children = &mut self.children[bounds[0] as usize..bounds[1] as usize];
            let heaviest = (0..children.len()).max_by_key(|at| self.weights[children[*at] as usize]);
            if let Some(heaviest) = heaviest {
                children[heaviest..].rotate_left(1);
            }
        }
    }
}

/// Number of entries whose headers are prefetched together.
const PREFETCH: Entry = 32;

/// Reads the first byte of some entries. These reads do not depend on each other, so that cache misses
/// overlap, which parsing one header after the other prevents.
fn prefetch(pack: &Pack, entries: std::ops::Range<Entry>) {
    let first = |entry| pack.bytes(entry).first().copied().unwrap_or(0);
    std::hint::black_box(entries.map(first).fold(0, |all, byte| all ^ byte));
}

/// Where the delta base of an entry is.
enum EntryBase {
    /// It is not a delta.
    None,
    /// In this entry of the same pack.
    Entry(Entry),
    /// Outside the pack.
    Elsewhere(ObjectId),
}

#[inline]
fn base_of(pack: &Pack, entry: Entry) -> Result<EntryBase, EntryFault> {
    match pack.header(entry)?.0.content {
        EntryContent::Whole(_) => Ok(EntryBase::None),
        EntryContent::OffsetDelta(distance) => {
            let base = pack.offset(entry).checked_sub(distance).and_then(|offset| pack.entry_at(offset));
            base.map(EntryBase::Entry).ok_or(EntryFault::NoBase(distance))
        }
        EntryContent::IdDelta(id) => Ok(pack.find(&id).map_or(EntryBase::Elsewhere(id), EntryBase::Entry)),
    }
}

/// What one thread read.
#[derive(Default)]
struct HeaderScan {
    roots: Vec<Entry>,
    external_deltas: Vec<(Entry, ObjectId)>,
    faults: Vec<(Entry, EntryFault)>,
}

impl HeaderScan {
    /// Reads the headers of the entries from `first` on, one for each of `bases`.
    fn read(pack: &Pack, first: Entry, bases: &mut [Entry]) -> Self {
        let mut found = Self::default();
        for (entry, base) in (first..).zip(bases) {
            if entry % PREFETCH == 0 {
                prefetch(pack, entry..entry.saturating_add(PREFETCH));
            }
            match base_of(pack, entry) {
                Ok(EntryBase::None) => found.roots.push(entry),
                Ok(EntryBase::Entry(at)) => *base = at,
                Ok(EntryBase::Elsewhere(id)) => found.external_deltas.push((entry, id)),
                Err(fault) => found.faults.push((entry, fault)),
            }
        }
        found
    }
}
