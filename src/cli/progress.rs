//! A progress line on standard error for work that takes long enough to watch.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::git::Progress;
use crate::report::{count, human_bytes, human_duration, thousands};

/// Work that takes less time shows no progress.
const DELAY: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(100);
/// Narrower terminals, in columns, get no bar.
const MIN_WIDTH_FOR_BAR: u16 = 72;

/// The unit of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgressUnit {
    /// Git objects, whose total is known.
    Objects,
    /// Files of a walk, whose total is not.
    Files,
}

/// Shows progress until dropped.
pub(super) struct ProgressLine {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread only draws, so nothing is lost if it failed.
            let _ = thread.join();
        }
    }
}

/// Shows `progress` on the terminal, unless standard error is not one or `is_hidden`.
pub(super) fn show(unit: ProgressUnit, progress: &Arc<Progress>, is_hidden: bool) -> Option<ProgressLine> {
    if is_hidden || !io::stderr().is_terminal() {
        return None;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let (progress, is_over_in_thread) = (Arc::clone(progress), Arc::clone(&is_over));
    let draw_until_over = move || {
        std::thread::park_timeout(DELAY);
        draw(unit, &progress, &is_over_in_thread);
    };
    // The work goes on without a progress line if no thread can be started.
    let thread = std::thread::Builder::new().spawn(draw_until_over).ok()?;
    Some(ProgressLine { is_over, thread: Some(thread) })
}

fn draw(unit: ProgressUnit, progress: &Progress, is_over: &AtomicBool) {
    let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0);
    let bar = bar(unit, width, ProgressDrawTarget::stderr());
    while !is_over.load(Ordering::Relaxed) {
        update(&bar, unit, progress);
        std::thread::park_timeout(TICK);
    }
    bar.finish_and_clear();
}

fn bar(unit: ProgressUnit, width: u16, target: ProgressDrawTarget) -> ProgressBar {
    // `wide_msg` is truncated to the remaining width, so the line never wraps.
    let template = match unit {
        ProgressUnit::Files => "{spinner} {wide_msg}",
        ProgressUnit::Objects if width < MIN_WIDTH_FOR_BAR => "{wide_msg}",
        ProgressUnit::Objects => "{bar:20} {wide_msg}",
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn update(bar: &ProgressBar, unit: ProgressUnit, progress: &Progress) {
    let finished = progress.done.load(Ordering::Relaxed);
    let total = progress.total.load(Ordering::Relaxed);
    let message = match unit {
        ProgressUnit::Objects => {
            objects_line(finished, total, progress.bytes.load(Ordering::Relaxed), bar.eta())
        }
        ProgressUnit::Files => {
            format!("{} scanned, {}", count(finished, "file"), human_duration(bar.elapsed().as_secs_f64()))
        }
    };
    bar.set_length(total);
    bar.set_position(finished);
    bar.set_message(message);
    bar.tick();
}

/// `1,234/5,678 objects, 56.7 MB, 12 s left`
fn objects_line(finished: u64, total: u64, bytes: u64, left: Duration) -> String {
    let counts = format!("{}/{} objects, {}", thousands(finished), thousands(total), human_bytes(bytes));
    match left.as_secs() {
        0 => counts,
        seconds @ 1..60 => format!("{counts}, {seconds} s left"),
        seconds => format!("{counts}, {} left", human_duration(seconds as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_the_receipt() {
        let written = objects_line(1234, 5678, 56_700_000, Duration::from_secs(12));
        assert_eq!(written, "1,234/5,678 objects, 56.7 MB, 12 s left");
        assert_eq!(objects_line(0, 0, 0, Duration::ZERO), "0/0 objects, 0 B");
        assert!(objects_line(1, 2, 3, Duration::from_secs(200)).ends_with(", 3 minutes 20 seconds left"));
    }

    /// A terminal of that many columns, and everything written to it.
    #[derive(Clone, Debug)]
    struct Screen {
        columns: u16,
        written: Arc<std::sync::Mutex<String>>,
    }

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            self.columns
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.written.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write_str("\n")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_line_fits_the_terminal() {
        let progress = Progress::default();
        progress.total.store(12_345_678, Ordering::Relaxed);
        progress.done.store(1_234_567, Ordering::Relaxed);
        progress.bytes.store(56_700_000_000, Ordering::Relaxed);
        for width in [20, 40, 71, 72, 80, 120] {
            for unit in [ProgressUnit::Objects, ProgressUnit::Files] {
                let screen = Screen { columns: width, written: Arc::default() };
                let bar = bar(unit, width, ProgressDrawTarget::term_like(Box::new(screen.clone())));
                update(&bar, unit, &progress);
                bar.finish_and_clear();
                let written = screen.written.lock().unwrap().clone();
                let longest = written.lines().map(|line| line.chars().count()).max();
                assert!(longest <= Some(width.into()), "{width}: {written}");
                assert!(written.contains("1,234,567"), "{width}: {written}");
            }
        }
    }
}
