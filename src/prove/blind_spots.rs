//! Finds out which refs of its server a clone may lack, since it proves nothing about them.

use std::collections::BTreeSet;
use std::path::Path;

use super::{PurgedHistory, proper_refs};
use crate::git::refs::Refs;
use crate::git::{FetchScope, ObjectReader, Repository, fetch_scope};
use crate::model::{CloneKind, IgnoredKind, RefKind, Skip};

/// Maximum number of missing refs that are listed one by one.
const MAX_LISTED: usize = 20;

/// The kind of a clone: which refs of its remote it has.
pub(super) fn clone_kind(repo: &Repository) -> CloneKind {
    match fetch_scope(repo) {
        FetchScope::NoRemote => CloneKind::NoRemote,
        FetchScope::AllRefs => CloneKind::Mirror,
        FetchScope::SomeRefs { .. } => CloneKind::Plain,
    }
}

/// Whether a proof is incomplete if something of this kind was ignored. An ignored path is a submodule that is not cloned:
/// another repository.
pub(super) fn limits_proof(kind: IgnoredKind) -> bool {
    match kind {
        IgnoredKind::Rule
        | IgnoredKind::Surface
        | IgnoredKind::Limit
        | IgnoredKind::Accepted
        | IgnoredKind::Object => true,
        IgnoredKind::Path => false,
    }
}

/// The reasons why the clone may lack refs that its server has, and the refs that the purge changed and the clone lacks.
pub(super) fn find_blind_spots(
    repo: &Repository,
    refs: &Refs,
    purged_history: &PurgedHistory,
) -> BTreeSet<Skip> {
    let mut skips = BTreeSet::new();
    skips.extend(unrelated_clone_skip(repo, purged_history));
    match fetch_scope(repo) {
        // A ref that a mirror lacks is gone from the server, unless only one branch was cloned.
        FetchScope::AllRefs if !is_from_bundle(repo) => {
            skips.extend(single_branch_skip(refs, purged_history));
            return skips;
        }
        FetchScope::AllRefs => {}
        FetchScope::SomeRefs { remote, refspecs } => {
            skips.insert(Skip::new(
                "the refs that a plain clone does not fetch",
                plain_clone_reason(&remote, &refspecs),
            ));
        }
        FetchScope::NoRemote => {}
    }
    skips.extend(missing_ref_skips(refs, purged_history));
    skips
}

/// Whether the repository was cloned from a bundle, which may have only some of the refs.
fn is_from_bundle(repo: &Repository) -> bool {
    let config = repo.config_snapshot();
    let url = config.string("remote.origin.url").map(|url| url.to_string());
    url.is_some_and(|url| Path::new(url.strip_prefix("file://").unwrap_or(&url)).is_file())
}

/// A skip about the branches that the clone lacks after `git clone --mirror --single-branch`, which is configured like a
/// mirror and has one branch.
fn single_branch_skip(refs: &Refs, purged_history: &PurgedHistory) -> Option<Skip> {
    let branches: Vec<&str> = proper_refs(refs)
        .map(|tip| &*tip.name)
        .filter(|name| RefKind::from_name(name) == RefKind::Branch)
        .collect();
    let is_missing =
        |name: &&String| RefKind::from_name(name) == RefKind::Branch && !branches.contains(&name.as_str());
    let missing = purged_history.ref_names.iter().filter(is_missing).count();
    (branches.len() == 1 && missing > 0).then(|| {
        let reason = format!(
            "this clone has only the branch {}, and the purge changed {missing} more; if it was cloned with \
             --single-branch, prove on a `git clone --mirror URL` without that",
            branches[0]
        );
        Skip::new("other branches", reason)
    })
}

/// Why a plain clone lacks refs.
fn plain_clone_reason(remote: &str, refspecs: &[String]) -> String {
    let fetched_refs = match refspecs {
        [] => format!("this clone of `{remote}` has no mirror configuration"),
        specs => format!("this clone fetches only `{}` from `{remote}`", specs.join("`, `")),
    };
    format!(
        "{fetched_refs}; a server may keep the old history in others, e.g. refs/pull/*; \
         prove on a fresh `git clone --mirror URL`"
    )
}

/// The refs that the purge changed and this clone lacks. Branches and tags are not among them: a plain clone has them under
/// other names, or fetched them before the purge.
fn missing_ref_skips(refs: &Refs, purged_history: &PurgedHistory) -> Vec<Skip> {
    let names: BTreeSet<&str> = proper_refs(refs).map(|tip| &*tip.name).collect();
    let is_branch_or_tag = |name: &str| matches!(RefKind::from_name(name), RefKind::Branch | RefKind::Tag);
    let missing: Vec<_> = purged_history
        .ref_names
        .iter()
        .filter(|name| !is_branch_or_tag(name) && !names.contains(&***name))
        .collect();
    let reason = "the purge changed it, and this repository does not have it, so it may still lead to the old \
                  history on the server; prove on a fresh `git clone --mirror URL`";
    let mut skips: Vec<_> = missing.iter().take(MAX_LISTED).map(|name| Skip::new(&***name, reason)).collect();
    if missing.len() > MAX_LISTED {
        let what = format!("{} more refs", missing.len() - MAX_LISTED);
        skips.push(Skip::new(what, "the purge changed them, and this repository does not have them"));
    }
    skips
}

/// Reports a repository without any object of the purged history, old or new: it is clean, but proves nothing.
fn unrelated_clone_skip(repo: &Repository, purged_history: &PurgedHistory) -> Option<Skip> {
    let mut objects = ObjectReader::new(repo);
    let mut ids = purged_history
        .new_objects
        .iter()
        .chain(purged_history.old_objects.iter().map(|(id, _)| id))
        .peekable();
    ids.peek()?;
    let is_related = ids.any(|id| objects.has(id));
    (!is_related).then(|| {
        let reason = "none of the report's objects is here, old or new: push the purged repository first, and name a \
                      clone of it";
        Skip::new("the purged history", reason)
    })
}
