//! The names of the roots that reach given commits.

use gix::ObjectId;

use super::commit_graph::CommitGraph;
use super::object_graph::ObjectGraph;
use super::reached_by::ReachedBy;
use super::roots::GraphRoots;
use crate::model::Reachability;

/// The refs and reflog entries that reach each of `commits`.
pub(super) fn reachability_of(
    graph: &ObjectGraph<'_>,
    commit_graph: &CommitGraph,
    roots: &GraphRoots,
    commits: &[ObjectId],
) -> Vec<Reachability> {
    if commits.is_empty() {
        return Vec::new();
    }
    let children = commit_graph.children();
    // For each node: the last one of `commits`, numbered from 1, whose descendant it is; 0 for none.
    let mut last_ancestor = vec![0; commit_graph.nodes.len()];
    let mut answers = Vec::with_capacity(commits.len());
    for (id, commit_number) in commits.iter().zip(1u32..) {
        let target = commit_graph.position(graph.ids.number(id));
        let mut pending: Vec<u32> = target.into_iter().collect();
        while let Some(position) = pending.pop() {
            let last = std::mem::replace(&mut last_ancestor[position as usize], commit_number);
            if last != commit_number {
                pending.extend(children.get(position));
            }
        }
        let mut reachability = Reachability::default();
        for root in &roots.0 {
            let Some(tip) = root.commit().and_then(|commit| commit_graph.position(commit)) else { continue };
            if last_ancestor[tip as usize] != commit_number {
                continue;
            }
            root.add_evidence(Some(commit_graph.nodes[tip as usize].time), &mut reachability);
            if root.kind == ReachedBy::Ref {
                reachability.refs_in_history.push(root.name.clone());
                if Some(tip) == target {
                    reachability.refs_at_tip.push(root.name.clone());
                }
            } else {
                reachability.held_by.push(root.name.clone());
            }
        }
        if !reachability.refs_in_history.is_empty() {
            reachability.held_by.clear();
        }
        reachability.refs_at_tip.sort();
        reachability.refs_in_history.sort();
        reachability.tags.sort();
        reachability.tags.truncate(Reachability::MAX_TAGS);
        answers.push(reachability);
    }
    answers
}
