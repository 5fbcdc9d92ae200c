//! Memory for assembling objects, shared by all threads.
//!
//! A delta of a few bytes can produce gigabytes, and all bases on the way down a delta tree must stay in memory. The memory
//! for all objects in all threads is taken from one budget. No thread waits for memory, since that could deadlock: an object
//! that does not fit is retried alone at the end, and reported if it is too large even then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Minimum size of a buffer that is always counted, in bytes. A smaller one is not counted if the objects that it depends on
/// are small, too.
const SMALL_BYTES: u64 = 256 << 10;
/// Minimum size of an object and everything that it depends on, in bytes, for which even a small buffer is counted.
const SMALL_CHAIN_BYTES: u64 = 32 << 20;

/// The number of bytes that are still available.
pub(super) struct MemoryBudget(AtomicU64);

impl MemoryBudget {
    pub(super) fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// Reserves `bytes` for an object; `held` is the size of the object and everything it depends on. Returns
    /// `None` if too little is left.
    pub(super) fn reserve(self: &Arc<Self>, bytes: u64, held: u64) -> Option<Reservation> {
        if bytes < SMALL_BYTES && held < SMALL_CHAIN_BYTES {
            return Some(Reservation(None));
        }
        let less = |left: u64| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(Reservation(Some((Arc::clone(self), bytes))))
    }
}

/// Reserved bytes, returned to the budget on drop; empty for small objects.
pub(super) struct Reservation(Option<(Arc<MemoryBudget>, u64)>);

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some((budget, bytes)) = &self.0 {
            budget.0.fetch_add(*bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_memory_is_returned() {
        let budget = Arc::new(MemoryBudget::new(10 << 20));
        let reservation = budget.reserve(8 << 20, 8 << 20).expect("enough");
        assert!(budget.reserve(4 << 20, 4 << 20).is_none());
        assert!(budget.reserve(1 << 10, 1 << 10).is_some(), "small buffers are not counted");
        assert!(budget.reserve(3 << 20, 1 << 30).is_none());
        drop(reservation);
        assert!(budget.reserve(10 << 20, 10 << 20).is_some());
    }

    #[test]
    fn small_objects_in_a_large_chain_are_counted() {
        let budget = Arc::new(MemoryBudget::new(1 << 10));
        assert!(budget.reserve(2 << 10, SMALL_CHAIN_BYTES).is_none());
    }
}
