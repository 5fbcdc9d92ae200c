//! Limits on the requests and the time of a run, so that no host can keep it running forever.

use std::time::Duration;

/// The limits of all calls of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// Maximum number of requests, including retries.
    pub requests: u64,
    /// Maximum time from the first request on.
    pub time: Duration,
}

impl Default for RunLimits {
    /// Enough for an organization with half a million keys.
    fn default() -> Self {
        Self { requests: 10_000, time: Duration::from_secs(3600) }
    }
}
