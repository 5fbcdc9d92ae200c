//! Turns secrets with their attribution into findings at paths.

use std::collections::HashSet;
use std::sync::Arc;

use super::containers::{self, UnopenedContainer};
use super::repository_audit::RepositoryAudit;
use super::secret_index::SecretIndex;
use crate::git::attribution::{Attribution, SecretHistory, SecretPath, attribute};
use crate::git::refs::Refs;
use crate::git::{self, IdentifiedObjects, ObjectId, ObjectKind, entry_name};
use crate::model::{DetectedKey, Finding, LeakStatus, Origin, Reachability, Surface};
use crate::scan::located::{LocatedSecret, content_name};

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
        let cache_entry = objects.and_then(|objects| self.unopened_paths(refs, unopened, objects));
        if let Some(paths) = cache_entry.as_ref().and_then(|entry| self.known_paths(entry, unopened)) {
            self.report_unopened_at(unopened, paths);
            return self.add_index_findings(secrets, &object_ids, &[]);
        }
        containers::add_to_query(&mut query, unopened);
        let options = self.attribution(self.wants(Surface::Unreachable));
        let Attribution { secrets: histories, commits, gaps } = attribute(self.repo, refs, &query, &options);
        let has_gaps = !gaps.is_empty();
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        if self.is_stopped() {
            return self.add_unattributed_findings(secrets);
        }
        for (detected_key, history) in secrets.keys.iter().zip(&histories) {
            self.add_path_findings(detected_key, history, None);
        }
        let unopened_histories = &histories[secrets.keys.len()..];
        self.report_unopened(unopened, unopened_histories);
        if let Some(entry) = cache_entry.filter(|_| !has_gaps) {
            self.keep_paths(&entry, unopened, unopened_histories);
        }
        self.add_index_findings(secrets, &object_ids, &histories);
        self.add_message_findings(refs, &commits, secrets, false);
    }

    /// Adds the findings at paths in trees, and in objects to which no tree leads; on `surface`, or on the
    /// surface that follows from their reachability.
    pub(super) fn add_path_findings(
        &mut self,
        detected_key: &Arc<DetectedKey>,
        history: &SecretHistory,
        surface: Option<Surface>,
    ) {
        if history.paths.is_empty() && history.unnamed_objects.is_empty() {
            return;
        }
        let now = self.options.now;
        let facts = self.outcome.history_facts.entry(detected_key.fingerprint).or_default();
        facts.add_history(history, now);
        let surface = surface.unwrap_or_else(|| surface_of(history));
        for place in &history.paths {
            self.add_finding_at(detected_key, surface, place);
        }
        for id in &history.unnamed_objects {
            let no_path = SecretPath { path: Vec::new(), newest: *id, commit: None, versions: 1 };
            self.add_finding_at(detected_key, Surface::Unreachable, &no_path);
        }
    }

    fn add_finding_at(&mut self, detected_key: &Arc<DetectedKey>, surface: Surface, place: &SecretPath) {
        let mut path = self.prefix.to_vec();
        path.extend_from_slice(&place.path);
        let is_named = place.commit.is_some() || !place.path.is_empty();
        let mut origin = Origin {
            surface,
            path: is_named.then_some(path),
            object: Some(place.newest.to_string()),
            commit: place.commit.map(|id| id.to_string()),
            container: Vec::new(),
        };
        // Locating a key reads its object again, which may take long after the time limit.
        let object = match self.is_stopped() {
            true => None,
            false => self.objects.read(&place.newest, "contains a finding"),
        };
        let Some((kind, object)) = object else {
            // A finding is reported even if its position is unknown.
            return self.push(
                detected_key,
                origin,
                LocatedSecret::without_position(detected_key),
                place.versions,
            );
        };
        let located = self.locator.first(place.newest, object, &content_name(&origin), detected_key);
        let Some(located) = located else {
            // The key is in another copy of the object, not the one that git would read.
            return self.push(
                detected_key,
                origin,
                LocatedSecret::without_position(detected_key),
                place.versions,
            );
        };
        let located = match kind {
            ObjectKind::Tree => {
                let offset = usize::try_from(located.span.start.offset).unwrap_or(usize::MAX);
                let Some((name, start)) = entry_name(object, offset, self.repo.object_hash()) else { return };
                let path = origin.path.get_or_insert_default();
                if !path.is_empty() && path.last() != Some(&b'/') {
                    path.push(b'/');
                }
                let name_start = path.len();
                path.extend_from_slice(&name);
                if surface == Surface::Blob {
                    origin.surface = Surface::FileName;
                }
                located.move_to_name(object, start, name_start)
            }
            _ => located,
        };
        self.push(detected_key, origin, located, place.versions);
    }

    /// Adds findings in index entries, including those that no commit contains yet.
    fn add_index_findings(
        &mut self,
        secrets: &SecretIndex,
        object_ids: &HashSet<ObjectId>,
        histories: &[SecretHistory],
    ) {
        if !self.wants(Surface::Index) {
            return;
        }
        let (staged, gaps) = git::staged_paths(self.repo, |id| object_ids.contains(id));
        self.outcome.coverage.skipped.extend(gaps.into_skips());
        for (id, _, occurrences) in secrets.of_kinds(&[ObjectKind::Blob]) {
            for path in staged.get(&id).into_iter().flatten() {
                for (number, _) in occurrences {
                    let detected_key = &secrets.keys[*number as usize];
                    let history = &histories[*number as usize];
                    let facts = self.outcome.history_facts.entry(detected_key.fingerprint).or_default();
                    facts.add_status(LeakStatus::Present);
                    // No second finding for what HEAD has at the same path.
                    if !history.paths.iter().any(|place| place.path == *path && place.newest == id) {
                        let place = SecretPath { path: path.clone(), newest: id, commit: None, versions: 1 };
                        self.outcome.findings.retain(|finding| !is_commitless(finding, detected_key, id));
                        self.add_finding_at(detected_key, Surface::Index, &place);
                    }
                }
            }
        }
    }
}

/// Whether the finding is of a blob that only an index refers to, which was first reported as unreachable.
fn is_commitless(finding: &Finding, detected_key: &DetectedKey, id: ObjectId) -> bool {
    finding.detected_key.fingerprint == detected_key.fingerprint
        && finding.origin.path.is_none()
        && finding.origin.object.as_deref() == Some(&id.to_string())
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
