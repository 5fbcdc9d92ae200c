//! What a run may take altogether, so that no answer of a host can keep it going forever.

use std::time::Duration;

/// The limits of all calls of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// The most requests, repetitions included.
    pub requests: u64,
    /// The most time from the first request on.
    pub time: Duration,
}

impl Default for RunLimits {
    /// Enough for an organization with half a million keys.
    fn default() -> Self {
        Self { requests: 10_000, time: Duration::from_secs(3600) }
    }
}
