//! The union of several ranges. To git, the exclusions of one would apply to all.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::parse::Revisions;
use super::walk::{ExclusionMode, select};
use super::{Range, RangeCommit, RangeError};

/// Finds the commits that any of `ranges` describes.
///
/// # Errors
/// Those of [`select`], for any of the ranges.
pub fn select_union(
    repo: &gix::Repository,
    ranges: &[Revisions],
    mode: ExclusionMode,
) -> Result<Range, RangeError> {
    let mut selected = ranges.iter().map(|revisions| select(repo, revisions, mode));
    let mut union = selected.next().ok_or(RangeError::Empty)??;
    let mut has_more = false;
    for range in selected {
        let Range { commits, tags, objects, gaps } = range?;
        union.commits.extend(commits);
        union.tags.extend(tags);
        union.objects.extend(objects);
        union.gaps.merge(gaps);
        has_more = true;
    }
    if has_more {
        union.commits = parents_first(union.commits);
        union.tags.sort_unstable();
        union.tags.dedup();
        union.objects.sort_unstable_by_key(|(_, id)| *id);
        union.objects.dedup();
    }
    Ok(union)
}

/// Each of `commits` once, parents before children.
fn parents_first(commits: Vec<RangeCommit>) -> Vec<RangeCommit> {
    let mut order: Vec<ObjectId> = Vec::new();
    let mut waiting: HashMap<ObjectId, RangeCommit> = HashMap::new();
    for commit in commits {
        if let Entry::Vacant(vacant) = waiting.entry(commit.id) {
            order.push(commit.id);
            vacant.insert(commit);
        }
    }
    let mut sorted = Vec::with_capacity(order.len());
    let mut seen: HashSet<ObjectId> = HashSet::new();
    for id in order {
        let mut stack = vec![id];
        while let Some(&id) = stack.last() {
            let is_first = seen.insert(id);
            let parents = waiting.get(&id).filter(|_| is_first).map_or(&[][..], |commit| &commit.parents);
            let before = stack.len();
            let unseen =
                parents.iter().filter(|parent| waiting.contains_key(*parent) && !seen.contains(*parent));
            stack.extend(unseen.copied());
            if stack.len() == before {
                stack.pop();
                sorted.extend(waiting.remove(&id));
            }
        }
    }
    sorted
}
