//! Stops a scan early: on Ctrl-C and at the time limit.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::exit::Exit;
use super::message::say;
use crate::scan::Stop;

/// Time for a scan to stop and write its report after its time limit, in seconds: a tenth of the limit, within these
/// bounds.
const GRACE_BOUNDS: (f64, f64) = (5.0, 60.0);
/// The exit status of a process that was ended by Ctrl-C.
const STATUS_AFTER_CTRL_C: i32 = 130;

/// Returns a request to stop that is set by Ctrl-C or when `max_time` is over. After the first Ctrl-C the scan still writes
/// its report; the second ends the process.
///
/// # Errors
/// If no thread can be started to enforce the time limit.
pub(super) fn stop_request(max_time: Option<Duration>) -> Result<Arc<Stop>> {
    let stop = Arc::new(Stop::default());
    let shared = Arc::clone(&stop);
    // If no handler can be installed, Ctrl-C ends the process as usual.
    let _ = ctrlc::set_handler(move || {
        if shared.interrupt() {
            exit_process(STATUS_AFTER_CTRL_C);
        }
    });
    if let Some(limit) = max_time {
        if limit.is_zero() {
            // A limit of zero must not depend on when the thread starts.
            stop.expire(limit);
        }
        let shared = Arc::clone(&stop);
        let timer = move || enforce_limit(&shared, limit);
        let started = thread::Builder::new().name("time limit".to_owned()).spawn(timer);
        started.context("cannot start a thread for --max-time")?;
    }
    Ok(stop)
}

/// Stops the scan at its time limit, and ends the process if the scan does not stop soon after. The exit status is then that
/// of an incomplete scan, since there is no report.
fn enforce_limit(stop: &Stop, limit: Duration) {
    thread::sleep(limit);
    stop.expire(limit);
    let grace = (limit.as_secs_f64() / 10.0).clamp(GRACE_BOUNDS.0, GRACE_BOUNDS.1);
    thread::sleep(Duration::from_secs_f64(grace));
    say(&format!(
        "friskey: incomplete: not done {grace:.0} s after the time limit of {} s (--max-time); no report was written",
        limit.as_secs_f64()
    ));
    exit_process(Exit::Incomplete.status().into());
}

/// Ends the process at once.
#[expect(clippy::exit, reason = "the user does not want to wait for anything")]
pub(super) fn exit_process(status: i32) {
    std::process::exit(status);
}
