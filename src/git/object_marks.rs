//! A bit for each object, set from any thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Marked objects, by dense number.
pub(in crate::git) struct ObjectMarks {
    words: Vec<AtomicU64>,
    /// Numbers assigned later: those of objects that do not exist.
    beyond: Mutex<Vec<u32>>,
}

impl ObjectMarks {
    /// No marks, with room for numbers below `count`.
    pub(in crate::git) fn new(count: usize) -> Self {
        let words = (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { words, beyond: Mutex::default() }
    }

    /// Marks an object; whether it was not marked before. One without room never is.
    pub(in crate::git) fn set(&self, number: u32) -> bool {
        let bit = 1 << (number % 64);
        match self.words.get(number as usize / 64) {
            Some(word) => word.fetch_or(bit, Ordering::Relaxed) & bit == 0,
            None => {
                let mut beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
                let is_new = !beyond.contains(&number);
                if is_new {
                    beyond.push(number);
                }
                is_new
            }
        }
    }

    /// Marks everything that is marked in `others`, which has as much room.
    pub(in crate::git) fn add(&self, others: &Self) {
        for (word, other) in self.words.iter().zip(&others.words) {
            word.fetch_or(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Removes a mark.
    pub(in crate::git) fn clear(&self, number: u32) {
        if let Some(word) = self.words.get(number as usize / 64) {
            word.fetch_and(!(1 << (number % 64)), Ordering::Relaxed);
        }
    }

    /// Whether an object is marked.
    pub(in crate::git) fn has(&self, number: u32) -> bool {
        let word = self.words.get(number as usize / 64).map_or(0, |word| word.load(Ordering::Relaxed));
        word >> (number % 64) & 1 == 1
    }

    /// How many are marked.
    pub(in crate::git) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }
}
