//! Finds the commits of a range by walking from its tips to its exclusions.

use std::collections::BinaryHeap;

use gix::ObjectId;
use gix::hashtable::HashSet;
use gix::objs::Kind;

use super::super::commit::Header;
use super::super::lookup::Lookup;
use super::parse::Revisions;
use super::{Range, RangeCommit, RangeError};

/// Maximum number of seconds by which a commit may be older than its parents so that [`ExclusionMode::Quick`] gives the exact
/// result: 30 days. Clocks are rarely off by more.
const MAX_CLOCK_SKEW: i64 = 30 * 86_400;

/// How thoroughly to follow the exclusions of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExclusionMode {
    /// Stops at commits older than all of the range, as git does. Takes milliseconds. The result is exact if commits
    /// are not much older than their parents; otherwise the range may have too many commits, never too few.
    Quick,
    /// Follows exclusions to the root commits. Takes up to a second per hundred thousand commits. Attribution needs this, so
    /// that it does not report an old key as introduced.
    Exact,
}

/// Finds the commits of the range that `revisions` describe.
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
    let exclusions: Result<Vec<_>, _> =
        revisions.exclusions.iter().map(|&id| peel(&mut lookup, id, None)).collect();
    let (commits, excluded_objects): (Vec<_>, Vec<_>) =
        exclusions?.into_iter().partition(|(kind, _)| *kind == Kind::Commit);
    excluded.add(commits.into_iter().map(|(_, id)| id));
    range.objects.retain(|object| !excluded_objects.contains(object));
    range.objects.sort_unstable_by_key(|(_, id)| *id);
    range.objects.dedup();
    for &(a, b) in &revisions.symmetric_pairs {
        let (a, b) = (peel_to_commit(&mut lookup, a)?, peel_to_commit(&mut lookup, b)?);
        let mut ancestries = [Ancestry::new(Lookup::new(repo)), Ancestry::new(Lookup::new(repo))];
        // To know the common ancestors, all ancestors of both must be known.
        ancestries[0].add(vec![a]);
        ancestries[1].add(vec![b]);
        ancestries.iter_mut().for_each(|ancestry| ancestry.follow_until(i64::MIN));
        excluded.add_common(&ancestries[0], &ancestries[1]);
    }
    for tip in tips {
        add_history(&mut lookup, &mut excluded, mode, tip, &mut range);
    }
    range.tags.sort();
    range.tags.dedup();
    range.gaps = lookup.gaps;
    Ok(range)
}

/// Peels `id` to a commit.
fn peel_to_commit(lookup: &mut Lookup, id: ObjectId) -> Result<ObjectId, RangeError> {
    match peel(lookup, id, None)? {
        (Kind::Commit, id) => Ok(id),
        (kind, _) => Err(RangeError::NotCommit { revision: id.to_string(), kind }),
    }
}

/// Peels tags: the first object that `id` leads to and that is not a tag. Adds the tags to `tags`.
fn peel(
    lookup: &mut Lookup,
    id: ObjectId,
    mut tags: Option<&mut Vec<ObjectId>>,
) -> Result<(Kind, ObjectId), RangeError> {
    /// The same limit as that of `Lookup::peel`.
    const MAX_DEPTH: usize = 64;
    let mut next = id;
    for _ in 0..MAX_DEPTH {
        match lookup.kind(&next) {
            Some(Kind::Tag) => {
                if let Some(tags) = tags.as_deref_mut() {
                    tags.push(next);
                }
                let target = lookup.read_as(&next, Kind::Tag).and_then(super::super::lookup::tag_target);
                next = target.ok_or(RangeError::Missing { id: next })?;
            }
            Some(kind) => return Ok((kind, next)),
            None => return Err(RangeError::Missing { id: next }),
        }
    }
    Err(RangeError::NotCommit { revision: id.to_string(), kind: Kind::Tag })
}

/// Adds `tip` and all its ancestors that are not excluded, parents first.
fn add_history(
    lookup: &mut Lookup,
    excluded: &mut Ancestry,
    mode: ExclusionMode,
    tip: ObjectId,
    range: &mut Range,
) {
    let mut seen: HashSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    // A commit is pushed twice: first by its id, to be read; then as read, below its parents, to be added after them.
    let mut stack = vec![(tip, None)];
    while let Some((id, commit)) = stack.pop() {
        if let Some(commit) = commit {
            range.commits.push(commit);
            continue;
        }
        if excluded.contains(&id) || !seen.insert(id) {
            continue;
        }
        let Some(bytes) = lookup.read_as(&id, Kind::Commit) else { continue };
        let header = Header::new(bytes);
        excluded.follow_until(match mode {
            ExclusionMode::Quick => header.committer_seconds().saturating_sub(MAX_CLOCK_SKEW),
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

/// Some commits and their ancestors, as far as they were followed.
///
/// The commits themselves are read. A commit-graph file would be faster, but anyone who can write to the git directory could
/// make a range appear empty.
struct Ancestry {
    commits: HashSet<ObjectId>,
    /// Date and parents of commits whose parents have not been added yet, newest first.
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

    /// Adds these commits. A missing commit has no known parents, so less is excluded.
    fn add(&mut self, commits: impl IntoIterator<Item = ObjectId>) {
        for id in commits {
            if self.commits.insert(id)
                && let Some(bytes) = self.lookup.read_as(&id, Kind::Commit)
            {
                let header = Header::new(bytes);
                self.pending.push((header.committer_seconds(), header.parents().collect()));
            }
        }
    }

    /// Adds the parents of all commits that are not older than `date`, in seconds since 1970.
    fn follow_until(&mut self, date: i64) {
        while self.pending.peek().is_some_and(|&(newest, _)| newest >= date) {
            if let Some((_, parents)) = self.pending.pop() {
                self.add(parents);
            }
        }
    }

    /// Adds the commits that are in both `a` and `b`.
    fn add_common(&mut self, a: &Self, b: &Self) {
        self.commits.extend(a.commits.iter().filter(|id| b.contains(id)));
    }
}
