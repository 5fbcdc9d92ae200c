//! A pool of threads that share a stack of tasks. It starts as many threads as there is work for and the system
//! allows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};

/// The work of a pool.
pub(super) trait PoolJob: Sync {
    /// A piece of work, which may add more tasks.
    type Task: Send;
    /// State that a thread keeps between tasks.
    type Worker;

    /// Creates the state of a thread, once per thread.
    fn worker(&self) -> Self::Worker;

    /// Runs one task.
    fn run(&self, worker: &mut Self::Worker, task: Self::Task, pool: &WorkPool<'_, '_, Self>);
}

struct PoolState<T> {
    tasks: Vec<T>,
    /// Threads that are running a task, which may add more.
    busy: usize,
    /// Threads that wait for a task.
    waiting: usize,
    /// Threads that were started, including the calling one; `usize::MAX` if no more may be started.
    started: usize,
}

struct SharedPool<'j, J: PoolJob + ?Sized> {
    job: &'j J,
    state: Mutex<PoolState<J::Task>>,
    wake: Condvar,
    /// The most threads.
    limit: usize,
    /// Whether a task added now would start at once.
    idle: AtomicBool,
}

/// The pool as seen by one of its threads.
pub(super) struct WorkPool<'scope, 'env, J: PoolJob + ?Sized> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env SharedPool<'env, J>,
}

/// Runs `tasks` and all tasks that they add, last one first, on the calling thread and at most `threads - 1`
/// others.
pub(super) fn run<J: PoolJob>(job: &J, tasks: Vec<J::Task>, threads: usize) {
    let limit = threads.max(1);
    let state = PoolState { tasks, busy: 0, waiting: 0, started: 1 };
    let shared = SharedPool {
        job,
        state: Mutex::new(state),
        wake: Condvar::new(),
        limit,
        idle: AtomicBool::new(limit > 1),
    };
    std::thread::scope(|scope| WorkPool { scope, shared: &shared }.work());
}

impl<J: PoolJob + ?Sized> WorkPool<'_, '_, J> {
    /// Adds a task. Returns it to the caller, who should run it, if `max_waiting` tasks are waiting.
    pub(super) fn add(&self, task: J::Task, max_waiting: usize) -> Result<(), J::Task> {
        let mut state = self.shared.lock();
        if state.tasks.len() >= max_waiting {
            return Err(task);
        }
        state.tasks.push(task);
        if state.waiting > 0 {
            self.shared.wake.notify_one();
        } else if state.started < self.shared.limit {
            self.start(&mut state);
        }
        self.shared.update(&state);
        Ok(())
    }

    /// Whether a thread is idle or could be started, so that splitting a task pays off.
    pub(super) fn has_idle_thread(&self) -> bool {
        self.shared.idle.load(Ordering::Relaxed)
    }

    /// Starts one more thread. If the system refuses, the existing threads do the work, and no more are
    /// requested.
    fn start(&self, state: &mut PoolState<J::Task>) {
        let pool = WorkPool { scope: self.scope, shared: self.shared };
        match Builder::new().spawn_scoped(self.scope, move || pool.work()) {
            Ok(_) => state.started += 1,
            Err(_) => state.started = usize::MAX,
        }
    }

    fn work(&self) {
        let mut worker = self.shared.job.worker();
        while let Some(task) = self.shared.take() {
            let _busy = BusyGuard(self.shared);
            self.shared.job.run(&mut worker, task, self);
        }
    }
}

impl<J: PoolJob + ?Sized> SharedPool<'_, J> {
    fn lock(&self) -> MutexGuard<'_, PoolState<J::Task>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, state: &PoolState<J::Task>) {
        let has_idle_thread = state.tasks.is_empty() && (state.waiting > 0 || state.started < self.limit);
        self.idle.store(has_idle_thread, Ordering::Relaxed);
    }

    /// The next task; `None` when all work is done.
    fn take(&self) -> Option<J::Task> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.tasks.pop() {
                state.busy += 1;
                self.update(&state);
                return Some(task);
            }
            if state.busy == 0 {
                self.wake.notify_all();
                return None;
            }
            state.waiting += 1;
            self.update(&state);
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }
}

/// Counts a task as done, even if it panicked, so that no thread waits for tasks that it would have added.
struct BusyGuard<'s, 'j, J: PoolJob + ?Sized>(&'s SharedPool<'j, J>);

impl<J: PoolJob + ?Sized> Drop for BusyGuard<'_, '_, J> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        if state.busy == 0 && state.tasks.is_empty() {
            self.0.wake.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Each task adds two smaller ones.
    #[derive(Default)]
    struct CountDown {
        done: AtomicUsize,
        workers: AtomicUsize,
    }

    impl PoolJob for CountDown {
        type Task = usize;
        /// The number of tasks that this worker ran.
        type Worker = usize;

        fn worker(&self) -> usize {
            self.workers.fetch_add(1, Ordering::Relaxed);
            0
        }

        fn run(&self, worker: &mut usize, task: usize, pool: &WorkPool<'_, '_, Self>) {
            self.done.fetch_add(1, Ordering::Relaxed);
            *worker += 1;
            if task > 0 {
                for _ in 0..2 {
                    if let Err(task) = pool.add(task - 1, 4) {
                        self.run(worker, task, pool);
                    }
                }
            }
        }
    }

    #[test]
    fn every_task_runs_once_on_any_number_of_threads() {
        for threads in [0, 1, 2, 7, 64] {
            let tree = CountDown::default();
            run(&tree, vec![10], threads);
            assert_eq!(tree.done.into_inner(), (1 << 11) - 1, "{threads}");
            assert!(tree.workers.into_inner() <= threads.max(1));
        }
    }

    #[test]
    fn no_more_threads_start_than_there_are_tasks() {
        let tree = CountDown::default();
        run(&tree, vec![1], 1_000);
        assert!(tree.workers.into_inner() <= 3);
    }
}
