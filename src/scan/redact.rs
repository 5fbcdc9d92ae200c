//! Turns drafts into reports: redacts every text that comes from what was scanned.

use std::collections::HashMap;

use crate::detect::{Detector, Redactor};
use crate::model::{Draft, Redact, Report};

/// Redacts `draft`: whatever a rule of `detector` matches, whatever looks like a credential, and every key
/// that the scan found, whole or in pieces.
pub fn redact(mut draft: Draft, detector: &Detector) -> Report {
    let secrets = std::mem::take(&mut draft.secrets);
    let redactor =
        Redactor::new(detector).with_known_secrets(secrets.iter().map(|detected_key| &detected_key.secret));
    draft.into_report(&mut CachingRedactor { redactor: &redactor, cache: HashMap::new() })
}

struct CachingRedactor<'m> {
    redactor: &'m Redactor<'m>,
    /// Results for earlier texts, since a hundred leaks may share the names of thousands of refs.
    cache: HashMap<Vec<u8>, Option<String>>,
}

impl Redact for CachingRedactor<'_> {
    fn redact(&mut self, text: &[u8]) -> Option<String> {
        if let Some(redacted) = self.cache.get(text) {
            return redacted.clone();
        }
        let redacted = self.redactor.redact_if_secret(text);
        self.cache.insert(text.to_vec(), redacted.clone());
        redacted
    }

    fn redact_prose(&mut self, text: &[u8]) -> Option<String> {
        self.redactor.redact_prose_if_secret(text)
    }
}
