//! What is not carried over to the new repository, and what to do about each.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::refs::RefPlan;
use crate::git::Repository;
use crate::git::refs::Refs;

/// Something that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// What it is, in one word.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// What it is, for people.
    pub detail: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// What the repository has that the new one lacks. `unreachable` is the number of objects to which no ref leads.
pub(super) fn list(
    repo: &Repository,
    refs: &Refs,
    plan: &RefPlan,
    unreachable: u64,
    lfs: u64,
) -> Vec<Leftover> {
    let (common, own) = (repo.common_dir(), repo.git_dir());
    let count = |dir: &Path| fs::read_dir(dir).map_or(0, |entries| entries.flatten().count() as u64);
    let exists = |path: &Path| u64::from(path.symlink_metadata().is_ok());
    let hooks = fs::read_dir(common.join("hooks")).map_or(0, |entries| {
        entries.flatten().filter(|entry| !entry.file_name().as_encoded_bytes().ends_with(b".sample")).count()
    });
    let info = ["exclude", "attributes", "sparse-checkout"];
    let info = info.iter().map(|name| exists(&common.join("info").join(name))).sum();
    let all = [
        (
            "reflogs",
            refs.logs.len() as u64,
            "reflog entries, which lead to old commits",
            "in old clones: `git reflog expire --expire=now --all && git gc --prune=now`",
        ),
        (
            "replace-refs",
            plan.replace,
            "refs below refs/replace/, which show other objects in place of old ones",
            "make them anew with `git replace` for the new commits, if they are still wanted",
        ),
        (
            "grafts",
            exists(&common.join("info/grafts")),
            "a file of grafts, which names old commits",
            "the new repository has the true parents; make the graft anew with `git replace --graft`",
        ),
        (
            "stash",
            plan.stash,
            "stashed changes",
            "apply them in the old clone (`git stash show -p`) and commit what is still wanted, without the key",
        ),
        (
            "work-trees",
            plan.of_work_trees + count(&common.join("worktrees")),
            "linked work trees, and refs that belong to one work tree",
            "commit or push what is wanted of them first, and add them anew with `git worktree add`",
        ),
        (
            "pseudo-refs",
            plan.pseudo,
            "names that operations left, such as ORIG_HEAD and FETCH_HEAD",
            "nothing is to be done",
        ),
        (
            "misnamed-refs",
            plan.misnamed,
            "refs with a name or target that git does not accept (`git check-ref-format`), or that point to a ref that is not carried over",
            "`git fsck` names them; delete them, or give what is wanted of them a proper name and purge again",
        ),
        (
            "unreachable",
            unreachable,
            "objects to which no ref leads",
            "what is still wanted needs a branch before the repository is purged",
        ),
        (
            "index",
            exists(&own.join("index")),
            "the index, with what is staged",
            "commit or stash what is wanted before",
        ),
        (
            "configuration",
            exists(&common.join("config")),
            "the configuration: remotes, branches, identities",
            "set up what the new repository needs; the old file may hold credentials",
        ),
        ("hooks", hooks as u64, "hooks", "copy those that are wanted after a look at them"),
        (
            "info",
            info,
            "files below info/: excludes and attributes of this clone",
            "copy those that are wanted",
        ),
        (
            "lfs",
            exists(&common.join("lfs/objects")).max(lfs),
            "the cache of Git LFS; pointers in the history stay as they are",
            "replace the files that hold a key by new versions, and have the old LFS objects deleted on the server",
        ),
        (
            "submodules",
            count(&common.join("modules")),
            "repositories of submodules",
            "purge each of them by itself",
        ),
    ];
    all.into_iter()
        .filter(|(_, count, ..)| *count > 0)
        .map(|(what, count, detail, advice)| Leftover { what, count, detail: detail.to_owned(), advice })
        .collect()
}
