//! Sets of objects: a bit for each object, which any thread may set.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A set of marked objects, which are identified by their numbers in [`DenseIds`](crate::git::attribution::dense_ids::DenseIds).
pub(in crate::git) struct ObjectMarks {
    words: Vec<AtomicU64>,
    /// Marked objects whose numbers exceed `words`, since they were assigned later: their ids are in no opened pack and not among the
    /// loose objects, so they are missing, or in a pack that cannot be opened.
    excess_numbers: Mutex<Vec<u32>>,
}

impl ObjectMarks {
    /// No marks, with room for numbers below `capacity`.
    pub(in crate::git) fn new(capacity: usize) -> Self {
        let words = (0..capacity.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { words, excess_numbers: Mutex::default() }
    }

    /// Marks an object, and returns whether it was not marked before.
    pub(in crate::git) fn set(&self, number: u32) -> bool {
        let bit = 1 << (number % 64);
        match self.words.get(number as usize / 64) {
            Some(word) => word.fetch_or(bit, Ordering::Relaxed) & bit == 0,
            None => {
                let mut excess_numbers = self.excess_numbers.lock().unwrap_or_else(PoisonError::into_inner);
                let is_new = !excess_numbers.contains(&number);
                if is_new {
                    excess_numbers.push(number);
                }
                is_new
            }
        }
    }

    /// Marks every object below the capacity that is marked in `other`, which has the same capacity.
    pub(in crate::git) fn add(&self, other: &Self) {
        for (word, other_word) in self.words.iter().zip(&other.words) {
            word.fetch_or(other_word.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Removes the mark of an object below the capacity.
    pub(in crate::git) fn clear(&self, number: u32) {
        if let Some(word) = self.words.get(number as usize / 64) {
            word.fetch_and(!(1 << (number % 64)), Ordering::Relaxed);
        }
    }

    /// Whether an object below the capacity is marked; `false` for any other.
    pub(in crate::git) fn has(&self, number: u32) -> bool {
        let word = self.words.get(number as usize / 64).map_or(0, |word| word.load(Ordering::Relaxed));
        word >> (number % 64) & 1 == 1
    }

    /// The number of marked objects below the capacity.
    pub(in crate::git) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }
}
