//! What identifies all objects of a database, so that results that depend on them alone can be kept.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::state::CachedSweep;
use crate::cache::CacheDigest;
use crate::git::ObjectDatabase;
use crate::git::database::Listing;
use crate::git::pack::{Entry, PackIdentity};
use crate::git::sweep::Searcher;
use crate::git::sweep::plan::Sweep;

/// A pack whose bytes, and those of its index, are known.
#[derive(Clone, Debug)]
pub struct IdentifiedPack {
    /// The path of the pack.
    pub path: PathBuf,
    /// The digest of the pack and its index.
    pub digest: CacheDigest,
    identity: PackIdentity,
}

impl IdentifiedPack {
    /// Those among the packs of a sweep.
    pub(super) fn all<S: Searcher>(sweep: &Sweep<'_, S>, state: &CachedSweep<'_>) -> Vec<Self> {
        let packs = sweep.store.packs.iter().zip(&state.packs);
        let identified = packs.filter_map(|(pack, known)| {
            let (path, identity) = (pack.path().to_owned(), pack.identity()?.clone());
            Some(Self { path, digest: known.digest?, identity })
        });
        identified.collect()
    }

    /// Whether the files still have the bytes that were identified.
    pub fn is_unchanged(&self) -> bool {
        self.identity.is_unchanged(&self.path)
    }
}

/// All objects of a database in which each is stored in a pack whose bytes are known.
#[derive(Debug)]
pub struct IdentifiedObjects {
    /// The digest of all packs and their paths.
    pub digest: CacheDigest,
    /// Objects in several packs. Their copies may differ, and it is not known which one is read by its id.
    duplicates: HashSet<ObjectId>,
    packs: Vec<IdentifiedPack>,
}

impl IdentifiedObjects {
    /// The objects of a sweep that has just ended; `None` if one is loose, or if one may have been missed.
    pub(super) fn from_sweep<S: Searcher>(sweep: &Sweep<'_, S>, state: &CachedSweep<'_>) -> Option<Self> {
        let (listing, packs) = (&sweep.store.listing, &sweep.store.packs);
        let is_whole = sweep.skipped.is_empty()
            && sweep.collected.failures.is_empty()
            && is_plain(listing)
            && listing.packs.len() == packs.len();
        let identified = IdentifiedPack::all(sweep, state);
        if !is_whole || identified.len() < packs.len() {
            return None;
        }
        let mut parts: Vec<_> = identified.iter().map(|pack| (&pack.path, pack.digest)).collect();
        parts.sort();
        let mut digest = blake3::Hasher::new();
        for (path, pack) in parts {
            let path = path.as_os_str().as_encoded_bytes();
            digest.update(&(path.len() as u64).to_le_bytes()).update(path).update(&pack);
        }
        let mut duplicates = HashSet::new();
        for (pack, plan) in packs.iter().zip(&sweep.plans) {
            let flags = (0..).zip(&plan.duplicates);
            let entries: Vec<Entry> =
                flags.filter(|(_, is_duplicate)| **is_duplicate).map(|(entry, _)| entry).collect();
            let ids = if entries.is_empty() { Vec::new() } else { pack.ids_of(&entries) };
            duplicates.extend(ids.into_iter().collect::<Option<Vec<_>>>()?);
        }
        Some(Self { digest: digest.finalize().into(), duplicates, packs: identified })
    }

    /// Whether each object is stored once.
    pub fn are_unique(&self) -> bool {
        self.duplicates.is_empty()
    }

    /// Whether all of these objects are stored at most once.
    pub fn are_unique_among<'i>(&self, ids: impl IntoIterator<Item = &'i ObjectId>) -> bool {
        ids.into_iter().all(|id| !self.duplicates.contains(id))
    }

    /// Whether `database` still has these objects, and no others.
    pub fn are_unchanged(&self, database: &ObjectDatabase) -> bool {
        let listing = database.list();
        let is_unchanged = |pack: &IdentifiedPack| {
            listing.packs.contains(&pack.path.with_extension("idx")) && pack.is_unchanged()
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
