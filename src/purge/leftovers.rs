//! Lists what is not carried over to the new repository, and what to do about it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::refs::RefPlan;
use crate::git::Repository;
use crate::git::refs::Refs;

/// A kind of thing that is not carried over, such as hooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// The kind, in one word.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// A description for the user.
    pub detail: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// Lists what the repository has and the new one lacks. `unreachable_count` is the number of objects that no ref reaches,
/// `lfs_count` that of Git LFS files with a key.
pub(super) fn list(
    repo: &Repository,
    refs: &Refs,
    plan: &RefPlan,
    unreachable_count: u64,
    lfs_count: u64,
) -> Vec<Leftover> {
    let (common_dir, git_dir) = (repo.common_dir(), repo.git_dir());
    let count = |dir: &Path| fs::read_dir(dir).map_or(0, |entries| entries.flatten().count() as u64);
    let exists = |path: &Path| u64::from(path.symlink_metadata().is_ok());
    let hooks = fs::read_dir(common_dir.join("hooks")).map_or(0, |entries| {
        entries.flatten().filter(|entry| !entry.file_name().as_encoded_bytes().ends_with(b".sample")).count()
    });
    let info_files = ["exclude", "attributes", "sparse-checkout"];
    let info_files = info_files.iter().map(|name| exists(&common_dir.join("info").join(name))).sum();
    let kinds = [
        (
            "reflogs",
            refs.logs.len() as u64,
            "reflog entries, which lead to old commits",
            "in old clones: `git reflog expire --expire=now --all && git gc --prune=now`",
        ),
        (
            "replace-refs",
            plan.replace_refs,
            "refs below refs/replace/, which show other objects in place of old ones",
            "recreate them with `git replace` for the new commits, if they are still needed",
        ),
        (
            "grafts",
            exists(&common_dir.join("info/grafts")),
            "a grafts file, which names old commits",
            "the new repository has the real parents; recreate the graft with `git replace --graft`",
        ),
        (
            "stash",
            plan.stash_refs,
            "stashed changes",
            "apply them in the old clone (`git stash show -p`) and commit what is still needed, without the \
             key",
        ),
        (
            "work-trees",
            plan.work_tree_refs + count(&common_dir.join("worktrees")),
            "linked work trees, and refs that belong to one work tree",
            "commit or push what is needed from them first, and add them again with `git worktree add`",
        ),
        ("pseudo-refs", plan.pseudo_refs, "pseudorefs such as ORIG_HEAD and FETCH_HEAD", "nothing to do"),
        (
            "misnamed-refs",
            plan.misnamed_refs,
            "refs with a name or target that git does not accept (`git check-ref-format`), or that point to a ref that is not carried over",
            "`git fsck` lists them; delete them, or rename those that are needed and purge again",
        ),
        (
            "unreachable",
            unreachable_count,
            "objects that no ref reaches",
            "create a branch for what is still needed, and purge again",
        ),
        (
            "index",
            exists(&git_dir.join("index")),
            "the index, with what is staged",
            "commit what is needed before the purge",
        ),
        (
            "configuration",
            exists(&common_dir.join("config")),
            "remotes, branches, identities",
            "set up what the new repository needs; the old file may contain credentials",
        ),
        ("hooks", hooks as u64, "hooks", "review those that are needed, and copy them"),
        (
            "info",
            info_files,
            "files below info/: excludes and attributes of this clone",
            "copy those that are needed",
        ),
        (
            "lfs",
            exists(&common_dir.join("lfs/objects")).max(lfs_count),
            "Git LFS files; pointers in the history stay as they are",
            "replace the files that contain a key with new versions, and have the old LFS objects deleted \
             on the server",
        ),
        (
            "submodules",
            count(&common_dir.join("modules")),
            "repositories of submodules",
            "purge each of them separately",
        ),
    ];
    kinds
        .into_iter()
        .filter(|(_, count, ..)| *count > 0)
        .map(|(what, count, detail, advice)| Leftover { what, count, detail: detail.to_owned(), advice })
        .collect()
}
