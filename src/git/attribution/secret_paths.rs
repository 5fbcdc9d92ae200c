//! Finds the paths at which each secret is or was, over the whole history.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::commit_graph::CommitGraph;
use super::object_graph::ObjectGraph;
use super::reached_by::ReachedBy;
use super::set_interner::SetId;

/// Maximum depth of directories; deeper ones are not entered. git itself refuses trees of more levels.
pub(super) const MAX_DEPTH: u32 = 2048;
/// Maximum length of the path of a directory, in bytes; longer ones are not entered. Thousands of files below such a directory
/// would each have a path that long.
pub(in crate::git) const MAX_DIRECTORY_LEN: usize = 4096;
/// Maximum number of distinct paths. A dozen small trees that contain each other can have billions.
const MAX_PATHS: usize = 1 << 17;
/// Maximum number of visits to a tree at a path.
const MAX_VISITS: usize = 1 << 24;
/// Maximum number of pairs of a secret and a path, several times as many as a report has findings. Beyond it, objects that have a
/// path get no others: thousands of secrets in a blob at thousands of paths are millions of pairs.
pub(super) const MAX_PLACES: usize = 1 << 18;
/// Maximum total length of the paths in these pairs, in bytes.
const MAX_PLACE_BYTES: usize = 1 << 26;

/// A path at which a secret is or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPath {
    /// The path from the top of the tree, with `/`. If the secret is the name of an entry, the path of the tree with that
    /// entry, which is empty for the root. The path is also empty for a blob that a ref points to.
    pub path: Vec<u8>,
    /// The newest blob or tree with the secret at this path: that of the newest commit, by committer's date, of those
    /// that a ref reaches; if there is none, of those that a reflog reaches; otherwise of the others.
    pub newest: ObjectId,
    /// The commit that has `newest`. `None` if a ref points to the tree or blob itself.
    pub commit: Option<ObjectId>,
    /// The number of different blobs with the secret at this path, over the whole history.
    pub versions: u64,
}

/// A path: the number of its parent directory, and the number of its last component.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct PathStep {
    parent: u32,
    name: u32,
}

/// The number of the empty path, which is the top of the tree.
const TOP: u32 = 0;

/// The value in place of a path's number if there is none.
const NO_PATH: u32 = u32::MAX;

/// A path that was visited.
struct VisitedPath {
    step: PathStep,
    /// Number of components.
    depth: u32,
    /// Length in bytes.
    len: usize,
}

/// All visited paths, by number.
struct PathTable {
    /// The paths.
    steps: Vec<VisitedPath>,
    numbers: HashMap<PathStep, u32>,
}

impl PathTable {
    fn new() -> Self {
        let top = PathStep { parent: TOP, name: u32::MAX };
        Self { steps: vec![VisitedPath { step: top, depth: 0, len: 0 }], numbers: HashMap::new() }
    }

    /// The number of the path `name` below `parent`; `None` if it would be too deep or too long, or one path too many.
    fn child(&mut self, graph: &ObjectGraph<'_>, parent: u32, name: u32) -> Option<u32> {
        let step = PathStep { parent, name };
        if let Some(&known) = self.numbers.get(&step) {
            return Some(known);
        }
        let directory = self.steps.get(parent as usize)?;
        let depth = directory.depth + 1;
        if depth > MAX_DEPTH || directory.len > MAX_DIRECTORY_LEN || self.steps.len() >= MAX_PATHS {
            return None;
        }
        let len = directory.len + 1 + graph.name(name, <[u8]>::len);
        let number = u32::try_from(self.steps.len()).ok()?;
        self.steps.push(VisitedPath { step, depth, len });
        self.numbers.insert(step, number);
        Some(number)
    }

    /// The path with this number, as text.
    fn text(&self, graph: &ObjectGraph<'_>, mut path: u32) -> Vec<u8> {
        let mut names = Vec::new();
        while path != TOP {
            let step = self.steps[path as usize].step;
            names.push(graph.name(step.name, <[u8]>::to_vec));
            path = step.parent;
        }
        names.reverse();
        names.join(&b'/')
    }
}

/// The blobs and trees with a secret at a path.
struct Versions {
    /// The newest one, by its number among the queried objects.
    newest: u32,
    /// The commit that has `newest`.
    commit: Option<u32>,
    /// How many there are.
    count: u64,
}

/// The paths of all secrets.
pub(super) struct PathSearch {
    table: PathTable,
    /// For each tree, the path at which it was first visited.
    first_visit: Vec<u32>,
    /// The tree and the path of every other visit; these are few.
    other_visits: HashSet<(u32, u32)>,
    visits: usize,
    /// Pairs of a queried object and a path at which it was counted.
    counted: HashSet<(u32, u32)>,
    /// For each queried object, whether it was counted at any path.
    has_path: Vec<bool>,
    /// The versions by secret and path.
    versions: HashMap<(u32, u32), Versions>,
    /// Total length of the paths in `versions`, in bytes.
    place_bytes: usize,
    /// Whether paths are missing because a limit was exceeded.
    is_truncated: bool,
}

impl PathSearch {
    /// Searches `trees` and the trees of all commits that a root at least as strong as `weakest` reaches.
    pub(super) fn new(
        graph: &ObjectGraph<'_>,
        commit_graph: &CommitGraph,
        trees: impl Iterator<Item = u32>,
        weakest: ReachedBy,
    ) -> Self {
        let mut search = Self {
            table: PathTable::new(),
            first_visit: vec![NO_PATH; graph.ids.count()],
            other_visits: HashSet::new(),
            visits: 0,
            counted: HashSet::new(),
            has_path: vec![false; graph.queried_secrets.len()],
            versions: HashMap::new(),
            place_bytes: 0,
            is_truncated: false,
        };
        // Newest first, so that the first version visited at a path is the newest.
        let mut order = commit_graph.by_date();
        order.reverse();
        order.sort_by_key(|&position| commit_graph.nodes[position as usize].reached_by);
        for position in order {
            let node = &commit_graph.nodes[position as usize];
            if node.secrets != SetId::EMPTY && node.reached_by <= weakest {
                search.visit(graph, node.tree, Some(node.number));
            }
        }
        for tree in trees {
            search.visit(graph, tree, None);
        }
        search
    }

    /// Counts the queried objects in the tree `root` and below it, at every path that was not visited for the same tree.
    fn visit(&mut self, graph: &ObjectGraph<'_>, root: u32, commit: Option<u32>) {
        let mut stack = vec![(root, TOP)];
        while let Some((tree, path)) = stack.pop() {
            if !self.is_first_visit(tree, path) {
                continue;
            }
            if self.visits >= MAX_VISITS {
                self.is_truncated = true;
                return;
            }
            self.visits += 1;
            if let Some(object) = graph.queried_tree(tree) {
                self.count(graph, object, path, commit);
            }
            for entry in graph.queried_entries(tree) {
                match self.table.child(graph, path, entry.name) {
                    Some(path) => self.count(graph, entry.object, path, commit),
                    None => self.is_truncated = true,
                }
            }
            for subtree in graph.subtrees(tree) {
                if graph.known_secrets(subtree.tree) != SetId::EMPTY {
                    match self.table.child(graph, path, subtree.name) {
                        Some(path) => stack.push((subtree.tree, path)),
                        None => self.is_truncated = true,
                    }
                }
            }
        }
    }

    /// Records a visit, and returns whether it is the first one of that tree at that path.
    fn is_first_visit(&mut self, tree: u32, path: u32) -> bool {
        match self.first_visit.get_mut(tree as usize) {
            Some(first) if *first == NO_PATH => {
                *first = path;
                true
            }
            Some(first) if *first == path => false,
            _ => self.other_visits.insert((tree, path)),
        }
    }

    /// Counts a queried object at a path, once. Beyond the limits, counts it at its first path only.
    fn count(&mut self, graph: &ObjectGraph<'_>, object: u32, path: u32, commit: Option<u32>) {
        if !self.counted.insert((object, path)) {
            return;
        }
        let had_path = std::mem::replace(&mut self.has_path[object as usize], true);
        let is_full = self.versions.len() >= MAX_PLACES || self.place_bytes >= MAX_PLACE_BYTES;
        if had_path && is_full {
            self.is_truncated = true;
            return;
        }
        for secret in graph.sets.members(graph.queried_secrets[object as usize]) {
            let versions = self.versions.entry((secret, path)).or_insert_with(|| {
                self.place_bytes += self.table.steps[path as usize].len;
                Versions { newest: object, commit, count: 0 }
            });
            versions.count += 1;
        }
    }

    /// Counts blobs in `objects`, to which refs point, if they are in no tree.
    pub(super) fn add_pathless(&mut self, graph: &ObjectGraph<'_>, objects: impl Iterator<Item = u32>) {
        for object in objects {
            if !self.has_path[object as usize] {
                self.count(graph, object, TOP, None);
            }
        }
    }

    /// The numbers of the queried objects that were not found at any path.
    pub(super) fn unnamed_objects(&self, graph: &ObjectGraph<'_>) -> Vec<u32> {
        let objects = graph.queried.iter().map(|(object, _)| object);
        objects.filter(|&object| !self.has_path[object as usize]).collect()
    }

    /// The paths of each of `secrets` secrets, sorted. If some are missing, records a gap.
    pub(super) fn finish(self, graph: &mut ObjectGraph<'_>, secrets: usize) -> Vec<Vec<SecretPath>> {
        let mut paths_by_secret: Vec<Vec<SecretPath>> = vec![Vec::new(); secrets];
        for (&(secret, path), versions) in &self.versions {
            paths_by_secret[secret as usize].push(SecretPath {
                path: self.table.text(graph, path),
                newest: graph.queried.get(versions.newest).0,
                commit: versions.commit.map(|number| graph.ids.id(number)),
                versions: versions.count,
            });
        }
        for paths in &mut paths_by_secret {
            paths.sort_by(|a, b| a.path.cmp(&b.path));
        }
        if self.is_truncated {
            graph.gaps().push("paths of some findings", "too many, too deep or too long to list them all");
        }
        paths_by_secret
    }
}
