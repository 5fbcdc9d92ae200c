//! Walks HEAD's tree for missing objects and for submodules.

use std::collections::HashSet;

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

use super::commit::Header;
use super::lookup::{Gaps, Lookup};
use super::revision;

/// What HEAD's tree refers to.
#[derive(Clone, Debug, Default)]
pub struct HeadTree {
    /// Missing objects. A sweep cannot notice them, since it reads only objects that exist.
    pub missing: Gaps,
    /// Paths of submodules, unordered.
    pub submodules: Vec<Vec<u8>>,
    /// The objects that were read: the commit and all trees.
    pub read: Vec<ObjectId>,
}

/// The commit that HEAD points to. An unborn or unreadable HEAD has none.
pub fn head_commit(repo: &gix::Repository) -> Option<ObjectId> {
    revision::head(repo).ok().and_then(|head| head.id)
}

/// Walks the tree of `commit`, and visits each subtree once.
pub fn walk_head_tree(repo: &gix::Repository, commit: ObjectId) -> HeadTree {
    let mut lookup = Lookup::new(repo);
    let (mut submodules, mut read) = (Vec::new(), vec![commit]);
    let tree = lookup.read_as(&commit, Kind::Commit).and_then(|bytes| Header::new(bytes).tree());
    let mut stack: Vec<(ObjectId, Vec<u8>)> = tree.into_iter().map(|id| (id, Vec::new())).collect();
    let mut seen: HashSet<ObjectId> = stack.iter().map(|(id, _)| *id).collect();
    while let Some((id, path)) = stack.pop() {
        read.push(id);
        let Some(bytes) = lookup.read_as(&id, Kind::Tree) else { continue };
        let mut blobs: Vec<ObjectId> = Vec::new();
        for entry in TreeRefIter::from_bytes(bytes, repo.object_hash()).filter_map(Result::ok) {
            if entry.mode.is_commit() {
                submodules.push([&path[..], entry.filename].concat());
            } else if seen.insert(entry.oid.to_owned()) {
                match entry.mode.is_tree() {
                    true => stack.push((entry.oid.to_owned(), [&path[..], entry.filename, b"/"].concat())),
                    false => blobs.push(entry.oid.to_owned()),
                }
            }
        }
        for id in blobs.into_iter().filter(|id| !lookup.has(id)).collect::<Vec<_>>() {
            lookup.gaps.push(format!("blob {id}"), MISSING);
        }
    }
    HeadTree { missing: lookup.gaps, submodules, read }
}

/// Why a blob is a gap.
const MISSING: &str = "HEAD's tree refers to it, but the object database lacks it or has it only in a \
 damaged file; `git fsck` gives \
 details, `git fetch` may fetch it";
