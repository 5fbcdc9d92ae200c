//! Layer 1: work on several threads, on as many as the system grants.
//!
//! Where a thread cannot be started (a limit on memory or on processes), those that run do its part: starting one
//! never panics, and never leaves others waiting.

use std::panic::resume_unwind;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Starts a thread in `scope`; `None` if the system refuses.
pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    Builder::new().spawn_scoped(scope, work).ok()
}

/// The outcome of a thread. A panic of it goes on here.
pub fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Calls `work` on the calling thread and on at most `threads - 1` others at the same time. All must draw from the
/// same work, since there may be fewer. Returns every outcome, in no order.
pub fn run<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    run_with_count(threads, |_| (), work)
}

/// The same; `told` learns how many threads there are before the calling thread begins to work.
pub fn run_with_count<T: Send>(
    threads: usize,
    told: impl FnOnce(usize),
    work: impl Fn() -> T + Sync,
) -> Vec<T> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map_while(|_| start(scope, &work)).collect();
        told(others.len() + 1);
        let mut outcomes = vec![work()];
        outcomes.extend(others.into_iter().map(join));
        outcomes
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_thread_has_its_outcome() {
        for threads in [0, 1, 2, 9] {
            let next = AtomicUsize::new(0);
            let work = || {
                std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed))).take_while(|&n| n < 1_000)
            };
            let mut started = 0;
            let outcomes = run_with_count(threads, |count| started = count, || work().collect::<Vec<_>>());
            assert_eq!((outcomes.len(), started), (threads.max(1), threads.max(1)));
            let mut all: Vec<_> = outcomes.into_iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, (0..1_000).collect::<Vec<_>>());
        }
    }
}
