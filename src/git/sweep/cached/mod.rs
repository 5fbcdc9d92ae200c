//! Sweeps that do not search again what an earlier sweep searched.
//!
//! What a sweep finds in a pack follows from the bytes of the pack and its index. So facts about a pack are kept under a
//! digest of all of these bytes, which every sweep computes anew: a pack whose bytes were replaced under the same name is
//! another pack. Facts are only that nothing was found: every object with a match is searched again, so the cache has
//! nothing about any key.
//!
//! After a repack there are other packs. A blob [family](families::Family) whose stored bytes are all the same as
//! before is not searched again; everything else is. An object id is never trusted, since an index can give any id to any
//! content. Trees, commits and tags are searched again, since what they name must exist.

mod collect;
mod digest;
mod facts;
mod families;
mod first_copies;
mod state;
#[cfg(test)]
mod tests;

pub use state::CacheUpdate;

pub(super) use collect::collect;
pub(super) use state::CachedSweep;

use super::outcome::SweepOutcome;
use super::plan::sweep_listing_cached;
use super::{Searcher, SweepOptions};
use crate::cache::Cache;
use crate::git::Database;

/// Like [`sweep`](super::sweep), with the same outcome except for [`SweepOutcome::searched`], but takes from `cache` what
/// is known about packs. The searcher must want objects of every kind.
pub fn sweep_with_cache<S: Searcher>(
    database: &Database,
    searcher: &S,
    options: &SweepOptions<'_>,
    cache: &Cache,
) -> (SweepOutcome<S::Hit>, CacheUpdate) {
    let state = CachedSweep::new(cache, database, options);
    sweep_listing_cached(database, database.list(), searcher, options, Some(state))
}
