//! Rewrites annotated tags: those with a key, and those whose target is rewritten.

use std::collections::HashSet;

use super::error::PurgeError;
use super::headers::{signature_start, split};
use super::rewriter::HistoryRewriter;
use crate::git::{ObjectId, ObjectKind, TagLink};

impl HistoryRewriter<'_> {
    /// Rewrites the affected tags, each after the tag that it points to: if `late`, those that lead to commits of
    /// notes, otherwise all others.
    pub(super) fn tags(&mut self, late: bool) -> Result<(), PurgeError> {
        let mut late_objects: HashSet<ObjectId> = HashSet::new();
        for position in self.graph.early_commit_count()..self.graph.commit_count() {
            late_objects.extend(self.graph.commit(position).map(|links| links.id));
        }
        for TagLink { id, target } in self.graph.tags().to_vec() {
            self.check_stop()?;
            let is_late = late_objects.contains(&target);
            if is_late {
                late_objects.insert(id);
            }
            let is_affected = self.done.new.contains_key(&target) || self.flagged.contains_key(&id);
            if is_late == late && is_affected {
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
        let (new, replaced) = self.with_message(id, ObjectKind::Tag, new, message)?;
        if new != old {
            self.done.tag_signatures += dropped;
            self.done.message_ids += replaced;
            let new = self.add(ObjectKind::Tag, new)?;
            self.record(ObjectKind::Tag, id, new);
        }
        Ok(())
    }
}
