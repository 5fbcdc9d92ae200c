//! Which commits brought a secret in, and which took it out.

use super::forest::Forest;
use super::history::{History, Reach};
use super::sets::SetId;
use crate::model::Change;

/// The commits at which a secret came or went, oldest first.
#[derive(Default, Clone)]
pub(super) struct Events {
    pub(super) introduced: Vec<Change>,
    pub(super) removed: Vec<Change>,
}

/// Finds every introduction and removal of each secret, among the commits to which something at
/// least as strong leads as `reach` says of the secret (`None`: no commit has it).
pub(super) fn find(forest: &mut Forest, history: &History, reach: &[Option<Reach>]) -> Vec<Events> {
    let mut events = vec![Events::default(); reach.len()];
    for at in history.by_date() {
        let node = &history.nodes[at as usize];
        let before = history.before(forest, node);
        if before == node.has {
            continue;
        }
        let counts = |secret: u32| reach[secret as usize].is_some_and(|reach| node.reach <= reach);
        let came: Vec<u32> = forest.sets.difference(node.has, before).filter(|&s| counts(s)).collect();
        for secret in came {
            let path = first_path(forest, node.tree, secret);
            events[secret as usize].introduced.extend(forest.change(node.number, path));
        }
        let went: Vec<u32> = forest.sets.difference(before, node.has).filter(|&s| counts(s)).collect();
        for secret in went {
            let parent = history.parents(node).find(|parent| forest.sets.holds(parent.has, secret));
            let path = parent.and_then(|parent| first_path(forest, parent.tree, secret));
            events[secret as usize].removed.extend(forest.change(node.number, path));
        }
    }
    events
}

/// The first path, in the order of bytes, under which `tree` holds `secret`.
pub(super) fn first_path(forest: &Forest, tree: u32, secret: u32) -> Option<Vec<u8>> {
    let mut path = Vec::new();
    let mut at = tree;
    let holds = |set: SetId| forest.sets.holds(set, secret);
    // No deeper than there are trees: a tree that holds itself ends here.
    for _ in 0..=super::places::DEEPEST {
        if forest.tree_target(at).is_some_and(|target| holds(forest.target_sets[target as usize])) {
            path.pop();
            return Some(path);
        }
        let blobs = forest
            .hits(at)
            .iter()
            .filter(|hit| holds(forest.target_sets[hit.target as usize]))
            .map(|hit| (forest.name(hit.name, <[u8]>::to_vec), None));
        // Git sorts a folder as if its name ended with a slash, which makes this the order of paths.
        let trees = forest.edges(at).iter().filter(|edge| holds(forest.known(edge.child))).map(|edge| {
            let mut name = forest.name(edge.name, <[u8]>::to_vec);
            name.push(b'/');
            (name, Some(edge.child))
        });
        let (name, below) = blobs.chain(trees).min()?;
        path.extend_from_slice(&name);
        match below {
            Some(tree) => at = tree,
            None => return Some(path),
        }
    }
    None
}
