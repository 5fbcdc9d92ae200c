//! The entries that a sweep adds to the cache.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::identified_objects::{IdentifiedObjects, IdentifiedPack};
use super::repack_facts::RepackFacts;
use super::state::{CachedSweep, PackState};
use crate::cache::{Cache, CacheDigest, CacheReader, put_number};

/// The new entries about one pack.
#[derive(Debug)]
pub(super) struct FreshPack {
    pub(super) digest: CacheDigest,
    /// [`PackFacts`](super::facts::PackFacts), encoded.
    pub(super) facts: Vec<u8>,
    /// [`RepackFacts`], encoded.
    pub(super) after_repack: Vec<u8>,
}

/// The entries that a sweep adds to the cache.
#[derive(Debug, Default)]
pub struct CacheUpdate {
    /// The name of the repository in the cache's notes, which `-v` prints.
    repository: String,
    /// The subject of the entry that lists the packs of this database.
    list_subject: CacheDigest,
    /// The packs that this entry lists so far.
    previous: Vec<CacheDigest>,
    /// Packs about which the cache already has facts.
    known: Vec<CacheDigest>,
    pub(super) fresh: Vec<FreshPack>,
    /// Packs about which nothing is stored, each with the reason.
    pub(super) not_kept: Vec<(PathBuf, &'static str)>,
    /// Number of packs of the repository.
    packs: usize,
    /// Number of objects in packs without facts that were not searched, since they were in packs that no longer exist.
    known_objects: u64,
    /// What identifies all objects, if results that depend on them alone can be kept.
    pub identified_objects: Option<IdentifiedObjects>,
    /// All packs whose bytes are known.
    pub identified_packs: Vec<IdentifiedPack>,
}

impl CacheUpdate {
    /// An update without new entries.
    pub(super) fn new(state: &CachedSweep<'_>) -> Self {
        let known = state.packs.iter().filter(|pack| pack.facts.is_some());
        Self {
            repository: state.repository.clone(),
            list_subject: state.list_subject,
            previous: state.previous.clone(),
            known: known.filter_map(|pack| pack.digest).collect(),
            fresh: Vec::new(),
            not_kept: Vec::new(),
            packs: state.packs.len(),
            known_objects: state.packs.iter().map(PackState::known_objects).sum(),
            identified_objects: None,
            identified_packs: Vec::new(),
        }
    }

    /// Writes the update to the cache, and removes the entries about packs that no longer exist.
    pub fn keep(self, cache: &Cache) {
        let all = self.known.iter().chain(self.fresh.iter().map(|pack| &pack.digest));
        let all: BTreeSet<CacheDigest> = all.copied().collect();
        for pack in &self.fresh {
            cache.store(&pack.digest, &pack.facts);
            cache.store(&RepackFacts::subject(&pack.digest), &pack.after_repack);
        }
        let kept: Vec<CacheDigest> = all.iter().copied().collect();
        if kept != self.previous {
            let mut bytes = Vec::new();
            put_number(&mut bytes, kept.len() as u64);
            kept.iter().for_each(|digest| bytes.extend_from_slice(digest));
            cache.store(&self.list_subject, &bytes);
            for removed in self.previous.iter().filter(|digest| !all.contains(*digest)) {
                cache.remove(removed);
                cache.remove(&RepackFacts::subject(removed));
            }
        }
        self.note(cache);
    }

    /// Adds notes on how many packs were known, and about which packs nothing is stored.
    fn note(&self, cache: &Cache) {
        let (known, packs) = (self.known.len(), self.packs);
        let objects = match self.known_objects {
            0 => String::new(),
            objects => format!(", and {objects} objects that were in other packs"),
        };
        let repository = &self.repository;
        cache.note(format!(
            "cache: {repository}: {known} of {packs} packs were searched by an earlier audit{objects}"
        ));
        for (pack, reason) in &self.not_kept {
            cache.note(format!(
                "cache: {}: nothing is kept of this pack, which the next audit will search again: {reason}",
                pack.display()
            ));
        }
    }
}

/// Decodes the list of packs that an update has written; `None` if it is malformed.
pub(super) fn decode_list(bytes: &[u8]) -> Option<Vec<CacheDigest>> {
    let mut reader = CacheReader::new(bytes);
    let list =
        (0..reader.count(size_of::<CacheDigest>())?).map(|_| reader.array()).collect::<Option<Vec<_>>>()?;
    reader.is_at_end().then_some(list)
}
