//! Rewrites annotated tags: those with a key, and those whose target is rewritten.

use std::collections::HashSet;

use super::error::PurgeError;
use super::headers::{signature_start, split_headers};
use super::rewriter::HistoryRewriter;
use crate::git::{ObjectId, ObjectKind, TagLink};

impl HistoryRewriter<'_> {
    /// Rewrites the affected tags, each after the tag that it points to: with `of_notes`, those that lead to commits that
    /// only refs of notes reach, otherwise all others.
    pub(super) fn rewrite_tags(&mut self, of_notes: bool) -> Result<(), PurgeError> {
        let mut notes_objects: HashSet<ObjectId> = HashSet::new();
        // The late roots of the graph are the refs of notes.
        for position in self.graph.early_commit_count()..self.graph.commit_count() {
            notes_objects.extend(self.graph.commit(position).map(|links| links.id));
        }
        for TagLink { id, target } in self.graph.tags().to_vec() {
            self.check_stop()?;
            let is_of_notes = notes_objects.contains(&target);
            if is_of_notes {
                notes_objects.insert(id);
            }
            let is_affected =
                self.rewrites.new_ids.contains_key(&target) || self.objects_with_keys.contains_key(&id);
            if is_of_notes == of_notes && is_affected {
                self.rewrite_tag(id, target)?;
            }
        }
        Ok(())
    }

    fn rewrite_tag(&mut self, id: ObjectId, target: ObjectId) -> Result<(), PurgeError> {
        let old = self.read(&id, ObjectKind::Tag)?;
        let unsigned_len = signature_start(&old);
        let (headers, message) = split_headers(&old[..unsigned_len]);
        let mut dropped_signatures = u64::from(unsigned_len < old.len());
        let mut new = Vec::with_capacity(old.len());
        for header in headers {
            if header.is_signature() {
                dropped_signatures = 1;
            } else if header.name == b"object" {
                new.extend_from_slice(format!("object {}\n", self.rewrites.new_id(&target)).as_bytes());
            } else {
                new.extend_from_slice(header.lines);
            }
        }
        let (new, replaced_count) = self.append_message(id, ObjectKind::Tag, new, message)?;
        if new != old {
            self.rewrites.dropped_tag_signatures += dropped_signatures;
            self.rewrites.replaced_message_ids += replaced_count;
            let new = self.add(ObjectKind::Tag, new)?;
            self.record(ObjectKind::Tag, id, new);
        }
        Ok(())
    }
}
