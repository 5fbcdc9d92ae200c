//! The paths that hold each secret, over the whole history.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::commit_graph::CommitGraph;
use super::object_graph::ObjectGraph;
use super::reached::ReachedBy;
use super::set_interner::SetId;

/// Directories nested deeper are not entered; git itself refuses trees of more than 2048 levels.
pub(super) const MAX_DEPTH: u32 = 2048;
/// Maximum number of distinct paths. A dozen small trees can produce billions.
const MAX_PATHS: usize = 1 << 17;
/// Maximum number of visits to a tree under a path.
const MAX_VISITS: usize = 1 << 24;

/// A path that holds, or held, a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPath {
    /// From the top of the tree, with `/`. If the name of an entry is the secret, the path of the tree with that
    /// entry, which is empty for the root. Also empty for a blob that a ref points to.
    pub path: Vec<u8>,
    /// The newest version there that holds the secret: that of the newest commit, by committer's date, that a ref
    /// reaches; or else a reflog; or else nothing.
    pub newest: ObjectId,
    /// That commit. `None` if a ref points to the tree or blob itself.
    pub commit: Option<ObjectId>,
    /// How many different blobs at this path held it, over the whole history.
    pub versions: u64,
}

/// A path as the number of its parent and its last component.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct PathStep {
    parent: u32,
    name: u32,
}

/// The number of the empty path.
const TOP: u32 = 0;

/// In place of a path's number: there is none.
const NO_PATH: u32 = u32::MAX;

/// All paths visited, by number.
struct PathTable {
    /// With their depths.
    steps: Vec<(PathStep, u32)>,
    numbers: HashMap<PathStep, u32>,
}

impl PathTable {
    fn new() -> Self {
        let top = PathStep { parent: TOP, name: u32::MAX };
        Self { steps: vec![(top, 0)], numbers: HashMap::new() }
    }

    /// The number of `name` below `parent`; `None` if that is too deep, or exceeds the number of paths.
    fn below(&mut self, parent: u32, name: u32) -> Option<u32> {
        let step = PathStep { parent, name };
        if let Some(&known) = self.numbers.get(&step) {
            return Some(known);
        }
        let depth = self.steps.get(parent as usize)?.1 + 1;
        if depth > MAX_DEPTH || self.steps.len() >= MAX_PATHS {
            return None;
        }
        let number = u32::try_from(self.steps.len()).ok()?;
        self.steps.push((step, depth));
        self.numbers.insert(step, number);
        Some(number)
    }

    fn text(&self, graph: &ObjectGraph<'_>, mut path: u32) -> Vec<u8> {
        let mut names = Vec::new();
        while path != TOP {
            let (step, _) = self.steps[path as usize];
            names.push(graph.name(step.name, <[u8]>::to_vec));
            path = step.parent;
        }
        names.reverse();
        names.join(&b'/')
    }
}

/// The newest version at a path, and how many there are.
struct Versions {
    /// The number of the queried object.
    newest: u32,
    commit: Option<u32>,
    count: u64,
}

/// Finds the paths of every secret.
pub(super) struct PathSearch {
    table: PathTable,
    /// By tree: the path under which it was first visited.
    first_visit: Vec<u32>,
    /// Trees and paths of all other visits, which are few.
    other_visits: HashSet<(u32, u32)>,
    visits: usize,
    /// Queried objects with the paths at which they were counted.
    counted: HashSet<(u32, u32)>,
    /// By secret and path.
    found: HashMap<(u32, u32), Versions>,
    /// Whether a limit was exceeded, so that paths are missing.
    is_truncated: bool,
}

impl PathSearch {
    /// Searches the trees of all commits reached by something as strong as `weakest`, and those of `trees`.
    pub(super) fn run(
        graph: &ObjectGraph<'_>,
        history: &CommitGraph,
        trees: impl Iterator<Item = u32>,
        weakest: ReachedBy,
    ) -> Self {
        let mut search = Self {
            table: PathTable::new(),
            first_visit: vec![NO_PATH; graph.ids.count()],
            other_visits: HashSet::new(),
            visits: 0,
            counted: HashSet::new(),
            found: HashMap::new(),
            is_truncated: false,
        };
        // Newest first, so that the first version visited at a path is the newest.
        let mut order = history.by_date();
        order.reverse();
        order.sort_by_key(|&at| history.nodes[at as usize].reached_by);
        for at in order {
            let node = &history.nodes[at as usize];
            if node.secrets != SetId::EMPTY && node.reached_by <= weakest {
                search.visit(graph, node.tree, Some(node.number));
            }
        }
        for tree in trees {
            search.visit(graph, tree, None);
        }
        search
    }

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
                match self.table.below(path, entry.name) {
                    Some(path) => self.count(graph, entry.object, path, commit),
                    None => self.is_truncated = true,
                }
            }
            for subtree in graph.subtrees(tree) {
                if graph.known_secrets(subtree.tree) != SetId::EMPTY {
                    match self.table.below(path, subtree.name) {
                        Some(path) => stack.push((subtree.tree, path)),
                        None => self.is_truncated = true,
                    }
                }
            }
        }
    }

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

    fn count(&mut self, graph: &ObjectGraph<'_>, object: u32, path: u32, commit: Option<u32>) {
        if !self.counted.insert((object, path)) {
            return;
        }
        for secret in graph.sets.members(graph.queried_secrets[object as usize]) {
            let first = Versions { newest: object, commit, count: 0 };
            self.found.entry((secret, path)).or_insert(first).count += 1;
        }
    }

    /// Counts those of `objects` that are in no tree: blobs that a ref points to.
    pub(super) fn add_pathless(&mut self, graph: &ObjectGraph<'_>, objects: impl Iterator<Item = u32>) {
        let in_trees: HashSet<u32> = self.counted.iter().map(|&(object, _)| object).collect();
        for object in objects.filter(|object| !in_trees.contains(object)) {
            self.count(graph, object, TOP, None);
        }
    }

    /// The queried objects that were not found, by number.
    pub(super) fn unnamed(&self, graph: &ObjectGraph<'_>) -> Vec<u32> {
        let named: HashSet<u32> = self.counted.iter().map(|&(object, _)| object).collect();
        graph.queried.iter().map(|(object, _)| object).filter(|object| !named.contains(object)).collect()
    }

    /// The paths of each of `secrets` secrets, sorted.
    pub(super) fn finish(self, graph: &mut ObjectGraph<'_>, secrets: usize) -> Vec<Vec<SecretPath>> {
        let mut found: Vec<Vec<SecretPath>> = vec![Vec::new(); secrets];
        for (&(secret, path), versions) in &self.found {
            found[secret as usize].push(SecretPath {
                path: self.table.text(graph, path),
                newest: graph.queried.get(versions.newest).0,
                commit: versions.commit.map(|number| graph.ids.id(number)),
                versions: versions.count,
            });
        }
        for paths in &mut found {
            paths.sort_by(|a, b| a.path.cmp(&b.path));
        }
        if self.is_truncated {
            graph.gaps().push("paths of some findings", "too many, or too deep, to list them all");
        }
        found
    }
}
