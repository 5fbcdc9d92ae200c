//! Runs jobs in parallel, starting them in order, within a number of threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::threads;

/// The number of free threads.
struct FreeThreads {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Threads that a job holds until this is dropped.
struct HeldThreads<'a> {
    pool: &'a FreeThreads,
    count: usize,
}

impl Drop for HeldThreads<'_> {
    fn drop(&mut self) {
        *self.pool.free.lock().unwrap_or_else(PoisonError::into_inner) += self.count;
        self.pool.freed.notify_all();
    }
}

impl FreeThreads {
    /// Waits until `wanted` threads are free, and takes them.
    fn take(&self, wanted: usize) -> HeldThreads<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.freed.wait_while(free, |free| *free < wanted).unwrap_or_else(PoisonError::into_inner);
        *free -= wanted;
        HeldThreads { pool: self, count: wanted }
    }
}

/// Runs `jobs`, each given with the number of threads that it needs, out of `max_threads` together. Each starts in order, as
/// soon as enough threads are free: `work` is called with their number and the job. If a call panics, `on_panic` is called
/// with its job, and the others continue. No more jobs are started once `is_stopped` returns true.
pub(super) fn run_jobs<J: Send>(
    max_threads: usize,
    jobs: Vec<(usize, J)>,
    is_stopped: &(dyn Fn() -> bool + Sync),
    work: &(dyn Fn(usize, &J) + Sync),
    on_panic: &(dyn Fn(&J) + Sync),
) {
    let threads = FreeThreads { free: Mutex::new(max_threads), freed: Condvar::new() };
    let run = |held: HeldThreads<'_>, job: J| {
        // The panic hook has already printed a message. What the job left unfinished is not used again: `on_panic` gets
        // only what identifies the job.
        if catch_unwind(AssertUnwindSafe(|| work(held.count, &job))).is_err() {
            on_panic(&job);
        }
    };
    std::thread::scope(|scope| {
        for (wanted, job) in jobs {
            let held = threads.take(wanted.clamp(1, max_threads));
            if is_stopped() {
                break;
            }
            let slot = Mutex::new(Some((held, job)));
            let slot = std::sync::Arc::new(slot);
            let thread_slot = std::sync::Arc::clone(&slot);
            let take = |slot: &Mutex<Option<_>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            let started = threads::start(scope, move || {
                if let Some((held, job)) = take(&thread_slot) {
                    run(held, job);
                }
            });
            // If the system grants no thread, this one does the work.
            if started.is_none()
                && let Some((held, job)) = take(&slot)
            {
                run(held, job);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn jobs_share_the_threads_and_a_panic_ends_only_its_own_job() {
        let (busy, max_busy, done, failures) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let jobs = (0..50).map(|number| (1 + number % 4, number)).collect();
        let work = |threads: usize, number: &usize| {
            let now = busy.fetch_add(threads, Ordering::SeqCst) + threads;
            max_busy.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            busy.fetch_sub(threads, Ordering::SeqCst);
            assert!(*number != 7, "one of them fails");
            done.fetch_add(1, Ordering::SeqCst);
        };
        let on_panic = |_: &usize| {
            failures.fetch_add(1, Ordering::SeqCst);
        };
        run_jobs(4, jobs, &|| false, &work, &on_panic);
        assert_eq!((done.into_inner(), failures.into_inner()), (49, 1));
        assert!(max_busy.into_inner() <= 4);
    }

    #[test]
    fn no_job_starts_after_a_stop() {
        let done = AtomicUsize::new(0);
        let work = |_: usize, _: &usize| {
            done.fetch_add(1, Ordering::SeqCst);
        };
        run_jobs(1, (0..9).map(|n| (1, n)).collect(), &|| done.load(Ordering::SeqCst) >= 3, &work, &|_| ());
        assert_eq!(done.into_inner(), 3);
    }
}
