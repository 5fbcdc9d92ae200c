//! Turns secrets with their attribution into places at paths.

use std::collections::HashSet;
use std::sync::Arc;

use super::containers::UnopenedContainer;
use super::key_places::KeyPlace;
use super::repository_audit::RepositoryAudit;
use super::secret_index::SecretIndex;
use super::unopened_places::{UnopenedPlace, add_to_query};
use crate::git::attribution::{Attribution, SecretHistory, SecretPath, attribute};
use crate::git::refs::Refs;
use crate::git::{self, IdentifiedObjects, ObjectId, ObjectKind};
use crate::model::{DetectedKey, LeakStatus, Origin, Reachability, Surface};
use crate::scan::located::LocatedSecret;

impl RepositoryAudit<'_> {
    /// Reports findings by the objects that contain them, without any attribution.
    pub(super) fn add_unattributed_findings(&mut self, secrets: &SecretIndex) {
        let kinds = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
        for (id, kind, occurrences) in secrets.of_kinds(&kinds) {
            let surface = match kind {
                ObjectKind::Tree => Surface::FileName,
                ObjectKind::Commit => Surface::CommitMessage,
                ObjectKind::Tag => Surface::TagMessage,
                ObjectKind::Blob => Surface::Blob,
            };
            let is_commit = kind == ObjectKind::Commit;
            for (number, _) in occurrences {
                let detected_key = &secrets.keys[*number as usize];
                let facts = self.outcome.history_facts.entry(detected_key.fingerprint).or_default();
                facts.add_status(LeakStatus::Unknown);
                let origin = Origin {
                    surface,
                    path: None,
                    object: (!is_commit).then(|| id.to_string()),
                    commit: is_commit.then(|| id.to_string()),
                    container: Vec::new(),
                };
                self.push(detected_key, origin, LocatedSecret::without_position(detected_key), 1);
            }
        }
    }

    /// Reports what was found, and what could not be opened, with the commits, paths and refs that lead to it. `objects`
    /// identifies all objects, if results that depend on them alone can be kept in a cache.
    pub(super) fn attribute(
        &mut self,
        refs: &Refs,
        secrets: &SecretIndex,
        unopened: &[UnopenedContainer],
        objects: Option<&IdentifiedObjects>,
    ) {
        let mut query = secrets.query();
        let object_ids: HashSet<ObjectId> = query.objects.keys().copied().collect();
        let objects = objects.filter(|_| secrets.keys.is_empty());
        let head = git::head_commit(self.repo);
        let cache_entry =
            objects.and_then(|objects| self.unopened_paths((head.as_ref(), refs), unopened, objects));
        if let Some(known) = cache_entry.as_ref().and_then(|entry| self.known_paths(entry, unopened)) {
            self.report_unopened(unopened, known);
            // There are no keys, but an index that cannot be read is a gap.
            return self.add_index_places(secrets, &object_ids, &[], &mut Vec::new());
        }
        let in_head = self.places_in_head(head.as_ref(), unopened);
        let elsewhere = unopened.iter().zip(&in_head).filter(|(_, place)| place.is_none());
        add_to_query(&mut query, elsewhere.map(|(container, _)| container));
        let options = self.attribution(self.wants(Surface::Unreachable));
        let Attribution { secrets: histories, commits, gaps } = attribute(self.repo, refs, &query, &options);
        let has_gaps = !gaps.is_empty();
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        if self.is_stopped() {
            return self.add_unattributed_findings(secrets);
        }
        let mut places = Vec::new();
        for (detected_key, history) in secrets.keys.iter().zip(&histories) {
            places.extend(self.places_of(detected_key, history, None));
        }
        let mut unopened_histories = histories[secrets.keys.len()..].iter();
        let place = |place: Option<UnopenedPlace>| match place {
            Some(place) => place,
            None => match unopened_histories.next() {
                Some(history) => self.place_in_history(history),
                None => UnopenedPlace::NOWHERE,
            },
        };
        let unopened_places: Vec<UnopenedPlace> = in_head.into_iter().map(place).collect();
        if let Some(entry) = cache_entry.filter(|_| !has_gaps) {
            self.keep_paths(&entry, unopened, &unopened_places);
        }
        self.report_unopened(unopened, unopened_places);
        self.add_index_places(secrets, &object_ids, &histories, &mut places);
        self.add_findings_at(places);
        self.add_message_findings(refs, &commits, secrets, false);
    }

    /// Records the facts of a key's history, and returns its places at paths in trees, and in objects to which no tree leads:
    /// on `surface`, or on the surface that follows from their reachability.
    pub(super) fn places_of(
        &mut self,
        detected_key: &Arc<DetectedKey>,
        history: &SecretHistory,
        surface: Option<Surface>,
    ) -> Vec<KeyPlace> {
        if history.paths.is_empty() && history.unnamed_objects.is_empty() {
            return Vec::new();
        }
        let now = self.options.now;
        let facts = self.outcome.history_facts.entry(detected_key.fingerprint).or_default();
        facts.add_history(history, now);
        let surface = surface.unwrap_or_else(|| surface_of(history));
        let place = |surface, path| KeyPlace { detected_key: Arc::clone(detected_key), surface, path };
        let named = history.paths.iter().map(|path| place(surface, path.clone()));
        let unnamed = history.unnamed_objects.iter().map(|id| {
            let no_path = SecretPath { path: Vec::new(), newest: *id, commit: None, versions: 1 };
            place(Surface::Unreachable, no_path)
        });
        named.chain(unnamed).collect()
    }

    /// Adds the places in index entries, including those that no commit contains yet.
    fn add_index_places(
        &mut self,
        secrets: &SecretIndex,
        object_ids: &HashSet<ObjectId>,
        histories: &[SecretHistory],
        places: &mut Vec<KeyPlace>,
    ) {
        if !self.wants(Surface::Index) {
            return;
        }
        let (staged, gaps) = git::staged_paths(self.repo, |id| object_ids.contains(id));
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        let mut in_index = Vec::new();
        // A blob that only an index refers to is not unreachable.
        let mut not_unreachable = HashSet::new();
        for (id, _, occurrences) in secrets.of_kinds(&[ObjectKind::Blob]) {
            let Some(paths) = staged.get(&id) else { continue };
            for (number, _) in occurrences {
                let detected_key = &secrets.keys[*number as usize];
                let committed = histories[*number as usize].paths.iter().filter(|place| place.newest == id);
                let committed: HashSet<_> = committed.map(|place| &place.path).collect();
                let facts = self.outcome.history_facts.entry(detected_key.fingerprint).or_default();
                facts.add_status(LeakStatus::Present);
                // No second finding for what HEAD has at the same path.
                for path in paths.iter().filter(|path| !committed.contains(path)) {
                    not_unreachable.insert((detected_key.fingerprint, id));
                    in_index.push(KeyPlace {
                        detected_key: Arc::clone(detected_key),
                        surface: Surface::Index,
                        path: SecretPath { path: path.clone(), newest: id, commit: None, versions: 1 },
                    });
                }
            }
        }
        places.retain(|place| {
            let id = place.path.newest;
            !place.path.path.is_empty() || !not_unreachable.contains(&(place.detected_key.fingerprint, id))
        });
        places.append(&mut in_index);
    }
}

/// The surface of a secret's paths, by what leads to them.
fn surface_of(history: &SecretHistory) -> Surface {
    let Reachability { refs_in_history, held_by, .. } = &history.reachability;
    let all =
        |names: &[String], prefix: &str| !names.is_empty() && names.iter().all(|n| n.starts_with(prefix));
    if all(refs_in_history, "refs/notes/") {
        Surface::Note
    } else if all(refs_in_history, "refs/stash") {
        Surface::Stash
    } else if !refs_in_history.is_empty() {
        Surface::Blob
    } else if all(held_by, "refs/stash@") {
        Surface::Stash
    } else {
        Surface::Unreachable
    }
}
