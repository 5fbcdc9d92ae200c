//! What threads bring together while they sweep, by place; ids are looked up at the end.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use gix::ObjectId;
use gix::object::Kind;

use super::Hits;
use super::outcome::ObjectCounts;
use super::plan::PlannedPack;
use crate::git::pack::Entry;
use crate::model::Skip;

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ObjectKey {
    /// In the pack of that number.
    Packed(usize, Entry),
    /// In a file of its own.
    Id(ObjectId),
}

/// An object with matches.
pub(super) struct MatchedCopy<H> {
    pub(super) key: ObjectKey,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) hits: Hits<H>,
    /// Whether there are more matches than are kept.
    pub(super) truncated: bool,
}

/// An object that could not be searched.
pub(super) struct ReadFailure {
    pub(super) key: ObjectKey,
    pub(super) reason: Arc<str>,
    /// Whether the reason lies in this object, not in one it hangs on.
    pub(super) is_root_cause: bool,
    /// Whether it was there a moment before.
    pub(super) vanished: bool,
}

/// What one thread, or all of them, brought together.
pub(super) struct Collected<H> {
    pub(super) matched: Vec<MatchedCopy<H>>,
    pub(super) failures: Vec<ReadFailure>,
    pub(super) counts: ObjectCounts,
    pub(super) searched: u64,
    /// What objects name and was not found.
    pub(super) missing: HashSet<ObjectId>,
    /// Packed entries behind whose streams there are more bytes: the pack's number, and the entry.
    pub(super) gap_candidates: Vec<(usize, Entry)>,
    /// Files of loose objects behind whose streams there may be more bytes.
    pub(super) loose_tails: Vec<PathBuf>,
    /// Entries for which there was no memory: the pack's number, and the entry.
    pub(super) postponed: Vec<(usize, Entry)>,
    /// Further copies of objects that cannot be read, and why.
    pub(super) skips: Vec<Skip>,
}

impl<H> Default for Collected<H> {
    fn default() -> Self {
        Self {
            matched: Vec::new(),
            failures: Vec::new(),
            counts: ObjectCounts::default(),
            searched: 0,
            missing: HashSet::new(),
            gap_candidates: Vec::new(),
            loose_tails: Vec::new(),
            postponed: Vec::new(),
            skips: Vec::new(),
        }
    }
}

impl<H> Collected<H> {
    pub(super) fn merge(&mut self, other: Self) {
        self.matched.extend(other.matched);
        self.failures.extend(other.failures);
        self.counts.merge(&other.counts);
        self.searched += other.searched;
        self.missing.extend(other.missing);
        self.gap_candidates.extend(other.gap_candidates);
        self.loose_tails.extend(other.loose_tails);
        self.postponed.extend(other.postponed);
        self.skips.extend(other.skips);
    }

    /// Notes that `entry` could not be read, nor therefore what hangs on it.
    pub(super) fn fail_with_descendants(&mut self, planned: PlannedPack<'_>, entry: Entry, reason: &str) {
        self.fail_entry(planned, entry, reason.into(), true);
        self.fail_descendants(planned, entry, reason);
    }

    /// Notes that there was no memory for `entry`, nor therefore for what hangs on it.
    pub(super) fn postpone(&mut self, planned: PlannedPack<'_>, entry: Entry) {
        self.postponed.extend(
            planned.plan.tree.with_descendants(entry).into_iter().map(|entry| (planned.number, entry)),
        );
    }

    /// Notes that nothing that hangs on `entry` can be read.
    pub(super) fn fail_descendants(&mut self, planned: PlannedPack<'_>, entry: Entry, reason: &str) {
        let with_descendants = planned.plan.tree.with_descendants(entry);
        if with_descendants.len() > 1 {
            let reason: Arc<str> = format!("an object in its delta chain cannot be read: {reason}").into();
            for child in &with_descendants[1..] {
                self.fail_entry(planned, *child, Arc::clone(&reason), false);
            }
        }
    }

    /// Notes that `entry` could not be read, and nothing of others.
    pub(super) fn fail_entry(
        &mut self,
        planned: PlannedPack<'_>,
        entry: Entry,
        reason: Arc<str>,
        is_root_cause: bool,
    ) {
        if planned.plan.is_first_copy(entry) {
            let key = ObjectKey::Packed(planned.number, entry);
            self.failures.push(ReadFailure { key, reason, is_root_cause, vanished: false });
        }
    }
}
