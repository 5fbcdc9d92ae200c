//! What is known of a repository as a whole: is all of its history here, where does it come from.

use std::collections::HashSet;

use gix::ObjectId;
use gix::objs::tree::EntryMode;
use gix::objs::{Kind, TreeRefIter};

use super::commit::Header;
use super::lookup::{Gaps, Lookup};
use super::names;
use crate::model::VersionControl;

/// Why the history may be cut off, if it is.
pub fn is_shallow(repo: &gix::Repository) -> Option<String> {
    let file = repo.common_dir().join("shallow");
    let length = file.metadata().ok()?.len();
    (length > 0).then(|| {
        "the clone is shallow and lacks them; `git fetch --unshallow` (in CI: `fetch-depth: 0`) brings them".to_owned()
    })
}

/// Why objects may be missing, if the repository says that some were left out.
pub fn is_partial(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    // Whoever owns the file: it only says what may be missing.
    let mut remotes = config.plumbing().sections_by_name("remote").into_iter().flatten();
    let promised = config.string("extensions.partialClone").is_some()
        || remotes.any(|remote| remote.value("promisor").is_some_and(|value| value.as_slice() != b"false"));
    promised.then(|| {
        "the clone is partial and may lack what its remote promised; `git fetch --refetch --no-filter` brings it".to_owned()
    })
}

/// Where the repository comes from, as far as that may be shown.
pub fn version_control(repo: &gix::Repository) -> Option<VersionControl> {
    let config = repo.config_snapshot();
    let remote = config.string("remote.origin.url")?;
    let head = names::head(repo).ok()?;
    Some(VersionControl {
        repository_uri: VersionControl::public_uri(&remote.to_string())?,
        revision: head.id.map(|id| id.to_string()),
        branch: head.branch,
    })
}

/// What HEAD's tree names and the object database lacks. A sweep sees what is there; this tells what
/// is not, for the tree that matters most.
pub fn missing_at_head(repo: &gix::Repository) -> Gaps {
    let mut lookup = Lookup::new(repo);
    let Some(commit) = names::head(repo).ok().and_then(|head| head.id) else {
        return lookup.gaps;
    };
    let tree = lookup.of_kind(&commit, Kind::Commit).and_then(|bytes| Header::new(bytes).tree());
    let mut todo: Vec<ObjectId> = tree.into_iter().collect();
    let mut met: HashSet<ObjectId> = todo.iter().copied().collect();
    while let Some(id) = todo.pop() {
        let Some(bytes) = lookup.of_kind(&id, Kind::Tree) else { continue };
        let entries: Vec<(EntryMode, ObjectId)> = TreeRefIter::from_bytes(bytes, repo.object_hash())
            .filter_map(Result::ok)
            .map(|entry| (entry.mode, entry.oid.to_owned()))
            .collect();
        for (mode, id) in entries.into_iter().filter(|(_, id)| met.insert(*id)) {
            if mode.is_tree() {
                todo.push(id);
            } else if !mode.is_commit() && lookup.kind(&id).is_none() {
                lookup.gaps.push(format!("blob {id}"), MISSING);
            }
        }
    }
    lookup.gaps
}

const MISSING: &str =
    "HEAD's tree names it, and the object database lacks it; `git fsck` tells more, `git fetch` may bring it";
