//! Hands out every tree and commit of a pack, each unfolded once.
//!
//! Asking for trees by id unfolds the same bases again and again; here each delta is applied once,
//! right after its base. This only saves time: what cannot be unfolded here is left out, and is
//! looked up by id when it is needed, where failing has consequences.

use std::sync::atomic::{AtomicUsize, Ordering};

use gix::objs::Kind;
use gix::odb::pack::data::{self, entry::Header};
use gix::odb::pack::index;

use super::delta::{self, Run};

/// Larger trees and commits are left out.
const LARGEST: usize = 64 << 20;
/// Bytes that one thread may hold in bases that still have deltas to come.
const HELD: usize = 256 << 20;
/// Roots given to a thread at a time.
const BATCH: usize = 64;

const NONE: u32 = u32::MAX;

/// Takes the objects that one thread unfolds.
pub(super) trait Visitor: Send {
    /// What it wants to remember of an object for as long as objects may come that are deltas to it.
    type Memory: Default;

    /// An object, which stands at `place` in the pack's index.
    fn object(
        &mut self,
        place: u32,
        kind: Kind,
        bytes: &[u8],
        delta: Option<Delta<'_, Self::Memory>>,
        memory: &mut Self::Memory,
    );
}

/// How an object comes from its base.
pub(super) struct Delta<'a, M> {
    /// What was remembered of the base.
    pub(super) base: &'a M,
    /// Which parts of the object are parts of the base, in order.
    pub(super) runs: &'a [Run],
}

/// What an entry's header says.
#[derive(Clone, Copy)]
struct Entry {
    /// Where its compressed data starts in the pack.
    start: u64,
    /// Length of what that inflates to: the object, or a delta.
    size: u32,
    /// Its place in the index.
    place: u32,
    /// The position of its base, by offset, if it is a delta.
    base: u32,
    /// Of the object at the root of its delta chain, once known.
    kind: Option<Kind>,
}

/// The entries of a pack by offset, and which deltas hang on which.
pub(super) struct Layout {
    entries: Vec<Entry>,
    roots: Vec<u32>,
    /// Children of entry `n` are `children[first[n]..first[n + 1]]`.
    first: Vec<u32>,
    children: Vec<u32>,
}

impl Layout {
    /// Reads all entry headers.
    pub(super) fn read(pack: &data::File, index: &index::File, threads: usize) -> Self {
        let mut offsets: Vec<(u64, u32)> =
            (0..index.num_objects()).map(|place| (index.pack_offset_at_index(place), place)).collect();
        offsets.sort_unstable();
        let positions = Positions::new(&offsets, index);
        let chunk = offsets.len().div_ceil(threads.max(1)).max(1);
        let mut entries: Vec<Entry> = Vec::with_capacity(offsets.len());
        let headers = |nth: usize, part: &[(u64, u32)]| -> Vec<Entry> {
            let at = |(k, &(offset, place))| header(pack, &positions, nth * chunk + k, offset, place);
            part.iter().enumerate().map(at).collect()
        };
        let headers = &headers;
        std::thread::scope(|scope| {
            let parts: Vec<_> = offsets
                .chunks(chunk)
                .enumerate()
                .map(|(nth, part)| scope.spawn(move || headers(nth, part)))
                .collect();
            for part in parts {
                entries.extend(part.join().unwrap_or_default());
            }
        });
        spread_kinds(&mut entries);
        Self::link(entries)
    }

    fn link(entries: Vec<Entry>) -> Self {
        let wanted = |entry: &Entry| matches!(entry.kind, Some(Kind::Tree | Kind::Commit));
        let mut first = vec![0u32; entries.len() + 1];
        let mut roots = Vec::new();
        for (position, entry) in (0u32..).zip(&entries) {
            match entry.base {
                _ if !wanted(entry) => {}
                NONE => roots.push(position),
                base => first[base as usize + 1] += 1,
            }
        }
        for n in 1..first.len() {
            first[n] += first[n - 1];
        }
        let mut next = first.clone();
        let mut children = vec![0; first.last().map_or(0, |&last| last as usize)];
        for (position, entry) in (0u32..).zip(&entries) {
            if entry.base != NONE && wanted(entry) {
                let slot = &mut next[entry.base as usize];
                children[*slot as usize] = position;
                *slot += 1;
            }
        }
        Self { entries, roots, first, children }
    }

    /// Unfolds everything, on as many threads as there are visitors.
    pub(super) fn visit<V: Visitor>(&self, pack: &data::File, visitors: &mut [V]) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for visitor in visitors {
                let next = &next;
                scope.spawn(move || {
                    let mut worker = Worker::new(self, pack);
                    loop {
                        let from = next.fetch_add(BATCH, Ordering::Relaxed);
                        let Some(rest) = self.roots.get(from..).filter(|rest| !rest.is_empty()) else {
                            break;
                        };
                        for &root in &rest[..BATCH.min(rest.len())] {
                            worker.unfold(root, visitor);
                        }
                    }
                });
            }
        });
    }
}

/// Finds entries by offset or id.
struct Positions<'a> {
    offsets: &'a [(u64, u32)],
    index: &'a index::File,
}

impl<'a> Positions<'a> {
    fn new(offsets: &'a [(u64, u32)], index: &'a index::File) -> Self {
        Self { offsets, index }
    }

    /// The position of the entry at `offset`; bases mostly stand close before their deltas.
    fn at(&self, offset: u64, before: usize) -> u32 {
        let (mut high, mut step) = (before, 16);
        let mut low = before.saturating_sub(step);
        while low > 0 && self.offsets[low].0 > offset {
            high = low;
            step *= 4;
            low = low.saturating_sub(step);
        }
        let found = self.offsets[low..high].binary_search_by_key(&offset, |&(offset, _)| offset);
        found.ok().and_then(|at| u32::try_from(low + at).ok()).unwrap_or(NONE)
    }
}

fn header(pack: &data::File, positions: &Positions<'_>, at: usize, offset: u64, place: u32) -> Entry {
    let mut entry = Entry { start: 0, size: 0, place, base: NONE, kind: None };
    let Ok(header) = pack.entry(offset) else { return entry };
    let Ok(size) = u32::try_from(header.decompressed_size) else { return entry };
    entry.start = header.data_offset;
    entry.size = size;
    match header.header {
        Header::OfsDelta { base_distance } => {
            entry.base = offset.checked_sub(base_distance).map_or(NONE, |base| positions.at(base, at));
        }
        Header::RefDelta { base_id } => {
            let base = positions.index.lookup(base_id);
            let base = base.map(|place| positions.index.pack_offset_at_index(place));
            entry.base = base.map_or(NONE, |base| positions.at(base, positions.offsets.len()));
        }
        whole => entry.kind = whole.as_kind(),
    }
    entry
}

/// Gives each delta the kind of its chain's root. One whose chain ends nowhere, or in itself, gets none.
fn spread_kinds(entries: &mut [Entry]) {
    let mut chain = Vec::new();
    for position in 0..entries.len() {
        let mut at = position;
        chain.clear();
        // A base by offset stands before its delta and is known by now; only bases by id make this a walk.
        while entries[at].kind.is_none() && entries[at].base != NONE && chain.len() < entries.len() {
            chain.push(at);
            at = entries[at].base as usize;
        }
        let kind = entries[at].kind;
        for &link in &chain {
            entries[link].kind = kind;
            if kind.is_none() {
                // So that no later walk comes this way again.
                entries[link].base = NONE;
            }
        }
    }
}

/// An object, and what the visitor remembers of it.
#[derive(Default)]
struct Object<M> {
    bytes: Vec<u8>,
    memory: M,
}

/// A base, and which of its deltas comes next.
struct Frame<M> {
    object: Object<M>,
    next: u32,
    end: u32,
}

/// The buffers of one thread.
struct Worker<'a, M> {
    layout: &'a Layout,
    pack: &'a data::File,
    inflater: libdeflater::Decompressor,
    delta: Vec<u8>,
    runs: Vec<Run>,
    spare: Vec<Object<M>>,
    stack: Vec<Frame<M>>,
    held: usize,
}

impl<'a, M: Default> Worker<'a, M> {
    fn new(layout: &'a Layout, pack: &'a data::File) -> Self {
        Self {
            layout,
            pack,
            inflater: libdeflater::Decompressor::new(),
            delta: Vec::new(),
            runs: Vec::new(),
            spare: Vec::new(),
            stack: Vec::new(),
            held: 0,
        }
    }

    /// Hands a root and all that hangs on it to the visitor, bases before their deltas.
    fn unfold(&mut self, root: u32, visitor: &mut impl Visitor<Memory = M>) {
        let entry = self.layout.entries[root as usize];
        let mut object = self.spare.pop().unwrap_or_default();
        let inflated = inflate(&mut self.inflater, self.pack, &entry, &mut object.bytes);
        if let (Some(()), Some(kind)) = (inflated, entry.kind) {
            visitor.object(entry.place, kind, &object.bytes, None, &mut object.memory);
            self.keep(root, object);
        } else {
            self.spare.push(object);
        }
        while let Some(top) = self.stack.last_mut() {
            if top.next == top.end {
                self.drop_top();
                continue;
            }
            let child = self.layout.children[top.next as usize];
            top.next += 1;
            let entry = self.layout.entries[child as usize];
            let mut object = self.spare.pop().unwrap_or_default();
            let base = &top.object;
            let applied = inflate(&mut self.inflater, self.pack, &entry, &mut self.delta).is_some_and(|()| {
                delta::apply(&base.bytes, &self.delta, &mut object.bytes, &mut self.runs, LARGEST).is_ok()
            });
            if let (true, Some(kind)) = (applied, entry.kind) {
                let delta = Delta { base: &base.memory, runs: &self.runs };
                visitor.object(entry.place, kind, &object.bytes, Some(delta), &mut object.memory);
            }
            if top.next == top.end {
                // In a long chain no more than two links are ever held.
                self.drop_top();
            }
            if applied {
                self.keep(child, object);
            } else {
                self.spare.push(object);
            }
        }
    }

    /// Keeps an object while there are deltas to be applied to it.
    fn keep(&mut self, position: u32, object: Object<M>) {
        let (next, end) = (self.layout.first[position as usize], self.layout.first[position as usize + 1]);
        if next < end && self.held + object.bytes.len() <= HELD {
            self.held += object.bytes.len();
            self.stack.push(Frame { object, next, end });
        } else {
            self.spare.push(object);
        }
    }

    fn drop_top(&mut self) {
        if let Some(frame) = self.stack.pop() {
            self.held -= frame.object.bytes.len();
            self.spare.push(frame.object);
        }
    }
}

/// Inflates what an entry holds; `None` when it does not inflate to what its header says.
fn inflate(
    inflater: &mut libdeflater::Decompressor,
    pack: &data::File,
    entry: &Entry,
    out: &mut Vec<u8>,
) -> Option<()> {
    let size = entry.size as usize;
    if size > LARGEST {
        return None;
    }
    // The stream knows its own end.
    let compressed = pack.entry_slice(entry.start..pack.pack_end() as u64)?;
    out.resize(size, 0);
    (inflater.zlib_decompress(compressed, out).ok()? == size).then_some(())
}
