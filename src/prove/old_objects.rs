//! Rewritten objects that are still in a repository, and what leads to them.

use std::collections::HashSet;

use super::{PurgedHistory, ref_names};
use crate::git::attribution::{Options, Query, attribute};
use crate::git::refs::Refs;
use crate::git::{Gaps, ObjectId, ObjectKind, ObjectReader, Repository};
use crate::model::{OldObject, OldObjects, Reachability};

/// A name that leads to rewritten objects.
pub(super) struct LeadingName {
    pub(super) name: String,
    /// Whether it is an entry of a reflog or a pseudo ref.
    pub(super) is_local: bool,
    /// The commit or tag; nothing if it leads to a tree or blob only.
    pub(super) id: Option<ObjectId>,
}

/// The result of looking for rewritten objects.
pub(super) struct OldObjectSearch {
    pub(super) summary: OldObjects,
    pub(super) leading: Vec<LeadingName>,
    pub(super) gaps: Gaps,
}

/// Looks for every object that `report` calls rewritten.
pub(super) fn search(
    repo: &Repository,
    refs: &Refs,
    report: &PurgedHistory,
    options: &Options<'_>,
) -> OldObjectSearch {
    let mut objects = ObjectReader::new(repo);
    let present: Vec<&(ObjectId, ObjectKind)> = report.old.iter().filter(|(id, _)| objects.has(id)).collect();
    let listed = present.iter().take(OldObjects::MAX_LISTED);
    let summary = OldObjects {
        sought: report.old.len() as u64,
        present: present.len() as u64,
        found: listed.map(|(id, kind)| OldObject { id: id.to_string(), kind: kind_name(*kind) }).collect(),
    };
    let mut found = OldObjectSearch { summary, leading: Vec::new(), gaps: Gaps::default() };
    if present.is_empty() {
        return found;
    }
    let of_kind =
        |wanted: ObjectKind| present.iter().filter(move |(_, kind)| *kind == wanted).map(|(id, _)| *id);
    found.tags(refs, &of_kind(ObjectKind::Tag).collect(), &mut objects);
    let contents = of_kind(ObjectKind::Blob).chain(of_kind(ObjectKind::Tree));
    let query = Query {
        objects: contents.map(|id| (id, vec![0])).collect(),
        commits: first_ones(&of_kind(ObjectKind::Commit).collect(), &mut objects),
        secrets: 1,
    };
    let answer = attribute(repo, refs, &query, options);
    for (id, reached) in query.commits.iter().zip(&answer.commits) {
        found.reached(reached, Some(*id));
    }
    for contents in &answer.secrets {
        found.reached(&contents.reachability, None);
    }
    found.gaps.merge(answer.gaps);
    found.gaps.merge(objects.into_gaps());
    found
}

impl OldObjectSearch {
    fn reached(&mut self, reached: &Reachability, id: Option<ObjectId>) {
        let refs = reached.refs_at_tip.iter().chain(&reached.refs_in_history).map(|name| (name, false));
        let local = reached.held_by.iter().map(|name| (name, true));
        let named = refs.chain(local);
        self.leading.extend(named.map(|(name, is_local)| LeadingName { name: name.clone(), is_local, id }));
    }

    /// Adds the refs that lead to `old` tags.
    fn tags(&mut self, refs: &Refs, old: &HashSet<ObjectId>, objects: &mut ObjectReader) {
        if old.is_empty() {
            return;
        }
        for tip in ref_names(refs) {
            let tags = objects.tags_from(tip.id).into_iter().filter(|tag| old.contains(tag));
            self.leading.extend(tags.map(|tag| LeadingName {
                name: tip.name.clone(),
                is_local: false,
                id: Some(tag),
            }));
        }
    }
}

/// Those of `commits` none of whose parents is among them. Whatever leads to any of them leads to one of these.
fn first_ones(commits: &HashSet<ObjectId>, objects: &mut ObjectReader) -> Vec<ObjectId> {
    let is_first = |id: &&ObjectId| !objects.parents(id).iter().any(|parent| commits.contains(parent));
    let mut first: Vec<ObjectId> = commits.iter().filter(is_first).copied().collect();
    first.sort_unstable();
    first
}

fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Blob => "blob",
        ObjectKind::Tree => "tree",
        ObjectKind::Commit => "commit",
        ObjectKind::Tag => "tag",
    }
}
