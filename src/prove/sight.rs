//! What a clone cannot see of its server.

use std::collections::BTreeSet;
use std::path::Path;

use super::{PurgedHistory, ref_names};
use crate::git::refs::Refs;
use crate::git::{FetchScope, ObjectReader, Repository, fetch_scope};
use crate::model::{CloneKind, IgnoredKind, RefKind, Skip};

/// The most refs that are named one by one.
const MAX_NAMED: usize = 20;

/// Which refs of its remote a clone has.
pub(super) fn clone_kind(repo: &Repository) -> CloneKind {
    match fetch_scope(repo) {
        FetchScope::NoRemote => CloneKind::NoRemote,
        FetchScope::AllRefs => CloneKind::Mirror,
        FetchScope::SomeRefs { .. } => CloneKind::Plain,
    }
}

/// Whether leaving out a thing of this kind leaves out something that the proof is about. A submodule that is not cloned
/// is another repository.
pub(super) fn is_narrowing(kind: IgnoredKind) -> bool {
    match kind {
        IgnoredKind::Rule
        | IgnoredKind::Surface
        | IgnoredKind::Limit
        | IgnoredKind::Accepted
        | IgnoredKind::Object => true,
        IgnoredKind::Path => false,
    }
}

/// Why the clone may lack refs that its server has, and which of those that the purge changed it lacks.
pub(super) fn not_seen(repo: &Repository, refs: &Refs, report: &PurgedHistory) -> BTreeSet<Skip> {
    let mut skips = BTreeSet::new();
    skips.extend(unrelated(repo, report));
    match fetch_scope(repo) {
        // A ref that a mirror lacks is gone from the server, unless it was never asked for.
        FetchScope::AllRefs if !is_bundle(repo) => {
            skips.extend(single_branch(refs, report));
            return skips;
        }
        FetchScope::AllRefs => {}
        FetchScope::SomeRefs { remote, refspecs } => {
            skips.insert(Skip::new("the refs that a plain clone does not fetch", plain(&remote, &refspecs)));
        }
        FetchScope::NoRemote => {}
    }
    skips.extend(lacking(refs, report));
    skips
}

/// Whether it was cloned from a bundle, which has the refs that its maker chose.
fn is_bundle(repo: &Repository) -> bool {
    let config = repo.config_snapshot();
    let url = config.string("remote.origin.url").map(|url| url.to_string());
    url.is_some_and(|url| Path::new(url.strip_prefix("file://").unwrap_or(&url)).is_file())
}

/// `git clone --mirror --single-branch` is configured like a mirror and has one branch.
fn single_branch(refs: &Refs, report: &PurgedHistory) -> Option<Skip> {
    let branches: Vec<&str> = ref_names(refs)
        .map(|tip| &*tip.name)
        .filter(|name| RefKind::from_name(name) == RefKind::Branch)
        .collect();
    let is_lacking =
        |name: &&String| RefKind::from_name(name) == RefKind::Branch && !branches.contains(&name.as_str());
    let lacking = report.ref_names.iter().filter(is_lacking).count();
    (branches.len() == 1 && lacking > 0).then(|| {
        let reason = format!(
            "this clone has only the branch {}, and the purge changed {lacking} more; if it was cloned with \
             --single-branch, prove on a `git clone --mirror URL` without that",
            branches[0]
        );
        Skip::new("other branches", reason)
    })
}

fn plain(remote: &str, refspecs: &[String]) -> String {
    let fetched = match refspecs {
        [] => format!("this clone of `{remote}` has no mirror configuration"),
        specs => format!("this clone fetches only `{}` from `{remote}`", specs.join("`, `")),
    };
    format!(
        "{fetched}; a server may keep the old history in others, e.g. refs/pull/*; \
         prove on a fresh `git clone --mirror URL`"
    )
}

/// The refs that the purge changed and this repository does not have. Branches and tags of a plain clone have other names,
/// or were not fetched since; the other refs matter.
fn lacking(refs: &Refs, report: &PurgedHistory) -> Vec<Skip> {
    let names: BTreeSet<&str> = ref_names(refs).map(|tip| &*tip.name).collect();
    let is_usual = |name: &str| matches!(RefKind::from_name(name), RefKind::Branch | RefKind::Tag);
    let lacking: Vec<_> =
        report.ref_names.iter().filter(|name| !is_usual(name) && !names.contains(&***name)).collect();
    let reason = "the purge changed it, and this repository does not have it, so it may still lead to the old \
                  history on the server; prove on a fresh `git clone --mirror URL`";
    let mut skips: Vec<_> = lacking.iter().take(MAX_NAMED).map(|name| Skip::new(&***name, reason)).collect();
    if lacking.len() > MAX_NAMED {
        let what = format!("{} more refs", lacking.len() - MAX_NAMED);
        skips.push(Skip::new(what, "the purge changed them, and this repository does not have them"));
    }
    skips
}

/// Reports a repository that has nothing of the purged history, old or new: it is clean, but proves nothing.
fn unrelated(repo: &Repository, report: &PurgedHistory) -> Option<Skip> {
    let mut objects = ObjectReader::new(repo);
    let mut ids = report.new_objects.iter().chain(report.old.iter().map(|(id, _)| id)).peekable();
    ids.peek()?;
    let is_related = ids.any(|id| objects.has(id));
    (!is_related).then(|| {
        let reason = "none of the report's objects is here, old or new: push the purged repository first, and name a \
                      clone of it";
        Skip::new("the purged history", reason)
    })
}
