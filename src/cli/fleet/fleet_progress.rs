//! Progress over many repositories: a line that is redrawn on a terminal, or a new line every minute
//! elsewhere.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::message::say;
use crate::git::Progress;
use crate::report::{human_bytes, human_duration, thousands};

const TICK: Duration = Duration::from_millis(200);
/// How often a line is written to something other than a terminal, such as the log of a job.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What is to be done, and what has been done so far.
struct Totals {
    started: Instant,
    /// Number of repositories to audit.
    repositories: u64,
    /// The sum of their sizes.
    bytes: u64,
    repositories_done: AtomicU64,
    bytes_done: AtomicU64,
    /// The audits in progress, with the sizes of their repositories in bytes.
    running: Mutex<Vec<(u64, Arc<Progress>)>>,
    is_over: AtomicBool,
}

/// Shows progress until it is dropped.
pub(super) struct FleetProgress {
    totals: Arc<Totals>,
    thread: Option<JoinHandle<()>>,
}

/// Counts one audit as in progress until dropped.
pub(super) struct RunningAudit<'a> {
    totals: &'a Totals,
    bytes: u64,
    pub(super) progress: Arc<Progress>,
}

impl FleetProgress {
    /// Shows progress towards a number of repositories and bytes.
    pub(super) fn show(repositories: u64, bytes: u64, is_hidden: bool) -> Self {
        let totals = Arc::new(Totals {
            started: Instant::now(),
            repositories,
            bytes,
            repositories_done: AtomicU64::new(0),
            bytes_done: AtomicU64::new(0),
            running: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&totals);
        // The work goes on without a progress display if no thread can be started.
        let start = || std::thread::Builder::new().spawn(move || shared.draw()).ok();
        Self { thread: if is_hidden { None } else { start() }, totals }
    }

    /// Registers the start of the audit of a repository of that size.
    pub(super) fn start(&self, bytes: u64) -> RunningAudit<'_> {
        let progress = Arc::new(Progress::default());
        self.totals.running().push((bytes, Arc::clone(&progress)));
        RunningAudit { totals: &self.totals, bytes, progress }
    }
}

impl Drop for FleetProgress {
    fn drop(&mut self) {
        self.totals.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread only draws, so nothing is lost if it failed.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningAudit<'_> {
    fn drop(&mut self) {
        self.totals.running().retain(|(_, progress)| !Arc::ptr_eq(progress, &self.progress));
        self.totals.bytes_done.fetch_add(self.bytes, Ordering::Relaxed);
        self.totals.repositories_done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Totals {
    fn running(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Arc<Progress>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of finished repositories, plus the finished share of those in progress.
    fn bytes_done(&self) -> u64 {
        let part = |(bytes, progress): &(u64, Arc<Progress>)| {
            let (done, total) =
                (progress.done.load(Ordering::Relaxed), progress.total.load(Ordering::Relaxed));
            (*bytes as f64 * (done as f64 / total.max(1) as f64).min(1.0)) as u64
        };
        self.bytes_done.load(Ordering::Relaxed) + self.running().iter().map(part).sum::<u64>()
    }

    fn line(&self) -> String {
        // A repository whose audit is repeated with more memory is counted twice.
        let repositories = self.repositories_done.load(Ordering::Relaxed).min(self.repositories);
        line(
            (repositories, self.repositories),
            (self.bytes_done(), self.bytes),
            self.started.elapsed().as_secs_f64(),
        )
    }

    fn draw(&self) {
        let is_terminal = io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let bar = match ProgressStyle::with_template("{wide_msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let mut logged = Instant::now();
        while !self.is_over.load(Ordering::Relaxed) {
            if is_terminal {
                bar.set_message(self.line());
                bar.tick();
            } else if logged.elapsed() >= LOG_INTERVAL {
                logged = Instant::now();
                say(&self.line());
            }
            std::thread::park_timeout(TICK);
        }
        bar.finish_and_clear();
    }
}

/// `12/500 repositories, 1.2 GB of 30.0 GB, 80.0 MB/s, 6 minutes left`
fn line(
    (repositories, repositories_total): (u64, u64),
    (bytes, bytes_total): (u64, u64),
    seconds: f64,
) -> String {
    let rate = bytes as f64 / seconds.max(0.001);
    let mut line = format!(
        "{}/{} repositories, {} of {}, {}/s",
        thousands(repositories),
        thousands(repositories_total),
        human_bytes(bytes),
        human_bytes(bytes_total),
        human_bytes(rate as u64)
    );
    if rate >= 1.0 && bytes < bytes_total {
        // In whole minutes: seconds would suggest more precision than the estimate has.
        let minutes = ((bytes_total - bytes) as f64 / rate / 60.0).ceil();
        line.push_str(&format!(", {} left", human_duration(minutes * 60.0)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_much_is_done_how_fast_and_how_long_it_takes() {
        let text = line((12, 1500), (1_200_000_000, 30_000_000_000), 15.0);
        assert_eq!(text, "12/1,500 repositories, 1.2 GB of 30.0 GB, 80.0 MB/s, 6 minutes left");
        assert!(line((0, 2), (1_000_000, 376_000_000), 1.0).ends_with(", 7 minutes left"));
        assert_eq!(line((0, 1), (0, 10), 1.0), "0/1 repositories, 0 B of 10 B, 0 B/s");
    }

    #[test]
    fn running_audits_count_in_proportion() {
        let progress = FleetProgress::show(2, 300, true);
        let (first, second) = (progress.start(100), progress.start(200));
        first.progress.total.store(10, Ordering::Relaxed);
        first.progress.done.store(5, Ordering::Relaxed);
        assert_eq!(progress.totals.bytes_done(), 50);
        drop(second);
        assert_eq!(progress.totals.bytes_done(), 250);
        assert!(progress.totals.line().starts_with("1/2 repositories, 250 B of 300 B"));
    }
}
