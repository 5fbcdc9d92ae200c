//! From tips and exclusions to the commits between them.

use std::collections::BinaryHeap;

use gix::ObjectId;
use gix::hashtable::HashSet;
use gix::objs::Kind;

use super::super::commit::Header;
use super::super::lookup::Lookup;
use super::parse::Revisions;
use super::{Range, RangeCommit, RangeError};

/// Seconds by which a commit may be older than its parents before [`Care::Quick`] takes a commit of
/// the past for one of the range: 30 days. Clocks are rarely off by more.
const SKEW: i64 = 30 * 86_400;

/// How sure to be that nothing in a range is reachable from what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Stop at commits older than all of the range, as git does: milliseconds, and the same result
    /// where dates make sense. Where they do not, the range may have commits too many, never too few.
    Quick,
    /// Follow what is left out to the roots: up to a second per hundred thousand commits. For when something was
    /// found, and it matters whose it is.
    Exact,
}

/// Finds the commits of a range.
///
/// # Errors
///
/// When there is no tip, or a tip is not there. Parents that are not there are gaps of the range.
pub fn select(repo: &gix::Repository, revisions: &Revisions, care: Care) -> Result<Range, RangeError> {
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
    let mut past = Past::new(Lookup::new(repo));
    let hidden: Result<Vec<_>, _> = revisions.hidden.iter().map(|&id| peel(&mut lookup, id, None)).collect();
    let (commits, others): (Vec<_>, Vec<_>) =
        hidden?.into_iter().partition(|(kind, _)| *kind == Kind::Commit);
    past.add(commits.into_iter().map(|(_, id)| id));
    range.objects.retain(|object| !others.contains(object));
    range.objects.sort_unstable_by_key(|(_, id)| *id);
    range.objects.dedup();
    for &(a, b) in &revisions.common {
        let (a, b) = (commit(&mut lookup, a)?, commit(&mut lookup, b)?);
        let mut pasts = [Past::new(Lookup::new(repo)), Past::new(Lookup::new(repo))];
        // What both lead to is not known before all that either leads to is.
        pasts[0].add(vec![a]);
        pasts[1].add(vec![b]);
        pasts.iter_mut().for_each(|past| past.follow(i64::MIN));
        past.add_common(&pasts[0], &pasts[1]);
    }
    for tip in tips {
        descend(&mut lookup, &mut past, care, tip, &mut range);
    }
    range.tags.sort();
    range.tags.dedup();
    range.gaps = lookup.gaps;
    Ok(range)
}

/// The commit that `id` is or tags.
fn commit(lookup: &mut Lookup, id: ObjectId) -> Result<ObjectId, RangeError> {
    match peel(lookup, id, None)? {
        (Kind::Commit, id) => Ok(id),
        (kind, _) => Err(RangeError::NotCommit { revision: id.to_string(), kind }),
    }
}

/// What `id` is or tags; notes the tags on the way.
fn peel(
    lookup: &mut Lookup,
    id: ObjectId,
    mut tags: Option<&mut Vec<ObjectId>>,
) -> Result<(Kind, ObjectId), RangeError> {
    let mut at = id;
    // As many as `Lookup::peel` follows.
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

/// Adds `tip` and all before it that is not in the past, parents first.
fn descend(lookup: &mut Lookup, past: &mut Past, care: Care, tip: ObjectId, range: &mut Range) {
    let mut met: HashSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    let mut stack = vec![(tip, None)];
    while let Some((id, read)) = stack.pop() {
        if let Some(commit) = read {
            range.commits.push(commit);
            continue;
        }
        if past.holds(&id) || !met.insert(id) {
            continue;
        }
        let Some(bytes) = lookup.of_kind(&id, Kind::Commit) else { continue };
        let header = Header::new(bytes);
        past.follow(match care {
            Care::Quick => header.committed().saturating_sub(SKEW),
            Care::Exact => i64::MIN,
        });
        if past.holds(&id) {
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

/// Everything that can be reached from some commits, as far as it has been followed.
///
/// Commits are read themselves. A commit-graph file would be quicker, but whoever can write to the git folder can
/// make it say that a range is empty.
struct Past {
    commits: HashSet<ObjectId>,
    /// Those of `commits` whose parents have not been added: date and parents, the newest first.
    next: BinaryHeap<(i64, Vec<ObjectId>)>,
    lookup: Lookup,
}

impl Past {
    fn new(lookup: Lookup) -> Self {
        Self { commits: HashSet::default(), next: BinaryHeap::new(), lookup }
    }

    fn holds(&self, id: &ObjectId) -> bool {
        self.commits.contains(id)
    }

    /// Adds these commits. What is not there ends the way: it leaves out less.
    fn add(&mut self, commits: impl IntoIterator<Item = ObjectId>) {
        for id in commits {
            if self.commits.insert(id)
                && let Some(bytes) = self.lookup.of_kind(&id, Kind::Commit)
            {
                let header = Header::new(bytes);
                self.next.push((header.committed(), header.parents().collect()));
            }
        }
    }

    /// Adds the parents of all commits that are not older than `date`, and theirs, and so on.
    fn follow(&mut self, date: i64) {
        while self.next.peek().is_some_and(|&(newest, _)| newest >= date) {
            if let Some((_, parents)) = self.next.pop() {
                self.add(parents);
            }
        }
    }

    /// Adds what both of two pasts of the same repository hold.
    fn add_common(&mut self, a: &Self, b: &Self) {
        self.commits.extend(a.commits.iter().filter(|id| b.holds(id)));
    }
}
