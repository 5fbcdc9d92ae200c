//! Ctrl-C while a key is created or deleted: nothing is left behind without a message.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::exit::Exit;
use crate::cli::interrupt::exit_process;
use crate::cli::message::say;

/// Interval at which a wait checks for an interruption.
const TICK: Duration = Duration::from_millis(50);

/// Whether Ctrl-C was pressed, and what would be left behind.
#[derive(Default)]
pub(super) struct Interruption {
    is_set: AtomicBool,
    left_behind: Mutex<String>,
}

impl Interruption {
    /// From now on, the first Ctrl-C ends waiting, so that the current step can be undone or reported. The second one exits
    /// after a message about what is left behind.
    pub(super) fn watch() -> Arc<Self> {
        let interruption = Arc::new(Self::default());
        let shared = Arc::clone(&interruption);
        // If no handler can be installed, Ctrl-C ends the process as usual.
        let _ = ctrlc::set_handler(move || {
            if shared.interrupt() {
                say(&format!("friskey: {}", shared.left_behind()));
                exit_process(Exit::Incomplete.status().into());
            }
            say("friskey: interrupted; completing the current step, press Ctrl-C again to exit immediately");
        });
        interruption
    }

    /// Records Ctrl-C. Returns whether it was pressed before.
    pub(super) fn interrupt(&self) -> bool {
        self.is_set.swap(true, Ordering::Relaxed)
    }

    /// Sets the message about what would be left behind from now on. It must not contain a key.
    pub(super) fn set_left_behind(&self, message: String) {
        *self.left_behind.lock().unwrap_or_else(PoisonError::into_inner) = message;
    }

    fn left_behind(&self) -> String {
        self.left_behind.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// Waits until `time` is over or Ctrl-C is pressed.
    pub(super) fn sleep(&self, time: Duration) {
        let started = Instant::now();
        while !self.is_set() {
            match time.saturating_sub(started.elapsed()) {
                Duration::ZERO => return,
                left => thread::sleep(left.min(TICK)),
            }
        }
    }
}
