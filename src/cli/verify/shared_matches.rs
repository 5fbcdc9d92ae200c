//! Counts leaked keys that match the same key of the organization, although at most one of them can be that key.

use std::collections::HashMap;

use super::compare::compare;
use super::leaks::LeakedKey;
use crate::model::{KeyVerdict, MaskMatchCount, Verification};
use crate::provider::KeyDirectory;

/// For each listed key, the number of leaked keys that it may be.
#[derive(Default)]
pub(in crate::cli) struct SharedMatches(HashMap<String, usize>);

impl SharedMatches {
    /// Compares all leaked keys of a report, accepted ones too, with the listed keys.
    pub(in crate::cli) fn count<'l>(
        leaks: impl IntoIterator<Item = &'l LeakedKey>,
        directory: &KeyDirectory,
    ) -> Self {
        let mut shared_matches = Self::default();
        leaks
            .into_iter()
            .for_each(|leak| shared_matches.add(leak, &compare(leak, directory, None).verification));
        shared_matches
    }

    fn add(&mut self, leak: &LeakedKey, verification: &Verification) {
        // A key without its prefix may be part of another leak.
        if leak.shape.kind != "unknown" {
            verification.keys.iter().for_each(|key| *self.0.entry(key.id.clone()).or_default() += 1);
        }
    }

    /// Number of leaked keys that match the only match of `verification`; `None` if it is only this one.
    pub(in crate::cli) fn leak_count(&self, verification: &Verification) -> Option<usize> {
        let [key] = verification.keys.as_slice() else { return None };
        self.0.get(&key.id).copied().filter(|count| *count > 1)
    }

    /// Withdraws the verdict if the only match may be another leaked key.
    pub(in crate::cli) fn withdraw_if_shared(&self, verification: &mut Verification) {
        if let Some(count) = self.leak_count(verification) {
            verification.verdict = KeyVerdict::Unknown;
            verification.matching = MaskMatchCount::Several;
            verification.reason =
                format!("one match, but {count} leaked keys fit it, and at most one of them is this key");
        }
    }
}
