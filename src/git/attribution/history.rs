//! The commits, parents first, and what each has and reaches.

use std::collections::HashMap;

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
    /// Positions of those parents that could be read.
    pub(super) parents: Vec<u32>,
    /// What leads to it.
    pub(super) reach: Reach,
    /// The secrets its tree holds.
    pub(super) has: SetId,
    /// The secrets that it or any commit before it has.
    pub(super) leads_to: SetId,
}

/// The commits that can be reached from some starting points.
#[derive(Default)]
pub(super) struct History {
    /// Parents before their children.
    pub(super) nodes: Vec<Node>,
    positions: HashMap<u32, u32>,
}

impl History {
    /// Walks from each of `tips` (numbers of commits) to the roots.
    pub(super) fn walk(forest: &mut Forest, tips: &[(u32, Reach)]) -> Self {
        let mut history = Self::default();
        let mut opened = HashMap::new();
        for &(tip, _) in tips {
            history.descend(forest, tip, &mut opened);
        }
        for &(tip, reach) in tips {
            if let Some(at) = history.position(tip) {
                let node = &mut history.nodes[at as usize];
                node.reach = node.reach.min(reach);
            }
        }
        // Children stand after their parents.
        for at in (0..history.nodes.len()).rev() {
            let reach = history.nodes[at].reach;
            for nth in 0..history.nodes[at].parents.len() {
                let parent = history.nodes[at].parents[nth] as usize;
                history.nodes[parent].reach = history.nodes[parent].reach.min(reach);
            }
        }
        history.fill(forest);
        history
    }

    /// Adds a commit after everything before it. Walks with a stack of its own, since histories are
    /// longer than thread stacks.
    fn descend(
        &mut self,
        forest: &mut Forest,
        tip: u32,
        opened: &mut HashMap<u32, Option<super::forest::Commit>>,
    ) {
        let mut stack = vec![(tip, false)];
        while let Some((number, entered)) = stack.pop() {
            if entered {
                if let Some(Some(commit)) = opened.get_mut(&number).map(Option::take) {
                    let parents = commit
                        .parents
                        .iter()
                        .filter_map(|parent| self.positions.get(parent).copied())
                        .collect();
                    let position = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
                    self.positions.insert(number, position);
                    self.nodes.push(Node {
                        number,
                        tree: commit.tree,
                        time: commit.time,
                        parents,
                        reach: Reach::Unreachable,
                        has: SetId::EMPTY,
                        leads_to: SetId::EMPTY,
                    });
                }
                continue;
            }
            if opened.contains_key(&number) {
                continue;
            }
            let commit = forest.commit(number);
            if let Some(commit) = &commit {
                stack.push((number, true));
                stack.extend(commit.parents.iter().rev().map(|&parent| (parent, false)));
            }
            opened.insert(number, commit);
        }
    }

    /// Finds out what each commit has and leads to.
    fn fill(&mut self, forest: &mut Forest) {
        for at in 0..self.nodes.len() {
            let has = forest.holds(self.nodes[at].tree);
            let mut leads_to = has;
            for &parent in &self.nodes[at].parents {
                leads_to = forest.sets.union(leads_to, self.nodes[parent as usize].leads_to);
            }
            self.nodes[at].has = has;
            self.nodes[at].leads_to = leads_to;
        }
    }

    /// Where a commit stands in [`Self::nodes`], if it could be read.
    pub(super) fn position(&self, number: u32) -> Option<u32> {
        self.positions.get(&number).copied()
    }

    /// The node of a commit.
    pub(super) fn node(&self, number: u32) -> Option<&Node> {
        self.position(number).map(|at| &self.nodes[at as usize])
    }

    /// What the parents of a commit have between them.
    pub(super) fn before(&self, forest: &mut Forest, node: &Node) -> SetId {
        node.parents
            .iter()
            .fold(SetId::EMPTY, |set, &parent| forest.sets.union(set, self.nodes[parent as usize].has))
    }

    /// Positions of all commits, oldest first: by date, a parent before its child where dates agree.
    pub(super) fn by_date(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).collect();
        // Stable: nodes are in topological order.
        order.sort_by_key(|&at| self.nodes[at as usize].time);
        order
    }
}
