//! Hands out every tree and commit of a pack, each unfolded once.
//!
//! Asking for trees by id unfolds the same bases again and again; here each delta is applied once,
//! right after its base. This only saves time: what cannot be unfolded here is left out, and is
//! looked up by id when it is needed, where failing has consequences.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::objs::Kind;

use super::super::inflate::{Inflater, grow};
use super::super::pack::delta::{self, Run};
use super::super::pack::entry::EntryContent;
use super::super::pack::{DeltaTree, Entry, Pack};
use crate::threads;

/// Larger trees and commits are left out.
const LARGEST: u64 = 64 << 20;
/// Bytes that one thread may hold in bases that still have deltas to come.
const HELD: usize = 256 << 20;
/// Roots given to a thread at a time.
const BATCH: usize = 64;

/// Takes the objects that one thread unfolds.
pub(super) trait Visitor: Send {
    /// What it wants to remember of an object for as long as objects may come that are deltas to it.
    type Memory: Default;

    /// An object, and how it comes from its base if it is a delta.
    fn object(
        &mut self,
        entry: Entry,
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
    /// What of the object stands where in the base, in order and without gap.
    pub(super) runs: &'a [Run],
}

/// Unfolds all trees and commits of `pack`, on as many threads as there are visitors, unless `stop` is set.
pub(super) fn unfold<V: Visitor>(pack: &Pack, visitors: &mut [V], stop: &AtomicBool) {
    let tree = DeltaTree::build(pack, visitors.len(), &[]);
    let kind = |root: Entry| match pack.header(root).ok()?.0.content {
        EntryContent::Whole(kind @ (Kind::Tree | Kind::Commit)) => Some((root, kind)),
        _ => None,
    };
    let roots: Vec<(Entry, Kind)> = tree.roots.iter().filter_map(|&root| kind(root)).collect();
    let next = AtomicUsize::new(0);
    let work = |visitor: &mut V| {
        let mut worker = Worker::new(pack, &tree);
        while !stop.load(Ordering::Relaxed) {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = roots.get(from..).filter(|rest| !rest.is_empty()) else { break };
            for &(root, kind) in &rest[..BATCH.min(rest.len())] {
                worker.unfold(root, kind, visitor);
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
}

/// An object, and what the visitor remembers of it.
#[derive(Default)]
struct Object<M> {
    /// Its bytes are the first `length`; behind them stands what was there before.
    buffer: Vec<u8>,
    length: usize,
    memory: M,
}

impl<M> Object<M> {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// A base, and which of its deltas come next.
struct Frame<M> {
    object: Object<M>,
    next: std::ops::Range<u32>,
}

/// The buffers of one thread.
struct Worker<'a, M> {
    pack: &'a Pack,
    tree: &'a DeltaTree,
    inflater: Inflater,
    delta: Vec<u8>,
    runs: Vec<Run>,
    spare: Vec<Object<M>>,
    stack: Vec<Frame<M>>,
    held: usize,
}

impl<'a, M: Default> Worker<'a, M> {
    fn new(pack: &'a Pack, tree: &'a DeltaTree) -> Self {
        Self {
            pack,
            tree,
            inflater: Inflater::new(),
            delta: Vec::new(),
            runs: Vec::new(),
            spare: Vec::new(),
            stack: Vec::new(),
            held: 0,
        }
    }

    /// Hands a root and all that hangs on it to the visitor, bases before their deltas.
    fn unfold(&mut self, root: Entry, kind: Kind, visitor: &mut impl Visitor<Memory = M>) {
        let mut object = self.spare.pop().unwrap_or_default();
        match self.inflate(root, &mut object.buffer) {
            Some(length) => {
                object.length = length;
                let Object { buffer, memory, .. } = &mut object;
                visitor.object(root, kind, &buffer[..length], None, memory);
                self.keep(root, object);
            }
            None => self.spare.push(object),
        }
        while let Some(mut frame) = self.stack.pop() {
            let Some(place) = frame.next.next() else {
                self.release(frame);
                continue;
            };
            let child = self.tree.child(place);
            let made = self.make(child, kind, &frame.object, visitor);
            if frame.next.is_empty() {
                // In a long chain no more than two links are ever held.
                self.release(frame);
            } else {
                self.stack.push(frame);
            }
            if let Some(object) = made {
                self.keep(child, object);
            }
        }
    }

    /// Applies a delta to its base, and shows the result to the visitor.
    fn make(
        &mut self,
        entry: Entry,
        kind: Kind,
        base: &Object<M>,
        visitor: &mut impl Visitor<Memory = M>,
    ) -> Option<Object<M>> {
        let mut delta = std::mem::take(&mut self.delta);
        let mut object = self.spare.pop().unwrap_or_default();
        let length = self
            .inflate(entry, &mut delta)
            .and_then(|size| delta::parse(&delta[..size], base.length, LARGEST, &mut self.runs).ok());
        if let Some(length) = length {
            grow(&mut object.buffer, length);
            object.length = length;
            delta::assemble(&self.runs, base.bytes(), &delta, &mut object.buffer[..length]);
            let delta = Delta { base: &base.memory, runs: &self.runs };
            let Object { buffer, memory, .. } = &mut object;
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

    /// Inflates what an entry holds, an object or a delta; returns its length.
    fn inflate(&mut self, entry: Entry, out: &mut Vec<u8>) -> Option<usize> {
        let (header, compressed) = self.pack.header(entry).ok()?;
        let size = usize::try_from(header.size).ok().filter(|_| header.size <= LARGEST)?;
        self.inflater.whole(compressed, self.pack.extent(entry), size, out).ok()?;
        Some(size)
    }

    /// Keeps an object while there are deltas to be applied to it.
    fn keep(&mut self, entry: Entry, object: Object<M>) {
        let next = self.tree.children(entry);
        if !next.is_empty() && self.held + object.buffer.len() <= HELD {
            self.held += object.buffer.len();
            self.stack.push(Frame { object, next });
        } else {
            self.spare.push(object);
        }
    }

    fn release(&mut self, frame: Frame<M>) {
        self.held -= frame.object.buffer.len();
        self.spare.push(frame.object);
    }
}
