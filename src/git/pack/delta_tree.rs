//! Which entry of a pack hangs on which: the forest of its delta chains.

use std::sync::{Mutex, PoisonError};

use gix::ObjectId;

use super::Pack;
use super::entry::{EntryContent, HeaderError};
use crate::threads;

/// An entry of a pack, counted from 0 in the order in which they stand there.
pub(crate) type Entry = u32;

/// Why an entry hangs on nothing that could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryFault {
    /// Its header is damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Its base should begin where no object does.
    #[error("its delta base should be {0} bytes before it, where no object begins")]
    NoBase(u64),
    /// Its chain of deltas leads back to itself.
    #[error("its delta chain is a circle")]
    Circle,
}

/// The delta chains of one pack.
pub(crate) struct DeltaTree {
    /// Where the children of each entry begin in `children`; one more at the end.
    starts: Vec<u32>,
    /// Children of all entries, in pack order except that the heaviest of each entry comes last.
    children: Vec<Entry>,
    /// How many wanted objects each entry stands for: itself, and all that hang on it.
    weights: Vec<u32>,
    /// Objects that are no delta.
    pub(crate) roots: Vec<Entry>,
    /// Deltas whose base is not in this pack.
    pub(crate) external_deltas: Vec<(Entry, ObjectId)>,
    /// Entries that cannot be read; what hangs on them is still in the tree, except for circles.
    pub(crate) faults: Vec<(Entry, EntryFault)>,
}

/// In place of a base: the entry is none's child.
const NO_BASE: Entry = Entry::MAX;

/// Entries for one thread to read headers of, at least.
const MIN_HEADERS_PER_THREAD: usize = 1 << 13;

impl DeltaTree {
    /// Reads every header of `pack` on up to `threads` threads. Entries of which `unwanted` is true (empty:
    /// none) are of no interest by themselves.
    pub(crate) fn build(pack: &Pack, threads: usize, unwanted: &[bool]) -> Self {
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
        tree.weigh(&bases, unwanted);
        tree.put_heaviest_last();
        tree
    }

    /// What hangs on `entry` directly: a range for [`Self::child`].
    #[inline]
    pub(crate) fn children(&self, entry: Entry) -> std::ops::Range<u32> {
        self.starts[entry as usize]..self.starts[entry as usize + 1]
    }

    /// The child at a place within [`Self::children`] of some entry.
    #[inline]
    pub(crate) fn child(&self, place: u32) -> Entry {
        self.children[place as usize]
    }

    /// How many wanted objects `entry` stands for, with all that hang on it.
    #[inline]
    pub(crate) fn weight(&self, entry: Entry) -> u32 {
        self.weights[entry as usize]
    }

    /// `entry` and all that hang on it.
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

    /// The base of every entry, or [`NO_BASE`]; fills roots, external_deltas and faults.
    fn read_headers(&mut self, pack: &Pack, threads: usize) -> Vec<Entry> {
        let mut bases = vec![NO_BASE; pack.len()];
        let at_once = pack.len().div_ceil(threads.max(1)).max(MIN_HEADERS_PER_THREAD);
        let threads = pack.len().div_ceil(at_once);
        let chunks = Mutex::new(bases.chunks_mut(at_once).enumerate());
        let work = || {
            let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
            let mut parts = Vec::new();
            while let Some((part, bases)) = next() {
                parts.push((part, Headers::read(pack, (part * at_once) as Entry, bases)));
            }
            parts
        };
        let mut parts: Vec<_> = threads::run(threads, work).into_iter().flatten().collect();
        parts.sort_by_key(|&(part, _)| part);
        for (_, part) in parts {
            self.roots.extend(part.roots);
            self.external_deltas.extend(part.external_deltas);
            self.faults.extend(part.faults);
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

    /// Adds up weights from the leaves to the roots, and finds circles.
    fn weigh(&mut self, bases: &[Entry], unwanted: &[bool]) {
        let wanted = |entry: usize| u32::from(!unwanted.get(entry).copied().unwrap_or(false));
        self.weights = (0..bases.len()).map(wanted).collect();
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
        // Deltas that name their base by id may stand before it: go down from the roots instead.
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
        let lost = (0..bases.len()).filter(|entry| !reached[*entry]);
        self.faults.extend(lost.map(|entry| (entry as Entry, EntryFault::Circle)));
    }

    /// A base that is given up when its last and heaviest child has been made keeps few bases alive
    /// at a time: as many as the logarithm of the objects.
    fn put_heaviest_last(&mut self) {
        for family in self.starts.windows(2) {
            let children = &mut self.children[family[0] as usize..family[1] as usize];
            let heaviest = (0..children.len()).max_by_key(|at| self.weights[children[*at] as usize]);
            if let Some(heaviest) = heaviest {
                children[heaviest..].rotate_left(1);
            }
        }
    }
}

/// Entries whose headers are fetched from memory together.
const PREFETCH: Entry = 32;

/// Reads the first byte of some entries. None of these reads waits for another, as they do when each header
/// is understood before the next is looked at.
fn touch(pack: &Pack, entries: std::ops::Range<Entry>) {
    let first = |entry| pack.bytes(entry).first().copied().unwrap_or(0);
    std::hint::black_box(entries.map(first).fold(0, |all, byte| all ^ byte));
}

/// What one thread read.
#[derive(Default)]
struct Headers {
    roots: Vec<Entry>,
    external_deltas: Vec<(Entry, ObjectId)>,
    faults: Vec<(Entry, EntryFault)>,
}

impl Headers {
    /// Reads the headers of the entries from `first` on, as many as there are `bases`.
    fn read(pack: &Pack, first: Entry, bases: &mut [Entry]) -> Self {
        let mut found = Self::default();
        for (entry, base) in (first..).zip(bases) {
            if entry % PREFETCH == 0 {
                touch(pack, entry..entry.saturating_add(PREFETCH));
            }
            match pack.header(entry).map(|(header, _)| header.content) {
                Ok(EntryContent::Whole(_)) => found.roots.push(entry),
                Ok(EntryContent::OffsetDelta(distance)) => {
                    match pack.offset(entry).checked_sub(distance).and_then(|offset| pack.entry_at(offset)) {
                        Some(at) => *base = at,
                        None => found.faults.push((entry, EntryFault::NoBase(distance))),
                    }
                }
                Ok(EntryContent::IdDelta(id)) => match pack.find(&id) {
                    Some(at) => *base = at,
                    None => found.external_deltas.push((entry, id)),
                },
                Err(error) => found.faults.push((entry, error.into())),
            }
        }
        found
    }
}
