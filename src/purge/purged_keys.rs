//! The keys that are purged.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::{Confidence, Draft, Fingerprint, Identified, Leak};
use crate::scan::KeyFilter;

/// The keys that are purged, and those that are not.
#[derive(Debug)]
pub(super) struct PurgedKeys {
    /// Those that are purged, by fingerprint.
    pub(super) keys: Vec<Arc<Identified>>,
    purged: HashSet<Fingerprint>,
    /// Every key in the repository at any confidence.
    pub(super) known: HashSet<Fingerprint>,
}

impl PurgedKeys {
    /// Selects from the leaks of an audit at the lowest confidence: those that a filter admits, or, without filters, those
    /// at the threshold that are not accepted.
    pub(super) fn select(draft: &Draft, filters: &[KeyFilter], threshold: Confidence) -> Self {
        let is_selected = |leak: &&Leak| match filters {
            [] => leak.identified.confidence >= threshold && !leak.is_suppressed(),
            _ => filters.iter().any(|filter| filter.admits(&leak.identified)),
        };
        let selected = draft.leaks.iter().filter(is_selected);
        let mut keys: Vec<_> = selected.map(|leak| Arc::clone(&leak.identified)).collect();
        keys.sort_by_key(|key| key.fingerprint);
        let purged = keys.iter().map(|key| key.fingerprint).collect();
        let known = draft.secrets.iter().map(|key| key.fingerprint);
        let known = known.chain(draft.leaks.iter().map(|leak| leak.identified.fingerprint)).collect();
        Self { keys, purged, known }
    }

    /// Whether a key is purged.
    pub(super) fn has(&self, fingerprint: &Fingerprint) -> bool {
        self.purged.contains(fingerprint)
    }
}
