//! Distributes work to threads: a shared list of roots, and subtrees handed over to idle threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Hits;
use super::keyword_positions::KeywordPositions;
use super::memory_budget::Reservation;
use gix::object::Kind;

/// An assembled object that is the base of deltas.
pub(super) struct AssembledObject<H> {
    pub(super) kind: Kind,
    /// Its content is the first `len` bytes.
    pub(super) buffer: Vec<u8>,
    pub(super) len: usize,
    /// Total size of this object and the assembled objects that must stay in memory with it, in bytes.
    pub(super) held: u64,
    pub(super) hits: Hits<H>,
    /// Whether it has more matches than are kept.
    pub(super) truncated: bool,
    pub(super) keywords: KeywordPositions,
    /// The memory its bytes take.
    pub(super) _reservation: Reservation,
}

impl<H> AssembledObject<H> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// Children of an assembled object that are yet to be searched.
pub(super) struct Subtree<H> {
    /// The number of the pack.
    pub(super) pack: usize,
    pub(super) node: Arc<AssembledObject<H>>,
    /// Positions of the children in the pack's delta tree.
    pub(super) children: Range<u32>,
}

/// The source of work for all threads of a sweep.
pub(super) struct WorkQueue<H> {
    /// Number of threads that take from it.
    threads: AtomicUsize,
    /// Index of the next shared item no thread has taken.
    next: AtomicUsize,
    items: usize,
    /// Number of waiting threads minus the number of subtrees ready for them.
    idle: AtomicUsize,
    state: Mutex<State<H>>,
    ready: Condvar,
}

struct State<H> {
    branches: Vec<Subtree<H>>,
    waiting: usize,
    /// No more work will come: all threads are waiting, or one has failed.
    is_finished: bool,
}

/// What a thread does next.
pub(super) enum Work<H> {
    /// A range of shared items.
    Items(Range<usize>),
    /// Part of another thread's delta tree.
    Subtree(Subtree<H>),
}

/// Shared items taken at once: few enough for threads to finish together, enough to avoid contention.
const ITEMS_PER_TAKE: usize = 16;

impl<H> WorkQueue<H> {
    pub(super) fn new(threads: usize, items: usize) -> Self {
        Self {
            threads: AtomicUsize::new(threads),
            next: AtomicUsize::new(0),
            items,
            idle: AtomicUsize::new(0),
            state: Mutex::new(State { branches: Vec::new(), waiting: 0, is_finished: false }),
            ready: Condvar::new(),
        }
    }

    /// Sets the number of threads, including the calling one, which must not have taken work yet.
    pub(super) fn set_threads(&self, threads: usize) {
        let _state = self.lock();
        self.threads.store(threads, Ordering::Relaxed);
    }

    /// The next work. Waits for other threads to hand some over; returns `None` when all work is done.
    pub(super) fn take(&self) -> Option<Work<H>> {
        let first = self.next.fetch_add(ITEMS_PER_TAKE, Ordering::Relaxed);
        if first < self.items {
            return Some(Work::Items(first..self.items.min(first + ITEMS_PER_TAKE)));
        }
        // Keeps the counter from overflowing: no thread adds to it often enough after this.
        self.next.store(self.items, Ordering::Relaxed);
        let mut state = self.lock();
        state.waiting += 1;
        loop {
            if state.is_finished {
                return None;
            }
            if let Some(branch) = state.branches.pop() {
                state.waiting -= 1;
                self.update_idle(&state);
                return Some(Work::Subtree(branch));
            }
            if state.waiting == self.threads.load(Ordering::Relaxed) {
                state.is_finished = true;
                self.ready.notify_all();
                return None;
            }
            self.update_idle(&state);
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a thread is waiting for work.
    #[inline]
    pub(super) fn has_idle_thread(&self) -> bool {
        self.idle.load(Ordering::Relaxed) != 0
    }

    /// Hands over a subtree to an idle thread.
    pub(super) fn hand_over(&self, branch: Subtree<H>) {
        let mut state = self.lock();
        state.branches.push(branch);
        self.update_idle(&state);
        drop(state);
        self.ready.notify_one();
    }

    /// Makes every thread stop, because one has failed or the sweep is canceled.
    pub(super) fn abandon(&self) {
        self.lock().is_finished = true;
        self.ready.notify_all();
    }

    fn update_idle(&self, state: &State<H>) {
        self.idle.store(state.waiting.saturating_sub(state.branches.len()), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
