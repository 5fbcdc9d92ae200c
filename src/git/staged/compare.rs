//! Compares the index with a tree, side by side.

use std::cmp::Ordering;

use gix::ObjectId;
use gix::objs::tree::EntryMode;
use gix::objs::{Kind, TreeRefIter};

use super::super::lookup::Lookup;
use super::index::{Index, Row, owned};
use super::{Side, StagedPath};

/// Directories nested deeper are not entered, since each level uses stack.
const MAX_DEPTH: usize = 512;
/// Maximum number of changes. A few trees can produce billions of paths.
const MAX_CHANGES: usize = 1 << 22;

/// Lists the paths at which `index` and the tree `head` differ, in order; and the submodules in directories that
/// differ, each with its commit.
pub(super) fn run(
    index: &Index,
    head: Option<ObjectId>,
    lookup: &mut Lookup,
) -> (Vec<StagedPath>, Vec<(Vec<u8>, ObjectId)>) {
    let mut compare = Compare { index, lookup, at: 0, changes: Vec::new(), submodules: Vec::new() };
    compare.dir(&mut Vec::new(), head, index.cache_tree.top(), 0);
    (compare.changes, compare.submodules)
}

/// The mode of a submodule.
const SUBMODULE: u32 = 0o160_000;

/// The blob of a row; `None` for a submodule, and for a file that is only intended to be added.
pub(super) fn side(index: &Index, row: &Row) -> Option<Side> {
    let mode = file_mode(row.mode).filter(|_| !row.intent)?;
    Some(Side { id: owned(index, row), mode })
}

/// The mode as git compares it; `None` for a directory or a submodule.
fn file_mode(mode: u32) -> Option<u32> {
    match mode & 0o170_000 {
        // Old commits have other modes, such as 0o100664.
        0o100_000 if mode & 0o100 == 0 => Some(0o100_644),
        0o100_000 => Some(0o100_755),
        0o120_000 => Some(0o120_000),
        _ => None,
    }
}

/// An entry of a tree, copied out of the lookup buffer.
struct TreeEntry {
    name: Vec<u8>,
    mode: EntryMode,
    id: ObjectId,
}

impl TreeEntry {
    fn side(&self) -> Option<Side> {
        Some(Side { id: self.id, mode: file_mode(u32::from(self.mode.value()))? })
    }
}

/// The next item of the index in a directory.
enum IndexItem {
    /// Nothing.
    End,
    /// A file of that name.
    File(Vec<u8>),
    /// A directory of that name, with files or as a single row of a sparse index.
    Dir(Vec<u8>),
}

struct Compare<'a> {
    index: &'a Index,
    lookup: &'a mut Lookup,
    /// The next row of the index.
    at: usize,
    changes: Vec<StagedPath>,
    submodules: Vec<(Vec<u8>, ObjectId)>,
}

impl Compare<'_> {
    /// Compares the index below `path`, which is empty or ends with a slash, with a tree.
    fn dir(&mut self, path: &mut Vec<u8>, tree: Option<ObjectId>, cached: Option<u32>, depth: usize) {
        if self.skip_unchanged(path, tree, cached) {
            return;
        }
        if depth > MAX_DEPTH {
            self.lookup.gaps.push(String::from_utf8_lossy(path), "nested too deep");
            while self.row_below(path).is_some() {
                self.at += 1;
            }
            return;
        }
        let length = path.len();
        let mut old = self.entries(tree).into_iter().peekable();
        loop {
            let next = self.next(path);
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
                    self.file(path, entry.and_then(|entry| entry.side()));
                }
                IndexItem::Dir(name) if order.is_le() => {
                    path.extend_from_slice(&name);
                    path.push(b'/');
                    let tree = entry.map(|entry| entry.id);
                    let cached = cached.and_then(|cached| self.index.cache_tree.child(cached, &name));
                    if !self.whole_dir(path, tree, depth + 1) {
                        self.dir(path, tree, cached, depth + 1);
                    }
                }
                _ => {
                    if let Some(entry) = entry {
                        self.gone(path, entry, depth);
                    }
                }
            }
            path.truncate(length);
        }
    }

    /// Skips a directory if the index records that its tree is that of HEAD.
    fn skip_unchanged(&mut self, path: &[u8], tree: Option<ObjectId>, cached: Option<u32>) -> bool {
        let Some((count, id)) = cached.and_then(|cached| self.index.cache_tree.valid(cached)) else {
            return false;
        };
        let end = self.at.saturating_add(count);
        let below =
            |at: usize| self.index.rows.get(at).is_some_and(|row| self.index.path(row).starts_with(path));
        // A count that does not match the rows is ignored.
        let fits = (count == 0 || below(end - 1)) && !below(end) && end <= self.index.rows.len();
        if tree == Some(id) && fits {
            self.at = end;
        }
        tree == Some(id) && fits
    }

    fn row_below(&self, path: &[u8]) -> Option<&Row> {
        self.index.rows.get(self.at).filter(|row| self.index.path(row).starts_with(path))
    }

    fn next(&self, path: &[u8]) -> IndexItem {
        let Some(row) = self.row_below(path) else { return IndexItem::End };
        let rest = &self.index.path(row)[path.len()..];
        match memchr::memchr(b'/', rest) {
            Some(slash) => IndexItem::Dir(rest[..slash].to_vec()),
            None => IndexItem::File(rest.to_vec()),
        }
    }

    /// Compares a file, which has several rows if it is in conflict.
    fn file(&mut self, path: &[u8], old: Option<Side>) {
        let start = self.at;
        while self.index.rows.get(self.at).is_some_and(|row| self.index.path(row) == path) {
            self.at += 1;
        }
        let rows = &self.index.rows[start..self.at];
        let conflict = rows.iter().any(|row| row.stage > 0);
        let submodules = rows.iter().filter(|row| row.mode & 0o170_000 == SUBMODULE);
        self.submodules.extend(submodules.map(|row| (path.to_vec(), owned(self.index, row))));
        let new: Vec<_> = rows.iter().filter_map(|row| side(self.index, row)).collect();
        if conflict || new.first() != old.as_ref() {
            self.change(path, old, new);
        }
    }

    fn change(&mut self, path: &[u8], old: Option<Side>, new: Vec<Side>) {
        if self.changes.len() >= MAX_CHANGES {
            self.lookup.gaps.push("changes", format!("only the first {MAX_CHANGES} were compared"));
        } else if old.is_some() || !new.is_empty() {
            self.changes.push(StagedPath { path: path.to_vec(), old, new });
        }
    }

    /// Compares a directory that is a single row of a sparse index.
    fn whole_dir(&mut self, path: &mut Vec<u8>, old: Option<ObjectId>, depth: usize) -> bool {
        let Some(row) = self.index.rows.get(self.at).filter(|row| Index::is_dir(row)) else {
            return false;
        };
        if self.index.path(row) != path {
            return false;
        }
        let new = owned(self.index, row);
        self.at += 1;
        self.trees(path, old, Some(new), depth);
        true
    }

    /// Lists the differences between two trees.
    fn trees(&mut self, path: &mut Vec<u8>, old: Option<ObjectId>, new: Option<ObjectId>, depth: usize) {
        if old == new || self.changes.len() >= MAX_CHANGES {
            return;
        }
        if depth > MAX_DEPTH {
            self.lookup.gaps.push(String::from_utf8_lossy(path), "nested too deep");
            return;
        }
        let length = path.len();
        let (mut olds, mut news) =
            (self.entries(old).into_iter().peekable(), self.entries(new).into_iter().peekable());
        loop {
            let order = match (olds.peek(), news.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => order(&a.name, a.mode.is_tree(), &b.name, b.mode.is_tree()),
            };
            let old = if order.is_le() { olds.next() } else { None };
            let new = if order.is_ge() { news.next() } else { None };
            let Some(either) = old.as_ref().or(new.as_ref()) else { break };
            path.extend_from_slice(&either.name);
            if either.mode.is_tree() {
                path.push(b'/');
                self.trees(path, old.map(|old| old.id), new.map(|new| new.id), depth + 1);
            } else {
                let submodule = new.as_ref().filter(|new| new.mode.is_commit());
                self.submodules.extend(submodule.map(|new| (path.clone(), new.id)));
                let (old, new) = (old.and_then(|old| old.side()), new.and_then(|new| new.side()));
                if old != new {
                    self.change(path, old, new.into_iter().collect());
                }
            }
            path.truncate(length);
        }
    }

    /// Lists an entry that is in the tree but not in the index.
    fn gone(&mut self, path: &mut Vec<u8>, entry: TreeEntry, depth: usize) {
        path.extend_from_slice(&entry.name);
        if entry.mode.is_tree() {
            path.push(b'/');
            self.trees(path, Some(entry.id), None, depth + 1);
        } else {
            self.change(path, entry.side(), Vec::new());
        }
    }

    /// The entries of a tree, or as many as can be read.
    fn entries(&mut self, tree: Option<ObjectId>) -> Vec<TreeEntry> {
        let Some(id) = tree else { return Vec::new() };
        let hash = self.lookup.hash();
        let mut entries = Vec::new();
        let mut whole = true;
        for entry in TreeRefIter::from_bytes(self.lookup.of_kind(&id, Kind::Tree).unwrap_or_default(), hash) {
            match entry {
                Ok(entry) => entries.push(TreeEntry {
                    name: entry.filename.to_vec(),
                    mode: entry.mode,
                    id: entry.oid.to_owned(),
                }),
                Err(_) => whole = false,
            }
        }
        if !whole {
            self.lookup.gaps.push(format!("tree {id}"), "malformed; run `git fsck` for details");
        }
        entries
    }
}

/// The order of the index and of trees: directories sort as if their names ended with a slash.
fn order(a: &[u8], a_is_dir: bool, b: &[u8], b_is_dir: bool) -> Ordering {
    let slash = |is_dir: bool| is_dir.then_some(b'/');
    a.iter().copied().chain(slash(a_is_dir)).cmp(b.iter().copied().chain(slash(b_is_dir)))
}
