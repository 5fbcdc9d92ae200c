//! What threads bring together while they sweep, by place; ids are looked up at the end.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use gix::ObjectId;
use gix::object::Kind;

use super::Hits;
use super::outcome::Counts;
use super::plan::Forest;
use crate::git::pack::Entry;
use crate::model::Skip;

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// In the pack of that number.
    Packed(usize, Entry),
    /// In a file of its own.
    Loose(ObjectId),
}

/// An object with matches.
pub(super) struct Located<H> {
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) hits: Hits<H>,
    /// Whether there are more matches than are kept.
    pub(super) overfull: bool,
}

/// An object that could not be searched.
pub(super) struct Failure {
    pub(super) place: Place,
    pub(super) reason: Arc<str>,
    /// Whether the reason lies in this object, not in one it hangs on.
    pub(super) direct: bool,
    /// Whether it was there a moment before.
    pub(super) vanished: bool,
}

/// What one thread, or all of them, brought together.
pub(super) struct Collected<H> {
    pub(super) located: Vec<Located<H>>,
    pub(super) failures: Vec<Failure>,
    pub(super) counts: Counts,
    pub(super) searched: u64,
    /// What objects name and was not found.
    pub(super) missing: HashSet<ObjectId>,
    /// Packed entries behind whose streams there are more bytes: the pack's number, and the entry.
    pub(super) gaps: Vec<(usize, Entry)>,
    /// Files of loose objects behind whose streams there may be more bytes.
    pub(super) tails: Vec<PathBuf>,
    /// Entries for which there was no memory: the pack's number, and the entry.
    pub(super) postponed: Vec<(usize, Entry)>,
    /// Further copies of objects that cannot be read, and why.
    pub(super) skips: Vec<Skip>,
}

impl<H> Default for Collected<H> {
    fn default() -> Self {
        Self {
            located: Vec::new(),
            failures: Vec::new(),
            counts: Counts::default(),
            searched: 0,
            missing: HashSet::new(),
            gaps: Vec::new(),
            tails: Vec::new(),
            postponed: Vec::new(),
            skips: Vec::new(),
        }
    }
}

impl<H> Collected<H> {
    pub(super) fn merge(&mut self, other: Self) {
        self.located.extend(other.located);
        self.failures.extend(other.failures);
        self.counts.merge(&other.counts);
        self.searched += other.searched;
        self.missing.extend(other.missing);
        self.gaps.extend(other.gaps);
        self.tails.extend(other.tails);
        self.postponed.extend(other.postponed);
        self.skips.extend(other.skips);
    }

    /// Notes that `entry` could not be read, nor therefore what hangs on it.
    pub(super) fn fail(&mut self, forest: Forest<'_>, entry: Entry, reason: &str) {
        self.fail_alone(forest, entry, reason.into(), true);
        self.fail_children(forest, entry, reason);
    }

    /// Notes that there was no memory for `entry`, nor therefore for what hangs on it.
    pub(super) fn postpone(&mut self, forest: Forest<'_>, entry: Entry) {
        self.postponed.extend(forest.plan.tree.family(entry).into_iter().map(|entry| (forest.number, entry)));
    }

    /// Notes that nothing that hangs on `entry` can be read.
    pub(super) fn fail_children(&mut self, forest: Forest<'_>, entry: Entry, reason: &str) {
        let family = forest.plan.tree.family(entry);
        if family.len() > 1 {
            let reason: Arc<str> = format!("an object in its delta chain cannot be read: {reason}").into();
            for child in &family[1..] {
                self.fail_alone(forest, *child, Arc::clone(&reason), false);
            }
        }
    }

    /// Notes that `entry` could not be read, and nothing of others.
    pub(super) fn fail_alone(&mut self, forest: Forest<'_>, entry: Entry, reason: Arc<str>, direct: bool) {
        if forest.plan.is_wanted(entry) {
            let place = Place::Packed(forest.number, entry);
            self.failures.push(Failure { place, reason, direct, vanished: false });
        }
    }
}
