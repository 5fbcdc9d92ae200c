//! Leaked keys that may be the same key of the organization, of which at most one is.

use std::collections::HashMap;

use super::ask::compare;
use super::leaks::LeakedKey;
use crate::model::{KeyVerdict, Matching, Verification};
use crate::provider::KeyDirectory;

/// How many leaked keys may be each listed key.
#[derive(Default)]
pub(in crate::cli) struct Rivals(HashMap<String, usize>);

impl Rivals {
    /// Compares all leaked keys of a report, accepted ones too, with the listed keys.
    pub(in crate::cli) fn count<'l>(
        leaks: impl IntoIterator<Item = &'l LeakedKey>,
        directory: &KeyDirectory,
    ) -> Self {
        let mut rivals = Self::default();
        leaks.into_iter().for_each(|leak| rivals.add(leak, &compare(leak, directory, None).verification));
        rivals
    }

    fn add(&mut self, leak: &LeakedKey, verification: &Verification) {
        // Without its prefix a key may be a piece of another leak.
        if leak.shape.kind != "unknown" {
            verification.keys.iter().for_each(|key| *self.0.entry(key.id.clone()).or_default() += 1);
        }
    }

    /// How many leaked keys may be the only match of `verification`; `None` if that is only this one.
    pub(in crate::cli) fn of(&self, verification: &Verification) -> Option<usize> {
        let [key] = verification.keys.as_slice() else { return None };
        self.0.get(&key.id).copied().filter(|count| *count > 1)
    }

    /// Takes back the verdict if the only match may be another leaked key.
    pub(in crate::cli) fn settle(&self, verification: &mut Verification) {
        if let Some(count) = self.of(verification) {
            verification.verdict = KeyVerdict::Unknown;
            verification.matching = Matching::Several;
            verification.reason =
                format!("one match, but {count} leaked keys fit it, and at most one of them is this key");
        }
    }
}
