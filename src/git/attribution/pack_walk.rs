//! Visits all trees and commits of a pack, and reconstructs each once.
//!
//! To look up trees by id would reconstruct the same bases again and again. Here, each delta is applied once, right after
//! its base. This only saves time: an object that cannot be reconstructed here is looked up by id when it is needed,
//! and a failure is then reported.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::objs::Kind;

use crate::git::buffer::grow;
use crate::git::inflate::Inflater;
use crate::git::pack::delta::{self, Run};
use crate::git::pack::entry::EntryContent;
use crate::git::pack::{DeltaTree, Entry, Pack};
use crate::threads;

/// Maximum size of a tree or commit that is reconstructed here, in bytes.
const MAX_OBJECT_SIZE: u64 = 64 << 20;
/// Maximum number of bytes of bases whose deltas have not all been applied, in all threads together.
const MAX_BASE_BYTES: usize = 1 << 30;
/// Number of roots of delta trees that a thread takes at a time.
const BATCH_LEN: usize = 64;

/// Receives the objects that one thread reconstructs.
pub(in crate::git) trait Visitor: Send {
    /// What the visitor remembers about an object while deltas against it may follow.
    type Memory: Default;

    /// Called for each object; for a delta, with its relation to its base. Sets `memory`, which may have any earlier content.
    fn visit_object(
        &mut self,
        entry: Entry,
        kind: Kind,
        bytes: &[u8],
        delta: Option<Derivation<'_, Self::Memory>>,
        memory: &mut Self::Memory,
    );

    /// Called for each entry that was not reconstructed; with its kind, if that is known.
    fn visit_unread(&mut self, entry: Entry, kind: Option<Kind>);
}

/// How a delta derives an object from its base.
pub(in crate::git) struct Derivation<'a, M> {
    /// What the visitor remembers about the base.
    pub(super) base: &'a M,
    /// The runs of the delta: they cover the object in order and without gaps.
    pub(super) runs: &'a [Run],
}

/// Visits all objects of `kinds` in `pack` with one thread for each visitor, until `stop` is set.
pub(in crate::git) fn walk<V: Visitor>(pack: &Pack, kinds: &[Kind], visitors: &mut [V], stop: &AtomicBool) {
    let tree = DeltaTree::build(pack, visitors.len());
    let kind = |root: Entry| match pack.header(root).ok()?.0.content {
        EntryContent::Whole(kind) if kinds.contains(&kind) => Some((root, kind)),
        _ => None,
    };
    let roots: Vec<(Entry, Kind)> = tree.roots.iter().filter_map(|&root| kind(root)).collect();
    let next = AtomicUsize::new(0);
    let max_base_bytes = MAX_BASE_BYTES / visitors.len().max(1);
    let work = |visitor: &mut V| {
        let mut worker = PackWalker::new(pack, &tree, max_base_bytes);
        while !stop.load(Ordering::Relaxed) {
            let start = next.fetch_add(BATCH_LEN, Ordering::Relaxed);
            let Some(rest) = roots.get(start..).filter(|rest| !rest.is_empty()) else { break };
            for &(root, kind) in &rest[..BATCH_LEN.min(rest.len())] {
                worker.reconstruct(root, kind, visitor);
            }
        }
    };
    let Some((first, others)) = visitors.split_first_mut() else { return };
    std::thread::scope(|scope| {
        let work = &work;
        let others = others.iter_mut().map_while(|visitor| threads::start(scope, move || work(visitor)));
        let others: Vec<_> = others.collect();
        work(first);
        others.into_iter().for_each(threads::join);
    });
    let faulty = tree.faults.iter().map(|(entry, _)| *entry);
    for entry in tree.external_deltas.iter().map(|(entry, _)| *entry).chain(faulty) {
        tree.with_descendants(entry).into_iter().for_each(|entry| first.visit_unread(entry, None));
    }
}

/// A reconstructed object, and what the visitor remembers about it.
#[derive(Default)]
struct ReconstructedObject<M> {
    /// The bytes of the object, which may be followed by those of earlier objects.
    buffer: Vec<u8>,
    /// The length of the object in bytes.
    length: usize,
    memory: M,
}

impl<M> ReconstructedObject<M> {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// A base, and the deltas against it that have not been applied yet.
struct PendingDeltas<M> {
    object: ReconstructedObject<M>,
    /// Positions for [`DeltaTree::child`].
    next: std::ops::Range<u32>,
}

/// Reconstructs objects in one thread.
struct PackWalker<'a, M> {
    pack: &'a Pack,
    tree: &'a DeltaTree,
    inflater: Inflater,
    /// The delta that is being applied, and its runs.
    delta: Vec<u8>,
    runs: Vec<Run>,
    /// Buffers for further objects.
    spare_objects: Vec<ReconstructedObject<M>>,
    stack: Vec<PendingDeltas<M>>,
    /// The number of bytes of the bases on the stack.
    base_bytes: usize,
    max_base_bytes: usize,
}

impl<'a, M: Default> PackWalker<'a, M> {
    fn new(pack: &'a Pack, tree: &'a DeltaTree, max_base_bytes: usize) -> Self {
        Self {
            pack,
            tree,
            inflater: Inflater::new(),
            delta: Vec::new(),
            runs: Vec::new(),
            spare_objects: Vec::new(),
            stack: Vec::new(),
            base_bytes: 0,
            max_base_bytes,
        }
    }

    /// Visits a root and its descendants, bases before their deltas.
    fn reconstruct(&mut self, root: Entry, kind: Kind, visitor: &mut impl Visitor<Memory = M>) {
        let mut object = self.spare_objects.pop().unwrap_or_default();
        match self.inflate(root, &mut object.buffer) {
            Some(length) => {
                object.length = length;
                let ReconstructedObject { buffer, memory, .. } = &mut object;
                visitor.visit_object(root, kind, &buffer[..length], None, memory);
                self.keep(root, kind, object, visitor);
            }
            None => {
                self.spare_objects.push(object);
                self.give_up(root, kind, visitor);
            }
        }
        while let Some(mut pending) = self.stack.pop() {
            let Some(position) = pending.next.next() else {
                self.release(pending);
                continue;
            };
            let child = self.tree.child(position);
            let object = self.apply_delta(child, kind, &pending.object, visitor);
            if pending.next.is_empty() {
                // Released before its last delta is kept, so that a long chain needs memory for two objects only.
                self.release(pending);
            } else {
                self.stack.push(pending);
            }
            match object {
                Some(object) => self.keep(child, kind, object, visitor),
                None => self.give_up(child, kind, visitor),
            }
        }
    }

    /// Applies a delta to its base and visits the result.
    fn apply_delta(
        &mut self,
        entry: Entry,
        kind: Kind,
        base: &ReconstructedObject<M>,
        visitor: &mut impl Visitor<Memory = M>,
    ) -> Option<ReconstructedObject<M>> {
        let mut delta = std::mem::take(&mut self.delta);
        let mut object = self.spare_objects.pop().unwrap_or_default();
        let length = self
            .inflate(entry, &mut delta)
            .and_then(|size| delta::parse(&delta[..size], base.length, MAX_OBJECT_SIZE, &mut self.runs).ok());
        if let Some(length) = length {
            grow(&mut object.buffer, length);
            object.length = length;
            delta::assemble(&self.runs, base.bytes(), &delta, &mut object.buffer[..length]);
            let delta = Derivation { base: &base.memory, runs: &self.runs };
            let ReconstructedObject { buffer, memory, .. } = &mut object;
            visitor.visit_object(entry, kind, &buffer[..length], Some(delta), memory);
        }
        self.delta = delta;
        match length {
            Some(_) => Some(object),
            None => {
                self.spare_objects.push(object);
                None
            }
        }
    }

    /// Inflates an entry, which is an object or a delta, and returns its length in bytes.
    fn inflate(&mut self, entry: Entry, out: &mut Vec<u8>) -> Option<usize> {
        let (header, compressed) = self.pack.header(entry).ok()?;
        let size = usize::try_from(header.size).ok().filter(|_| header.size <= MAX_OBJECT_SIZE)?;
        self.inflater.inflate(compressed, self.pack.extent(entry), size, out).ok()?;
        Some(size)
    }

    /// Keeps an object while there are deltas to apply to it, unless too much memory is used.
    fn keep(
        &mut self,
        entry: Entry,
        kind: Kind,
        object: ReconstructedObject<M>,
        visitor: &mut impl Visitor<Memory = M>,
    ) {
        let next = self.tree.children(entry);
        if next.is_empty() {
            self.spare_objects.push(object);
        } else if self.base_bytes + object.buffer.len() <= self.max_base_bytes {
            self.base_bytes += object.buffer.len();
            self.stack.push(PendingDeltas { object, next });
        } else {
            self.spare_objects.push(object);
            next.for_each(|position| self.give_up(self.tree.child(position), kind, visitor));
        }
    }

    /// Reports an entry and its descendants as unread.
    fn give_up(&self, entry: Entry, kind: Kind, visitor: &mut impl Visitor<Memory = M>) {
        for entry in self.tree.with_descendants(entry) {
            visitor.visit_unread(entry, Some(kind));
        }
    }

    /// Returns the memory of a base whose deltas have been applied.
    fn release(&mut self, base: PendingDeltas<M>) {
        self.base_bytes -= base.object.buffer.len();
        self.spare_objects.push(base.object);
    }
}
