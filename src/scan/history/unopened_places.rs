//! Names what could not be opened by a path: the first one in HEAD's tree, otherwise the newest one in the history.
//!
//! Most such containers are in HEAD's tree, which is read quickly. All trees are read only if one is not. An id leads to what
//! was not opened even if there is no path.

use std::collections::HashSet;

use super::containers::UnopenedContainer;
use super::repository_audit::RepositoryAudit;
use super::secret_index::PartlySearchedObject;
use crate::git::attribution::{Query, SecretHistory, SecretPath};
use crate::git::{ObjectId, ObjectReader, first_paths};
use crate::model::native_path;

/// Maximum number of containers whose path is looked up; reports name the others by object id.
pub(super) const MAX_NAMED: usize = 1000;
/// Maximum number of paths of one blob that are compared to find the newest.
const MAX_PATHS: usize = 64;

/// Where a container is.
#[derive(Clone, Debug)]
pub(super) struct UnopenedPlace {
    /// What reports call the container, if its id is not all that is known.
    pub(super) name: Option<String>,
    /// Whether all of its paths are excluded.
    is_excluded: bool,
    /// A commit with the container, and its path there.
    pub(super) in_commit: Option<(ObjectId, Vec<u8>)>,
}

impl UnopenedPlace {
    /// The place of a container to which no path leads.
    pub(super) const NOWHERE: Self = Self { name: None, is_excluded: false, in_commit: None };

    /// A place with this name.
    pub(super) fn named(name: String) -> Self {
        Self { name: Some(name), ..Self::NOWHERE }
    }
}

/// Adds containers to the query about the secrets, numbered like secrets.
pub(super) fn add_to_query<'u>(query: &mut Query, unopened: impl Iterator<Item = &'u UnopenedContainer>) {
    for container in unopened {
        query.objects.entry(container.id).or_default().push(query.secret_count as u32);
        query.secret_count += 1;
    }
}

impl RepositoryAudit<'_> {
    /// The first path in the tree of `head` that is not excluded, for each of the first containers.
    pub(super) fn places_in_head(
        &self,
        head: Option<&ObjectId>,
        unopened: &[UnopenedContainer],
    ) -> Vec<Option<UnopenedPlace>> {
        let named = &unopened[..unopened.len().min(MAX_NAMED)];
        let wanted: HashSet<ObjectId> = named.iter().map(|container| container.id).collect();
        let paths = head.map(|head| {
            // A reader of its own, whose gaps are not reported: what HEAD's tree lacks is reported anyway.
            let mut objects = ObjectReader::new(self.repo);
            first_paths(&mut objects, head, &wanted, &|path| self.admits(&[self.prefix, path].concat()))
        });
        let mut paths = paths.unwrap_or_default();
        let place = |container: &UnopenedContainer| {
            let path = paths.remove(&container.id)?;
            let name = String::from_utf8_lossy(&[self.prefix, &path].concat()).into_owned();
            Some(UnopenedPlace { in_commit: head.map(|head| (*head, path)), ..UnopenedPlace::named(name) })
        };
        named.iter().map(place).collect()
    }

    /// The newest place in the history of a container; the name of the ref if only a ref leads to the blob.
    pub(super) fn place_in_history(&mut self, history: &SecretHistory) -> UnopenedPlace {
        let prefix = self.prefix;
        let Some((place, path)) = self.newest_place(history) else {
            let excluded = history.paths.first().map(|place| String::from_utf8_lossy(&place.path));
            return UnopenedPlace {
                is_excluded: excluded.is_some(),
                name: excluded.map(|path| path.into_owned()),
                in_commit: None,
            };
        };
        let in_commit = place.commit.map(|commit| (commit, place.path.clone()));
        let mut name = String::from_utf8_lossy(&path).into_owned();
        if path.len() <= prefix.len() {
            let holder = history.reachability.refs_at_tip.first().or(history.reachability.held_by.first());
            name.push_str(holder.map_or("a blob without a path", String::as_str));
        }
        UnopenedPlace { in_commit, ..UnopenedPlace::named(name) }
    }

    /// The place in the newest commit, among those that are not excluded, and its path with the prefix.
    fn newest_place<'h>(&mut self, history: &'h SecretHistory) -> Option<(&'h SecretPath, Vec<u8>)> {
        let prefix = self.prefix;
        let places = history.paths.iter().map(|place| (place, [prefix, &place.path[..]].concat()));
        let places: Vec<_> = places.filter(|(_, path)| self.admits(path)).take(MAX_PATHS).collect();
        let mut newest: Option<(i64, &SecretPath, Vec<u8>)> = None;
        for (place, path) in places {
            let date = place.commit.and_then(|commit| self.commit_seconds(&commit)).unwrap_or(i64::MIN);
            if newest.as_ref().is_none_or(|(newest_date, ..)| date > *newest_date) {
                newest = Some((date, place, path));
            }
        }
        newest.map(|(_, place, path)| (place, path))
    }

    /// Whether a path, with the prefix, is not excluded.
    fn admits(&self, path: &[u8]) -> bool {
        !self.options.exclude.as_ref().is_some_and(|excludes| excludes.covers(&native_path(path)))
    }

    /// Reports what could not be opened, under the names of the places, unless all of its paths are excluded.
    pub(super) fn report_unopened(
        &mut self,
        unopened: &[UnopenedContainer],
        places: impl IntoIterator<Item = UnopenedPlace>,
    ) {
        let places = places.into_iter().chain(std::iter::repeat(UnopenedPlace::NOWHERE));
        for (container, UnopenedPlace { name: path, is_excluded, .. }) in unopened.iter().zip(places) {
            let skips = container.skips_at(path.as_deref());
            if !is_excluded {
                self.outcome.coverage.skipped.extend(skips.iter().cloned());
            }
            let object = PartlySearchedObject { id: container.id, path, skips, is_excluded };
            self.outcome.key_objects.unsearched.push(object);
        }
    }
}
