//! The commits, parents first, and what each has and reaches.

use std::collections::HashSet;

use super::forest::Forest;
use super::sets::SetId;

/// What leads to a commit, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// A ref, or a detached HEAD.
    Ref,
    /// Only a reflog, or a pseudo ref such as `ORIG_HEAD`.
    Reflog,
    /// Nothing.
    Unreachable,
}

/// A commit that could be read.
pub(super) struct Node {
    /// Its number in the forest.
    pub(super) number: u32,
    pub(super) tree: u32,
    /// Committer's date in seconds since 1970.
    pub(super) time: i64,
    /// Those parents that could be read: `parents[start..][..count]` of the history.
    start: u32,
    count: u32,
    /// What leads to it.
    pub(super) reach: Reach,
    /// The secrets its tree holds.
    pub(super) has: SetId,
    /// The secrets that it or any commit before it has.
    pub(super) leads_to: SetId,
}

/// Not met yet.
const NEW: u32 = u32::MAX;
/// Met, but cannot be read, or is waiting for its parents.
const OPEN: u32 = u32::MAX - 1;

/// The commits that can be reached from some starting points.
#[derive(Default)]
pub(super) struct History {
    /// Parents before their children.
    pub(super) nodes: Vec<Node>,
    /// Positions in `nodes`.
    parents: Vec<u32>,
    /// By number: position in `nodes`, or one of the above.
    positions: Vec<u32>,
}

impl History {
    /// Walks from each of `tips` (numbers of commits) to the roots.
    pub(super) fn walk(forest: &mut Forest, tips: &[(u32, Reach)]) -> Self {
        let mut history = Self::default();
        for &(tip, _) in tips {
            history.descend(forest, tip);
        }
        for &(tip, reach) in tips {
            if let Some(at) = history.position(tip) {
                let node = &mut history.nodes[at as usize];
                node.reach = node.reach.min(reach);
            }
        }
        // Children stand after their parents.
        for at in (0..history.nodes.len()).rev() {
            let Node { reach, start, count, .. } = history.nodes[at];
            for &parent in &history.parents[start as usize..][..count as usize] {
                let parent = &mut history.nodes[parent as usize];
                parent.reach = parent.reach.min(reach);
            }
        }
        history.fill(forest);
        history
    }

    /// Takes `commits`, parents first, and those just before them, which are marked as
    /// [`Reach::Unreachable`].
    pub(super) fn within(forest: &mut Forest, commits: &[u32]) -> Self {
        let mut history = Self::default();
        let inside: HashSet<u32> = commits.iter().copied().collect();
        for &number in commits {
            let parents = forest.commit(number).map(|commit| commit.parents.to_vec());
            for parent in parents.unwrap_or_default() {
                if !inside.contains(&parent) && history.is_new(forest, parent) {
                    history.add(forest, parent, Reach::Unreachable);
                }
            }
            if history.is_new(forest, number) {
                history.add(forest, number, Reach::Ref);
            }
        }
        history.fill(forest);
        history
    }

    /// Adds a commit after everything before it. Walks with a stack of its own, since histories are
    /// longer than thread stacks.
    fn descend(&mut self, forest: &mut Forest, tip: u32) {
        let mut stack = vec![(tip, false)];
        while let Some((number, entered)) = stack.pop() {
            if entered {
                self.add(forest, number, Reach::Unreachable);
            } else if self.is_new(forest, number)
                && let Some(commit) = forest.commit(number)
            {
                stack.push((number, true));
                let met = |parent: &u32| self.positions.get(*parent as usize).is_some_and(|&at| at != NEW);
                stack.extend(
                    commit.parents.iter().rev().filter(|parent| !met(parent)).map(|&parent| (parent, false)),
                );
            }
        }
    }

    /// Whether a commit is met for the first time.
    fn is_new(&mut self, forest: &Forest, number: u32) -> bool {
        let at = number as usize;
        if self.positions.len() <= at {
            self.positions.resize(forest.numbers.count().max(at + 1), NEW);
        }
        let new = self.positions[at] == NEW;
        if new {
            self.positions[at] = OPEN;
        }
        new
    }

    /// Adds a commit whose parents, as far as they can be had, have been added.
    fn add(&mut self, forest: &mut Forest, number: u32, reach: Reach) {
        let Some(commit) = forest.commit(number) else { return };
        let start = self.parents.len();
        for &parent in commit.parents {
            self.parents.extend(self.positions.get(parent as usize).filter(|&&at| at < OPEN));
        }
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.positions[number as usize] = short(self.nodes.len());
        self.nodes.push(Node {
            number,
            tree: commit.tree,
            time: commit.time,
            start: short(start),
            count: short(self.parents.len() - start),
            reach,
            has: SetId::EMPTY,
            leads_to: SetId::EMPTY,
        });
    }

    /// Those parents of a commit that could be read.
    pub(super) fn parents(&self, node: &Node) -> impl Iterator<Item = &Node> {
        let positions = &self.parents[node.start as usize..][..node.count as usize];
        positions.iter().map(|&parent| &self.nodes[parent as usize])
    }

    /// Finds out what each commit has and leads to.
    fn fill(&mut self, forest: &mut Forest) {
        for at in 0..self.nodes.len() {
            let has = forest.holds(self.nodes[at].tree);
            let mut leads_to = has;
            for parent in self.parents(&self.nodes[at]) {
                leads_to = forest.sets.union(leads_to, parent.leads_to);
            }
            self.nodes[at].has = has;
            self.nodes[at].leads_to = leads_to;
        }
    }

    /// Where a commit stands in [`Self::nodes`], if it could be read.
    pub(super) fn position(&self, number: u32) -> Option<u32> {
        self.positions.get(number as usize).copied().filter(|&at| at < OPEN)
    }

    /// The node of a commit.
    pub(super) fn node(&self, number: u32) -> Option<&Node> {
        self.position(number).map(|at| &self.nodes[at as usize])
    }

    /// What the parents of a commit have between them.
    pub(super) fn before(&self, forest: &mut Forest, node: &Node) -> SetId {
        self.parents(node).fold(SetId::EMPTY, |set, parent| forest.sets.union(set, parent.has))
    }

    /// Positions of all commits, oldest first: by date, a parent before its child where dates agree.
    pub(super) fn by_date(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).collect();
        // Stable: nodes are in topological order.
        order.sort_by_key(|&at| self.nodes[at as usize].time);
        order
    }
}
