//! Blobs of a history that are containers. The sweep only marks them; they are opened afterwards.

use std::collections::{BTreeMap, HashMap};

use super::repository_audit::RepositoryAudit;
use crate::cache::{CacheDigest, CleanContents, MIN_CONTENT_LEN, SearchedContent};
use crate::detect::PassedOver;
use crate::git::{MatchedObject, ObjectId, PackedCopy};
use crate::model::Skip;
use crate::scan::objects::{SearchOptions, SharedKey, blob_name, search};

/// Maximum size of a container that is opened, in bytes, since its blob is held in memory.
const MAX_CONTAINER_BYTES: u64 = 1 << 30;

/// A container that could not be opened completely, or the pointer of a Git LFS file that could not be verified.
pub(super) struct UnopenedContainer {
    pub(super) id: ObjectId,
    pub(super) skips: Vec<Skip>,
}

impl UnopenedContainer {
    /// What was not opened, named by a path if one is known.
    pub(super) fn skips_at(&self, path: Option<&str>) -> Vec<Skip> {
        let blob = blob_name(&self.id);
        let with_path = |Skip { what, reason }: &Skip| {
            let entry = what.strip_prefix(&blob).unwrap_or_default();
            match path {
                Some(path) => Skip::new(format!("{path}{entry}"), format!("{reason} ({blob})")),
                None => Skip::new(&**what, &**reason),
            }
        };
        self.skips.iter().map(with_path).collect()
    }
}

/// Maximum number of containers of which the cache also records those that are shorter than [`MIN_CONTENT_LEN`].
const MAX_SHORT: usize = 64;

/// What an earlier audit determined about a container, if that is known without reading it: by its place, or by the digest
/// of its content that the sweep has computed.
fn searched_before<'c>(
    clean: &'c CleanContents<'_>,
    id: &ObjectId,
    place: Option<CacheDigest>,
    content: Option<CacheDigest>,
) -> Option<&'c SearchedContent> {
    if let Some(searched) = place.and_then(|place| clean.known(&place)) {
        return Some(searched);
    }
    let searched = clean.known(&CleanContents::object_digest(&content?, id.as_bytes()))?;
    place.into_iter().for_each(|place| clean.add(place, searched.clone()));
    Some(searched)
}

impl RepositoryAudit<'_> {
    /// Opens and searches the containers, given with their sizes and, as far as known, their only copies, unless they
    /// are `clean`. Objects with text that the detector `passed_over` are reported together with those that could not
    /// be opened.
    pub(super) fn unpack(
        &mut self,
        (containers, only_copies): (&[(ObjectId, u64)], &HashMap<ObjectId, PackedCopy>),
        clean: Option<CleanContents<'_>>,
        passed_over: &[ObjectId],
        matched_objects: &mut Vec<MatchedObject<SharedKey>>,
    ) -> Vec<UnopenedContainer> {
        let mut unopened: BTreeMap<ObjectId, Vec<Skip>> = BTreeMap::new();
        for id in passed_over {
            unopened.entry(*id).or_default().push(Skip::new(blob_name(id), PassedOver::REASON));
        }
        let keeps_short = containers.len() <= MAX_SHORT;
        let place_digest = |id: &ObjectId, size: u64| {
            let copy = only_copies.get(id).filter(|_| keeps_short || size >= MIN_CONTENT_LEN as u64)?;
            Some(CleanContents::place_digest(&copy.pack, id.as_bytes()))
        };
        let mut ids = Vec::with_capacity(containers.len());
        let mut cached_bytes = 0;
        for (id, size) in containers {
            let known = clean.as_ref().and_then(|clean| {
                searched_before(clean, id, place_digest(id, *size), only_copies.get(id)?.content)
            });
            if let Some(searched) = known {
                cached_bytes += searched.bytes;
                if !searched.skip_reasons.is_empty() {
                    let skips =
                        searched.skip_reasons.iter().map(|reason| Skip::new(blob_name(id), &**reason));
                    unopened.entry(*id).or_default().extend(skips);
                }
            } else if *size <= MAX_CONTAINER_BYTES {
                ids.push(*id);
            } else {
                let reason = format!("a container of {size} bytes, too large to hold in memory; not opened");
                unopened.entry(*id).or_default().push(Skip::new(blob_name(id), reason));
            }
        }
        let options =
            SearchOptions { clean: clean.as_ref(), ..SearchOptions::new(self.options.threads, &|_| None) };
        let searched = search(self.settings, self.repo, &ids, &options);
        if let Some(clean) = clean.filter(|_| !self.is_stopped()) {
            let sizes: HashMap<_, _> = containers.iter().copied().collect();
            for (id, digest, searched) in &searched.clean {
                let size = sizes.get(id).copied().unwrap_or_default();
                // It was read by its id, after the pack was identified: what was read must also be what is in the pack.
                let is_in_pack = only_copies.get(id).is_some_and(|copy| copy.content == Some(*digest));
                let place_digest = place_digest(id, size).filter(|_| is_in_pack);
                place_digest.into_iter().for_each(|digest| clean.add(digest, searched.clone()));
            }
            clean.store();
        }
        matched_objects.extend(searched.found);
        // The sweep has counted the containers themselves.
        let counted_bytes: u64 = containers.iter().map(|(_, size)| size).sum();
        self.outcome.coverage.bytes += (searched.bytes + cached_bytes).saturating_sub(counted_bytes);
        self.outcome.coverage.skipped.extend(searched.gaps.into_skips());
        for (id, skip) in searched.skipped {
            unopened.entry(id).or_default().push(skip);
        }
        unopened.into_iter().map(|(id, skips)| UnopenedContainer { id, skips }).collect()
    }
}
