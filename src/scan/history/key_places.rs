//! Turns the places of keys in objects into findings with positions.

use std::sync::Arc;

use super::repository_audit::RepositoryAudit;
use crate::git::attribution::SecretPath;
use crate::git::{ObjectKind, TreeNames};
use crate::model::{DetectedKey, Origin, Surface};
use crate::scan::located::{LocatedSecret, content_name};

/// A key in an object, at a position in it that is not known yet.
pub(super) struct KeyPlace {
    pub(super) detected_key: Arc<DetectedKey>,
    pub(super) surface: Surface,
    pub(super) path: SecretPath,
}

impl RepositoryAudit<'_> {
    /// Reports the keys at these places. Reads each object once, however many keys it contains.
    pub(super) fn add_findings_at(&mut self, places: Vec<KeyPlace>) {
        let with_origin = |place: KeyPlace| (origin(self.prefix, &place), place);
        let mut places: Vec<_> = places.into_iter().map(with_origin).collect();
        // Within an object by name, since the name can decide how the content is searched.
        places.sort_by_cached_key(|(origin, place)| (place.path.newest, content_name(origin)));
        for of_object in places.chunk_by(|(_, one), (_, next)| one.path.newest == next.path.newest) {
            self.add_findings_in_object(of_object);
        }
    }

    /// Reports the keys in one object.
    fn add_findings_in_object(&mut self, places: &[(Origin, KeyPlace)]) {
        let Some((_, KeyPlace { path: SecretPath { newest: id, .. }, .. })) = places.first() else { return };
        // Locating a key reads its object again, which may take long after the time limit.
        let object = match self.is_stopped() {
            true => None,
            false => self.objects.read(id, "contains a finding"),
        };
        let mut findings = Vec::with_capacity(places.len());
        let names = match object {
            Some((ObjectKind::Tree, tree)) => Some(TreeNames::new(tree, self.repo.object_hash())),
            _ => None,
        };
        for (origin, KeyPlace { detected_key, surface, path }) in places {
            let mut origin = origin.clone();
            let located = object
                .and_then(|(_, bytes)| self.locator.first(*id, bytes, &content_name(&origin), detected_key));
            let located = match (object, located, &names) {
                // A finding is reported even if its position is unknown: the object cannot be read, or the key is in another
                // copy of it, not the one that git would read.
                (None, ..) | (_, None, _) => LocatedSecret::without_position(detected_key),
                (Some(_), Some(located), None) => located,
                (Some((_, tree)), Some(located), Some(names)) => {
                    let offset = usize::try_from(located.span.start.offset).unwrap_or(usize::MAX);
                    let Some((name, start)) = names.at(offset) else { continue };
                    let path = origin.path.get_or_insert_default();
                    if !path.is_empty() && path.last() != Some(&b'/') {
                        path.push(b'/');
                    }
                    let name_start = path.len();
                    path.extend_from_slice(name);
                    if *surface == Surface::Blob {
                        origin.surface = Surface::FileName;
                    }
                    located.move_to_name(tree, start, name_start)
                }
            };
            findings.push((detected_key, origin, located, path.versions));
        }
        drop(names);
        for (detected_key, origin, located, versions) in findings {
            self.push(detected_key, origin, located, versions);
        }
    }
}

/// The origin of the finding at `place`. `prefix` names the submodule.
fn origin(prefix: &[u8], place: &KeyPlace) -> Origin {
    let SecretPath { path, newest, commit, .. } = &place.path;
    let is_named = commit.is_some() || !path.is_empty();
    Origin {
        surface: place.surface,
        path: is_named.then(|| [prefix, path].concat()),
        object: Some(newest.to_string()),
        commit: commit.map(|id| id.to_string()),
        container: Vec::new(),
    }
}
