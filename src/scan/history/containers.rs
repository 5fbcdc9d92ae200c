//! Blobs of a history that are containers. The sweep only marks them; they are opened afterwards.

use std::collections::{BTreeMap, HashMap};

use super::repository_audit::RepositoryAudit;
use super::secret_index::PartlySearchedObject;
use crate::cache::{CleanContents, MIN_LEN};
use crate::detect::PassedOver;
use crate::git::attribution::{Query, SecretHistory, SecretPath};
use crate::git::{MatchedObject, ObjectId, PackedCopy};
use crate::model::{Skip, native_path};
use crate::scan::objects::{SearchOptions, SharedKey, blob_name, search};

/// Maximum size of a container that is opened, in bytes, since its blob is held in memory.
const MAX_CONTAINER_BYTES: u64 = 1 << 30;

/// A container that could not be opened completely.
pub(super) struct UnopenedContainer {
    pub(super) id: ObjectId,
    pub(super) skips: Vec<Skip>,
}

impl UnopenedContainer {
    /// What was not opened, named by a path if one is known.
    fn skips_at(&self, path: Option<&str>) -> Vec<Skip> {
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

/// Maximum number of containers of which the cache also records those that are shorter than [`MIN_LEN`].
const MAX_SHORT: usize = 64;
/// Maximum number of containers whose path is looked up; reports name the others by object id.
pub(super) const MAX_NAMED: usize = 1000;
/// Maximum number of paths of one blob that are compared to find the newest.
const MAX_PATHS: usize = 64;

/// Adds the containers to the query about the secrets, numbered like secrets.
pub(super) fn add_to_query(query: &mut Query, unopened: &[UnopenedContainer]) {
    let with_path = &unopened[..unopened.len().min(MAX_NAMED)];
    for (container, number) in with_path.iter().zip(query.secret_count as u32..) {
        query.objects.entry(container.id).or_default().push(number);
    }
    query.secret_count += with_path.len();
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
            let copy = only_copies.get(id).filter(|_| keeps_short || size >= MIN_LEN as u64)?;
            Some(CleanContents::place_digest(&copy.pack, id.as_bytes()))
        };
        let mut ids = Vec::with_capacity(containers.len());
        let mut cached_bytes = 0;
        for (id, size) in containers {
            let searched_before = clean.as_ref().and_then(|clean| clean.known(&place_digest(id, *size)?));
            if let Some(bytes) = searched_before {
                cached_bytes += bytes;
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
                place_digest.into_iter().for_each(|digest| clean.add(digest, *searched));
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

    /// Reports what could not be opened, under its newest path, unless all of its paths are excluded.
    pub(super) fn report_unopened(&mut self, unopened: &[UnopenedContainer], histories: &[SecretHistory]) {
        for (container, history) in unopened.iter().zip(histories) {
            let path = self.newest_path(history);
            let excluded = history.paths.first().filter(|_| path.is_none());
            match excluded.map(|place| String::from_utf8_lossy(&place.path).into_owned()) {
                None => self.report_unopened_container(container, path),
                Some(path) => {
                    let skips = container.skips_at(Some(&path));
                    self.add_unsearched(PartlySearchedObject {
                        id: container.id,
                        path: Some(path),
                        skips,
                        is_excluded: true,
                    });
                }
            }
        }
        for container in &unopened[histories.len().min(unopened.len())..] {
            self.report_unopened_container(container, None);
        }
    }

    /// Reports what could not be opened, under the paths that are known already. Nothing is excluded.
    pub(super) fn report_unopened_at(&mut self, unopened: &[UnopenedContainer], paths: Vec<Option<String>>) {
        let paths = paths.into_iter().chain(std::iter::repeat(None));
        for (container, path) in unopened.iter().zip(paths) {
            self.report_unopened_container(container, path);
        }
    }

    fn report_unopened_container(&mut self, container: &UnopenedContainer, path: Option<String>) {
        let skips = container.skips_at(path.as_deref());
        self.outcome.coverage.skipped.extend(skips.iter().cloned());
        self.add_unsearched(PartlySearchedObject { id: container.id, path, skips, is_excluded: false });
    }

    fn add_unsearched(&mut self, object: PartlySearchedObject) {
        self.outcome.key_objects.unsearched.push(object);
    }

    /// The path in the newest commit, among those that are not excluded; the name of the ref if only a ref
    /// leads to the blob.
    fn newest_path(&mut self, history: &SecretHistory) -> Option<String> {
        let prefix = self.prefix;
        let (_, path) = self.newest_place(history)?;
        let path = String::from_utf8_lossy(&path).into_owned();
        match path.len() > prefix.len() {
            true => Some(path),
            false => {
                let name = history.reachability.refs_at_tip.first().or(history.reachability.held_by.first());
                Some(format!("{path}{}", name.map_or("a blob without a path", String::as_str)))
            }
        }
    }

    /// The place in the newest commit, among those that are not excluded, and its path with the prefix.
    pub(super) fn newest_place<'h>(
        &mut self,
        history: &'h SecretHistory,
    ) -> Option<(&'h SecretPath, Vec<u8>)> {
        let excludes = self.options.exclude.as_ref();
        let prefix = self.prefix;
        let places = history.paths.iter().map(|place| (place, [prefix, &place.path[..]].concat()));
        let is_open = |path: &[u8]| !excludes.is_some_and(|excludes| excludes.covers(&native_path(path)));
        let places: Vec<_> = places.filter(|(_, path)| is_open(path)).take(MAX_PATHS).collect();
        let mut newest: Option<(i64, &SecretPath, Vec<u8>)> = None;
        for (place, path) in places {
            let date = place.commit.and_then(|commit| self.commit_seconds(&commit)).unwrap_or(i64::MIN);
            if newest.as_ref().is_none_or(|(newest_date, ..)| date > *newest_date) {
                newest = Some((date, place, path));
            }
        }
        newest.map(|(_, place, path)| (place, path))
    }
}
