//! What identifies all objects of a database, so that results that depend on them alone can be kept.

use std::path::{Path, PathBuf};

use super::state::CachedSweep;
use crate::cache::CacheDigest;
use crate::git::ObjectDatabase;
use crate::git::database::Listing;
use crate::git::pack::PackIdentity;
use crate::git::sweep::Searcher;
use crate::git::sweep::plan::Sweep;

/// All objects of a database in which each is stored once, in a pack whose bytes are known.
#[derive(Debug)]
pub struct IdentifiedObjects {
    /// The digest of all packs and their paths.
    pub digest: CacheDigest,
    packs: Vec<(PathBuf, PackIdentity)>,
}

impl IdentifiedObjects {
    /// The objects of a sweep that has just ended; `None` if one is loose or stored twice, or if one may have been missed.
    pub(super) fn from_sweep<S: Searcher>(sweep: &Sweep<'_, S>, state: &CachedSweep<'_>) -> Option<Self> {
        let (listing, packs) = (&sweep.store.listing, &sweep.store.packs);
        let is_whole = sweep.skipped.is_empty()
            && sweep.collected.failures.is_empty()
            && sweep.plans.iter().all(|plan| plan.duplicates.is_empty())
            && is_plain(listing)
            && listing.packs.len() == packs.len();
        if !is_whole {
            return None;
        }
        let mut parts = Vec::new();
        let mut identities = Vec::new();
        for (pack, known) in packs.iter().zip(&state.packs) {
            let path = pack.path().to_owned();
            parts.push((path.clone(), known.digest?));
            identities.push((path, pack.identity()?.clone()));
        }
        parts.sort();
        let mut digest = blake3::Hasher::new();
        for (path, pack) in &parts {
            let path = path.as_os_str().as_encoded_bytes();
            digest.update(&(path.len() as u64).to_le_bytes()).update(path).update(pack);
        }
        Some(Self { digest: digest.finalize().into(), packs: identities })
    }

    /// Whether `database` still has these objects, and no others.
    pub fn are_unchanged(&self, database: &ObjectDatabase) -> bool {
        let listing = database.list();
        let is_unchanged = |(path, identity): &(PathBuf, PackIdentity)| {
            listing.packs.contains(&path.with_extension("idx")) && identity.is_unchanged(path)
        };
        is_plain(&listing) && listing.packs.len() == self.packs.len() && self.packs.iter().all(is_unchanged)
    }
}

/// Whether all objects are in packs, and found by the indexes of these packs alone.
fn is_plain(listing: &Listing) -> bool {
    let has_multi_index = |dir: &PathBuf| {
        let names = ["multi-pack-index", "multi-pack-index.d"];
        names.iter().any(|name| is_there(&dir.join("pack").join(name)))
    };
    listing.loose.is_empty() && listing.skipped.is_empty() && !listing.dirs.iter().any(has_multi_index)
}

/// Whether `path` exists, as anything, or may exist.
fn is_there(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}
