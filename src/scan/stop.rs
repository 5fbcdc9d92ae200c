//! A request to end a scan early, with the reason.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Set once when the user interrupts the scan or its time is up. What was not scanned by then is reported as a
/// skip.
#[derive(Debug, Default)]
pub struct Stop {
    is_set: AtomicBool,
    time_limit: OnceLock<Duration>,
}

impl Stop {
    /// Ends the scan because the user interrupted it. Returns whether it was already ending.
    pub fn interrupt(&self) -> bool {
        self.is_set.swap(true, Ordering::Relaxed)
    }

    /// Ends the scan because it took longer than `limit`.
    pub fn expire(&self, limit: Duration) {
        if !self.is_set() {
            // Only the first reason is kept.
            let _ = self.time_limit.set(limit);
            self.is_set.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the scan should end.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// The flag, for code that needs no reason.
    pub fn flag(&self) -> &AtomicBool {
        &self.is_set
    }

    /// Why the scan ended early.
    pub(super) fn reason(&self) -> String {
        match self.time_limit.get() {
            Some(limit) => {
                format!("not reached within the time limit of {} s (`--max-time`)", limit.as_secs_f64())
            }
            None => "interrupted before the end".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_reason_is_reported() {
        let limit = Duration::from_secs(2);
        let expired = Stop::default();
        assert!(!expired.is_set());
        expired.expire(limit);
        assert!(expired.is_set() && expired.interrupt());
        assert!(expired.reason().contains("time limit of 2 s"));
        let interrupted = Stop::default();
        assert!(!interrupted.interrupt());
        interrupted.expire(limit);
        assert_eq!(interrupted.reason(), "interrupted before the end");
    }
}
