//! Selects the keys that are purged from those that an audit found.

use std::collections::HashSet;
use std::sync::Arc;

use crate::detect::Detector;
use crate::model::{Confidence, DetectedKey, Draft, Fingerprint, Leak};
use crate::rules::{MARKER, RuleError, RuleSet};
use crate::scan::{KeyFilter, detector_for};

/// The keys that are purged, and how many others stay.
#[derive(Debug)]
pub(super) struct PurgedKeys {
    /// Sorted by fingerprint.
    pub(super) keys: Vec<Arc<DetectedKey>>,
    fingerprints: HashSet<Fingerprint>,
    /// How many keys at or above the threshold stay because they are accepted.
    pub(super) accepted_count: u64,
    /// How many other keys at or above the threshold stay because no filter admits them.
    pub(super) unselected_count: u64,
    /// How many of the filters match no key.
    pub(super) unmatched_keys: u64,
    /// Every key that was found in the old repository, purged or not, at any confidence. Another key in the new repository
    /// was created by the purge.
    pub(super) old_fingerprints: HashSet<Fingerprint>,
}

impl PurgedKeys {
    /// Selects from the leaks of an audit at the lowest confidence: those that match a filter or, without filters,
    /// those at or above the threshold that are not accepted.
    pub(super) fn select(draft: &Draft, filters: &[KeyFilter], threshold: Confidence) -> Self {
        let is_selected = |leak: &&Leak| match filters {
            [] => leak.detected_key.confidence >= threshold && !leak.is_suppressed(),
            _ => filters.iter().any(|filter| filter.admits(&leak.detected_key)),
        };
        let selected = draft.leaks.iter().filter(&is_selected);
        let mut keys: Vec<_> = selected.map(|leak| Arc::clone(&leak.detected_key)).collect();
        keys.sort_by_key(|key| key.fingerprint);
        let stays = |leak: &&Leak| leak.detected_key.confidence >= threshold && !is_selected(leak);
        let (accepted, others): (Vec<_>, Vec<_>) =
            draft.leaks.iter().filter(stays).partition(|leak| leak.is_suppressed());
        let admits_none = |filter: &&KeyFilter| !keys.iter().any(|key| filter.admits(key));
        let unmatched_keys = filters.iter().filter(admits_none).count() as u64;
        let mut selection = Self {
            fingerprints: keys.iter().map(|key| key.fingerprint).collect(),
            keys,
            accepted_count: accepted.len() as u64,
            unselected_count: others.len() as u64,
            unmatched_keys,
            old_fingerprints: HashSet::new(),
        };
        selection.add_old_fingerprints(draft);
        selection
    }

    /// A detector that finds these keys everywhere, even where a rule does not: in the middle of a word or path.
    ///
    /// # Errors
    /// If there are too many keys for one detector.
    pub(super) fn detector(&self, rules: &RuleSet) -> Result<Detector, RuleError> {
        let rules = self.keys.iter().fold(rules.clone(), |rules, key| {
            rules.with_exact_key(key.secret.reveal(), key.secret.prefix_len(), Some(&key.rule))
        });
        detector_for(&rules)
    }

    /// Whether each purged key contains the marker, so that a rule finds it whatever surrounds it.
    pub(super) fn all_have_marker(&self) -> bool {
        let has_marker = |secret: &[u8]| memchr::memmem::find(secret, MARKER.as_bytes()).is_some();
        self.keys.iter().all(|key| has_marker(key.secret.reveal()))
    }

    /// Adds the keys that an audit of the old repository found to `old_fingerprints`.
    pub(super) fn add_old_fingerprints(&mut self, draft: &Draft) {
        self.old_fingerprints.extend(draft.leaks.iter().map(|leak| leak.detected_key.fingerprint));
        self.old_fingerprints.extend(draft.secrets.iter().map(|key| key.fingerprint));
    }

    /// Whether a key is purged.
    pub(super) fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint)
    }
}
