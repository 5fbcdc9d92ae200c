//! Searches a clone for the old objects, those that the purge rewrote, and for the refs and reflog entries that lead to them.

use std::collections::HashSet;

use super::{PurgedHistory, proper_refs};
use crate::git::attribution::{Options, Query, attribute};
use crate::git::refs::Refs;
use crate::git::{Gaps, ObjectId, ObjectKind, ObjectReader, Repository};
use crate::model::{OldObject, OldObjects, Reachability};

/// A name that leads to old objects.
pub(super) struct RetainingName {
    pub(super) name: String,
    /// Whether it is an entry of a reflog or a pseudo ref.
    pub(super) is_local: bool,
    /// The old commit or tag that the name leads to; `None` for old trees and blobs.
    pub(super) id: Option<ObjectId>,
}

/// The result of looking for old objects.
pub(super) struct OldObjectSearch {
    pub(super) summary: OldObjects,
    pub(super) retaining_names: Vec<RetainingName>,
    pub(super) gaps: Gaps,
}

/// Searches for every old object of `purged_history`.
pub(super) fn search(
    repo: &Repository,
    refs: &Refs,
    purged_history: &PurgedHistory,
    options: &Options<'_>,
) -> OldObjectSearch {
    let mut objects = ObjectReader::new(repo);
    let present: Vec<&(ObjectId, ObjectKind)> =
        purged_history.old_objects.iter().filter(|(id, _)| objects.has(id)).collect();
    let listed = present.iter().take(OldObjects::MAX_LISTED);
    let summary = OldObjects {
        sought: purged_history.old_objects.len() as u64,
        present: present.len() as u64,
        found: listed.map(|(id, kind)| OldObject { id: id.to_string(), kind: kind_name(*kind) }).collect(),
    };
    let mut search = OldObjectSearch { summary, retaining_names: Vec::new(), gaps: Gaps::default() };
    if present.is_empty() {
        return search;
    }
    let ids_of_kind = |searched_kind: ObjectKind| {
        present.iter().filter(move |(_, kind)| *kind == searched_kind).map(|(id, _)| *id)
    };
    search.add_refs_to_tags(refs, &ids_of_kind(ObjectKind::Tag).collect(), &mut objects);
    let blobs_and_trees = ids_of_kind(ObjectKind::Blob).chain(ids_of_kind(ObjectKind::Tree));
    // Attribution follows secrets: all old blobs and trees are treated as if they contained the same secret, number 0.
    let query = Query {
        objects: blobs_and_trees.map(|id| (id, vec![0])).collect(),
        commits: earliest_commits(&ids_of_kind(ObjectKind::Commit).collect(), &mut objects),
        secret_count: 1,
    };
    let attribution = attribute(repo, refs, &query, options);
    for (id, reachability) in query.commits.iter().zip(&attribution.commits) {
        search.add_names(reachability, Some(*id));
    }
    for secret in &attribution.secrets {
        search.add_names(&secret.reachability, None);
    }
    search.gaps.merge(attribution.gaps);
    search.gaps.merge(objects.into_gaps());
    search
}

impl OldObjectSearch {
    /// Adds the names that lead to `id`, or to old blobs and trees if it is `None`.
    fn add_names(&mut self, reachability: &Reachability, id: Option<ObjectId>) {
        let refs = reachability.refs_at_tip.iter().chain(&reachability.refs_in_history);
        let refs = refs.map(|name| (name, false));
        let local = reachability.held_by.iter().map(|name| (name, true));
        let names = refs.chain(local);
        self.retaining_names.extend(names.map(|(name, is_local)| RetainingName {
            name: name.clone(),
            is_local,
            id,
        }));
    }

    /// Adds the refs that lead to tags in `old_tags`.
    fn add_refs_to_tags(&mut self, refs: &Refs, old_tags: &HashSet<ObjectId>, objects: &mut ObjectReader) {
        if old_tags.is_empty() {
            return;
        }
        for tip in proper_refs(refs) {
            let tags = objects.tags_from(tip.id).into_iter().filter(|tag| old_tags.contains(tag));
            self.retaining_names.extend(tags.map(|tag| RetainingName {
                name: tip.name.clone(),
                is_local: false,
                id: Some(tag),
            }));
        }
    }
}

/// The commits of which no parent is in `commits`. A ref that leads to any of `commits` leads to one of these.
fn earliest_commits(commits: &HashSet<ObjectId>, objects: &mut ObjectReader) -> Vec<ObjectId> {
    let is_earliest = |id: &&ObjectId| !objects.parents(id).iter().any(|parent| commits.contains(parent));
    let mut earliest: Vec<ObjectId> = commits.iter().filter(is_earliest).copied().collect();
    earliest.sort_unstable();
    earliest
}

fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Blob => "blob",
        ObjectKind::Tree => "tree",
        ObjectKind::Commit => "commit",
        ObjectKind::Tag => "tag",
    }
}
