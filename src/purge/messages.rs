//! Completes rewritten commits and tags: new ids in the message, fillers for keys.

use super::cleanse::{Cleansed, Remains, cleanse};
use super::error::PurgeError;
use super::message_ids;
use super::rewriter::{HistoryRewriter, Place};
use crate::git::{ObjectId, ObjectKind};
use crate::model::Surface;

impl HistoryRewriter<'_> {
    /// The new version of the object `id`: `headers`, then its message without keys and with new ids. Also returns
    /// how many ids in the message were replaced.
    ///
    /// # Errors
    /// If a key is still found, whatever replaces it.
    pub(super) fn with_message(
        &mut self,
        id: ObjectId,
        kind: ObjectKind,
        headers: Vec<u8>,
        message: &[u8],
    ) -> Result<(Vec<u8>, u64), PurgeError> {
        let (message, replaced) = self.replace_ids(message);
        let end_of_headers = headers.len();
        let mut new = headers;
        new.extend_from_slice(&message);
        if self.flagged.contains_key(&id) {
            let cleansed = cleanse(&new, self.keys, self.settings.detector);
            let cleansed = cleansed.map_err(|Remains(fingerprint)| PurgeError::Remains {
                what: format!("{kind} {id}"),
                fingerprint,
            })?;
            if let Some(clean) = cleansed {
                self.places_in_headers(id, &new, end_of_headers, &clean);
                new = clean.bytes;
            }
        }
        Ok((new, replaced))
    }

    /// Replaces the ids of rewritten commits in a message.
    fn replace_ids(&self, message: &[u8]) -> (Vec<u8>, u64) {
        let Some(ids) = &self.commit_ids else { return (message.to_vec(), 0) };
        let mentioned = ids.mentioned(message);
        message_ids::replace(
            message,
            &mentioned,
            |id| self.done.new.get(id).copied(),
            |id, digits| ids.is_ambiguous(id, digits) || self.done.new_commits.is_ambiguous(id, digits),
        )
    }

    /// Records where keys were in a commit or tag.
    fn places_in_headers(&mut self, id: ObjectId, bytes: &[u8], end_of_headers: usize, clean: &Cleansed) {
        let is_tag = !bytes.starts_with(b"tree ");
        for span in &clean.spans {
            let start = memchr::memrchr(b'\n', &bytes[..span.start]).map_or(0, |at| at + 1);
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
            for (fingerprint, treatment) in &clean.treatments {
                let place =
                    Place { surface, object: Some(id), fingerprint: *fingerprint, treatment: *treatment };
                self.done.places.push(place);
            }
        }
    }
}
