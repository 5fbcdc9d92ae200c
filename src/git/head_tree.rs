//! Walks HEAD's tree for missing objects and for submodules, and finds paths in it.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

use super::commit::Header;
use super::lookup::{Gaps, Lookup};
use super::object_reader::ObjectReader;
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
        let mut is_malformed = false;
        for entry in TreeRefIter::from_bytes(bytes, repo.object_hash()) {
            let Ok(entry) = entry else {
                is_malformed = true;
                break;
            };
            if entry.mode.is_commit() {
                submodules.push([&path[..], entry.filename].concat());
            } else if seen.insert(entry.oid.to_owned()) {
                match entry.mode.is_tree() {
                    true => stack.push((entry.oid.to_owned(), [&path[..], entry.filename, b"/"].concat())),
                    false => blobs.push(entry.oid.to_owned()),
                }
            }
        }
        if is_malformed {
            lookup.gaps.push(format!("object {id}"), "malformed; run `git fsck` for details");
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

/// Maximum depth of directories that [`first_paths`] enters. git itself refuses trees of more levels.
const MAX_DEPTH: usize = 2048;

/// An entry of a tree that [`first_paths`] has yet to look at.
struct PendingEntry {
    id: ObjectId,
    is_tree: bool,
    depth: usize,
    /// The length of the path of the tree that it is in. When the entry is taken, the current path still starts with that path,
    /// since everything that was taken in between is in the same tree or below it.
    parent_len: usize,
    name: Vec<u8>,
}

/// The first path, in the order of the trees, at which the tree of `commit` has each of the `wanted` blobs, among the paths that
/// `is_admitted` admits. Each subtree is entered once, at its first path, so a blob that is admitted only in a later copy of
/// its directory is not found. Nor is one below a tree that cannot be read.
pub fn first_paths(
    objects: &mut ObjectReader,
    commit: &ObjectId,
    wanted: &HashSet<ObjectId>,
    is_admitted: &dyn Fn(&[u8]) -> bool,
) -> HashMap<ObjectId, Vec<u8>> {
    let mut found = HashMap::new();
    let tree = match objects.read(commit, "commit") {
        Some((Kind::Commit, bytes)) => Header::new(bytes).tree(),
        _ => None,
    };
    let top = |id| PendingEntry { id, is_tree: true, depth: 0, parent_len: 0, name: Vec::new() };
    let mut stack: Vec<PendingEntry> = tree.into_iter().map(top).collect();
    let mut entered: HashSet<ObjectId> = HashSet::new();
    let mut path: Vec<u8> = Vec::new();
    while let Some(PendingEntry { id, is_tree, depth, parent_len, name }) = stack.pop() {
        if found.len() == wanted.len() {
            break;
        }
        path.truncate(parent_len);
        path.extend_from_slice(&name);
        if !is_tree {
            if !found.contains_key(&id) && is_admitted(&path) {
                found.insert(id, path.clone());
            }
            continue;
        }
        if !entered.insert(id) {
            continue;
        }
        let Some((Kind::Tree, bytes)) = objects.read(&id, "tree") else { continue };
        let first = stack.len();
        for entry in TreeRefIter::from_bytes(bytes, commit.kind()).filter_map(Result::ok) {
            let (is_tree, is_commit) = (entry.mode.is_tree(), entry.mode.is_commit());
            let is_pending = match is_tree {
                true => depth < MAX_DEPTH && !entered.contains(entry.oid),
                false => !is_commit && wanted.contains(entry.oid),
            };
            if is_pending {
                let mut name = entry.filename.to_vec();
                name.extend(is_tree.then_some(b'/'));
                let id = entry.oid.to_owned();
                stack.push(PendingEntry { id, is_tree, depth: depth + 1, parent_len: path.len(), name });
            }
        }
        stack[first..].reverse();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::scratch::Scratch;

    #[test]
    fn the_first_admitted_path_of_each_blob_is_found() {
        let scratch = Scratch::new(&[]);
        for path in ["a-b", "a/x", "a/y/z", "b", "c/y/z"] {
            scratch.write(path, if path.ends_with('z') { "two" } else { "one" });
        }
        scratch.commit("first");
        let id =
            |name: &str| ObjectId::from_hex(scratch.git(&["rev-parse", name]).trim().as_bytes()).unwrap();
        let (commit, one, two) = (id("HEAD"), id("HEAD:b"), id("HEAD:a/y/z"));
        let repo = crate::git::open(scratch.path()).unwrap().to_thread_local();
        let find = |wanted: &[ObjectId], is_admitted: &dyn Fn(&[u8]) -> bool| {
            let wanted = wanted.iter().copied().collect();
            let mut objects = ObjectReader::new(&repo);
            let found = first_paths(&mut objects, &commit, &wanted, is_admitted);
            assert!(objects.has_no_gaps());
            let mut paths: Vec<_> =
                found.into_values().map(|path| String::from_utf8(path).unwrap()).collect();
            paths.sort();
            paths
        };
        assert_eq!(find(&[one, two], &|_| true), ["a-b", "a/y/z"]);
        assert_eq!(find(&[one], &|path| path != b"a-b"), ["a/x"]);
        assert_eq!(find(&[one], &|path| path.len() < 2), ["b"]);
        // The directory `y` is entered only below `a`.
        assert_eq!(find(&[two], &|path| path.starts_with(b"c")), [""; 0]);
        // Trees and commits are no blobs.
        assert_eq!(find(&[id("HEAD:a"), commit, ObjectId::null(one.kind())], &|_| true), [""; 0]);
    }
}
