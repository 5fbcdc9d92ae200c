//! How threads share work: a common list of roots, and parts of trees handed over to threads that have none.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Hits;
use super::keyword_positions::KeywordPositions;
use super::memory_budget::Reservation;
use gix::object::Kind;

/// An assembled object on which deltas hang.
pub(super) struct AssembledObject<H> {
    pub(super) kind: Kind,
    /// Its bytes are the first `len` of these.
    pub(super) buffer: Vec<u8>,
    pub(super) len: usize,
    /// Bytes of this and of all assembled objects that must be there as long as what hangs on this is made.
    pub(super) held: u64,
    pub(super) hits: Hits<H>,
    /// Whether it has more matches than are kept.
    pub(super) truncated: bool,
    pub(super) keywords: KeywordPositions,
    /// The memory that its bytes take.
    pub(super) _reservation: Reservation,
}

impl<H> AssembledObject<H> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// Children of an assembled object that are still to be searched.
pub(super) struct Subtree<H> {
    /// The number of the pack.
    pub(super) pack: usize,
    pub(super) node: Arc<AssembledObject<H>>,
    /// Places of children in the pack's tree.
    pub(super) children: Range<u32>,
}

/// What all threads of a sweep draw from.
pub(super) struct WorkQueue<H> {
    /// How many threads draw from it.
    threads: AtomicUsize,
    /// The next of the common items that no thread has begun with.
    next: AtomicUsize,
    items: usize,
    /// How many threads wait for work, less the branches that lie ready for them.
    idle: AtomicUsize,
    state: Mutex<State<H>>,
    ready: Condvar,
}

struct State<H> {
    branches: Vec<Subtree<H>>,
    waiting: usize,
    /// Nothing more will come: all threads wait, or one of them is gone.
    is_finished: bool,
}

/// What a thread is to do next.
pub(super) enum Work<H> {
    /// Common items.
    Items(Range<usize>),
    /// Part of another thread's tree.
    Subtree(Subtree<H>),
}

/// Common items taken at once: few enough to end together, many enough to seldom meet.
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

    /// ObjectCounts on so many threads, the calling one among them, which has not begun.
    pub(super) fn set_threads(&self, threads: usize) {
        let _state = self.lock();
        self.threads.store(threads, Ordering::Relaxed);
    }

    /// The next work; waits for other threads to hand some over. Nothing if all is done.
    pub(super) fn take(&self) -> Option<Work<H>> {
        let first = self.next.fetch_add(ITEMS_PER_TAKE, Ordering::Relaxed);
        if first < self.items {
            return Some(Work::Items(first..self.items.min(first + ITEMS_PER_TAKE)));
        }
        // Nobody counts beyond this often enough to come round.
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

    /// Whether some thread has nothing to do.
    #[inline]
    pub(super) fn has_idle_thread(&self) -> bool {
        self.idle.load(Ordering::Relaxed) != 0
    }

    /// Hands a branch over to a idle thread.
    pub(super) fn hand_over(&self, branch: Subtree<H>) {
        let mut state = self.lock();
        state.branches.push(branch);
        self.update_idle(&state);
        drop(state);
        self.ready.notify_one();
    }

    /// Lets every thread end, because one of them broke off.
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
