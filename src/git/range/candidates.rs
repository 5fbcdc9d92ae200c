//! What the commits of a range brought, and what was there before.

use std::cmp::Ordering;
use std::rc::Rc;

use gix::ObjectId;
use gix::hashtable::{HashMap as IdMap, HashSet};
use gix::objs::{Kind, TreeRefIter};

use super::super::commit::Header;
use super::super::lookup::{Gaps, Lookup};
use super::Range;

/// Trees kept at hand: a commit's are, for the most part, the next one's parents'.
const KEPT: usize = 4096;
/// Folders nested deeper are not entered; git itself refuses trees of more than 2048 levels.
const DEEPEST: usize = 2048;

/// A blob that a commit of the range has, and none of its parents has at that path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The blob. Each is listed once.
    pub blob: ObjectId,
    /// The first path met, from the top of the tree.
    pub path: Vec<u8>,
    /// The commit that has it there: the first of the range, parents first.
    pub commit: ObjectId,
    /// What parents have at that path in its place. A secret that is in one of these is most likely an
    /// old one.
    pub replaced: Vec<ObjectId>,
}

/// Lists what the commits of a range brought, and what could not be read.
pub fn candidates(repo: &gix::Repository, range: &Range) -> (Vec<Candidate>, Gaps) {
    let mut trees = Trees::new(repo);
    let mut found = Found::default();
    let tree_of: IdMap<ObjectId, ObjectId> =
        range.commits.iter().map(|commit| (commit.id, commit.tree)).collect();
    for commit in &range.commits {
        let parents = commit.parents.iter();
        let parents: Vec<_> = parents
            .filter_map(|parent| tree_of.get(parent).copied().or_else(|| trees.of_commit(parent)))
            .collect();
        found.compare(&mut trees, commit.id, commit.tree, parents);
    }
    (found.candidates, trees.lookup.gaps)
}

/// Lists the blobs of the trees just before the range, except those in `scanned`: whether a secret is
/// among them decides whether it is an old one.
pub fn outside(repo: &gix::Repository, range: &Range, scanned: &HashSet<ObjectId>) -> (Vec<ObjectId>, Gaps) {
    let mut trees = Trees::new(repo);
    let inside: HashSet<ObjectId> = range.commits.iter().map(|commit| commit.id).collect();
    let mut met = HashSet::default();
    let mut blobs = Vec::new();
    for parent in range.commits.iter().flat_map(|commit| &commit.parents) {
        if inside.contains(parent) || !met.insert(*parent) {
            continue;
        }
        let mut todo: Vec<_> = trees.of_commit(parent).into_iter().collect();
        while let Some(tree) = todo.pop() {
            if !met.insert(tree) {
                continue;
            }
            for entry in &trees.get(tree).entries {
                match entry.what {
                    What::Tree => todo.push(entry.id),
                    What::Blob if !scanned.contains(&entry.id) && met.insert(entry.id) => {
                        blobs.push(entry.id)
                    }
                    What::Blob => {}
                }
            }
        }
    }
    (blobs, trees.lookup.gaps)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Tree,
    Blob,
}

struct Entry {
    name: Vec<u8>,
    what: What,
    id: ObjectId,
}

impl Entry {
    /// The order of entries: a folder as if its name ended with a slash.
    fn order(&self, other: &Self) -> Ordering {
        let slash = |entry: &Self| (entry.what == What::Tree).then_some(b'/');
        self.name.iter().copied().chain(slash(self)).cmp(other.name.iter().copied().chain(slash(other)))
    }
}

#[derive(Default)]
struct Tree {
    entries: Vec<Entry>,
    /// Whether they are in order. They are, unless somebody took pains.
    sorted: bool,
}

impl Tree {
    /// The entry of the same name and kind. It mostly stands at, or shortly after, where the last one
    /// was found.
    fn find(&self, at: &mut usize, entry: &Entry) -> Option<&Entry> {
        let same = |other: &&Entry| other.what == entry.what && other.name == entry.name;
        if let Some(found) = self.entries.get(*at).filter(same) {
            *at += 1;
            return Some(found);
        }
        if !self.sorted {
            return self.entries.iter().find(same);
        }
        let found = self.entries.binary_search_by(|other| other.order(entry)).ok()?;
        *at = found + 1;
        Some(&self.entries[found])
    }
}

/// Reads trees, and keeps the last few thousand.
struct Trees {
    lookup: Lookup,
    kept: IdMap<ObjectId, Rc<Tree>>,
}

impl Trees {
    fn new(repo: &gix::Repository) -> Self {
        Self { lookup: Lookup::new(repo), kept: IdMap::default() }
    }

    fn of_commit(&mut self, commit: &ObjectId) -> Option<ObjectId> {
        let bytes = self.lookup.of_kind(commit, Kind::Commit)?;
        Header::new(bytes).tree()
    }

    /// The entries of a tree, as far as they can be read.
    fn get(&mut self, id: ObjectId) -> Rc<Tree> {
        if let Some(known) = self.kept.get(&id) {
            return known.clone();
        }
        let hash = self.lookup.hash();
        let (mut entries, mut whole) = (Vec::new(), true);
        for entry in TreeRefIter::from_bytes(self.lookup.of_kind(&id, Kind::Tree).unwrap_or_default(), hash) {
            let Ok(entry) = entry else {
                whole = false;
                break;
            };
            // A submodule's commit is not in this repository.
            if !entry.mode.is_commit() {
                let what = if entry.mode.is_tree() { What::Tree } else { What::Blob };
                entries.push(Entry { name: entry.filename.to_vec(), what, id: entry.oid.to_owned() });
            }
        }
        if !whole {
            self.lookup.gaps.push(format!("tree {id}"), "malformed; `git fsck` tells more");
        }
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        let sorted = entries.is_sorted_by(|a, b| a.order(b).is_lt());
        let tree = Rc::new(Tree { entries, sorted });
        self.kept.insert(id, tree.clone());
        tree
    }
}

#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    listed: HashSet<ObjectId>,
    /// Trees, with what they were compared to: once is enough, whatever the number of paths to them.
    compared: std::collections::HashSet<(ObjectId, Vec<ObjectId>)>,
}

impl Found {
    /// Lists what a commit's tree has that none of the others has at the same path.
    fn compare(&mut self, trees: &mut Trees, commit: ObjectId, tree: ObjectId, parents: Vec<ObjectId>) {
        let mut stack = vec![(Vec::new(), 0, tree, parents)];
        while let Some((path, depth, tree, parents)) = stack.pop() {
            // What one parent has just so came from there.
            if parents.contains(&tree) || !self.compared.insert((tree, parents.clone())) {
                continue;
            }
            let tree = trees.get(tree);
            let others: Vec<_> = parents.iter().map(|&parent| trees.get(parent)).collect();
            let mut at = vec![0; others.len()];
            for entry in &tree.entries {
                let mut before = Vec::new();
                for (other, at) in others.iter().zip(&mut at) {
                    before.extend(other.find(at, entry).map(|entry| entry.id));
                }
                if before.contains(&entry.id) {
                    continue;
                }
                let mut path = path.clone();
                path.extend_from_slice(&entry.name);
                if entry.what == What::Blob {
                    self.list(Candidate { blob: entry.id, path, commit, replaced: before });
                } else if depth < DEEPEST {
                    path.push(b'/');
                    stack.push((path, depth + 1, entry.id, before));
                } else {
                    trees.lookup.gaps.push(format!("tree {}", entry.id), "nested too deep");
                }
            }
        }
    }

    fn list(&mut self, candidate: Candidate) {
        if self.listed.insert(candidate.blob) {
            self.candidates.push(candidate);
        }
    }
}
