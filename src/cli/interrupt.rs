//! Ctrl-C: the first asks the scan to end and report what it has, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that Ctrl-C sets.
pub(super) fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&stop);
    // Where no handler can be set, Ctrl-C ends the process as ever.
    let _ = ctrlc::set_handler(move || {
        if shared.swap(true, Ordering::Relaxed) {
            end();
        }
    });
    stop
}

#[expect(clippy::exit, reason = "the second Ctrl-C: the user does not want to wait for anything")]
fn end() {
    std::process::exit(130);
}
