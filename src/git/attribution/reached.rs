//! What reaches a commit: kinds of roots by strength, and the roots of single commits by name.

use gix::ObjectId;

use super::commit_graph::CommitGraph;
use super::object_graph::ObjectGraph;
use super::roots::GraphRoots;
use crate::model::Reachability;

/// The kind of root from which a commit can be reached, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReachedBy {
    /// A ref, or a detached HEAD.
    Ref,
    /// Only a reflog, or a pseudo ref such as `ORIG_HEAD`.
    Reflog,
    /// No root at all.
    Nothing,
}

/// The refs and reflog entries from which each of `commits` can be reached.
pub(super) fn commits(
    graph: &ObjectGraph<'_>,
    history: &CommitGraph,
    roots: &GraphRoots,
    commits: &[ObjectId],
) -> Vec<Reachability> {
    if commits.is_empty() {
        return Vec::new();
    }
    let children = history.children();
    // By node: the number of the commit, counted from 1, whose descendant it last was.
    let mut descends_from = vec![0; history.nodes.len()];
    let mut answers = Vec::with_capacity(commits.len());
    for (id, nth) in commits.iter().zip(1u32..) {
        let target = history.position(graph.ids.number(id));
        let mut pending: Vec<u32> = target.into_iter().collect();
        while let Some(at) = pending.pop() {
            if std::mem::replace(&mut descends_from[at as usize], nth) != nth {
                pending.extend(children.of(at));
            }
        }
        let mut reachability = Reachability::default();
        for root in &roots.0 {
            let Some(at) = root.commit().and_then(|commit| history.position(commit)) else { continue };
            if descends_from[at as usize] != nth {
                continue;
            }
            root.add_dates(Some(history.nodes[at as usize].time), &mut reachability);
            if root.reached_by == ReachedBy::Ref {
                reachability.refs_in_history.push(root.name.clone());
                if Some(at) == target {
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
