//! What keeps a secret, or an object, in a repository.

/// The refs and reflog entries that lead to something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Full names of the refs whose tip has it, sorted.
    pub refs_at_tip: Vec<String>,
    /// Full names of the refs with a commit in their history that has it, sorted.
    pub refs_in_history: Vec<String>,
    /// Reflog entries and pseudo refs that lead to it, if no ref does: `refs/heads/main@{3}`.
    pub held_by: Vec<String>,
}

impl Reachability {
    /// Adds what another repository, or another object, says.
    pub fn merge(&mut self, other: Self) {
        self.refs_at_tip.extend(other.refs_at_tip);
        self.refs_in_history.extend(other.refs_in_history);
        self.held_by.extend(other.held_by);
    }

    /// Sorts the names, and drops repeated ones.
    pub fn sort(&mut self) {
        for names in self.names_mut() {
            names.sort();
            names.dedup();
        }
    }

    /// The three lists.
    pub fn names_mut(&mut self) -> [&mut Vec<String>; 3] {
        [&mut self.refs_at_tip, &mut self.refs_in_history, &mut self.held_by]
    }
}
