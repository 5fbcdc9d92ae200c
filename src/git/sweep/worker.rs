//! One thread of a sweep: takes work, and follows delta chains depth first.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gix::hash;
use gix::object::Kind;

use super::budget::Budget;
use super::buffers::Buffers;
use super::collect::{Collected, Located, Place};
use super::links::Links;
use super::objects::{Fault, Outcome};
use super::plan::{Forest, Item, PackPlan};
use super::queue::{Branch, Node, Queue, Work};
use super::store::Store;
use super::{Hits, Searcher, SweepOptions};
use crate::git::inflate::Inflater;
use crate::git::pack::Entry;

/// What all threads of a sweep see.
pub(super) struct Shared<'a, S: Searcher> {
    pub(super) searcher: &'a S,
    pub(super) options: &'a SweepOptions<'a>,
    pub(super) store: &'a Store,
    /// One for each pack of the store.
    pub(super) plans: &'a [PackPlan],
    pub(super) items: &'a [Item],
    pub(super) ids: hash::Kind,
    pub(super) queue: Queue<S::Hit>,
    pub(super) budget: Arc<Budget>,
}

/// An assembled object and the children that are still to come.
struct Frame<H> {
    node: Arc<Node<H>>,
    children: Range<u32>,
}

/// One thread.
pub(super) struct Worker<'a, S: Searcher> {
    pub(super) shared: &'a Shared<'a, S>,
    pub(super) margin: u64,
    /// How far from a changed byte a match, with all it depends on, can reach.
    pub(super) reach: u32,
    pub(super) scratch: S::Scratch,
    pub(super) inflater: Inflater,
    pub(super) buffers: Buffers,
    /// Matches of the object at hand.
    pub(super) hits: Hits<S::Hit>,
    pub(super) collected: Collected<S::Hit>,
    /// What objects name, if that is asked.
    pub(super) links: Option<Links>,
    /// Objects and bytes not yet told to the progress.
    untold: (u64, u64),
}

/// Objects after which the progress is told of them.
const TELL_AFTER: u64 = 1 << 10;

impl<'a, S: Searcher> Worker<'a, S> {
    pub(super) fn new(shared: &'a Shared<'a, S>) -> Self {
        let (longest, margin) = (shared.searcher.longest(), shared.searcher.margin());
        Self {
            shared,
            margin: margin as u64,
            reach: u32::try_from(longest.saturating_add(margin.saturating_mul(2))).unwrap_or(u32::MAX),
            scratch: shared.searcher.scratch(),
            inflater: Inflater::new(),
            buffers: Buffers::default(),
            hits: Vec::new(),
            collected: Collected::default(),
            links: shared.options.links.then(|| Links::new(shared.ids)),
            untold: (0, 0),
        }
    }

    /// Works until nothing is left.
    pub(super) fn run(mut self) -> Collected<S::Hit> {
        let shared = self.shared;
        // If this thread panics, the others must not wait for it.
        let guard = AbandonOnPanic(&shared.queue);
        while let Some(work) = shared.queue.take() {
            match work {
                Work::Branch(branch) => {
                    let forest = self.forest(branch.pack);
                    self.descend(forest, Frame { node: branch.node, children: branch.children });
                }
                Work::Items(items) => {
                    let items = shared.items[items].iter();
                    items.take_while(|_| !shared.is_cancelled()).for_each(|item| self.item(item));
                }
            }
            self.tell();
            if shared.is_cancelled() {
                shared.queue.abandon();
                break;
            }
        }
        drop(guard);
        if let Some(mut links) = self.links.take() {
            links.settle(shared.store);
            self.collected.missing = links.missing;
        }
        self.collected
    }

    fn item(&mut self, item: &Item) {
        match *item {
            Item::Root(pack, entry) => {
                let forest = self.forest(pack as usize);
                let found = self.root(forest, entry);
                self.go_on(forest, entry, found);
            }
            Item::Stray(pack, entry, base) => {
                let forest = self.forest(pack as usize);
                let found = self.stray(forest, entry, base);
                self.go_on(forest, entry, found);
            }
            Item::Loose(at, is_first) => self.loose(at as usize, is_first),
        }
    }

    /// The pack of that number.
    fn forest(&self, pack: usize) -> Forest<'a> {
        Forest { number: pack, pack: &self.shared.store.packs[pack], plan: &self.shared.plans[pack] }
    }

    /// Follows what hangs on an entry that was just read, or notes why nothing can.
    fn go_on(&mut self, forest: Forest<'a>, entry: Entry, found: Outcome<S::Hit>) {
        match found {
            Ok(None) => {}
            Ok(Some(node)) => {
                let children = forest.plan.tree.children(entry);
                self.descend(forest, Frame { node: Arc::new(node), children });
            }
            Err(fault) => self.fail(forest, entry, fault),
        }
    }

    /// Notes why an entry was not searched, nor what hangs on it.
    fn fail(&mut self, forest: Forest<'a>, entry: Entry, fault: Fault) {
        match fault {
            Fault::Unreadable(reason) => self.collected.fail(forest, entry, &reason),
            Fault::NoMemory => self.collected.postpone(forest, entry),
        }
    }

    /// Searches all that hangs on an assembled object. A base is given up with its last child.
    fn descend(&mut self, forest: Forest<'a>, first: Frame<S::Hit>) {
        let tree = &forest.plan.tree;
        let mut stack = vec![first];
        while let Some(mut top) = stack.pop() {
            let Some(place) = top.children.next() else {
                self.buffers.give_node(top.node);
                continue;
            };
            let is_last = top.children.is_empty();
            let base = Arc::clone(&top.node);
            if is_last {
                drop(top);
            } else {
                stack.push(top);
            }
            let entry = tree.child(place);
            if tree.weight(entry) != 0 {
                match self.child(forest, entry, &base, is_last) {
                    Ok(None) => {}
                    Ok(Some(node)) => {
                        stack.push(Frame { node: Arc::new(node), children: tree.children(entry) });
                    }
                    Err(fault) => self.fail(forest, entry, fault),
                }
            }
            self.buffers.give_node(base);
            if self.shared.queue.is_hungry() {
                self.share(forest, &mut stack);
            }
            if self.shared.is_cancelled() {
                return;
            }
        }
    }

    /// Hands over the part of this thread's tree that is nearest to the root.
    fn share(&mut self, forest: Forest<'a>, stack: &mut Vec<Frame<S::Hit>>) {
        let (pack, queue) = (forest.number, &self.shared.queue);
        if stack.len() > 1 {
            let Frame { node, children } = stack.remove(0);
            queue.give(Branch { pack, node, children });
        } else if let Some(only) = stack.first_mut()
            && only.children.len() > 1
        {
            let middle = only.children.start + (only.children.len() / 2) as u32;
            let children = middle..only.children.end;
            only.children.end = middle;
            queue.give(Branch { pack, node: Arc::clone(&only.node), children });
        }
    }

    /// Records one object as searched.
    pub(super) fn record(&mut self, place: Place, kind: Kind, size: u64, hits: Hits<S::Hit>, overfull: bool) {
        self.collected.counts.add(kind, size);
        if !hits.is_empty() {
            self.collected.located.push(Located { place, kind, size, hits, overfull });
        }
        self.untold.0 += 1;
        self.untold.1 += size;
        if self.untold.0 == TELL_AFTER {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let (objects, bytes) = std::mem::take(&mut self.untold);
        if let Some(progress) = self.shared.options.progress {
            progress.done.fetch_add(objects, Ordering::Relaxed);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl<S: Searcher> Shared<'_, S> {
    fn is_cancelled(&self) -> bool {
        self.options.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}

/// Sorts by start, then by end; matches at the same place stay in the order in which they were found.
pub(super) fn sort<H>(hits: &mut Hits<H>) {
    hits.sort_by_key(|(range, _)| (range.start, range.end));
}

/// Sends the other threads home when this one panics.
struct AbandonOnPanic<'a, H>(&'a Queue<H>);

impl<H> Drop for AbandonOnPanic<'_, H> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}
