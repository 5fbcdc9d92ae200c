//! Progress on standard error, for work that takes long enough to be watched.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::git::Progress;

/// Nothing is shown for work that ends sooner.
const DELAY: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(100);

/// Shows progress until it is dropped.
pub(super) struct Shown {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It draws and does nothing else; if that failed, nothing is lost.
            let _ = thread.join();
        }
    }
}

/// How far an audit is, of which the total is known.
const OBJECTS: &str = "{bar:20} {human_pos}/{human_len} objects, {msg}, {eta} left";
/// How far a walk is, of which the end is not.
const FILES: &str = "{spinner} {human_pos} files scanned, {elapsed}";

/// Shows the `progress` of an audit on the terminal, unless there is none or it is `unwanted`.
pub(super) fn show(progress: &Arc<Progress>, unwanted: bool) -> Option<Shown> {
    show_as(OBJECTS, progress, unwanted)
}

/// The same for files that are walked.
pub(super) fn show_files(progress: &Arc<Progress>, unwanted: bool) -> Option<Shown> {
    show_as(FILES, progress, unwanted)
}

fn show_as(template: &'static str, progress: &Arc<Progress>, unwanted: bool) -> Option<Shown> {
    if unwanted || !io::stderr().is_terminal() {
        return None;
    }
    let done = Arc::new(AtomicBool::new(false));
    let (progress, is_done) = (Arc::clone(progress), Arc::clone(&done));
    let draws = move || {
        std::thread::park_timeout(DELAY);
        draw(template, &progress, &is_done);
    };
    // Where no thread can be started, the work goes on without.
    let thread = std::thread::Builder::new().spawn(draws).ok()?;
    Some(Shown { done, thread: Some(thread) })
}

fn draw(template: &str, progress: &Progress, done: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_length(progress.total.load(Ordering::Relaxed));
        bar.tick();
        bar.set_position(progress.done.load(Ordering::Relaxed));
        bar.set_message(DecimalBytes(progress.bytes.load(Ordering::Relaxed)).to_string());
        std::thread::park_timeout(TICK);
    }
    bar.finish_and_clear();
}
