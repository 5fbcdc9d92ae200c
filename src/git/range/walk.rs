//! Walks from the tips of a range to its exclusions.

use std::collections::BinaryHeap;

use gix::ObjectId;
use gix::hashtable::HashSet;
use gix::objs::Kind;

use super::super::commit::Header;
use super::super::lookup::Lookup;
use super::parse::Revisions;
use super::{Range, RangeCommit, RangeError};

/// How much older than its parents a commit may be before [`ExclusionMode::Quick`] mistakes an excluded commit for
/// one of the range: 30 days, in seconds. Clocks are rarely off by more.
const MAX_CLOCK_SKEW: i64 = 30 * 86_400;

/// How thoroughly to follow the exclusions of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExclusionMode {
    /// Stops at commits older than all of the range, as git does. Takes milliseconds, and gives the same result if
    /// commit dates are sane; otherwise the range may have too many commits, never too few.
    Quick,
    /// Follows exclusions to the root commits, in up to a second per hundred thousand commits. For when something was
    /// found and must be attributed.
    Exact,
}

/// Finds the commits of a range.
///
/// # Errors
///
/// When there is no tip, or a tip is missing. Missing parents are gaps of the range.
pub fn select(
    repo: &gix::Repository,
    revisions: &Revisions,
    mode: ExclusionMode,
) -> Result<Range, RangeError> {
    if revisions.tips.is_empty() {
        return Err(RangeError::Empty);
    }
    let mut lookup = Lookup::new(repo);
    let mut range = Range::default();
    let mut tips = Vec::new();
    for &tip in &revisions.tips {
        match peel(&mut lookup, tip, Some(&mut range.tags))? {
            (Kind::Commit, id) => tips.push(id),
            object => range.objects.push(object),
        }
    }
    let mut excluded = Ancestry::new(Lookup::new(repo));
    let hidden: Result<Vec<_>, _> = revisions.hidden.iter().map(|&id| peel(&mut lookup, id, None)).collect();
    let (commits, others): (Vec<_>, Vec<_>) =
        hidden?.into_iter().partition(|(kind, _)| *kind == Kind::Commit);
    excluded.add(commits.into_iter().map(|(_, id)| id));
    range.objects.retain(|object| !others.contains(object));
    range.objects.sort_unstable_by_key(|(_, id)| *id);
    range.objects.dedup();
    for &(a, b) in &revisions.common {
        let (a, b) = (commit(&mut lookup, a)?, commit(&mut lookup, b)?);
        let mut ancestries = [Ancestry::new(Lookup::new(repo)), Ancestry::new(Lookup::new(repo))];
        // The common ancestors are known only once all ancestors of both are.
        ancestries[0].add(vec![a]);
        ancestries[1].add(vec![b]);
        ancestries.iter_mut().for_each(|excluded| excluded.follow(i64::MIN));
        excluded.add_common(&ancestries[0], &ancestries[1]);
    }
    for tip in tips {
        descend(&mut lookup, &mut excluded, mode, tip, &mut range);
    }
    range.tags.sort();
    range.tags.dedup();
    range.gaps = lookup.gaps;
    Ok(range)
}

/// Peels `id` to a commit.
fn commit(lookup: &mut Lookup, id: ObjectId) -> Result<ObjectId, RangeError> {
    match peel(lookup, id, None)? {
        (Kind::Commit, id) => Ok(id),
        (kind, _) => Err(RangeError::NotCommit { revision: id.to_string(), kind }),
    }
}

/// Peels `id`, and collects the tags on the way.
fn peel(
    lookup: &mut Lookup,
    id: ObjectId,
    mut tags: Option<&mut Vec<ObjectId>>,
) -> Result<(Kind, ObjectId), RangeError> {
    let mut at = id;
    // The same limit as that of `Lookup::peel`.
    for _ in 0..64 {
        match lookup.kind(&at) {
            Some(Kind::Tag) => {
                if let Some(tags) = tags.as_deref_mut() {
                    tags.push(at);
                }
                let target = lookup.of_kind(&at, Kind::Tag).and_then(super::super::lookup::tag_target);
                at = target.ok_or(RangeError::Missing { id: at })?;
            }
            Some(kind) => return Ok((kind, at)),
            None => return Err(RangeError::Missing { id: at }),
        }
    }
    Err(RangeError::NotCommit { revision: id.to_string(), kind: Kind::Tag })
}

/// Adds `tip` and all its ancestors that are not excluded, parents first.
fn descend(
    lookup: &mut Lookup,
    excluded: &mut Ancestry,
    mode: ExclusionMode,
    tip: ObjectId,
    range: &mut Range,
) {
    let mut met: HashSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    let mut stack = vec![(tip, None)];
    while let Some((id, read)) = stack.pop() {
        if let Some(commit) = read {
            range.commits.push(commit);
            continue;
        }
        if excluded.contains(&id) || !met.insert(id) {
            continue;
        }
        let Some(bytes) = lookup.of_kind(&id, Kind::Commit) else { continue };
        let header = Header::new(bytes);
        excluded.follow(match mode {
            ExclusionMode::Quick => header.committed().saturating_sub(MAX_CLOCK_SKEW),
            ExclusionMode::Exact => i64::MIN,
        });
        if excluded.contains(&id) {
            continue;
        }
        let Some(tree) = header.tree() else {
            lookup.gaps.push(format!("commit {id}"), "malformed: it names no tree");
            continue;
        };
        let commit = RangeCommit { id, tree, parents: header.parents().collect() };
        let parents = commit.parents.clone();
        stack.push((id, Some(commit)));
        stack.extend(parents.into_iter().rev().map(|parent| (parent, None)));
    }
}

/// The ancestors of some commits, as far as they were followed.
///
/// Reads the commits themselves. A commit-graph file would be faster, but anyone who can write to the git directory could
/// make it claim that a range is empty.
struct Ancestry {
    commits: HashSet<ObjectId>,
    /// Commits whose parents were not added yet: date and parents, newest first.
    pending: BinaryHeap<(i64, Vec<ObjectId>)>,
    lookup: Lookup,
}

impl Ancestry {
    fn new(lookup: Lookup) -> Self {
        Self { commits: HashSet::default(), pending: BinaryHeap::new(), lookup }
    }

    fn contains(&self, id: &ObjectId) -> bool {
        self.commits.contains(id)
    }

    /// Adds these commits. The walk ends at a missing one, so that less is excluded.
    fn add(&mut self, commits: impl IntoIterator<Item = ObjectId>) {
        for id in commits {
            if self.commits.insert(id)
                && let Some(bytes) = self.lookup.of_kind(&id, Kind::Commit)
            {
                let header = Header::new(bytes);
                self.pending.push((header.committed(), header.parents().collect()));
            }
        }
    }

    /// Adds the ancestors of all commits, through commits that are not older than `date`.
    fn follow(&mut self, date: i64) {
        while self.pending.peek().is_some_and(|&(newest, _)| newest >= date) {
            if let Some((_, parents)) = self.pending.pop() {
                self.add(parents);
            }
        }
    }

    /// Adds the commits that `a` and `b` have in common.
    fn add_common(&mut self, a: &Self, b: &Self) {
        self.commits.extend(a.commits.iter().filter(|id| b.contains(id)));
    }
}
