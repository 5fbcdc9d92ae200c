//! Builds the commit graph, parents first, with the secrets that each commit has.

use std::collections::HashSet;

use super::object_graph::ObjectGraph;
use super::reached_by::ReachedBy;
use super::set_interner::SetId;

/// A commit that could be read.
pub(super) struct CommitNode {
    /// The number of the commit in the object graph.
    pub(super) number: u32,
    /// The number of its tree.
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    /// The parents that could be read are `parents[start..][..count]` of the graph.
    start: u32,
    count: u32,
    /// The strongest kind of root that reaches the commit.
    pub(super) reached_by: ReachedBy,
    /// The secrets in its tree.
    pub(super) secrets: SetId,
    /// The secrets in its tree or in that of any ancestor.
    pub(super) secrets_in_history: SetId,
}

/// The value in place of a position for a commit that was not visited.
const UNVISITED: u32 = u32::MAX;
/// The value in place of a position for a commit that cannot be read or whose parents have not been added yet.
const PENDING: u32 = u32::MAX - 1;

/// The commits of a history that could be read.
#[derive(Default)]
pub(super) struct CommitGraph {
    /// The commits, parents before children.
    pub(super) nodes: Vec<CommitNode>,
    /// The parents of all nodes, one list after the other: positions in `nodes`.
    parents: Vec<u32>,
    /// For each number of a commit: its position in `nodes`, [`UNVISITED`] or [`PENDING`].
    positions: Vec<u32>,
}

/// The children of each node.
pub(super) struct Children {
    /// The start of each list in `children`, and the end of the last one.
    starts: Vec<u32>,
    /// The lists, one after the other.
    children: Vec<u32>,
}

impl Children {
    /// The positions of the children of the node at a position.
    pub(super) fn get(&self, position: u32) -> &[u32] {
        let position = position as usize;
        &self.children[self.starts[position] as usize..self.starts[position + 1] as usize]
    }
}

impl CommitGraph {
    /// Walks from each of `tips` to the root commits; with `include_unreachable`, then also from all other commits that
    /// `graph` has read.
    pub(super) fn walk(
        graph: &mut ObjectGraph<'_>,
        tips: &[(u32, ReachedBy)],
        include_unreachable: bool,
    ) -> Self {
        let mut commit_graph = Self::default();
        for &(tip, _) in tips {
            commit_graph.add_history(graph, tip);
        }
        if include_unreachable {
            for commit in commit_graph.unreachable(graph) {
                commit_graph.add_history(graph, commit);
            }
        }
        for &(tip, reached_by) in tips {
            if let Some(position) = commit_graph.position(tip) {
                let node = &mut commit_graph.nodes[position as usize];
                node.reached_by = node.reached_by.min(reached_by);
            }
        }
        // In reverse, so that children precede their parents.
        for position in (0..commit_graph.nodes.len()).rev() {
            let CommitNode { reached_by, start, count, .. } = commit_graph.nodes[position];
            for &parent in &commit_graph.parents[start as usize..][..count as usize] {
                let parent = &mut commit_graph.nodes[parent as usize];
                parent.reached_by = parent.reached_by.min(reached_by);
            }
        }
        commit_graph.unite_secrets(graph);
        commit_graph
    }

    /// Builds the graph of `commits`, which must be sorted parents first, and of their other parents, which are marked as
    /// [`ReachedBy::Nothing`].
    pub(super) fn from_commits(graph: &mut ObjectGraph<'_>, commits: &[u32]) -> Self {
        let mut commit_graph = Self::default();
        let included: HashSet<u32> = commits.iter().copied().collect();
        for &number in commits {
            let parents = graph.commit(number).map(|commit| commit.parents.to_vec());
            for parent in parents.unwrap_or_default() {
                if !included.contains(&parent) && commit_graph.mark_visited(graph, parent) {
                    commit_graph.add(graph, parent, ReachedBy::Nothing);
                }
            }
            if commit_graph.mark_visited(graph, number) {
                commit_graph.add(graph, number, ReachedBy::Ref);
            }
        }
        commit_graph.unite_secrets(graph);
        commit_graph
    }

    /// Commits that `graph` has read and that were not visited, in the order of their ids.
    fn unreachable(&self, graph: &ObjectGraph<'_>) -> Vec<u32> {
        let is_unvisited =
            |&number: &u32| self.positions.get(number as usize).is_none_or(|&position| position == UNVISITED);
        let unvisited = graph.known_commits().filter(is_unvisited);
        let mut commits: Vec<u32> = unvisited.filter(|&number| graph.ids.is_canonical(number)).collect();
        commits.sort_by_cached_key(|&number| graph.ids.id(number));
        commits
    }

    /// Adds a commit after all its ancestors. Not recursive, since a history may be too long for the stack of a thread.
    fn add_history(&mut self, graph: &mut ObjectGraph<'_>, tip: u32) {
        let mut stack = vec![(tip, false)];
        while let Some((number, are_parents_done)) = stack.pop() {
            if are_parents_done {
                self.add(graph, number, ReachedBy::Nothing);
            } else if self.mark_visited(graph, number)
                && let Some(commit) = graph.commit(number)
            {
                stack.push((number, true));
                let is_new = |&parent: &u32| {
                    self.positions.get(parent as usize).is_none_or(|&position| position == UNVISITED)
                };
                let parents = commit.parents.iter().rev().copied().filter(is_new);
                stack.extend(parents.map(|parent| (parent, false)));
            }
        }
    }

    /// Marks a commit as visited. Returns whether this is the first visit.
    fn mark_visited(&mut self, graph: &ObjectGraph<'_>, number: u32) -> bool {
        let index = number as usize;
        if self.positions.len() <= index {
            self.positions.resize(graph.ids.count().max(index + 1), UNVISITED);
        }
        let is_first = self.positions[index] == UNVISITED;
        if is_first {
            self.positions[index] = PENDING;
        }
        is_first
    }

    /// Adds a commit, after those of its parents that can be read. Does nothing if the commit cannot be read.
    fn add(&mut self, graph: &mut ObjectGraph<'_>, number: u32, reached_by: ReachedBy) {
        let Some(commit) = graph.commit(number) else { return };
        let start = self.parents.len();
        for &parent in commit.parents {
            self.parents.extend(self.positions.get(parent as usize).filter(|&&position| position < PENDING));
        }
        self.positions[number as usize] = to_u32(self.nodes.len());
        self.nodes.push(CommitNode {
            number,
            tree: commit.tree,
            time: commit.time,
            start: to_u32(start),
            count: to_u32(self.parents.len() - start),
            reached_by,
            secrets: SetId::EMPTY,
            secrets_in_history: SetId::EMPTY,
        });
    }

    /// The parents of a commit that could be read.
    pub(super) fn parents(&self, node: &CommitNode) -> impl Iterator<Item = &CommitNode> {
        self.parent_positions(node).iter().map(|&parent| &self.nodes[parent as usize])
    }

    /// The positions of the parents of a commit that could be read.
    fn parent_positions(&self, node: &CommitNode) -> &[u32] {
        &self.parents[node.start as usize..][..node.count as usize]
    }

    /// The children of every commit.
    pub(super) fn children(&self) -> Children {
        let mut starts = vec![0u32; self.nodes.len() + 1];
        for &parent in &self.parents {
            starts[parent as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        // The index in `children` for the next child of each node.
        let mut next = starts.clone();
        let mut children = vec![0; self.parents.len()];
        for (node, position) in self.nodes.iter().zip(0u32..) {
            for &parent in self.parent_positions(node) {
                let index = &mut next[parent as usize];
                children[*index as usize] = position;
                *index += 1;
            }
        }
        Children { starts, children }
    }

    /// Sets the secrets of each commit, and those in its history.
    fn unite_secrets(&mut self, graph: &mut ObjectGraph<'_>) {
        if !graph.has_secrets() {
            return;
        }
        for position in 0..self.nodes.len() {
            let secrets = graph.secrets_in(self.nodes[position].tree);
            let mut in_history = secrets;
            for parent in self.parents(&self.nodes[position]) {
                in_history = graph.sets.union(in_history, parent.secrets_in_history);
            }
            self.nodes[position].secrets = secrets;
            self.nodes[position].secrets_in_history = in_history;
        }
    }

    /// The position in [`Self::nodes`] of the commit with this number, if it was added.
    pub(super) fn position(&self, number: u32) -> Option<u32> {
        self.positions.get(number as usize).copied().filter(|&position| position < PENDING)
    }

    /// The commit with this number, if it was added.
    pub(super) fn node(&self, number: u32) -> Option<&CommitNode> {
        self.position(number).map(|position| &self.nodes[position as usize])
    }

    /// The secrets that any parent of a commit has.
    pub(super) fn secrets_of_parents(&self, graph: &mut ObjectGraph<'_>, node: &CommitNode) -> SetId {
        self.parents(node).fold(SetId::EMPTY, |set, parent| graph.sets.union(set, parent.secrets))
    }

    /// Positions of all commits, oldest first: by date, and a parent before its child where dates are equal.
    pub(super) fn by_date(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..to_u32(self.nodes.len())).collect();
        // The sort is stable, and a parent precedes its children in `nodes`.
        order.sort_by_key(|&position| self.nodes[position as usize].time);
        order
    }
}

/// Converts a count or position. Objects have numbers of 32 bits, so there are not more commits than that.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
