//! Completes rewritten commits and tags: puts new ids into the message, and fillers in place of keys.

use super::cleanse::{CleansedBytes, StillFound, cleanse};
use super::error::PurgeError;
use super::message_ids;
use super::rewriter::{HistoryRewriter, PurgedPlace};
use crate::git::{ObjectId, ObjectKind};
use crate::model::Surface;

impl HistoryRewriter<'_> {
    /// The new content of the commit or tag `id`: `headers` and `message` without keys and with new ids in the message.
    /// Also returns how many ids were replaced.
    ///
    /// # Errors
    /// If a key is still found, whichever filler replaces it.
    pub(super) fn append_message(
        &mut self,
        id: ObjectId,
        kind: ObjectKind,
        headers: Vec<u8>,
        message: &[u8],
    ) -> Result<(Vec<u8>, u64), PurgeError> {
        let (message, replaced_count) = self.replace_mentioned_ids(message);
        let end_of_headers = headers.len();
        let mut new = headers;
        new.extend_from_slice(&message);
        if self.objects_with_keys.contains_key(&id) {
            let result = cleanse(&new, self.keys, self.settings.detector);
            let cleansed = result.map_err(|StillFound(fingerprint)| PurgeError::StillFound {
                what: format!("{kind} {id}"),
                fingerprint,
            })?;
            if let Some(cleansed) = cleansed {
                self.record_places(id, &new, end_of_headers, &cleansed);
                new = cleansed.bytes;
            }
        }
        Ok((new, replaced_count))
    }

    /// Replaces the ids of rewritten commits in a message.
    fn replace_mentioned_ids(&self, message: &[u8]) -> (Vec<u8>, u64) {
        let Some(ids) = &self.commit_ids else { return (message.to_vec(), 0) };
        let mentions = ids.find_mentions(message);
        message_ids::replace(
            message,
            &mentions,
            |id| self.rewrites.new_ids.get(id).copied(),
            |id, digits| {
                ids.is_ambiguous(id, digits) || self.rewrites.new_commit_ids.is_ambiguous(id, digits)
            },
        )
    }

    /// Records where keys were in the commit or tag `id`, whose content with the keys is `bytes`.
    fn record_places(&mut self, id: ObjectId, bytes: &[u8], end_of_headers: usize, cleansed: &CleansedBytes) {
        let is_tag = !bytes.starts_with(b"tree ");
        for span in &cleansed.spans {
            let start = memchr::memrchr(b'\n', &bytes[..span.start]).map_or(0, |newline| newline + 1);
            let line = &bytes[start..];
            let is_person =
                [&b"author "[..], b"committer ", b"tagger "].iter().any(|name| line.starts_with(name));
            let surface = match (span.start < end_of_headers, is_person, is_tag) {
                (true, true, _) => Surface::Identity,
                (true, false, false) => Surface::CommitHeader,
                (true, false, true) => Surface::RefName,
                (false, _, false) => Surface::CommitMessage,
                (false, _, true) => Surface::TagMessage,
            };
            for (fingerprint, treatment) in &cleansed.treatments {
                let place = PurgedPlace {
                    surface,
                    object: Some(id),
                    fingerprint: *fingerprint,
                    treatment: *treatment,
                };
                self.rewrites.places.push(place);
            }
        }
    }
}
