//! Every object once, straight from the packs in pack order, searched in delta space.
//!
//! A root of a delta chain is searched whole. Of a delta only that is searched which its base does not
//! have: inserted bytes and seams, widened so far that every match that touches them lies within, with
//! all that its verdict depends on. Any other match lies, with its surroundings, in bytes copied from the
//! base, and is inherited from there. Of what is searched of a delta nearly all is the surroundings of a change; they
//! are not even looked at where no keyword is, which the inserted bytes and the ends of the copied ones tell
//! ([`Searcher::keywords`]). The outcome is the same as that of searching every object whole
//! ([`SweepOptions::whole`]), and tests demand it.

mod bench_baseline;
mod buffers;
mod change_edges;
mod collected;
mod delta_inheritance;
mod deltas;
mod duplicates;
mod entries;
mod keyword_positions;
mod link_check;
mod memory_budget;
mod object_store;
mod outcome;
mod plan;
mod recovery;
mod stream;
#[cfg(test)]
mod tests;
mod unlisted;
mod work_queue;
mod worker;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64};

use gix::object::Kind;

pub use bench_baseline::inflate_all_entries;
pub use outcome::{KindCount, MatchedObject, ObjectCounts, SweepOutcome};
pub use plan::sweep;
pub use unlisted::{UnlistedBytes, unlisted_streams};

/// What a sweep looks for.
///
/// Whether a match is found, and what its [`Hit`](Self::Hit) says, must follow from the kind of the object,
/// the bytes of the match, [`margin`](Self::margin) bytes on each side of it, and where the object ends, if
/// it ends within these. Then a sweep finds the same in delta space as in whole objects.
pub trait Searcher: Sync {
    /// What is told of a match, besides its place.
    type Hit: Clone + PartialEq + Send + Sync;
    /// What a thread needs to search.
    type Scratch: Send;

    /// Makes what one thread needs.
    fn scratch(&self) -> Self::Scratch;

    /// The longest span of a match, in bytes.
    fn longest(&self) -> usize;

    /// How many bytes on each side of a match its verdict can depend on: context, boundaries,
    /// candidates that overlap it.
    fn margin(&self) -> usize;

    /// Whether objects of this kind are of interest. Others are not even inflated, nor counted.
    fn wants(&self, kind: Kind) -> bool {
        let _ = kind;
        true
    }

    /// Finds every match in `bytes`, which may be a slice out of an object of that kind. Matches that are
    /// nearer than the margin to an edge of `bytes` that is not an edge of the object are ignored.
    ///
    /// `keyword` is told where every [keyword](Self::keywords) begins, if there are such.
    fn search(
        &self,
        kind: Kind,
        bytes: &[u8],
        scratch: &mut Self::Scratch,
        keyword: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, Self::Hit),
    );

    /// The most bytes of an keyword: of some bytes of which every match, with its margin, holds at least one. `None`
    /// for a searcher that knows nothing of the kind; then all around a changed place is searched.
    fn longest_keyword(&self) -> Option<usize> {
        None
    }

    /// How many of the first bytes of an object of that kind decide together on whether something begins there.
    /// When one of them changes, [`keywords`](Self::keywords) sees them all, at the start of its bytes.
    fn head(&self, kind: Kind) -> usize {
        let _ = kind;
        0
    }

    /// Tells where in `bytes`, which are parts of an object of that kind one behind the other, keywords begin. It may
    /// tell of more than are some, and is a good deal faster than a search. `is_start`: whether the first part begins
    /// where the object does.
    fn keywords(&self, kind: Kind, bytes: &[u8], is_start: bool, keyword: &mut dyn FnMut(usize)) {
        let _ = (kind, bytes, is_start, keyword);
    }
}

/// How a sweep goes about it.
#[derive(Clone, Copy, Debug)]
pub struct SweepOptions<'a> {
    /// Threads to work with; 0 for as many as there are cores.
    pub threads: usize,
    /// Assemble every object and search it whole. Slower, and finds the same.
    pub whole: bool,
    /// The most bytes that an object may have to be assembled; larger ones are skipped if they are deltas.
    pub max_assembled: u64,
    /// The most bytes that assembled objects take, of all threads together.
    pub max_memory: u64,
    /// Look for all that trees, commits and tags name; what no pack and no file has is
    /// [`missing`](SweepOutcome::missing).
    pub check_links: bool,
    /// Look for bytes of packs that belong to no entry that an index lists: [`gaps`](SweepOutcome::gaps).
    pub find_unlisted: bool,
    /// Deltas that make no more bytes are searched whole: that takes less than a close look at what they change.
    pub small_result: usize,
    /// Objects of more bytes that are neither delta nor base are searched piece by piece.
    pub stream_above: u64,
    /// Set to stop early.
    pub cancel: Option<&'a AtomicBool>,
    /// Told how far the sweep is.
    pub progress: Option<&'a Progress>,
}

impl Default for SweepOptions<'_> {
    fn default() -> Self {
        Self {
            threads: 0,
            whole: false,
            check_links: false,
            find_unlisted: false,
            max_assembled: 1 << 30,
            max_memory: 3 << 29,
            small_result: 1 << 10,
            stream_above: 64 << 20,
            cancel: None,
            progress: None,
        }
    }
}

/// How far a sweep is; to be read while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Objects to look at. Known after the packs were opened.
    pub total: AtomicU64,
    /// Objects looked at.
    pub done: AtomicU64,
    /// Their bytes, as they stand unpacked.
    pub bytes: AtomicU64,
}

/// Matches in one object with their places, sorted by start.
type Hits<H> = Vec<(Range<u64>, H)>;
