//! Progress on standard error, for work that takes long enough to be watched.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

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

/// Shows `progress` on the terminal, if there is one and it is `wanted`.
pub(super) fn show(progress: &Arc<Progress>, unwanted: bool) -> Option<Shown> {
    if unwanted || !io::stderr().is_terminal() {
        return None;
    }
    let done = Arc::new(AtomicBool::new(false));
    let (progress, is_done) = (Arc::clone(progress), Arc::clone(&done));
    let draws = move || {
        std::thread::park_timeout(DELAY);
        draw(&progress, &is_done);
    };
    // Where no thread can be started, the work goes on without.
    let thread = std::thread::Builder::new().spawn(draws).ok()?;
    Some(Shown { done, thread: Some(thread) })
}

fn draw(progress: &Progress, done: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = "{bar:30} {human_pos}/{human_len} objects, {msg}, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_length(progress.total.load(Ordering::Relaxed));
        bar.set_position(progress.done.load(Ordering::Relaxed));
        bar.set_message(HumanBytes(progress.bytes.load(Ordering::Relaxed)).to_string());
        std::thread::park_timeout(TICK);
    }
    bar.finish_and_clear();
}
