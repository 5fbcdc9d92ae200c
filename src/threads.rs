//! Layer 1: distributes work to as many threads as the system grants.
//!
//! If a thread cannot be started, because of a limit on memory or processes, the threads that run do its work.
//! Starting threads never panics and never leaves other threads waiting. `rayon` gives no such guarantee: its pool
//! fails as a whole if one of its threads cannot be started.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Starts a thread in `scope`; `None` if the system refuses.
pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    Builder::new().spawn_scoped(scope, work).ok()
}

/// Waits for a thread and returns its result. Propagates its panic.
pub fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Calls `work` on the calling thread and concurrently on at most `threads - 1` others. The calls must share the
/// work among them, since the system may grant fewer threads. Returns the results in no particular order.
pub fn run<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    run_with_count(threads, |_| (), work)
}

/// Like [`run`]. Calls `report_count` with the number of threads before the calling thread begins to work.
pub fn run_with_count<T: Send>(
    threads: usize,
    report_count: impl FnOnce(usize),
    work: impl Fn() -> T + Sync,
) -> Vec<T> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map_while(|_| start(scope, &work)).collect();
        report_count(others.len() + 1);
        let mut results = vec![work()];
        results.extend(others.into_iter().map(join));
        results
    })
}

/// Calls `work` for every item on at most `threads` threads. Returns the results in the order of the items.
pub fn map<I, T: Send>(
    threads: usize,
    items: impl IntoIterator<Item = I, IntoIter: Send>,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    map_with(threads, items, || (), |(), item| work(item))
}

/// Like [`map`]. Each thread calls `scratch` once for its working memory.
pub fn map_with<I, S, T: Send>(
    threads: usize,
    items: impl IntoIterator<Item = I, IntoIter: Send>,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, I) -> T + Sync,
) -> Vec<T> {
    let items = Mutex::new(items.into_iter().enumerate());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let part = || {
        let mut memory = scratch();
        std::iter::from_fn(|| next().map(|(index, item)| (index, work(&mut memory, item)))).collect()
    };
    let parts: Vec<Vec<(usize, T)>> = run(threads, part);
    let mut results: Vec<(usize, T)> = parts.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn run_returns_one_result_per_thread() {
        for threads in [0, 1, 2, 9] {
            let next = AtomicUsize::new(0);
            let work = || {
                std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed))).take_while(|&n| n < 1_000)
            };
            let mut started = 0;
            let results = run_with_count(threads, |count| started = count, || work().collect::<Vec<_>>());
            assert_eq!((results.len(), started), (threads.max(1), threads.max(1)));
            let mut all: Vec<_> = results.into_iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, (0..1_000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn map_keeps_the_order_of_the_items() {
        for threads in [0, 1, 2, 9] {
            let doubled = map(threads, 0..1_000, |number| number * 2);
            assert_eq!(doubled, (0..1_000).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}
