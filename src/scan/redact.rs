//! The last door: every text that a report takes from what was scanned goes through the mask here.

use std::collections::HashMap;

use crate::detect::Mask;
use crate::model::{Leak, Report, Skip};

/// Redacts all foreign text in `report`, in place.
pub(super) fn redact(report: &mut Report, mask: &Mask<'_>) {
    let mut redactor = Redactor { mask, known: HashMap::new() };
    for leak in &mut report.leaks {
        redactor.leak(leak);
    }
    let skipped = std::mem::take(&mut report.coverage.skipped);
    for Skip { mut what, mut reason } in skipped {
        redactor.text(&mut what);
        redactor.text(&mut reason);
        report.coverage.skipped.insert(Skip { what, reason });
    }
    report.coverage.ignored.rewrite(|text| redactor.text(text));
    report.notes.iter_mut().for_each(|note| redactor.text(note));
    if let Some(origin) = &mut report.version_control {
        redactor.text(&mut origin.repository_uri);
        origin.branch.iter_mut().for_each(|branch| redactor.text(branch));
    }
}

struct Redactor<'m> {
    mask: &'m Mask<'m>,
    /// What became of texts met before: a hundred leaks share the names of thousands of refs. `None`:
    /// there was nothing to redact.
    known: HashMap<Vec<u8>, Option<String>>,
}

impl Redactor<'_> {
    fn leak(&mut self, leak: &mut Leak) {
        for finding in &mut leak.findings {
            finding.origin.path.iter_mut().for_each(|path| self.bytes(path));
            finding.origin.container.iter_mut().for_each(|part| self.bytes(part));
            if let Some(reason) = finding.suppressed.as_mut().and_then(|by| by.reason.as_mut()) {
                self.text(reason);
            }
        }
        for change in leak.introduced.iter_mut().chain(&mut leak.removed) {
            if let Some(redacted) = self.mask.redacted_prose(change.author.as_bytes()) {
                change.author = redacted;
            }
            change.path.iter_mut().for_each(|path| self.bytes(path));
        }
        for name in leak.refs_at_tip.iter_mut().chain(&mut leak.refs_in_history).chain(&mut leak.held_by) {
            self.text(name);
        }
    }

    fn text(&mut self, text: &mut String) {
        if let Some(redacted) = self.redacted(text.as_bytes()) {
            *text = redacted;
        }
    }

    /// Leaves bytes that hold no secret as they are, also when they are not UTF-8.
    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        if let Some(redacted) = self.redacted(bytes) {
            *bytes = redacted.into_bytes();
        }
    }

    fn redacted(&mut self, bytes: &[u8]) -> Option<String> {
        if let Some(known) = self.known.get(bytes) {
            return known.clone();
        }
        let redacted = self.mask.redacted(bytes);
        self.known.insert(bytes.to_vec(), redacted.clone());
        redacted
    }
}
