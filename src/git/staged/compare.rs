//! Compares the index with a tree by walking both side by side.

use std::cmp::Ordering;

use gix::ObjectId;
use gix::objs::tree::EntryMode;
use gix::objs::{Kind, TreeRefIter};

use super::super::lookup::Lookup;
use super::index::{Index, Row, owned_id};
use super::{FileVersion, StagedPath};

/// Maximum depth of directories; each level uses stack. Deeper ones are gaps.
const MAX_DEPTH: usize = 512;
/// Maximum number of changes that are listed. A few trees can produce billions of paths.
const MAX_CHANGES: usize = 1 << 22;

/// Lists the paths at which `index` and `tree` differ, in order, and all submodules in directories that differ, each with its
/// commit.
pub(super) fn compare(
    index: &Index,
    tree: Option<ObjectId>,
    lookup: &mut Lookup,
) -> (Vec<StagedPath>, Vec<(Vec<u8>, ObjectId)>) {
    let mut compare =
        IndexComparison { index, lookup, next_row: 0, changes: Vec::new(), submodules: Vec::new() };
    compare.compare_dir(&mut Vec::new(), tree, index.cache_tree.top(), 0);
    (compare.changes, compare.submodules)
}

/// The bits of a mode that distinguish files, links, directories and submodules.
const TYPE_BITS: u32 = 0o170_000;
/// The mode of a submodule.
const SUBMODULE: u32 = 0o160_000;

/// The file in a row; `None` for a submodule, a directory, and a file without content yet, which was added with `git add -N`.
pub(super) fn file_version(index: &Index, row: &Row) -> Option<FileVersion> {
    let mode = file_mode(row.mode).filter(|_| !row.is_intent_to_add)?;
    Some(FileVersion { id: owned_id(index, row), mode })
}

/// The mode as git compares it; `None` for a directory or a submodule.
fn file_mode(mode: u32) -> Option<u32> {
    match mode & TYPE_BITS {
        // Old commits have other modes, such as 0o100664.
        0o100_000 if mode & 0o100 == 0 => Some(0o100_644),
        0o100_000 => Some(0o100_755),
        0o120_000 => Some(0o120_000),
        _ => None,
    }
}

/// An entry of a tree, copied from the buffer of the lookup.
struct TreeEntry {
    name: Vec<u8>,
    mode: EntryMode,
    id: ObjectId,
}

impl TreeEntry {
    fn file_version(&self) -> Option<FileVersion> {
        Some(FileVersion { id: self.id, mode: file_mode(u32::from(self.mode.value()))? })
    }
}

/// What the index has next in a directory.
enum IndexItem {
    /// Nothing more.
    End,
    /// A file of that name.
    File(Vec<u8>),
    /// A directory of that name, with files or as a single row of a sparse index.
    Dir(Vec<u8>),
}

/// A comparison in progress.
struct IndexComparison<'a> {
    index: &'a Index,
    lookup: &'a mut Lookup,
    /// The position of the next row of the index.
    next_row: usize,
    changes: Vec<StagedPath>,
    submodules: Vec<(Vec<u8>, ObjectId)>,
}

impl IndexComparison<'_> {
    /// Compares the index below `path`, which is empty or ends with a slash, with `tree`. `node` is the directory in the
    /// cache tree of the index.
    fn compare_dir(&mut self, path: &mut Vec<u8>, tree: Option<ObjectId>, node: Option<u32>, depth: usize) {
        if self.skip_unchanged(path, tree, node) {
            return;
        }
        if depth > MAX_DEPTH {
            self.lookup.gaps.push(String::from_utf8_lossy(path), "nested too deep");
            while self.row_below(path).is_some() {
                self.next_row += 1;
            }
            return;
        }
        let length = path.len();
        let mut old = self.entries(tree).into_iter().peekable();
        loop {
            let next = self.next_item(path);
            let order = match (&next, old.peek()) {
                (IndexItem::End, None) => break,
                (IndexItem::End, Some(_)) => Ordering::Greater,
                (_, None) => Ordering::Less,
                (IndexItem::File(name), Some(entry)) => order(name, false, &entry.name, entry.mode.is_tree()),
                (IndexItem::Dir(name), Some(entry)) => order(name, true, &entry.name, entry.mode.is_tree()),
            };
            let entry = if order.is_lt() { None } else { old.next() };
            match next {
                IndexItem::File(name) if order.is_le() => {
                    path.extend_from_slice(&name);
                    self.compare_file(path, entry.and_then(|entry| entry.file_version()));
                }
                IndexItem::Dir(name) if order.is_le() => {
                    path.extend_from_slice(&name);
                    path.push(b'/');
                    let tree = entry.map(|entry| entry.id);
                    let node = node.and_then(|node| self.index.cache_tree.child(node, &name));
                    if !self.compare_sparse_dir(path, tree, depth + 1) {
                        self.compare_dir(path, tree, node, depth + 1);
                    }
                }
                _ => {
                    if let Some(entry) = entry {
                        self.add_deleted(path, entry, depth);
                    }
                }
            }
            path.truncate(length);
        }
    }

    /// Skips a directory for which the index records `tree`. Returns whether it did.
    fn skip_unchanged(&mut self, path: &[u8], tree: Option<ObjectId>, node: Option<u32>) -> bool {
        let Some((count, id)) = node.and_then(|node| self.index.cache_tree.unchanged_tree(node)) else {
            return false;
        };
        let end = self.next_row.saturating_add(count);
        let is_below =
            |row: usize| self.index.rows.get(row).is_some_and(|row| self.index.path(row).starts_with(path));
        // A count that does not match the rows is not trusted.
        let is_count_right =
            (count == 0 || is_below(end - 1)) && !is_below(end) && end <= self.index.rows.len();
        let skips = tree == Some(id) && is_count_right;
        if skips {
            self.next_row = end;
        }
        skips
    }

    /// The next row, if it is below `path`.
    fn row_below(&self, path: &[u8]) -> Option<&Row> {
        self.index.rows.get(self.next_row).filter(|row| self.index.path(row).starts_with(path))
    }

    fn next_item(&self, path: &[u8]) -> IndexItem {
        let Some(row) = self.row_below(path) else { return IndexItem::End };
        let rest = &self.index.path(row)[path.len()..];
        match memchr::memchr(b'/', rest) {
            Some(slash) => IndexItem::Dir(rest[..slash].to_vec()),
            None => IndexItem::File(rest.to_vec()),
        }
    }

    /// Compares a file, which has several rows if it is in conflict.
    fn compare_file(&mut self, path: &[u8], old: Option<FileVersion>) {
        let start = self.next_row;
        while self.index.rows.get(self.next_row).is_some_and(|row| self.index.path(row) == path) {
            self.next_row += 1;
        }
        let rows = &self.index.rows[start..self.next_row];
        let is_conflict = rows.iter().any(|row| row.stage > 0);
        let submodules = rows.iter().filter(|row| row.mode & TYPE_BITS == SUBMODULE);
        self.submodules.extend(submodules.map(|row| (path.to_vec(), owned_id(self.index, row))));
        let new: Vec<_> = rows.iter().filter_map(|row| file_version(self.index, row)).collect();
        if is_conflict || new.first() != old.as_ref() {
            self.add_change(path, old, new);
        }
    }

    fn add_change(&mut self, path: &[u8], old: Option<FileVersion>, new: Vec<FileVersion>) {
        if self.changes.len() >= MAX_CHANGES {
            self.lookup.gaps.push("changes", format!("only the first {MAX_CHANGES} were compared"));
        } else if old.is_some() || !new.is_empty() {
            self.changes.push(StagedPath { path: path.to_vec(), old, new });
        }
    }

    /// Compares a directory that is a single row of a sparse index. Returns whether it is one.
    fn compare_sparse_dir(&mut self, path: &mut Vec<u8>, old: Option<ObjectId>, depth: usize) -> bool {
        let Some(row) = self.index.rows.get(self.next_row).filter(|row| Index::is_dir(row)) else {
            return false;
        };
        if self.index.path(row) != path {
            return false;
        }
        let new = owned_id(self.index, row);
        self.next_row += 1;
        self.compare_trees(path, old, Some(new), depth);
        true
    }

    /// Lists the differences between two trees.
    fn compare_trees(
        &mut self,
        path: &mut Vec<u8>,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
        depth: usize,
    ) {
        if old == new || self.changes.len() >= MAX_CHANGES {
            return;
        }
        if depth > MAX_DEPTH {
            self.lookup.gaps.push(String::from_utf8_lossy(path), "nested too deep");
            return;
        }
        let length = path.len();
        let (mut old_entries, mut new_entries) =
            (self.entries(old).into_iter().peekable(), self.entries(new).into_iter().peekable());
        loop {
            let order = match (old_entries.peek(), new_entries.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => order(&a.name, a.mode.is_tree(), &b.name, b.mode.is_tree()),
            };
            let old = if order.is_le() { old_entries.next() } else { None };
            let new = if order.is_ge() { new_entries.next() } else { None };
            let Some(either) = old.as_ref().or(new.as_ref()) else { break };
            path.extend_from_slice(&either.name);
            if either.mode.is_tree() {
                path.push(b'/');
                self.compare_trees(path, old.map(|old| old.id), new.map(|new| new.id), depth + 1);
            } else {
                let submodule = new.as_ref().filter(|new| new.mode.is_commit());
                self.submodules.extend(submodule.map(|new| (path.clone(), new.id)));
                let (old, new) =
                    (old.and_then(|old| old.file_version()), new.and_then(|new| new.file_version()));
                if old != new {
                    self.add_change(path, old, new.into_iter().collect());
                }
            }
            path.truncate(length);
        }
    }

    /// Lists an entry that is in the tree but not in the index, with everything below it.
    fn add_deleted(&mut self, path: &mut Vec<u8>, entry: TreeEntry, depth: usize) {
        path.extend_from_slice(&entry.name);
        if entry.mode.is_tree() {
            path.push(b'/');
            self.compare_trees(path, Some(entry.id), None, depth + 1);
        } else {
            self.add_change(path, entry.file_version(), Vec::new());
        }
    }

    /// The entries of a tree, or as many as can be read.
    fn entries(&mut self, tree: Option<ObjectId>) -> Vec<TreeEntry> {
        let Some(id) = tree else { return Vec::new() };
        let hash_kind = self.lookup.hash_kind();
        let mut entries = Vec::new();
        let mut is_malformed = false;
        for entry in
            TreeRefIter::from_bytes(self.lookup.read_as(&id, Kind::Tree).unwrap_or_default(), hash_kind)
        {
            match entry {
                Ok(entry) => entries.push(TreeEntry {
                    name: entry.filename.to_vec(),
                    mode: entry.mode,
                    id: entry.oid.to_owned(),
                }),
                Err(_) => is_malformed = true,
            }
        }
        if is_malformed {
            self.lookup.gaps.push(format!("tree {id}"), "malformed; run `git fsck` for details");
        }
        entries
    }
}

/// Compares two names in the order of the index and of trees, where directories sort as if their names ended with a slash.
fn order(a: &[u8], a_is_dir: bool, b: &[u8], b_is_dir: bool) -> Ordering {
    let slash = |is_dir: bool| is_dir.then_some(b'/');
    a.iter().copied().chain(slash(a_is_dir)).cmp(b.iter().copied().chain(slash(b_is_dir)))
}
