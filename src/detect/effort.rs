//! Limits the work of a search per byte, so that hostile text cannot stall a scan.
//!
//! Work is counted in steps, not in time, so that a search of the same bytes always ends in the same way. A step is
//! the time to examine some bytes, a few nanoseconds. All code that reads around a keyword counts its steps in a
//! thread-local counter: a search runs on one thread from start to end.

use std::cell::Cell;

/// Steps that any search may take to decode, however short its text: those of a few plain keys.
const MIN_STEPS: u64 = 1 << 10;

/// Additional steps for each byte. For a mebibyte, that makes two a byte with those from the reserve, of at most 50
/// nanoseconds each.
const PER_BYTE: u64 = 1;

/// Steps that a search may take from the reserve. Of 346,000 files and objects, none took a fifth of that. Forty keys in the
/// most costly encoding take two fifths, but a few hundred bytes with many line continuations before a key can take more than
/// 210,000: with less for short text, such keys were missed.
const MAX_FROM_RESERVE: u64 = 1 << 20;

/// Steps in a full reserve: a third of a second at most.
const RESERVE_STEPS: u64 = 16 * MAX_FROM_RESERVE;

/// Steps that are added to the reserve for each byte that is searched.
const REFILL_PER_BYTE: u64 = 1;

/// Steps that a text with a key may take, besides those for its length, without touching the reserve: those of a key in the
/// most costly encoding. With less, thousands of files with one encoded key each used the reserve up.
const STEPS_PER_TEXT_WITH_KEY: u64 = 10 << 10;

/// After this multiple of the limit, plain keys are not searched for either.
const PLAIN_FACTOR: u64 = 2;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// Adds `steps` to the counter of this thread.
pub(super) fn spend(steps: usize) {
    SPENT.set(SPENT.get().wrapping_add(steps as u64));
}

/// Steps that the searches of a thread may take in addition to those that the length of each text allows.
///
/// A short text with a few encoded keys takes more steps for each byte than any long one may take. So each search may take
/// steps from the reserve, which searching refills: ordinary text takes hardly any. Many short hostile texts use it up; then
/// each gets only what its length allows, so that the time for all of them is as limited as for a long one.
#[derive(Debug)]
pub struct EffortReserve {
    steps: u64,
    /// While a text is searched in parts: the steps before the first of them, so that the limit of each part does not depend
    /// on how the text is divided.
    before_text: Option<u64>,
}

impl Default for EffortReserve {
    /// A full reserve.
    fn default() -> Self {
        Self { steps: RESERVE_STEPS, before_text: None }
    }
}

impl EffortReserve {
    /// The limit of a search that begins now.
    pub(super) fn begin(&self) -> EffortLimit {
        let steps = self.before_text.unwrap_or(self.steps);
        EffortLimit { spent_before: SPENT.get(), base: MIN_STEPS + steps.min(MAX_FROM_RESERVE) }
    }

    /// The next searches are those of the parts of one text, until [`end_text`](Self::end_text).
    pub(super) fn begin_text(&mut self) {
        self.before_text = Some(self.steps);
    }

    /// The next search is that of another text.
    pub(super) fn end_text(&mut self) {
        self.before_text = None;
    }

    /// Accounts for the search of `len` bytes that began with `limit`, and that found a key if `has_key`.
    pub(super) fn settle(&mut self, limit: &EffortLimit, len: usize, has_key: bool) {
        let free_steps = if has_key { STEPS_PER_TEXT_WITH_KEY } else { MIN_STEPS };
        let taken = limit.taken().saturating_sub(free_steps + PER_BYTE * len as u64);
        let left = self.steps.saturating_sub(taken);
        self.steps = RESERVE_STEPS.min(left + REFILL_PER_BYTE * len as u64);
    }
}

/// The effort limit of one search.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffortLimit {
    spent_before: u64,
    base: u64,
}

impl EffortLimit {
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
