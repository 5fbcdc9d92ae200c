//! Compares the index with HEAD's tree, for what the next commit changes. Never reads the work tree.
//!
//! Walks both side by side, and skips a directory whose tree the index records as that of HEAD. Runs no command from
//! the repository's configuration: no file system monitor, filter or text conversion.
//!
//! A secret blocks a commit if the changed paths hold it more often in the index than in HEAD. So both sides of each
//! path are listed, deleted paths included: moving a file with an old key removes one path and adds another.

mod cache_tree;
mod compare;
mod index;
mod parents;
#[cfg(test)]
mod tests;
mod tracked;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

pub use index::IndexError;
pub use tracked::Tracked;

use super::commit::Header;
use super::lookup::{Gaps, Lookup};
use super::revision;
pub(super) use index::Index;

/// A blob at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side {
    /// The blob.
    pub id: ObjectId,
    /// 0o100644, 0o100755, or 0o120000 for a symbolic link, whose blob is its target.
    pub mode: u32,
}

/// A path at which the index and HEAD differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedPath {
    /// From the top of the tree.
    pub path: Vec<u8>,
    /// The blob in HEAD.
    pub old: Option<Side>,
    /// The blobs in the index: none if the path was deleted, up to three if it is in conflict. In a conflict, a
    /// secret is counted once.
    pub new: Vec<Side>,
}

/// What the next commit would change.
#[derive(Clone, Debug, Default)]
pub struct Staged {
    /// Against HEAD, in the order of paths.
    pub changes: Vec<StagedPath>,
    /// Paths of submodules that are not in HEAD.
    pub submodules: Vec<Vec<u8>>,
    /// Submodules at commits that no parent has them at, by path.
    pub moved: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// Against each further parent of a merge, in the order of paths; empty if the next commit is not a merge.
    pub merged: Vec<Vec<StagedPath>>,
    /// Named files that the next commit does not change, in the order of paths.
    pub unchanged: Vec<(Vec<u8>, Side)>,
    /// Named paths that are neither in the index nor changed.
    pub unknown: Vec<Vec<u8>>,
    /// What could not be read.
    pub gaps: Gaps,
}

/// Why the index cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum StagedError {
    /// The index cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// HEAD exists, but does not resolve.
    #[error("HEAD cannot be resolved: {reason}; `git fsck` gives details")]
    Head {
        /// In words.
        reason: String,
    },
}

/// Compares the index with HEAD. `index` overrides its path, as `GIT_INDEX_FILE` does; `named` are files or
/// directories, relative to the top of the tree, to list even if unchanged. During a merge the index is also compared
/// with the commits in `MERGE_HEAD`, and with `merge_heads`, which git has not written there yet.
///
/// # Errors
///
/// When the index or HEAD cannot be read. An unborn branch is an empty tree, a missing index is empty.
pub fn staged(
    repo: &gix::Repository,
    index: Option<&Path>,
    named: &[Vec<u8>],
    merge_heads: &[ObjectId],
) -> Result<Staged, StagedError> {
    let mut lookup = Lookup::new(repo);
    let usual = repo.index_path();
    let index = Index::read(index.unwrap_or(&usual), repo.object_hash())?;
    let head = head_tree(repo, &mut lookup)?;
    let (changes, submodules) = compare::run(&index, head, &mut lookup);
    let mut parents: Vec<ObjectId> = head.into_iter().collect();
    let mut merged = Vec::new();
    for tree in parents::merged_trees(repo, merge_heads, &mut lookup) {
        merged.push(compare::run(&index, Some(tree), &mut lookup).0);
        parents.push(tree);
    }
    let mut staged = Staged { changes, merged, ..Staged::default() };
    for (path, id) in submodules {
        let before: Vec<_> = parents.iter().filter_map(|&tree| in_tree(&mut lookup, tree, &path)).collect();
        // If any parent has something at that path, the name is not new.
        if before.is_empty() && staged.submodules.last() != Some(&path) {
            staged.submodules.push(path.clone());
        }
        if !before.contains(&id) {
            staged.moved.entry(path).or_default().insert(id);
        }
    }
    staged.gaps = lookup.gaps;
    if !named.is_empty() {
        find_named(&index, named, &mut staged);
    }
    Ok(staged)
}

fn head_tree(repo: &gix::Repository, lookup: &mut Lookup) -> Result<Option<ObjectId>, StagedError> {
    let broken = |reason: String| StagedError::Head { reason };
    let head = revision::head(repo).map_err(|error| broken(error.to_string()))?;
    if head.is_unborn {
        return Ok(None);
    }
    let id = head.id.ok_or_else(|| broken("it names no object".into()))?;
    let bytes = lookup.of_kind(&id, Kind::Commit);
    let tree = bytes.and_then(|bytes| Header::new(bytes).tree());
    tree.map(Some).ok_or_else(|| broken(format!("commit {id} cannot be read")))
}

/// The object at `path` in `tree`.
fn in_tree(lookup: &mut Lookup, tree: ObjectId, path: &[u8]) -> Option<ObjectId> {
    let hash = lookup.hash();
    let (mut at, mut is_tree) = (tree, true);
    for name in path.split(|&byte| byte == b'/') {
        if !is_tree {
            return None;
        }
        let bytes = lookup.of_kind(&at, Kind::Tree)?;
        let mut entries = TreeRefIter::from_bytes(bytes, hash).filter_map(Result::ok);
        let entry = entries.find(|entry| *entry.filename == *name)?;
        (at, is_tree) = (entry.oid.to_owned(), entry.mode.is_tree());
    }
    Some(at)
}

impl Staged {
    /// The paths that differ from every parent: all changes, unless the next commit is a merge. A merge does not add
    /// what it takes unchanged from a parent.
    pub fn own_changes(&self) -> Vec<&StagedPath> {
        let differs = |changes: &[StagedPath], path: &[u8]| find(changes, path).is_some();
        self.changes
            .iter()
            .filter(|change| self.merged.iter().all(|changes| differs(changes, &change.path)))
            .collect()
    }

    /// The changes against each parent, HEAD's first.
    pub fn by_parent(&self) -> impl Iterator<Item = &[StagedPath]> {
        std::iter::once(&self.changes[..]).chain(self.merged.iter().map(Vec::as_slice))
    }
}

/// The change of `path` among `changes`, which are in the order of paths.
pub fn find<'c>(changes: &'c [StagedPath], path: &[u8]) -> Option<&'c StagedPath> {
    let at = changes.binary_search_by(|change| change.path.as_slice().cmp(path)).ok()?;
    changes.get(at)
}

/// Lists the named files that did not change.
fn find_named(index: &Index, named: &[Vec<u8>], staged: &mut Staged) {
    let changed: HashSet<&[u8]> = staged.changes.iter().map(|change| &change.path[..]).collect();
    let mut unchanged = Vec::new();
    for name in named {
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let below = |path: &[u8]| {
            name.is_empty() || path.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&b'/'))
        };
        let mut known = changed.contains(name) || changed.iter().any(|path| below(path));
        // The file itself, then everything below the directory. Other names, such as `a.b`, sort between `a` and `a/b`.
        let dir = if name.is_empty() { Vec::new() } else { [name, b"/"].concat() };
        let exact = index.rows[index.position(name)..].iter().take_while(|row| index.path(row) == name);
        let inside = index.rows[index.position(&dir)..].iter().take_while(|row| below(index.path(row)));
        for row in exact.chain(inside) {
            known = true;
            let path = index.path(row);
            if let Some(side) = compare::side(index, row)
                && !changed.contains(path)
            {
                unchanged.push((path.to_vec(), side));
            }
        }
        if !known {
            staged.unknown.push(name.to_vec());
        }
    }
    unchanged.sort();
    unchanged.dedup();
    staged.unchanged = unchanged;
}
