//! The commits that introduce, remove and move each secret.

use super::commit_graph::CommitGraph;
use super::moves;
use super::object_graph::ObjectGraph;
use super::reached::ReachedBy;
use super::secret_paths::MAX_DEPTH;
use super::set_interner::SetId;
use crate::model::{Change, Leak, Move};

/// The commits that change where one secret is, oldest first.
#[derive(Clone, Default)]
pub(super) struct SecretChanges {
    pub(super) introduced: Vec<Change>,
    pub(super) removed: Vec<Change>,
    pub(super) moves: Vec<Move>,
}

/// For each secret the commits that introduce it, remove it and move it. A commit is included only if it is reached
/// by something at least as strong as `reached_by` gives for the secret (`None`: no commit has it).
pub(super) fn find(
    graph: &mut ObjectGraph<'_>,
    history: &CommitGraph,
    reached_by: &[Option<ReachedBy>],
) -> Vec<SecretChanges> {
    let mut changes = vec![SecretChanges::default(); reached_by.len()];
    let mut left = moves::MAX_COMPARED;
    for at in history.by_date() {
        let node = &history.nodes[at as usize];
        let counts =
            |secret: &u32| reached_by[*secret as usize].is_some_and(|weakest| node.reached_by <= weakest);
        let before = history.secrets_of_parents(graph, node);
        let added: Vec<u32> = graph.sets.difference(node.secrets, before).filter(counts).collect();
        for secret in added {
            let path = first_path(graph, node.tree, secret);
            changes[secret as usize].introduced.extend(graph.change(node.number, path));
        }
        let removed: Vec<u32> = graph.sets.difference(before, node.secrets).filter(counts).collect();
        for secret in removed {
            let parent = history.parents(node).find(|parent| graph.sets.contains(parent.secrets, secret));
            let path = parent.and_then(|parent| first_path(graph, parent.tree, secret));
            changes[secret as usize].removed.extend(graph.change(node.number, path));
        }
        for (secret, moved) in moves::of_commit(graph, history, node, &mut left) {
            let known = &mut changes[secret as usize].moves;
            for (from, to) in moved.into_iter().filter(|_| counts(&secret)) {
                if known.len() < Leak::MAX_MOVES
                    && let Some(change) = graph.change(node.number, Some(to))
                {
                    known.push(Move { from, change });
                }
            }
        }
    }
    changes
}

/// The first path, in byte order, under which `tree` holds `secret`.
fn first_path(graph: &ObjectGraph<'_>, tree: u32, secret: u32) -> Option<Vec<u8>> {
    let mut path = Vec::new();
    let mut at = tree;
    let holds = |set: SetId| graph.sets.contains(set, secret);
    // Bounded, in case a tree seems to contain itself.
    for _ in 0..=MAX_DEPTH {
        if graph.queried_tree(at).is_some_and(|object| holds(graph.queried_secrets[object as usize])) {
            path.pop();
            return Some(path);
        }
        let blobs = graph
            .queried_entries(at)
            .iter()
            .filter(|entry| holds(graph.queried_secrets[entry.object as usize]))
            .map(|entry| (graph.name(entry.name, <[u8]>::to_vec), None));
        // Git sorts a directory as if its name ended with a slash; so this is the order of paths.
        let trees = graph.subtrees(at).iter().filter(|subtree| holds(graph.known_secrets(subtree.tree)));
        let trees = trees.map(|subtree| {
            let mut name = graph.name(subtree.name, <[u8]>::to_vec);
            name.push(b'/');
            (name, Some(subtree.tree))
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
