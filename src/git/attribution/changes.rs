//! Finds the commits that introduce, remove and move each secret.

use super::commit_graph::CommitGraph;
use super::moves;
use super::object_graph::ObjectGraph;
use super::reached_by::ReachedBy;
use super::secret_paths::{MAX_DEPTH, MAX_DIRECTORY_LEN};
use super::set_interner::SetId;
use crate::model::{Change, Leak, Move};

/// The commits that introduce, remove and move one secret, oldest first.
#[derive(Clone, Default)]
pub(super) struct SecretChanges {
    pub(super) introduced: Vec<Change>,
    pub(super) removed: Vec<Change>,
    pub(super) moves: Vec<Move>,
}

/// Finds the commits that introduce, remove and move each secret. `reached_by` has the strongest root of each secret, or `None`
/// if no commit has it. A commit that only weaker roots reach is left out.
pub(super) fn find(
    graph: &mut ObjectGraph<'_>,
    commit_graph: &CommitGraph,
    reached_by: &[Option<ReachedBy>],
) -> Vec<SecretChanges> {
    let mut changes = vec![SecretChanges::default(); reached_by.len()];
    let mut comparisons_left = moves::MAX_COMPARED;
    for position in commit_graph.by_date() {
        let node = &commit_graph.nodes[position as usize];
        // Stronger kinds of root are less.
        let is_included =
            |secret: &u32| reached_by[*secret as usize].is_some_and(|strongest| node.reached_by <= strongest);
        let before = commit_graph.secrets_of_parents(graph, node);
        let added: Vec<u32> = graph.sets.difference(node.secrets, before).filter(is_included).collect();
        for secret in added {
            let path = first_path(graph, node.tree, secret);
            changes[secret as usize].introduced.extend(graph.change(node.number, path));
        }
        let removed: Vec<u32> = graph.sets.difference(before, node.secrets).filter(is_included).collect();
        for secret in removed {
            let parent =
                commit_graph.parents(node).find(|parent| graph.sets.contains(parent.secrets, secret));
            let path = parent.and_then(|parent| first_path(graph, parent.tree, secret));
            changes[secret as usize].removed.extend(graph.change(node.number, path));
        }
        for (secret, path_pairs) in moves::find_moves(graph, commit_graph, node, &mut comparisons_left) {
            let listed = &mut changes[secret as usize].moves;
            for (from, to) in path_pairs.into_iter().filter(|_| is_included(&secret)) {
                if listed.len() < Leak::MAX_MOVES
                    && let Some(change) = graph.change(node.number, Some(to))
                {
                    listed.push(Move { from, change });
                }
            }
        }
    }
    changes
}

/// The first path, in git's order, at which `tree` contains `secret`: that of a file, or of a directory with the secret in the
/// name of an entry. `None` if it is too long.
fn first_path(graph: &ObjectGraph<'_>, tree: u32, secret: u32) -> Option<Vec<u8>> {
    let mut path = Vec::new();
    let mut tree = tree;
    let has_secret = |set: SetId| graph.sets.contains(set, secret);
    // The depth is limited in case a damaged tree appears to contain itself.
    for _ in 0..=MAX_DEPTH {
        if path.len() > MAX_DIRECTORY_LEN {
            return None;
        }
        // The secret is in the name of one of its entries. The path ends with a slash, except for the root.
        if graph.queried_tree(tree).is_some_and(|object| has_secret(graph.queried_secrets[object as usize])) {
            path.pop();
            return Some(path);
        }
        let blobs = graph
            .queried_entries(tree)
            .iter()
            .filter(|entry| has_secret(graph.queried_secrets[entry.object as usize]))
            .map(|entry| (graph.name(entry.name, <[u8]>::to_vec), None));
        // Git sorts a directory as if its name ended with a slash, so the minimum is the first path.
        let trees =
            graph.subtrees(tree).iter().filter(|subtree| has_secret(graph.known_secrets(subtree.tree)));
        let trees = trees.map(|subtree| {
            let mut name = graph.name(subtree.name, <[u8]>::to_vec);
            name.push(b'/');
            (name, Some(subtree.tree))
        });
        let (name, subtree) = blobs.chain(trees).min()?;
        path.extend_from_slice(&name);
        match subtree {
            Some(number) => tree = number,
            None => return Some(path),
        }
    }
    None
}
