//! Determines from where a branch must be rewritten to change some of its commits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::open::{OpenError, open_with_objects};
use super::range::{ExclusionMode, RangeCommit, Revisions, select};
use super::revision;

/// How to rewrite a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The newest commit that need not change; `None` if the history must be rewritten from its root.
    pub onto: Option<RewriteBase>,
    /// The commits to change that the branch contains, parents before children, and whether each is a merge.
    pub commits: Vec<(ObjectId, bool)>,
}

/// The commit after which a rewrite starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteBase {
    /// The first parent of this commit.
    ParentOf(ObjectId),
    /// This commit.
    Commit(ObjectId),
}

/// A repository and its current branch, for determining how to rewrite its branches.
#[derive(Debug)]
pub struct Rewriter {
    repo: gix::Repository,
    /// Keeps the combined objects of `repo`.
    _objects: tempfile::TempDir,
    /// The short name of the branch that is checked out.
    pub branch: Option<String>,
}

impl Rewriter {
    /// Opens the repository at `path`, with the objects in `objects` besides its own.
    ///
    /// # Errors
    /// Those of [`open_with_objects`].
    pub fn new(path: &Path, objects: &[PathBuf]) -> Result<Self, OpenError> {
        let (repo, joined) = open_with_objects(path, objects)?;
        let branch = revision::head(&repo).ok().and_then(|head| head.branch);
        Ok(Self { repo, _objects: joined, branch })
    }

    /// How to change those of `commits` that `tip` contains; `None` if it contains none of them.
    ///
    /// The order is that of ancestry, since dates may be wrong.
    pub fn rewrite(&self, tip: &str, commits: &HashSet<ObjectId>) -> Option<Rewrite> {
        let tip = revision::resolve(&self.repo, tip).ok()?;
        let revisions = Revisions { tips: vec![tip], hidden: Vec::new(), common: Vec::new() };
        let history = select(&self.repo, &revisions, ExclusionMode::Exact).ok()?.commits;
        let (mut below, mut found, mut first) = (HashSet::new(), Vec::new(), Vec::new());
        for commit in &history {
            let is_below = commit.parents.iter().any(|id| commits.contains(id) || below.contains(id));
            if is_below {
                below.insert(commit.id);
            }
            if commits.contains(&commit.id) {
                found.push((commit.id, commit.parents.len() > 1));
                if !is_below {
                    first.push(commit);
                }
            }
        }
        (!found.is_empty()).then(|| Rewrite { onto: self.base(&first), commits: found })
    }

    /// The newest common ancestor of all of `first`, none of which is an ancestor of another.
    fn base(&self, first: &[&RangeCommit]) -> Option<RewriteBase> {
        let parents: Option<Vec<ObjectId>> =
            first.iter().map(|commit| commit.parents.first().copied()).collect();
        let parents = parents?;
        match (first, &parents[..]) {
            ([only], _) => Some(RewriteBase::ParentOf(only.id)),
            (_, []) => None,
            _ => {
                let base = self.repo.merge_base_octopus(parents).ok()?;
                Some(RewriteBase::Commit(base?.detach()))
            }
        }
    }
}
