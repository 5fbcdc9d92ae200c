//! Compares the index with HEAD's tree to find what the next commit changes. Never reads the work tree.
//!
//! Index and tree are walked side by side. A directory is skipped if the cache tree of the index, an extension in
//! which git records the trees of unchanged directories, has the same id for it as HEAD. No command from the repository's
//! configuration runs: no file system monitor, filter or text conversion.
//!
//! A secret blocks a commit if it occurs more often in the changed paths of the index than in those of HEAD. So the blobs of
//! both are listed for each path, even if it was deleted: moving a file with an old key deletes one path and adds another.

mod cache_tree;
mod compare;
mod index;
mod parents;
#[cfg(test)]
mod tests;
mod tracked_paths;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

pub use index::IndexError;
pub use tracked_paths::TrackedPaths;

use super::commit::Header;
use super::lookup::{Gaps, Lookup};
use super::revision;
pub(super) use index::Index;

/// A file as the index or a commit contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileVersion {
    /// The blob.
    pub id: ObjectId,
    /// 0o100644, 0o100755 (executable), or 0o120000 (a symbolic link, whose blob is its target).
    pub mode: u32,
}

/// A path at which the index and a parent of the next commit differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedPath {
    /// The path from the top of the tree.
    pub path: Vec<u8>,
    /// The file in the parent that the index is compared with: HEAD, or another parent of a merge. `None` if the path was
    /// added.
    pub old: Option<FileVersion>,
    /// The files in the index: none if the path was deleted, up to three if it is in conflict. In a conflict, a secret counts
    /// once, however many of them contain it.
    pub new: Vec<FileVersion>,
}

/// What the next commit would change.
#[derive(Clone, Debug, Default)]
pub struct StagedChanges {
    /// The differences from HEAD, in the order of paths.
    pub changes: Vec<StagedPath>,
    /// Paths of submodules at which no parent has anything. Their names are searched.
    pub new_submodules: Vec<Vec<u8>>,
    /// Submodules whose commits differ from those in all parents: for each path, the commits in the index, which are several
    /// if it is in conflict.
    pub moved_submodules: BTreeMap<Vec<u8>, BTreeSet<ObjectId>>,
    /// The differences from each further parent of a merge, in the order of paths; empty if the next commit is not a merge.
    pub merge_changes: Vec<Vec<StagedPath>>,
    /// Files that the caller of [`compare_index`] requested and that the next commit does not change, in the order of paths.
    pub unchanged_files: Vec<(Vec<u8>, FileVersion)>,
    /// Paths that the caller requested and that are neither in the index nor changed.
    pub unknown_paths: Vec<Vec<u8>>,
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
        /// The cause, for a message.
        reason: String,
    },
}

/// Compares the index with HEAD. `index` overrides the path of the index, as `GIT_INDEX_FILE` does. `requested` are files or
/// directories, relative to the top of the tree, that are listed even if they did not change. During a merge, the index is
/// also compared with the commits in `MERGE_HEAD`, and with `merge_heads`: git has not written that file yet when it
/// runs a `pre-merge-commit` hook.
///
/// # Errors
///
/// When the index or HEAD cannot be read. An unborn branch has an empty tree, and a missing index is empty.
pub fn compare_index(
    repo: &gix::Repository,
    index: Option<&Path>,
    requested: &[Vec<u8>],
    merge_heads: &[ObjectId],
) -> Result<StagedChanges, StagedError> {
    let mut lookup = Lookup::new(repo);
    let default_path = repo.index_path();
    let index = Index::read(index.unwrap_or(&default_path), repo.object_hash())?;
    let head = head_tree(repo, &mut lookup)?;
    let (changes, submodules) = compare::compare(&index, head, &mut lookup);
    let mut parents: Vec<ObjectId> = head.into_iter().collect();
    let mut merge_changes = Vec::new();
    for tree in parents::merged_trees(repo, merge_heads, &mut lookup) {
        merge_changes.push(compare::compare(&index, Some(tree), &mut lookup).0);
        parents.push(tree);
    }
    let mut staged = StagedChanges { changes, merge_changes, ..StagedChanges::default() };
    for (path, id) in submodules {
        let old: Vec<_> = parents.iter().filter_map(|&tree| find_in_tree(&mut lookup, tree, &path)).collect();
        // If any parent has something at that path, the name is not new. A path in conflict is listed once for each stage.
        if old.is_empty() && staged.new_submodules.last() != Some(&path) {
            staged.new_submodules.push(path.clone());
        }
        if !old.contains(&id) {
            staged.moved_submodules.entry(path).or_default().insert(id);
        }
    }
    staged.gaps = lookup.gaps;
    if !requested.is_empty() {
        add_requested(&index, requested, &mut staged);
    }
    Ok(staged)
}

/// HEAD's tree; `None` if HEAD has no commit yet.
fn head_tree(repo: &gix::Repository, lookup: &mut Lookup) -> Result<Option<ObjectId>, StagedError> {
    let unresolved = |reason: String| StagedError::Head { reason };
    let head = revision::head(repo).map_err(|error| unresolved(error.to_string()))?;
    if head.is_unborn {
        return Ok(None);
    }
    let id = head.id.ok_or_else(|| unresolved("it names no object".into()))?;
    let bytes = lookup.read_as(&id, Kind::Commit);
    let tree = bytes.and_then(|bytes| Header::new(bytes).tree());
    tree.map(Some).ok_or_else(|| unresolved(format!("commit {id} cannot be read")))
}

/// The object at `path` in `tree`; `None` if there is none or a tree cannot be read.
fn find_in_tree(lookup: &mut Lookup, tree: ObjectId, path: &[u8]) -> Option<ObjectId> {
    let hash_kind = lookup.hash_kind();
    let (mut id, mut is_tree) = (tree, true);
    for name in path.split(|&byte| byte == b'/') {
        if !is_tree {
            return None;
        }
        let bytes = lookup.read_as(&id, Kind::Tree)?;
        let mut entries = TreeRefIter::from_bytes(bytes, hash_kind).filter_map(Result::ok);
        let entry = entries.find(|entry| *entry.filename == *name)?;
        (id, is_tree) = (entry.oid.to_owned(), entry.mode.is_tree());
    }
    Some(id)
}

impl StagedChanges {
    /// The changes of paths that differ from every parent: all changes, unless the next commit is a merge. A merge does not
    /// add what it takes unchanged from one of its parents.
    pub fn changes_from_all_parents(&self) -> Vec<&StagedPath> {
        let differs = |changes: &[StagedPath], path: &[u8]| find_change(changes, path).is_some();
        self.changes
            .iter()
            .filter(|change| self.merge_changes.iter().all(|changes| differs(changes, &change.path)))
            .collect()
    }

    /// The differences from each parent: from HEAD, then from the others.
    pub fn changes_by_parent(&self) -> impl Iterator<Item = &[StagedPath]> {
        std::iter::once(&self.changes[..]).chain(self.merge_changes.iter().map(Vec::as_slice))
    }
}

/// The change of `path` in `changes`, which must be in the order of paths.
pub fn find_change<'c>(changes: &'c [StagedPath], path: &[u8]) -> Option<&'c StagedPath> {
    let index = changes.binary_search_by(|change| change.path.as_slice().cmp(path)).ok()?;
    changes.get(index)
}

/// Adds the requested files that did not change to `staged`, and the requested paths that do not exist.
fn add_requested(index: &Index, requested: &[Vec<u8>], staged: &mut StagedChanges) {
    let changed: HashSet<&[u8]> = staged.changes.iter().map(|change| &change.path[..]).collect();
    let mut unchanged = Vec::new();
    for path in requested {
        let requested = path.strip_suffix(b"/").unwrap_or(path);
        let is_below = |path: &[u8]| {
            requested.is_empty()
                || path.strip_prefix(requested).is_some_and(|rest| rest.first() == Some(&b'/'))
        };
        let mut exists = changed.contains(requested) || changed.iter().any(|path| is_below(path));
        // A file and the files below a directory of the same name are not adjacent: `a.b` sorts between `a` and `a/b`.
        let dir = if requested.is_empty() { Vec::new() } else { [requested, b"/"].concat() };
        let file_rows = index.rows[index.first_at_or_after(requested)..]
            .iter()
            .take_while(|row| index.path(row) == requested);
        let dir_rows =
            index.rows[index.first_at_or_after(&dir)..].iter().take_while(|row| is_below(index.path(row)));
        for row in file_rows.chain(dir_rows) {
            exists = true;
            let path = index.path(row);
            if let Some(version) = compare::file_version(index, row)
                && !changed.contains(path)
            {
                unchanged.push((path.to_vec(), version));
            }
        }
        if !exists {
            staged.unknown_paths.push(requested.to_vec());
        }
    }
    unchanged.sort();
    unchanged.dedup();
    staged.unchanged_files = unchanged;
}
