//! Rewrites annotated tags: those with a key, and those of anything that is rewritten.

use super::cleanse::{Remains, cleanse};
use super::error::PurgeError;
use super::headers::{signature_start, split};
use super::rewriter::HistoryRewriter;
use crate::git::{ObjectId, ObjectKind, TagLink};

impl HistoryRewriter<'_> {
    /// Rewrites the affected tags, each after the one that it names.
    pub(super) fn tags(&mut self) -> Result<(), PurgeError> {
        for TagLink { id, target } in self.graph.tags().to_vec() {
            self.check_stop()?;
            if self.done.new.contains_key(&target) || self.flagged.contains_key(&id) {
                self.one_tag(id, target)?;
            }
        }
        Ok(())
    }

    fn one_tag(&mut self, id: ObjectId, target: ObjectId) -> Result<(), PurgeError> {
        let old = self.read(&id, ObjectKind::Tag)?;
        let signature = signature_start(&old);
        let (headers, message) = split(&old[..signature]);
        let mut dropped = u64::from(signature < old.len());
        let mut new = Vec::with_capacity(old.len());
        for header in headers {
            if header.is_signature() {
                dropped = 1;
            } else if header.name == b"object" {
                new.extend_from_slice(format!("object {}\n", self.done.id(&target)).as_bytes());
            } else {
                new.extend_from_slice(header.lines);
            }
        }
        let mut message = message.to_vec();
        let replaced = self.replace_ids(&mut message);
        new.extend_from_slice(&message);
        if self.flagged.contains_key(&id) {
            let what = format!("tag {id}");
            let clean = cleanse(&new, self.keys, self.settings.detector)
                .map_err(|Remains(fingerprint)| PurgeError::Remains { what, fingerprint })?;
            if let Some(clean) = clean {
                let end_of_headers = new.len() - message.len();
                self.places_in_headers(id, &new, end_of_headers, &clean);
                new = clean.bytes;
            }
        }
        if new != old {
            self.done.tag_signatures += dropped;
            self.done.message_ids += replaced;
            let new = self.add(ObjectKind::Tag, &new)?;
            self.record(ObjectKind::Tag, id, new);
        }
        Ok(())
    }
}
