//! The commit graph, parents first, with the secrets that each commit has.

use std::collections::HashSet;

use super::object_graph::ObjectGraph;
use super::reached::ReachedBy;
use super::set_interner::SetId;

/// A commit that could be read.
pub(super) struct CommitNode {
    /// Its number in the object graph.
    pub(super) number: u32,
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    /// Its parents that could be read: `parents[start..][..count]` of the history.
    start: u32,
    count: u32,
    pub(super) reached_by: ReachedBy,
    /// The secrets in its tree.
    pub(super) secrets: SetId,
    /// The secrets in its tree or in that of any ancestor.
    pub(super) secrets_in_history: SetId,
}

/// In place of a position: the commit was not visited.
const UNVISITED: u32 = u32::MAX;
/// In place of a position: the commit cannot be read, or its parents come first.
const PENDING: u32 = u32::MAX - 1;

#[derive(Default)]
pub(super) struct CommitGraph {
    /// Parents before their children.
    pub(super) nodes: Vec<CommitNode>,
    /// Positions in `nodes`.
    parents: Vec<u32>,
    /// By number of the commit: its position in `nodes`, or one of the constants.
    positions: Vec<u32>,
}

/// The children of each node: their lists, concatenated.
pub(super) struct Children {
    starts: Vec<u32>,
    children: Vec<u32>,
}

impl Children {
    pub(super) fn of(&self, at: u32) -> &[u32] {
        &self.children[self.starts[at as usize] as usize..self.starts[at as usize + 1] as usize]
    }
}

impl CommitGraph {
    /// Walks from each of `tips` to the root commits; then, with `include_unreachable`, from all other commits that
    /// `graph` knows.
    pub(super) fn walk(
        graph: &mut ObjectGraph<'_>,
        tips: &[(u32, ReachedBy)],
        include_unreachable: bool,
    ) -> Self {
        let mut history = Self::default();
        for &(tip, _) in tips {
            history.descend(graph, tip);
        }
        if include_unreachable {
            for commit in history.unreachable(graph) {
                history.descend(graph, commit);
            }
        }
        for &(tip, reached_by) in tips {
            if let Some(at) = history.position(tip) {
                let node = &mut history.nodes[at as usize];
                node.reached_by = node.reached_by.min(reached_by);
            }
        }
        // Backwards, from children to parents.
        for at in (0..history.nodes.len()).rev() {
            let CommitNode { reached_by, start, count, .. } = history.nodes[at];
            for &parent in &history.parents[start as usize..][..count as usize] {
                let parent = &mut history.nodes[parent as usize];
                parent.reached_by = parent.reached_by.min(reached_by);
            }
        }
        history.unite_secrets(graph);
        history
    }

    /// Builds the graph of `commits`, which are sorted parents first, and of their parents outside, which are marked
    /// as [`ReachedBy::Nothing`].
    pub(super) fn within(graph: &mut ObjectGraph<'_>, commits: &[u32]) -> Self {
        let mut history = Self::default();
        let inside: HashSet<u32> = commits.iter().copied().collect();
        for &number in commits {
            let parents = graph.commit(number).map(|commit| commit.parents.to_vec());
            for parent in parents.unwrap_or_default() {
                if !inside.contains(&parent) && history.enter(graph, parent) {
                    history.add(graph, parent, ReachedBy::Nothing);
                }
            }
            if history.enter(graph, number) {
                history.add(graph, number, ReachedBy::Ref);
            }
        }
        history.unite_secrets(graph);
        history
    }

    /// Known commits that were not visited, in the order of their ids.
    fn unreachable(&self, graph: &ObjectGraph<'_>) -> Vec<u32> {
        let is_unvisited =
            |&number: &u32| self.positions.get(number as usize).is_none_or(|&at| at == UNVISITED);
        let unvisited = graph.known_commits().filter(is_unvisited);
        let mut commits: Vec<u32> = unvisited.filter(|&number| graph.ids.is_canonical(number)).collect();
        commits.sort_by_cached_key(|&number| graph.ids.id(number));
        commits
    }

    /// Adds a commit after all its ancestors. Histories are longer than thread stacks are deep, so the stack is
    /// explicit.
    fn descend(&mut self, graph: &mut ObjectGraph<'_>, tip: u32) {
        let mut stack = vec![(tip, false)];
        while let Some((number, are_parents_done)) = stack.pop() {
            if are_parents_done {
                self.add(graph, number, ReachedBy::Nothing);
            } else if self.enter(graph, number)
                && let Some(commit) = graph.commit(number)
            {
                stack.push((number, true));
                let is_new =
                    |&parent: &u32| self.positions.get(parent as usize).is_none_or(|&at| at == UNVISITED);
                let parents = commit.parents.iter().rev().copied().filter(is_new);
                stack.extend(parents.map(|parent| (parent, false)));
            }
        }
    }

    /// Marks a commit as visited. Returns whether this is the first visit.
    fn enter(&mut self, graph: &ObjectGraph<'_>, number: u32) -> bool {
        let at = number as usize;
        if self.positions.len() <= at {
            self.positions.resize(graph.ids.count().max(at + 1), UNVISITED);
        }
        let is_first = self.positions[at] == UNVISITED;
        if is_first {
            self.positions[at] = PENDING;
        }
        is_first
    }

    /// Adds a commit whose parents were added, as far as they can be read.
    fn add(&mut self, graph: &mut ObjectGraph<'_>, number: u32, reached_by: ReachedBy) {
        let Some(commit) = graph.commit(number) else { return };
        let start = self.parents.len();
        for &parent in commit.parents {
            self.parents.extend(self.positions.get(parent as usize).filter(|&&at| at < PENDING));
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

    fn parent_positions(&self, node: &CommitNode) -> &[u32] {
        &self.parents[node.start as usize..][..node.count as usize]
    }

    /// The children of every commit.
    pub(super) fn children(&self) -> Children {
        let mut starts = vec![0u32; self.nodes.len() + 1];
        for &parent in &self.parents {
            starts[parent as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut free = starts.clone();
        let mut children = vec![0; self.parents.len()];
        for (node, at) in self.nodes.iter().zip(0u32..) {
            for &parent in self.parent_positions(node) {
                let slot = &mut free[parent as usize];
                children[*slot as usize] = at;
                *slot += 1;
            }
        }
        Children { starts, children }
    }

    /// Sets the secrets of each commit.
    fn unite_secrets(&mut self, graph: &mut ObjectGraph<'_>) {
        if !graph.has_secrets() {
            return;
        }
        for at in 0..self.nodes.len() {
            let secrets = graph.secrets_in(self.nodes[at].tree);
            let mut in_history = secrets;
            for parent in self.parents(&self.nodes[at]) {
                in_history = graph.sets.union(in_history, parent.secrets_in_history);
            }
            self.nodes[at].secrets = secrets;
            self.nodes[at].secrets_in_history = in_history;
        }
    }

    /// A commit's position in [`Self::nodes`], if it could be read.
    pub(super) fn position(&self, number: u32) -> Option<u32> {
        self.positions.get(number as usize).copied().filter(|&at| at < PENDING)
    }

    pub(super) fn node(&self, number: u32) -> Option<&CommitNode> {
        self.position(number).map(|at| &self.nodes[at as usize])
    }

    /// The secrets that any parent of a commit has.
    pub(super) fn secrets_of_parents(&self, graph: &mut ObjectGraph<'_>, node: &CommitNode) -> SetId {
        self.parents(node).fold(SetId::EMPTY, |set, parent| graph.sets.union(set, parent.secrets))
    }

    /// Positions of all commits, oldest first: by date, and a parent before its child where dates are equal.
    pub(super) fn by_date(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..to_u32(self.nodes.len())).collect();
        // Stable, and the nodes are in topological order.
        order.sort_by_key(|&at| self.nodes[at as usize].time);
        order
    }
}

/// A count as 32 bits, with which objects are numbered.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
