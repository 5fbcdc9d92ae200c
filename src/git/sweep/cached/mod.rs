//! Sweeps that reuse the results of earlier sweeps.
//!
//! The bytes of a pack and its index determine what a sweep finds in the pack. So facts about a pack are kept
//! under a digest of all of these bytes, which every sweep computes again: a pack whose bytes were replaced under the
//! same name is a different pack. No facts are kept about a pack that changes during the sweep. Facts only record that
//! nothing was found: every object with a match is searched again, so the cache contains nothing about any key.
//!
//! After a repack, there are different packs. A [family](families::Family) of blobs or trees whose stored bytes are
//! unchanged is not searched again; everything else is. An object id is never trusted to identify an object's
//! content, since an index can give any id to any content. The objects that trees refer to must exist, so trees are
//! searched again unless the new pack [lists every id](id_set::IdSet) of the old one.

mod collect;
mod facts;
mod families;
mod first_copies;
mod id_set;
mod identified_objects;
mod index_order;
mod repack_facts;
mod state;
#[cfg(test)]
mod tests;
mod update;

pub use identified_objects::{IdentifiedObjects, IdentifiedPack};
pub use state::cache_subject;
pub use update::CacheUpdate;

pub(super) use collect::collect;
pub(super) use state::CachedSweep;
use state::IsClean;

use super::outcome::SweepOutcome;
use super::plan::sweep_listing_cached;
use super::{Searcher, SweepOptions};
use crate::cache::Cache;
use crate::git::ObjectDatabase;

/// Like [`sweep`](super::sweep), with the same outcome except for [`SweepOutcome::bytes_searched`], but uses the facts about
/// packs in `cache`. The searcher must want objects of every kind. `is_clean` is called with the digest of a pack and the
/// bytes of the id of an object that would be [read again](Searcher::is_read_again), and says whether it need not be.
pub fn sweep_with_cache<S: Searcher>(
    database: &ObjectDatabase,
    searcher: &S,
    options: &SweepOptions<'_>,
    (cache, is_clean): (&Cache, IsClean<'_>),
) -> (SweepOutcome<S::Match>, CacheUpdate) {
    let state = CachedSweep::new((cache, is_clean), database, options);
    sweep_listing_cached(database, database.list(), searcher, options, Some(state))
}
