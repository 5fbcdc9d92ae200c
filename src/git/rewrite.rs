//! Determines from which commit on a branch must be rewritten to change some of its commits.

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
    pub base: Option<RewriteBase>,
    /// Those of the commits to change that the branch contains, parents before children, and whether each is a merge.
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
    /// The directory from which `repo` reads its objects; deleted on drop.
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
        let (repo, objects_dir) = open_with_objects(path, objects)?;
        let branch = revision::head(&repo).ok().and_then(|head| head.branch);
        Ok(Self { repo, _objects: objects_dir, branch })
    }

    /// How to rewrite the branch `tip` to change those of `commits` that it contains; `None` if it contains none of them,
    /// or if its history cannot be read.
    ///
    /// The order of commits is that of ancestry, since dates may be wrong.
    pub fn rewrite(&self, tip: &str, commits: &HashSet<ObjectId>) -> Option<Rewrite> {
        let tip = revision::resolve(&self.repo, tip).ok()?;
        let revisions = Revisions { tips: vec![tip], exclusions: Vec::new(), symmetric_pairs: Vec::new() };
        let history = select(&self.repo, &revisions, ExclusionMode::Exact).ok()?.commits;
        let (mut descendants, mut to_change, mut first_commits) = (HashSet::new(), Vec::new(), Vec::new());
        for commit in &history {
            let is_descendant =
                commit.parents.iter().any(|id| commits.contains(id) || descendants.contains(id));
            if is_descendant {
                descendants.insert(commit.id);
            }
            if commits.contains(&commit.id) {
                to_change.push((commit.id, commit.parents.len() > 1));
                if !is_descendant {
                    first_commits.push(commit);
                }
            }
        }
        (!to_change.is_empty()).then(|| Rewrite { base: self.base(&first_commits), commits: to_change })
    }

    /// The newest commit before all of `first_commits`, none of which is an ancestor of another; `None` if there is no such
    /// commit.
    fn base(&self, first_commits: &[&RangeCommit]) -> Option<RewriteBase> {
        let parents: Option<Vec<ObjectId>> =
            first_commits.iter().map(|commit| commit.parents.first().copied()).collect();
        let parents = parents?;
        match (first_commits, &parents[..]) {
            ([only], _) => Some(RewriteBase::ParentOf(only.id)),
            (_, []) => None,
            _ => {
                let base = self.repo.merge_base_octopus(parents).ok()?;
                Some(RewriteBase::Commit(base?.detach()))
            }
        }
    }
}
