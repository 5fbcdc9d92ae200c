//! The keys that are purged.

use std::collections::HashSet;
use std::sync::Arc;

use crate::detect::Detector;
use crate::model::{Confidence, Draft, Fingerprint, Identified, Leak};
use crate::rules::{MARKER, RuleError, RuleSet};
use crate::scan::{KeyFilter, compile};

/// Which of the found keys are purged.
#[derive(Debug)]
pub(super) struct PurgedKeys {
    /// Those that are purged, by fingerprint.
    pub(super) keys: Vec<Arc<Identified>>,
    purged: HashSet<Fingerprint>,
    /// How many keys at or above the threshold stay because they are accepted.
    pub(super) accepted: u64,
    /// How many other keys at or above the threshold stay because no filter admits them.
    pub(super) others: u64,
    /// How many of the filters match no key.
    pub(super) unmatched: u64,
    /// Every key in the repository at any confidence.
    pub(super) known: HashSet<Fingerprint>,
}

impl PurgedKeys {
    /// Selects from the leaks of an audit at the lowest confidence: those that match a filter or, without filters,
    /// those at or above the threshold that are not accepted.
    pub(super) fn select(draft: &Draft, filters: &[KeyFilter], threshold: Confidence) -> Self {
        let is_selected = |leak: &&Leak| match filters {
            [] => leak.identified.confidence >= threshold && !leak.is_suppressed(),
            _ => filters.iter().any(|filter| filter.admits(&leak.identified)),
        };
        let selected = draft.leaks.iter().filter(&is_selected);
        let mut keys: Vec<_> = selected.map(|leak| Arc::clone(&leak.identified)).collect();
        keys.sort_by_key(|key| key.fingerprint);
        let is_accepted = |leak: &&Leak| leak.identified.confidence >= threshold && leak.is_suppressed();
        let stays = |leak: &&Leak| is_accepted(leak) && !is_selected(leak);
        let accepted = draft.leaks.iter().filter(stays).count() as u64;
        let is_other = |leak: &&Leak| leak.identified.confidence >= threshold && !leak.is_suppressed();
        let others = draft.leaks.iter().filter(|leak| is_other(leak) && !is_selected(leak)).count() as u64;
        let purged = keys.iter().map(|key| key.fingerprint).collect();
        let admits_none = |filter: &&KeyFilter| !keys.iter().any(|key| filter.admits(key));
        let unmatched = filters.iter().filter(admits_none).count() as u64;
        let known = draft.secrets.iter().map(|key| key.fingerprint);
        let known = known.chain(draft.leaks.iter().map(|leak| leak.identified.fingerprint)).collect();
        Self { keys, purged, accepted, others, unmatched, known }
    }

    /// A detector that finds these keys everywhere, even where a rule does not: in the middle of a word or path.
    ///
    /// # Errors
    /// If there are too many keys for one detector.
    pub(super) fn detector(&self, rules: &RuleSet) -> Result<Detector, RuleError> {
        let rules = self.keys.iter().fold(rules.clone(), |rules, key| {
            rules.with_exact_key(key.secret.reveal(), key.secret.prefix_len(), Some(&key.rule))
        });
        compile(&rules)
    }

    /// Whether each of them contains the marker, so that a rule finds it whatever surrounds it.
    pub(super) fn are_marked(&self) -> bool {
        let is_marked = |secret: &[u8]| memchr::memmem::find(secret, MARKER.as_bytes()).is_some();
        self.keys.iter().all(|key| is_marked(key.secret.reveal()))
    }

    /// Adds the keys of another audit of the same repository to the known ones.
    pub(super) fn learn(&mut self, draft: &Draft) {
        self.known.extend(draft.leaks.iter().map(|leak| leak.identified.fingerprint));
        self.known.extend(draft.secrets.iter().map(|key| key.fingerprint));
    }

    /// Whether a key is purged.
    pub(super) fn has(&self, fingerprint: &Fingerprint) -> bool {
        self.purged.contains(fingerprint)
    }
}
