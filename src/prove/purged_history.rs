//! What a proof needs to know of a purge.

use std::collections::BTreeSet;

use crate::detect::Detector;
use crate::git::{HashKind, ObjectId, ObjectKind};
use crate::model::Fingerprint;
use crate::rules::{RuleError, RuleSet};
use crate::scan::detector_for;

/// A key that was purged.
#[derive(Clone, Debug)]
pub(super) struct PurgedKey {
    pub(super) fingerprint: Fingerprint,
    pub(super) redacted: String,
    pub(super) rule: String,
    /// In bytes; 0 if the report does not contain it.
    pub(super) length: usize,
}

/// What a purge removed from a history, and the ids of the objects that it wrote instead.
#[derive(Clone, Debug)]
pub struct PurgedHistory {
    pub(super) object_format: HashKind,
    /// At least one.
    pub(super) keys: Vec<PurgedKey>,
    /// The old id and the kind of every object that was rewritten, sorted by id.
    pub(super) old_objects: Vec<(ObjectId, ObjectKind)>,
    /// The new ids of the rewritten commits, tags and blobs.
    pub(super) new_objects: Vec<ObjectId>,
    /// The full names of the refs that changed. Of a renamed ref, this is the new name.
    pub(super) ref_names: BTreeSet<String>,
    /// Blobs that the purge could not search, and carried over.
    pub(super) unsearched: BTreeSet<ObjectId>,
}

impl PurgedHistory {
    /// A detector with `rules` that also considers every text with the first and last characters and the length of a
    /// purged key, since no rule looks for a key in the middle of a word. Only the fingerprint decides whether it is the
    /// key.
    ///
    /// # Errors
    /// If there are too many keys for one detector.
    pub fn detector(&self, rules: &RuleSet) -> Result<Detector, RuleError> {
        let rules = self.keys.iter().fold(rules.clone(), |rules, key| {
            let ends = key.redacted.split_once('…').unwrap_or_default();
            rules.with_redacted(ends, key.length, &key.rule)
        });
        detector_for(&rules)
    }
}
