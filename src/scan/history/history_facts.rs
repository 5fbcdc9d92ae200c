//! Facts about a secret from the history, to be added to its leak.

use std::collections::HashMap;

use crate::git::attribution::SecretHistory;
use crate::model::{Change, Fingerprint, Leak, LeakStatus, Move, Reachability};

/// The facts about one secret, from one or more repositories.
#[derive(Clone, Debug, Default)]
pub(super) struct HistoryFacts {
    status: Option<LeakStatus>,
    introduced: Vec<Change>,
    removed: Vec<Change>,
    moves: Vec<Move>,
    reachability: Reachability,
    exposed_seconds: Option<u64>,
}

/// The facts by secret.
pub(super) type FactsBySecret = HashMap<Fingerprint, HistoryFacts>;

impl HistoryFacts {
    /// Adds a status. The strongest one applies: a secret that is present anywhere is present.
    pub(super) fn add_status(&mut self, status: LeakStatus) {
        self.status = Some(self.status.map_or(status, |known| known.min(status)));
    }

    /// Adds the result of attribution.
    pub(super) fn add_history(&mut self, history: &SecretHistory, now: i64) {
        self.add_reachability(&history.reachability);
        self.introduced.extend(history.introduced.iter().cloned());
        self.removed.extend(history.removed.iter().cloned());
        self.moves.extend(history.moves.iter().cloned());
        let is_present = !history.reachability.refs_at_tip.is_empty();
        self.exposed_seconds = self.exposed_seconds.max(history.exposed_seconds(is_present, now));
    }

    /// Adds what leads to the secret, or to a commit or tag that itself contains it.
    pub(super) fn add_reachability(&mut self, reachability: &Reachability) {
        self.add_status(if !reachability.refs_at_tip.is_empty() {
            LeakStatus::Present
        } else if !reachability.refs_in_history.is_empty() {
            LeakStatus::Removed
        } else {
            LeakStatus::Unreachable
        });
        self.reachability.merge(reachability.clone());
    }

    /// Adds a commit whose message introduced the secret.
    pub(super) fn add_introduction(&mut self, change: Change, now: i64) {
        let age = u64::try_from(now.saturating_sub(change.seconds)).unwrap_or(0);
        self.exposed_seconds = self.exposed_seconds.max(Some(age));
        self.introduced.push(change);
    }

    /// Adds the facts from another repository.
    pub(super) fn merge(&mut self, other: Self) {
        if let Some(status) = other.status {
            self.add_status(status);
        }
        self.introduced.extend(other.introduced);
        self.removed.extend(other.removed);
        self.moves.extend(other.moves);
        self.reachability.merge(other.reachability);
        self.exposed_seconds = self.exposed_seconds.max(other.exposed_seconds);
    }

    /// Writes the facts into `leak`.
    pub(super) fn apply(mut self, leak: &mut Leak) {
        if let Some(status) = self.status {
            leak.status = status;
        }
        for changes in [&mut self.introduced, &mut self.removed] {
            changes.sort_by(|a, b| (a.seconds, &a.commit).cmp(&(b.seconds, &b.commit)));
            changes.dedup_by(|a, b| a.commit == b.commit);
        }
        let order = |one: &Move| (one.change.seconds, one.change.commit.clone(), one.change.path.clone());
        self.moves.sort_by_cached_key(order);
        self.moves.dedup();
        self.moves.truncate(Leak::MAX_MOVES);
        self.reachability.sort();
        leak.introduced = self.introduced;
        leak.removed = self.removed;
        leak.moves = self.moves;
        leak.reachability = self.reachability;
        leak.exposed_seconds = self.exposed_seconds;
    }
}
