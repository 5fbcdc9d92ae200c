//! Visits trees and commits of a pack, reconstructing each once.
//!
//! Looking trees up by id reconstructs the same bases again and again; here each delta is applied once, right after
//! its base. This only saves time: an object that cannot be reconstructed here is looked up by id when it is needed,
//! and a failure is reported then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::objs::Kind;

use crate::git::buffer::grow;
use crate::git::inflate::Inflater;
use crate::git::pack::delta::{self, Run};
use crate::git::pack::entry::EntryContent;
use crate::git::pack::{DeltaTree, Entry, Pack};
use crate::threads;

/// Larger trees and commits are not reconstructed here.
const MAX_OBJECT: u64 = 64 << 20;
/// Maximum number of bytes that all threads together hold in bases of pending deltas.
const MAX_HELD: usize = 1 << 30;
/// Roots that a thread takes at a time.
const BATCH: usize = 64;

/// Receives the objects that one thread reconstructs.
pub(in crate::git) trait Visitor: Send {
    /// What it remembers about an object as long as deltas to it may follow.
    type Memory: Default;

    /// Called for each object; with its relation to its base if it is a delta.
    fn object(
        &mut self,
        entry: Entry,
        kind: Kind,
        bytes: &[u8],
        delta: Option<FromBase<'_, Self::Memory>>,
        memory: &mut Self::Memory,
    );

    /// Called for each entry that was not reconstructed, with its kind if that is known.
    fn unread(&mut self, entry: Entry, kind: Option<Kind>);
}

/// How a delta derives an object from its base.
pub(in crate::git) struct FromBase<'a, M> {
    /// What was remembered of the base.
    pub(super) base: &'a M,
    /// Which bytes come from where in the base, in order and without gaps.
    pub(super) runs: &'a [Run],
}

/// Visits all objects of `kinds` in `pack`, on as many threads as there are visitors, until `stop` is set.
pub(in crate::git) fn walk<V: Visitor>(pack: &Pack, kinds: &[Kind], visitors: &mut [V], stop: &AtomicBool) {
    let tree = DeltaTree::build(pack, visitors.len());
    let kind = |root: Entry| match pack.header(root).ok()?.0.content {
        EntryContent::Whole(kind) if kinds.contains(&kind) => Some((root, kind)),
        _ => None,
    };
    let roots: Vec<(Entry, Kind)> = tree.roots.iter().filter_map(|&root| kind(root)).collect();
    let next = AtomicUsize::new(0);
    let max_held = MAX_HELD / visitors.len().max(1);
    let work = |visitor: &mut V| {
        let mut worker = PackWalker::new(pack, &tree, max_held);
        while !stop.load(Ordering::Relaxed) {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = roots.get(from..).filter(|rest| !rest.is_empty()) else { break };
            for &(root, kind) in &rest[..BATCH.min(rest.len())] {
                worker.reconstruct(root, kind, visitor);
            }
        }
    };
    let Some((own, others)) = visitors.split_first_mut() else { return };
    std::thread::scope(|scope| {
        let work = &work;
        let others = others.iter_mut().map_while(|visitor| threads::start(scope, move || work(visitor)));
        let others: Vec<_> = others.collect();
        work(own);
        others.into_iter().for_each(threads::join);
    });
    let faulty = tree.faults.iter().map(|(entry, _)| *entry);
    for entry in tree.external_deltas.iter().map(|(entry, _)| *entry).chain(faulty) {
        tree.with_descendants(entry).into_iter().for_each(|entry| own.unread(entry, None));
    }
}

/// A reconstructed object, and what the visitor remembers about it.
#[derive(Default)]
struct ReconstructedObject<M> {
    /// Its bytes are the first `length`; bytes of earlier objects follow.
    buffer: Vec<u8>,
    length: usize,
    memory: M,
}

impl<M> ReconstructedObject<M> {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// A base, and which of its deltas come next.
struct PendingDeltas<M> {
    object: ReconstructedObject<M>,
    next: std::ops::Range<u32>,
}

/// The state of one thread.
struct PackWalker<'a, M> {
    pack: &'a Pack,
    tree: &'a DeltaTree,
    inflater: Inflater,
    delta: Vec<u8>,
    runs: Vec<Run>,
    spare: Vec<ReconstructedObject<M>>,
    stack: Vec<PendingDeltas<M>>,
    held: usize,
    max_held: usize,
}

impl<'a, M: Default> PackWalker<'a, M> {
    fn new(pack: &'a Pack, tree: &'a DeltaTree, max_held: usize) -> Self {
        Self {
            pack,
            tree,
            inflater: Inflater::new(),
            delta: Vec::new(),
            runs: Vec::new(),
            spare: Vec::new(),
            stack: Vec::new(),
            held: 0,
            max_held,
        }
    }

    /// Visits a root and its descendants, bases before their deltas.
    fn reconstruct(&mut self, root: Entry, kind: Kind, visitor: &mut impl Visitor<Memory = M>) {
        let mut object = self.spare.pop().unwrap_or_default();
        match self.inflate(root, &mut object.buffer) {
            Some(length) => {
                object.length = length;
                let ReconstructedObject { buffer, memory, .. } = &mut object;
                visitor.object(root, kind, &buffer[..length], None, memory);
                self.keep(root, kind, object, visitor);
            }
            None => {
                self.spare.push(object);
                self.give_up(root, kind, visitor);
            }
        }
        while let Some(mut frame) = self.stack.pop() {
            let Some(place) = frame.next.next() else {
                self.release(frame);
                continue;
            };
            let child = self.tree.child(place);
            let object = self.apply_delta(child, kind, &frame.object, visitor);
            if frame.next.is_empty() {
                // So a long chain never holds more than two objects.
                self.release(frame);
            } else {
                self.stack.push(frame);
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
        let mut object = self.spare.pop().unwrap_or_default();
        let length = self
            .inflate(entry, &mut delta)
            .and_then(|size| delta::parse(&delta[..size], base.length, MAX_OBJECT, &mut self.runs).ok());
        if let Some(length) = length {
            grow(&mut object.buffer, length);
            object.length = length;
            delta::assemble(&self.runs, base.bytes(), &delta, &mut object.buffer[..length]);
            let delta = FromBase { base: &base.memory, runs: &self.runs };
            let ReconstructedObject { buffer, memory, .. } = &mut object;
            visitor.object(entry, kind, &buffer[..length], Some(delta), memory);
        }
        self.delta = delta;
        match length {
            Some(_) => Some(object),
            None => {
                self.spare.push(object);
                None
            }
        }
    }

    /// Inflates an entry, an object or a delta; returns its length.
    fn inflate(&mut self, entry: Entry, out: &mut Vec<u8>) -> Option<usize> {
        let (header, compressed) = self.pack.header(entry).ok()?;
        let size = usize::try_from(header.size).ok().filter(|_| header.size <= MAX_OBJECT)?;
        self.inflater.whole(compressed, self.pack.extent(entry), size, out).ok()?;
        Some(size)
    }

    /// Keeps an object while there are deltas to apply to it.
    fn keep(
        &mut self,
        entry: Entry,
        kind: Kind,
        object: ReconstructedObject<M>,
        visitor: &mut impl Visitor<Memory = M>,
    ) {
        let next = self.tree.children(entry);
        if next.is_empty() {
            self.spare.push(object);
        } else if self.held + object.buffer.len() <= self.max_held {
            self.held += object.buffer.len();
            self.stack.push(PendingDeltas { object, next });
        } else {
            self.spare.push(object);
            next.for_each(|place| self.give_up(self.tree.child(place), kind, visitor));
        }
    }

    /// Reports an entry and its descendants as unread.
    fn give_up(&self, entry: Entry, kind: Kind, visitor: &mut impl Visitor<Memory = M>) {
        for entry in self.tree.with_descendants(entry) {
            visitor.unread(entry, Some(kind));
        }
    }

    fn release(&mut self, frame: PendingDeltas<M>) {
        self.held -= frame.object.buffer.len();
        self.spare.push(frame.object);
    }
}
