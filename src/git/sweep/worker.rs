//! Runs one thread of a sweep: takes work, and follows delta trees depth first.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gix::hash;
use gix::object::Kind;

use super::assembled_object::AssembledObject;
use super::buffers::Buffers;
use super::collected::{Collected, MatchedCopy, ObjectKey};
use super::entries::{EntryError, EntryResult};
use super::link_check::LinkChecker;
use super::memory_budget::MemoryBudget;
use super::object_store::ObjectStore;
use super::plan::{PackPlan, PlannedPack, WorkItem};
use super::work_queue::{QueuedWork, Subtree, WorkQueue};
use super::{Matches, Searcher, SweepOptions};
use crate::cache::CacheDigest;
use crate::git::inflate::Inflater;
use crate::git::pack::Entry;

/// What all threads of a sweep share.
pub(super) struct SweepContext<'a, S: Searcher> {
    pub(super) searcher: &'a S,
    pub(super) options: &'a SweepOptions<'a>,
    /// Whether the facts about packs that a cache keeps are recorded.
    pub(super) notes_facts: bool,
    pub(super) store: &'a ObjectStore,
    /// One plan for each pack of the store.
    pub(super) plans: &'a [PackPlan],
    pub(super) items: &'a [WorkItem],
    pub(super) hash_kind: hash::Kind,
    pub(super) queue: WorkQueue<S::Match>,
    pub(super) budget: Arc<MemoryBudget>,
}

/// An assembled object, and its children that have not been searched yet.
struct Frame<M> {
    node: Arc<AssembledObject<M>>,
    /// Positions in the delta tree of the pack.
    children: Range<u32>,
}

/// One thread of a sweep.
pub(super) struct SweepWorker<'a, S: Searcher> {
    pub(super) shared: &'a SweepContext<'a, S>,
    pub(super) margin: u64,
    /// The maximum distance from a changed byte to the end of a match that includes the byte or depends on it, with
    /// everything that the match depends on, in bytes.
    pub(super) reach: u32,
    pub(super) scratch: S::Scratch,
    pub(super) inflater: Inflater,
    pub(super) buffers: Buffers,
    /// Matches of the current object.
    pub(super) matches: Matches<S::Match>,
    pub(super) collected: Collected<S::Match>,
    /// `None` if links are not checked.
    pub(super) links: Option<LinkChecker>,
    /// Numbers of objects and bytes that have not been added to the progress yet.
    unreported: (u64, u64),
}

/// Number of objects between updates of the progress.
const PROGRESS_INTERVAL: u64 = 1 << 10;

impl<'a, S: Searcher> SweepWorker<'a, S> {
    pub(super) fn new(shared: &'a SweepContext<'a, S>) -> Self {
        let (longest, margin) = (shared.searcher.longest_match(), shared.searcher.margin());
        Self {
            shared,
            margin: margin as u64,
            reach: u32::try_from(longest.saturating_add(margin.saturating_mul(2))).unwrap_or(u32::MAX),
            scratch: shared.searcher.scratch(),
            inflater: Inflater::new(),
            buffers: Buffers::default(),
            matches: Vec::new(),
            collected: Collected::default(),
            links: shared.options.check_links.then(|| LinkChecker::new(shared.hash_kind, shared.notes_facts)),
            unreported: (0, 0),
        }
    }

    /// Works until no work is left.
    pub(super) fn run(mut self) -> Collected<S::Match> {
        let shared = self.shared;
        // If this thread panics, the others must not wait for it.
        let guard = AbandonOnPanic(&shared.queue);
        while let Some(work) = shared.queue.take() {
            match work {
                QueuedWork::Subtree(subtree) => {
                    let planned = self.planned(subtree.pack);
                    self.enter_pack(Some(subtree.pack));
                    self.descend(planned, Frame { node: subtree.node, children: subtree.children });
                }
                QueuedWork::Items(items) => {
                    let items = shared.items[items].iter();
                    items.take_while(|_| !shared.is_cancelled()).for_each(|item| self.item(item));
                }
            }
            self.report_progress();
            if shared.is_cancelled() {
                shared.queue.abandon();
                break;
            }
        }
        drop(guard);
        if let Some(mut links) = self.links.take() {
            links.flush(shared.store);
            self.collected.missing = links.missing;
            self.collected.outward_ids = links.outward_ids;
        }
        self.collected
    }

    fn item(&mut self, item: &WorkItem) {
        match *item {
            WorkItem::Root(pack, entry) => {
                self.enter_pack(Some(pack as usize));
                let planned = self.planned(pack as usize);
                let found = self.search_root(planned, entry);
                self.continue_below(planned, entry, found);
            }
            WorkItem::ExternalDelta(pack, entry, base) => {
                self.enter_pack(Some(pack as usize));
                let planned = self.planned(pack as usize);
                let found = self.search_external_delta(planned, entry, base);
                self.continue_below(planned, entry, found);
            }
            WorkItem::Loose(number, is_first) => {
                self.enter_pack(None);
                self.search_loose(number as usize, is_first);
            }
        }
    }

    /// Sets the pack of the next objects in the link checker.
    fn enter_pack(&mut self, pack: Option<usize>) {
        if let Some(links) = &mut self.links {
            links.enter_pack(self.shared.store, pack);
        }
    }

    /// Records an entry that was searched, for a cache.
    pub(super) fn note_size(&mut self, key: ObjectKey, kind: Kind, size: u64) {
        if let ObjectKey::Packed(pack, entry) = key
            && self.shared.notes_facts
        {
            self.collected.searched_entries.push((pack, entry, kind, size));
        }
    }

    /// Records the digest of an object that is read again after the sweep, for a cache that has no facts about its
    /// pack.
    pub(super) fn note_content(
        &mut self,
        planned: PlannedPack<'_>,
        entry: Entry,
        matches: &Matches<S::Match>,
        content: impl FnOnce(&mut Self) -> CacheDigest,
    ) {
        let is_new = self.shared.notes_facts && !planned.plan.is_known;
        if is_new && matches.iter().any(|(_, matched)| self.shared.searcher.is_read_again(matched)) {
            let digest = content(self);
            self.collected.content_digests.insert((planned.number, entry), digest);
        }
    }

    /// The pack with this number, and its plan.
    fn planned(&self, pack: usize) -> PlannedPack<'a> {
        PlannedPack { number: pack, pack: &self.shared.store.packs[pack], plan: &self.shared.plans[pack] }
    }

    /// Searches the descendants of an entry that was searched, or records why that is impossible.
    fn continue_below(&mut self, planned: PlannedPack<'a>, entry: Entry, found: EntryResult<S::Match>) {
        match found {
            Ok(None) => {}
            Ok(Some(node)) => {
                let children = planned.plan.tree.children(entry);
                self.descend(planned, Frame { node: Arc::new(node), children });
            }
            Err(fault) => self.fail(planned, entry, fault),
        }
    }

    /// Records why an entry and its descendants were not searched.
    fn fail(&mut self, planned: PlannedPack<'a>, entry: Entry, fault: EntryError) {
        match fault {
            EntryError::Unreadable(reason) => self.collected.fail_with_descendants(planned, entry, &reason),
            EntryError::NoMemory => self.collected.postpone(planned, entry),
        }
    }

    /// Searches all descendants of an assembled object. A base is freed after its last child.
    fn descend(&mut self, planned: PlannedPack<'a>, first: Frame<S::Match>) {
        let tree = &planned.plan.tree;
        let mut stack = vec![first];
        while let Some(mut top) = stack.pop() {
            let Some(position) = top.children.next() else {
                self.buffers.reclaim(top.node);
                continue;
            };
            let is_last = top.children.is_empty();
            let base = Arc::clone(&top.node);
            if is_last {
                drop(top);
            } else {
                stack.push(top);
            }
            let entry = tree.child(position);
            match self.search_delta(planned, entry, &base, is_last) {
                Ok(None) => {}
                Ok(Some(node)) => {
                    stack.push(Frame { node: Arc::new(node), children: tree.children(entry) });
                }
                Err(fault) => self.fail(planned, entry, fault),
            }
            self.buffers.reclaim(base);
            if self.shared.queue.has_idle_thread() {
                self.share_subtree(planned, &mut stack);
            }
            if self.shared.is_cancelled() {
                return;
            }
        }
    }

    /// Hands over the part of this thread's delta tree that is closest to the root.
    fn share_subtree(&mut self, planned: PlannedPack<'a>, stack: &mut Vec<Frame<S::Match>>) {
        let (pack, queue) = (planned.number, &self.shared.queue);
        if stack.len() > 1 {
            let Frame { node, children } = stack.remove(0);
            queue.hand_over(Subtree { pack, node, children });
        } else if let Some(only) = stack.first_mut()
            && only.children.len() > 1
        {
            let middle = only.children.start + (only.children.len() / 2) as u32;
            let children = middle..only.children.end;
            only.children.end = middle;
            queue.hand_over(Subtree { pack, node: Arc::clone(&only.node), children });
        }
    }

    /// Records that an object was searched.
    pub(super) fn record(
        &mut self,
        key: ObjectKey,
        kind: Kind,
        size: u64,
        matches: Matches<S::Match>,
        truncated: bool,
    ) {
        self.collected.counts.add(kind, size);
        if !matches.is_empty() {
            self.collected.matched.push(MatchedCopy { key, kind, size, matches, truncated });
        }
        self.unreported.0 += 1;
        self.unreported.1 += size;
        if self.unreported.0 == PROGRESS_INTERVAL {
            self.report_progress();
        }
    }

    fn report_progress(&mut self) {
        let (objects, bytes) = std::mem::take(&mut self.unreported);
        if let Some(progress) = self.shared.options.progress {
            progress.done.fetch_add(objects, Ordering::Relaxed);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl<S: Searcher> SweepContext<'_, S> {
    fn is_cancelled(&self) -> bool {
        self.options.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}

/// Sorts matches by start, then by end. Matches at the same position keep their order.
pub(super) fn sort_matches<M>(matches: &mut Matches<M>) {
    matches.sort_by_key(|(range, _)| (range.start, range.end));
}

/// Releases the other threads when this one panics.
struct AbandonOnPanic<'a, M>(&'a WorkQueue<M>);

impl<M> Drop for AbandonOnPanic<'_, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}
