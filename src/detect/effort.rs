//! Limits the work of a search per byte, so that hostile text cannot stall a scan.
//!
//! Work is counted in steps, not in time, so that a search of the same bytes always ends in the same way. A step is
//! the time to examine some bytes, a few nanoseconds. All code that reads around a keyword counts its steps in a
//! thread-local counter: a search runs on one thread from start to end.

use std::cell::Cell;

/// Steps that any search may take to decode, however short its text. Of 346,000 files and objects, none took a fifth of
/// that. Forty keys in the most costly encoding take two fifths, but a few hundred bytes with many line continuations
/// before a key can take more than 210,000: with less for short text, such keys were missed.
const BASE: u64 = 1 << 20;

/// Additional steps for each byte. For a mebibyte, that makes two a byte, of at most 50 nanoseconds each.
const PER_BYTE: u64 = 1;

/// After this multiple of the limit, plain keys are not searched for either.
const PLAIN_FACTOR: u64 = 2;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// Adds `steps` to the counter of this thread.
pub(super) fn spend(steps: usize) {
    SPENT.set(SPENT.get().wrapping_add(steps as u64));
}

/// The effort limit of one search.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffortLimit {
    spent_before: u64,
    base: u64,
}

impl EffortLimit {
    /// The limit of a search that begins now.
    pub(super) fn begin() -> Self {
        Self { spent_before: SPENT.get(), base: BASE }
    }

    /// No limit.
    pub(super) fn unlimited() -> Self {
        Self { spent_before: SPENT.get(), base: u64::MAX / 4 }
    }

    /// Whether a search that has reached `at` may decode around a keyword there.
    pub(super) fn allows_decoding(&self, at: usize) -> bool {
        self.taken() <= self.limit_at(at)
    }

    /// Whether a search that has reached `at` may search for a plain key there.
    pub(super) fn allows_plain_search(&self, at: usize) -> bool {
        self.taken() <= PLAIN_FACTOR * self.limit_at(at)
    }

    fn limit_at(&self, at: usize) -> u64 {
        self.base + PER_BYTE * at as u64
    }

    /// Steps taken so far.
    pub(super) fn taken(&self) -> u64 {
        SPENT.get().wrapping_sub(self.spent_before)
    }
}

/// Keywords around which a search did not look, because the text took more work than any ordinary text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a search that passed something over is not complete"]
pub struct PassedOver {
    places: Vec<usize>,
    /// Minimum distance between two recorded places, in bytes.
    spacing: usize,
}

/// Maximum number of recorded places, and the minimum distance between them in bytes.
const MAX_PLACES: usize = 1 << 12;
const MIN_SPACING: usize = 64;

impl PassedOver {
    /// Why the search is incomplete, for the report.
    pub const REASON: &'static str = "repeats what keys begin with so often that only a part of it was decoded and searched, \
                                      so as not to hold up the scan; look at it yourself, or leave it out";

    /// Nothing passed over yet, in a search of `bytes`.
    pub(super) fn new(bytes: &[u8]) -> Self {
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

    /// The offsets of keywords that were passed over: the first, and one of each group of close ones.
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

/// The number of steps that `search` takes, which is the same on every machine.
#[doc(hidden)]
pub fn steps(search: impl FnOnce()) -> u64 {
    let limit = EffortLimit::unlimited();
    search();
    limit.taken()
}
