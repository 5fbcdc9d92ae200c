//! Searches every object of a database once. Packs are read in pack order, and deltas are searched in delta space.
//!
//! The root of a delta chain is searched completely. Of a delta, only the part that differs from its base is
//! searched: inserted bytes and joins between copied runs, widened so that it includes every match that touches them and
//! everything that such a match depends on. Every other match, including its context, consists of
//! bytes copied from the base and is inherited from there. Most of the bytes searched in a delta are context
//! around a change. They are skipped where no keyword occurs. To determine that, only the inserted bytes and the ends of
//! copied runs are searched for keywords ([`Searcher::keywords`]). The result is the same as that of searching every
//! object completely ([`SweepOptions::full_objects`]); tests enforce this.

mod assembled_object;
mod bench_baseline;
mod buffers;
mod cached;
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

use gix::ObjectId;
use gix::object::Kind;

pub use bench_baseline::inflate_all_entries;
pub use cached::{CacheUpdate, IdentifiedObjects, IdentifiedPack, cache_subject, sweep_with_cache};
pub use outcome::{KindCount, MatchedObject, ObjectCounts, PackedCopy, SweepOutcome};
pub use plan::sweep;
pub use unlisted::{UnlistedBytes, unlisted_streams};

/// What a sweep looks for.
///
/// Whether a match is reported, and what is [recorded](Self::Match) about it, must depend only on the kind of the
/// object, the bytes of the match, [`margin`](Self::margin) bytes on each side of it, and the end of the
/// object if that lies within the margin. This guarantees that a sweep finds the same matches in delta space
/// as in whole objects.
pub trait Searcher: Sync {
    /// What is recorded about a match besides its position.
    type Match: Clone + PartialEq + Send + Sync;
    /// Per-thread working memory.
    type Scratch: Send;

    /// Creates the working memory of one thread.
    fn scratch(&self) -> Self::Scratch;

    /// The length of the longest possible match, in bytes.
    fn longest_match(&self) -> usize;

    /// The number of bytes on each side of a match on which the decision about the match can depend, because of context,
    /// boundaries, or overlapping candidates.
    fn margin(&self) -> usize;

    /// Whether to search objects of this kind. Others are neither inflated nor counted.
    fn wants(&self, kind: Kind) -> bool {
        let _ = kind;
        true
    }

    /// Finds every match in `bytes`, which may be a slice of an object of this kind. The caller ignores
    /// matches that are closer than the margin to an edge of `bytes`, unless that edge is also an edge of the
    /// object.
    ///
    /// Calls `found` with the range of every match and what is recorded about it, and `on_keyword` with the start of every
    /// [keyword](Self::keywords), if the searcher has any.
    fn search(
        &self,
        kind: Kind,
        bytes: &[u8],
        scratch: &mut Self::Scratch,
        on_keyword: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, Self::Match),
    );

    /// The length of the longest keyword, in bytes. Every match contains a keyword, or has one within its
    /// margin. `None` if the searcher has no keywords; everything around a change is then searched.
    fn longest_keyword(&self) -> Option<usize> {
        None
    }

    /// Whether an object with this match is read again completely after the sweep. For a cache, the digest of its content is
    /// then [recorded](PackedCopy::content).
    fn is_read_again(&self, matched: &Self::Match) -> bool {
        let _ = matched;
        false
    }

    /// The number of bytes at the start of an object of this kind that together determine whether the object begins with a
    /// match. If any of them changes, [`keywords`](Self::keywords) is called with all of them at the start of
    /// its bytes.
    fn head_len(&self, kind: Kind) -> usize {
        let _ = kind;
        0
    }

    /// Calls `keyword` with the start of every keyword in `bytes`, which are concatenated parts of an object
    /// of this kind. May report false positives, and is much faster than a search. `is_start` says whether
    /// the first part begins at the start of the object.
    fn keywords(&self, kind: Kind, bytes: &[u8], is_start: bool, keyword: &mut dyn FnMut(usize)) {
        let _ = (kind, bytes, is_start, keyword);
    }
}

/// Options of a sweep.
#[derive(Clone, Copy, Debug)]
pub struct SweepOptions<'a> {
    /// Number of threads; 0 means one per core.
    pub threads: usize,
    /// Assemble every object and search it completely. This is slower and has the same result.
    pub full_objects: bool,
    /// Size limit for assembling an object, in bytes. Larger objects are skipped if they are deltas.
    pub max_assembled: u64,
    /// Memory limit for all assembled objects of all threads together, in bytes.
    pub max_memory: u64,
    /// Check that every object named by a tree, commit or tag exists; those that do not are reported as
    /// [`missing`](SweepOutcome::missing).
    pub check_links: bool,
    /// Look for bytes in packs that belong to no indexed entry: [`unlisted`](SweepOutcome::unlisted).
    pub find_unlisted: bool,
    /// Results of deltas of at most this many bytes are searched completely, which is faster than analyzing their
    /// changes.
    pub small_result: usize,
    /// Objects of more than this many bytes that are neither a delta nor a delta base are searched in windows.
    pub stream_above: u64,
    /// Objects that refs point at, sorted. They are looked up in the indexes of the packs.
    pub targets: &'a [ObjectId],
    /// Stops the sweep early when set.
    pub cancel: Option<&'a AtomicBool>,
    /// Updated while the sweep runs.
    pub progress: Option<&'a Progress>,
}

impl Default for SweepOptions<'_> {
    fn default() -> Self {
        Self {
            threads: 0,
            full_objects: false,
            check_links: false,
            find_unlisted: false,
            max_assembled: 1 << 30,
            max_memory: 3 << 29,
            small_result: 1 << 10,
            stream_above: 64 << 20,
            targets: &[],
            cancel: None,
            progress: None,
        }
    }
}

/// Progress of a sweep, to be read while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Number of objects to search; 0 until the packs have been opened.
    pub total: AtomicU64,
    /// Number of objects searched.
    pub done: AtomicU64,
    /// The inflated size of the objects searched, in bytes.
    pub bytes: AtomicU64,
}

/// Matches in one object with their positions, sorted by start.
type Matches<M> = Vec<(Range<u64>, M)>;
