//! Looks up the refs of events in the clone.

use crate::git::range::{RangeError, parse};
use crate::git::{Repository, refs};

/// Whether the clone has the commit that a revision names.
pub(super) fn is_in_clone(repo: &Repository, revision: &str) -> bool {
    !matches!(parse(repo, &[revision]), Err(RangeError::Missing { .. } | RangeError::Unknown { .. }))
}

/// Names that are tried if the name of the default branch is unknown.
pub(super) const USUAL_DEFAULT_BRANCHES: [&str; 2] = ["main", "master"];

/// Whether the ref `name` is known not to be the default branch.
pub(super) fn is_other_branch(name: Option<&str>, default_branch: Option<&str>) -> bool {
    name.zip(default_branch).is_some_and(|(name, default)| name.strip_prefix("refs/heads/") != Some(default))
}

/// Name and commit of the remote's default branch; `None` if the clone lacks it, if it is the ref that was changed, or if
/// that ref is unknown.
pub(super) fn default_branch_tip(
    changed_ref: Option<&str>,
    default_branch: Option<&str>,
    repo: &Repository,
) -> Option<(String, String)> {
    let changed_ref = changed_ref?;
    let names = default_branch.map_or_else(|| USUAL_DEFAULT_BRANCHES.to_vec(), |name| vec![name]);
    let refs = refs::read(repo);
    let tip = |name: &str| {
        let full_name = format!("refs/remotes/origin/{name}");
        refs.tips.iter().find(|tip| tip.name == full_name).map(|tip| (name.to_owned(), tip.id.to_string()))
    };
    names.into_iter().find_map(tip).filter(|(name, _)| changed_ref.strip_prefix("refs/heads/") != Some(name))
}
