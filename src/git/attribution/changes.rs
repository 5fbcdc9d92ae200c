//! The commits that introduce and remove each secret.

use super::commit_graph::CommitGraph;
use super::object_graph::ObjectGraph;
use super::reached::ReachedBy;
use super::secret_paths::MAX_DEPTH;
use super::set_interner::SetId;
use crate::model::Change;

/// For each secret the commits that introduce it and those that remove it, oldest first. Commits count only if they
/// are reached by something at least as strong as `reached_by` says of the secret (`None`: no commit has it).
pub(super) fn find(
    graph: &mut ObjectGraph<'_>,
    history: &CommitGraph,
    reached_by: &[Option<ReachedBy>],
) -> Vec<(Vec<Change>, Vec<Change>)> {
    let mut changes = vec![(Vec::new(), Vec::new()); reached_by.len()];
    for at in history.by_date() {
        let node = &history.nodes[at as usize];
        let before = history.secrets_of_parents(graph, node);
        if before == node.secrets {
            continue;
        }
        let counts =
            |secret: &u32| reached_by[*secret as usize].is_some_and(|weakest| node.reached_by <= weakest);
        let added: Vec<u32> = graph.sets.difference(node.secrets, before).filter(counts).collect();
        for secret in added {
            let path = first_path(graph, node.tree, secret);
            changes[secret as usize].0.extend(graph.change(node.number, path));
        }
        let removed: Vec<u32> = graph.sets.difference(before, node.secrets).filter(counts).collect();
        for secret in removed {
            let parent = history.parents(node).find(|parent| graph.sets.contains(parent.secrets, secret));
            let path = parent.and_then(|parent| first_path(graph, parent.tree, secret));
            changes[secret as usize].1.extend(graph.change(node.number, path));
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
        // Git sorts a folder as if its name ended with a slash; so this is the order of paths.
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
