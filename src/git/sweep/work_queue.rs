//! Distributes work to threads: a shared list of [work items](super::plan::WorkItem), and subtrees of deltas
//! that busy threads hand over to idle ones.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::assembled_object::AssembledObject;

/// Children of an assembled object that have not been searched yet.
pub(super) struct Subtree<M> {
    /// The number of the pack.
    pub(super) pack: usize,
    pub(super) node: Arc<AssembledObject<M>>,
    /// Positions of the children in the pack's delta tree.
    pub(super) children: Range<u32>,
}

/// The source of work for all threads of a sweep.
pub(super) struct WorkQueue<M> {
    /// Number of threads that take work from the queue.
    threads: AtomicUsize,
    /// Index of the next item that no thread has taken.
    next: AtomicUsize,
    items: usize,
    /// Number of waiting threads minus the number of subtrees ready for them.
    idle: AtomicUsize,
    state: Mutex<QueueState<M>>,
    ready: Condvar,
}

struct QueueState<M> {
    subtrees: Vec<Subtree<M>>,
    waiting: usize,
    /// Whether there will be no more work, because all threads are waiting or one has failed.
    is_finished: bool,
}

/// What a thread does next.
pub(super) enum QueuedWork<M> {
    /// A range of the shared items.
    Items(Range<usize>),
    /// Part of another thread's delta tree.
    Subtree(Subtree<M>),
}

/// Number of items that a thread takes at once: few enough for threads to finish at the same time, and enough to avoid
/// contention.
const ITEMS_PER_TAKE: usize = 16;

impl<M> WorkQueue<M> {
    pub(super) fn new(threads: usize, items: usize) -> Self {
        Self {
            threads: AtomicUsize::new(threads),
            next: AtomicUsize::new(0),
            items,
            idle: AtomicUsize::new(0),
            state: Mutex::new(QueueState { subtrees: Vec::new(), waiting: 0, is_finished: false }),
            ready: Condvar::new(),
        }
    }

    /// Sets the number of threads, including the calling one, which must not have taken work yet.
    pub(super) fn set_threads(&self, threads: usize) {
        let _state = self.lock();
        self.threads.store(threads, Ordering::Relaxed);
    }

    /// The next piece of work. Waits for other threads to hand some over; returns `None` when all work is done.
    pub(super) fn take(&self) -> Option<QueuedWork<M>> {
        let first = self.next.fetch_add(ITEMS_PER_TAKE, Ordering::Relaxed);
        if first < self.items {
            return Some(QueuedWork::Items(first..self.items.min(first + ITEMS_PER_TAKE)));
        }
        // Prevents the counter from overflowing, since every further call adds to it.
        self.next.store(self.items, Ordering::Relaxed);
        let mut state = self.lock();
        state.waiting += 1;
        loop {
            if state.is_finished {
                return None;
            }
            if let Some(subtree) = state.subtrees.pop() {
                state.waiting -= 1;
                self.update_idle(&state);
                return Some(QueuedWork::Subtree(subtree));
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
    pub(super) fn hand_over(&self, subtree: Subtree<M>) {
        let mut state = self.lock();
        state.subtrees.push(subtree);
        self.update_idle(&state);
        drop(state);
        self.ready.notify_one();
    }

    /// Makes every thread stop, because one has failed or the sweep is canceled.
    pub(super) fn abandon(&self) {
        self.lock().is_finished = true;
        self.ready.notify_all();
    }

    fn update_idle(&self, state: &QueueState<M>) {
        self.idle.store(state.waiting.saturating_sub(state.subtrees.len()), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
