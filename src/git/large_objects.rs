//! Limits the memory for large objects: there is not enough for every thread to hold one.
//!
//! A packed object of a few bytes can expand to gigabytes, and each thread that looks up objects holds one. Large
//! ones draw on a single allowance for the whole process; the sweep has its own.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Maximum number of bytes allocated to look up an object without a [`Lease`].
pub(super) const UNLEASED_BYTES: usize = 64 << 20;
/// Maximum number of bytes that reconstructing one packed object may allocate.
pub(super) const MAX_ALLOCATION: usize = 1 << 30;
/// Maximum number of bytes leased at a time.
const ALLOWANCE: u64 = 3 << 29;
/// How long to wait for other threads to return memory. A thread with two readers, one of which holds a large object, would
/// otherwise wait for itself when the other needs one.
const MAX_WAIT: Duration = Duration::from_secs(10);

static SHARED: Allowance = Allowance::new(ALLOWANCE);

struct Allowance {
    bytes_left: Mutex<u64>,
    /// Notified whenever bytes are returned.
    bytes_returned: Condvar,
}

impl Allowance {
    const fn new(bytes: u64) -> Self {
        Self { bytes_left: Mutex::new(bytes), bytes_returned: Condvar::new() }
    }

    fn take(&self, bytes: u64, max_wait: Duration) -> bool {
        let bytes_left = self.bytes_left.lock().unwrap_or_else(PoisonError::into_inner);
        let is_too_little = |bytes_left: &mut u64| *bytes_left < bytes;
        let wait = self.bytes_returned.wait_timeout_while(bytes_left, max_wait, is_too_little);
        let (mut bytes_left, _) = wait.unwrap_or_else(PoisonError::into_inner);
        match bytes_left.checked_sub(bytes) {
            Some(rest) => *bytes_left = rest,
            None => return false,
        }
        true
    }

    fn put_back(&self, bytes: u64) {
        *self.bytes_left.lock().unwrap_or_else(PoisonError::into_inner) += bytes;
        self.bytes_returned.notify_all();
    }
}

/// Bytes taken from the allowance, returned on drop. The default holds none.
#[derive(Default)]
pub(super) struct Lease(u64);

impl Lease {
    /// Takes `bytes`, waiting for other threads to return theirs; `None` if they do not in time.
    pub(super) fn take(bytes: u64) -> Option<Self> {
        SHARED.take(bytes, MAX_WAIT).then_some(Self(bytes))
    }

    /// Whether it holds any bytes.
    pub(super) fn is_held(&self) -> bool {
        self.0 > 0
    }

    /// Returns all but `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: u64) {
        let excess = self.0.saturating_sub(bytes);
        if excess > 0 {
            self.0 -= excess;
            SHARED.put_back(excess);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_beyond_the_allowance_is_refused() {
        let allowance = Allowance::new(10);
        assert!(allowance.take(8, Duration::ZERO));
        assert!(!allowance.take(3, Duration::ZERO));
        allowance.put_back(1);
        assert!(allowance.take(3, Duration::ZERO));
        assert!(!allowance.take(u64::MAX, Duration::from_millis(1)));
    }

    #[test]
    fn a_request_waits_for_another_thread_to_return_memory() {
        let allowance = Allowance::new(10);
        assert!(allowance.take(10, Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| allowance.take(5, Duration::from_secs(60)));
            allowance.put_back(10);
            assert!(waiting.join().unwrap());
        });
    }
}
