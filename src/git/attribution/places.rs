//! Under which paths a secret stands, over the whole history.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::forest::Forest;
use super::history::{History, Reach};
use super::sets::SetId;

/// Folders nested deeper are not followed; git itself refuses trees of more than 2048 levels.
pub(super) const DEEPEST: u32 = 2048;
/// Paths beyond this many are not told apart. A dozen small trees can spell out billions of paths.
const PATHS: usize = 1 << 17;
/// Visits to a folder under a path beyond this many are not made.
const VISITS: usize = 1 << 24;

/// A path that holds, or held, a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the top of the tree, `/` between the parts. For a tree in which an entry's name is the
    /// secret, the path of that tree: empty at the top. Empty, too, for a blob that a ref names.
    pub path: Vec<u8>,
    /// The newest version there that holds it: of the newest commit, by committer's date, that a ref
    /// leads to; failing that, a reflog; failing that, any.
    pub newest: ObjectId,
    /// That commit. `None` when the tree or blob stands by itself.
    pub commit: Option<ObjectId>,
    /// How many different blobs at this path held it, over all history.
    pub versions: u64,
}

/// A path as its last part and the number of the rest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Step {
    parent: u32,
    name: u32,
}

/// The number of the empty path.
const TOP: u32 = 0;

/// The number of no path.
const NOWHERE: u32 = u32::MAX;

/// All paths met, by number.
struct Paths {
    steps: Vec<(Step, u32)>,
    numbers: HashMap<Step, u32>,
}

impl Paths {
    fn new() -> Self {
        let nowhere = Step { parent: TOP, name: u32::MAX };
        Self { steps: vec![(nowhere, 0)], numbers: HashMap::new() }
    }

    /// The number of `name` below `parent`, unless that is too deep or there are too many.
    fn below(&mut self, parent: u32, name: u32) -> Option<u32> {
        let step = Step { parent, name };
        if let Some(&known) = self.numbers.get(&step) {
            return Some(known);
        }
        let depth = self.steps.get(parent as usize)?.1 + 1;
        if depth > DEEPEST || self.steps.len() >= PATHS {
            return None;
        }
        let number = u32::try_from(self.steps.len()).ok()?;
        self.steps.push((step, depth));
        self.numbers.insert(step, number);
        Some(number)
    }

    fn text(&self, forest: &Forest, mut path: u32) -> Vec<u8> {
        let mut parts = Vec::new();
        while path != TOP {
            let (step, _) = self.steps[path as usize];
            parts.push(forest.name(step.name, <[u8]>::to_vec));
            path = step.parent;
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

/// The newest version at a path, and how many there are.
struct Versions {
    target: u32,
    commit: Option<u32>,
    count: u64,
}

/// Finds the places of every secret.
pub(super) struct Search {
    paths: Paths,
    /// By tree: the path under which it was first visited.
    first: Vec<u32>,
    /// Trees and paths of all other visits, which are few.
    others: HashSet<(u32, u32)>,
    visits: usize,
    counted: HashSet<(u32, u32)>,
    places: HashMap<(u32, u32), Versions>,
    /// Whether a limit left something out.
    cut: bool,
}

impl Search {
    /// Looks through the trees of all commits to which something as strong as `weakest` leads, and
    /// through `trees` that stand by themselves.
    pub(super) fn run(forest: &Forest, history: &History, trees: &[u32], weakest: Reach) -> Self {
        let mut search = Self {
            paths: Paths::new(),
            first: vec![NOWHERE; forest.numbers.count()],
            others: HashSet::new(),
            visits: 0,
            counted: HashSet::new(),
            places: HashMap::new(),
            cut: false,
        };
        // The newest first, so that the first version met at a path is the newest.
        let mut order = history.by_date();
        order.reverse();
        order.sort_by_key(|&at| history.nodes[at as usize].reach);
        for at in order {
            let node = &history.nodes[at as usize];
            if node.has != SetId::EMPTY && node.reach <= weakest {
                search.visit(forest, node.tree, Some(node.number));
            }
        }
        for &tree in trees {
            search.visit(forest, tree, None);
        }
        search
    }

    fn visit(&mut self, forest: &Forest, root: u32, commit: Option<u32>) {
        let mut stack = vec![(root, TOP)];
        while let Some((tree, path)) = stack.pop() {
            if !self.is_new(tree, path) {
                continue;
            }
            if self.visits >= VISITS {
                self.cut = true;
                return;
            }
            self.visits += 1;
            if let Some(target) = forest.tree_target(tree) {
                self.count(forest, target, path, commit);
            }
            for hit in forest.hits(tree) {
                match self.paths.below(path, hit.name) {
                    Some(path) => self.count(forest, hit.target, path, commit),
                    None => self.cut = true,
                }
            }
            for edge in forest.edges(tree) {
                if forest.known(edge.child) != SetId::EMPTY {
                    match self.paths.below(path, edge.name) {
                        Some(path) => stack.push((edge.child, path)),
                        None => self.cut = true,
                    }
                }
            }
        }
    }

    /// Whether this is the first visit to `tree` under `path`.
    fn is_new(&mut self, tree: u32, path: u32) -> bool {
        match self.first.get_mut(tree as usize) {
            Some(first) if *first == NOWHERE => {
                *first = path;
                true
            }
            Some(first) if *first == path => false,
            _ => self.others.insert((tree, path)),
        }
    }

    fn count(&mut self, forest: &Forest, target: u32, path: u32, commit: Option<u32>) {
        if !self.counted.insert((target, path)) {
            return;
        }
        for secret in forest.sets.members(forest.target_sets[target as usize]) {
            let place = self.places.entry((secret, path)).or_insert(Versions { target, commit, count: 0 });
            place.count += 1;
        }
    }

    /// Adds those of `targets` that no tree has: blobs that a ref names.
    pub(super) fn add_alone(&mut self, forest: &Forest, targets: impl Iterator<Item = u32>) {
        let in_trees: HashSet<u32> = self.counted.iter().map(|&(target, _)| target).collect();
        for target in targets.filter(|target| !in_trees.contains(target)) {
            self.count(forest, target, TOP, None);
        }
    }

    /// The places of each of `secrets` secrets, sorted by path, and the targets (numbers) that stand
    /// nowhere.
    pub(super) fn finish(
        self,
        forest: &mut Forest,
        targets: &[(ObjectId, Vec<u32>)],
        secrets: usize,
    ) -> (Vec<Vec<Place>>, Vec<u32>) {
        let mut found: Vec<Vec<Place>> = vec![Vec::new(); secrets];
        for (&(secret, path), versions) in &self.places {
            found[secret as usize].push(Place {
                path: self.paths.text(forest, path),
                newest: targets[versions.target as usize].0,
                commit: versions.commit.map(|number| forest.numbers.id(number)),
                versions: versions.count,
            });
        }
        for places in &mut found {
            places.sort_by(|a, b| a.path.cmp(&b.path));
        }
        if self.cut {
            forest.gaps().push("paths of some findings", "more, or deeper, than can be told apart");
        }
        let placed: HashSet<u32> = self.counted.iter().map(|&(target, _)| target).collect();
        let count = u32::try_from(targets.len()).unwrap_or(u32::MAX);
        (found, (0..count).filter(|target| !placed.contains(target)).collect())
    }
}
