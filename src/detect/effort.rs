//! How much work a search may do: so much for each byte, so that no text, whatever it repeats, holds a scan up.
//!
//! Work is counted in steps, not in time, so that a search of the same bytes always ends in the same way. A step is what it
//! takes to look at some bytes, a few nanoseconds. All that reads around a keyword counts its own, in one counter for each
//! thread: a search runs on one thread from its beginning to its end.

use std::cell::Cell;

/// Steps that any search may take to decode, however short its text. No file among 60,000 took a tenth of that for a
/// mebibyte; a hundred keys in the most laborious spelling take as many.
const BASE: u64 = 1 << 21;

/// Steps for each byte in addition.
const PER_BYTE: u64 = 2;

/// So many times as many may be taken until plain keys are not looked for either.
const PLAIN_FACTOR: u64 = 2;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// Counts `steps` that this thread is taking.
pub(super) fn spend(steps: usize) {
    SPENT.set(SPENT.get().wrapping_add(steps as u64));
}

/// What one search may still do.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffortLimit {
    begun: u64,
    base: u64,
}

impl EffortLimit {
    /// That of a search which begins now.
    pub(super) fn begin() -> Self {
        Self { begun: SPENT.get(), base: BASE }
    }

    /// As much as it takes.
    pub(super) fn unlimited() -> Self {
        Self { begun: SPENT.get(), base: u64::MAX / 4 }
    }

    /// Whether a search that has come as far as `at` may decode around a keyword there.
    pub(super) fn is_left(&self, at: usize) -> bool {
        self.taken() <= self.until(at)
    }

    /// Whether it may look for a plain key there.
    pub(super) fn is_left_for_plain(&self, at: usize) -> bool {
        self.taken() <= PLAIN_FACTOR * self.until(at)
    }

    fn until(&self, at: usize) -> u64 {
        self.base + PER_BYTE * at as u64
    }

    /// Steps taken so far.
    pub(super) fn taken(&self) -> u64 {
        SPENT.get().wrapping_sub(self.begun)
    }
}

/// Keywords around which a search did not look, because its text took more work than text does that was not made for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a search that passed something over is not complete"]
pub struct PassedOver {
    places: Vec<usize>,
    /// Bytes between two places that are remembered, at least.
    spacing: usize,
}

/// The most places that are remembered, and the least bytes between them.
const MAX_PLACES: usize = 1 << 12;
const MIN_SPACING: usize = 64;

impl PassedOver {
    /// Why not all was looked at, for the report.
    pub const REASON: &'static str = "repeats what keys begin with so often that only a part of it was decoded and searched, \
                                      so as not to hold up the scan; look at it yourself, or leave it out";

    /// Of a search of `bytes`, nothing yet.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { places: Vec::new(), spacing: MIN_SPACING.max(bytes.len() / MAX_PLACES) }
    }

    pub(super) fn add(&mut self, at: usize) {
        if self.places.last().is_none_or(|&last| at >= last + self.spacing) {
            self.places.push(at);
        }
    }

    /// Whether the search is complete.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Their offsets: the first one, and one of each group that is close together.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// The first.
    pub(super) fn first(&self) -> Option<usize> {
        self.places.first().copied()
    }

    /// [`REASON`](Self::REASON), if there are any.
    pub fn reason(&self) -> Option<String> {
        (!self.is_empty()).then(|| Self::REASON.to_owned())
    }
}

/// What a search of `bytes` by `search` takes, in steps: the same on every machine.
#[doc(hidden)]
pub fn steps(search: impl FnOnce()) -> u64 {
    let limit = EffortLimit::unlimited();
    search();
    limit.taken()
}
