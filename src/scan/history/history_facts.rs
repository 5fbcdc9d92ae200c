//! What a repository says about a secret, to be laid over the leak that its findings make.

use std::collections::HashMap;

use crate::git::Leading;
use crate::git::attribution::{Reach, Trail};
use crate::model::{Change, Fingerprint, Leak, LeakStatus};

/// Facts about one secret, from one repository or several.
#[derive(Clone, Debug, Default)]
pub(super) struct HistoryFacts {
    status: Option<LeakStatus>,
    introduced: Vec<Change>,
    removed: Vec<Change>,
    refs_at_tip: Vec<String>,
    refs_in_history: Vec<String>,
    held_by: Vec<String>,
    exposed_seconds: Option<u64>,
}

/// Facts by secret.
pub(super) type FactsBySecret = HashMap<Fingerprint, HistoryFacts>;

impl HistoryFacts {
    /// The strongest status wins: what is present anywhere is present.
    pub(super) fn status(&mut self, status: LeakStatus) {
        self.status = Some(self.status.map_or(status, |known| known.min(status)));
    }

    /// Takes over what attribution found out.
    pub(super) fn trail(&mut self, trail: &Trail, now: i64) {
        let present = !trail.refs_at_tip.is_empty();
        self.status(match trail.reach {
            _ if present => LeakStatus::Present,
            Some(Reach::Ref) => LeakStatus::Removed,
            _ => LeakStatus::Unreachable,
        });
        self.introduced.extend(trail.introduced.iter().cloned());
        self.removed.extend(trail.removed.iter().cloned());
        self.refs_at_tip.extend(trail.refs_at_tip.iter().cloned());
        self.refs_in_history.extend(trail.refs_in_history.iter().cloned());
        self.held_by.extend(trail.held_by.iter().cloned());
        self.exposed_seconds = self.exposed_seconds.max(trail.exposed_seconds(present, now));
    }

    /// Takes over what leads to a commit or tag that holds the secret itself.
    pub(super) fn leading(&mut self, leading: &Leading) {
        self.status(match leading.reach {
            _ if !leading.refs_at_tip.is_empty() => LeakStatus::Present,
            Some(Reach::Ref) => LeakStatus::Removed,
            _ => LeakStatus::Unreachable,
        });
        self.refs_at_tip.extend(leading.refs_at_tip.iter().cloned());
        self.refs_in_history.extend(leading.refs_in_history.iter().cloned());
        self.held_by.extend(leading.held_by.iter().cloned());
    }

    /// A commit whose message brought the secret in.
    pub(super) fn introduced_by(&mut self, change: Change, now: i64) {
        let age = u64::try_from(now.saturating_sub(change.seconds)).unwrap_or(0);
        self.exposed_seconds = self.exposed_seconds.max(Some(age));
        self.introduced.push(change);
    }

    /// Adds what another repository says.
    pub(super) fn merge(&mut self, other: Self) {
        if let Some(status) = other.status {
            self.status(status);
        }
        self.introduced.extend(other.introduced);
        self.removed.extend(other.removed);
        self.refs_at_tip.extend(other.refs_at_tip);
        self.refs_in_history.extend(other.refs_in_history);
        self.held_by.extend(other.held_by);
        self.exposed_seconds = self.exposed_seconds.max(other.exposed_seconds);
    }

    /// Lays it over `leak`.
    pub(super) fn apply(mut self, leak: &mut Leak) {
        if let Some(status) = self.status {
            leak.status = status;
        }
        for changes in [&mut self.introduced, &mut self.removed] {
            changes.sort_by(|a, b| (a.seconds, &a.commit).cmp(&(b.seconds, &b.commit)));
            changes.dedup_by(|a, b| a.commit == b.commit);
        }
        for names in [&mut self.refs_at_tip, &mut self.refs_in_history, &mut self.held_by] {
            names.sort();
            names.dedup();
        }
        leak.introduced = self.introduced;
        leak.removed = self.removed;
        leak.refs_at_tip = self.refs_at_tip;
        leak.refs_in_history = self.refs_in_history;
        leak.held_by = self.held_by;
        leak.exposed_seconds = self.exposed_seconds;
    }
}
