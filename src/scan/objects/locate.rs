//! Locates secrets in objects. The sweep only records which objects contain them, and only what is reported is
//! read again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::container::Input;
use crate::git::{LfsStore, ObjectId, Pointer};
use crate::model::{DetectedKey, Fingerprint, Position, Span, Surface};
use crate::scan::Settings;
use crate::scan::contents::Contents;
use crate::scan::located::LocatedSecret;
use crate::scan::searched::SearchResult;
use crate::scan::suppression::MarkerDecision;

/// Finds the places of secrets in objects. Keeps those of the object that was searched last, so that an object is searched
/// once if its keys are asked for one after another.
pub(in crate::scan) struct SecretLocator<'d> {
    contents: Contents<'d>,
    lfs: Option<LfsStore>,
    last: Option<SearchedObject>,
}

/// The secrets in an object.
struct SearchedObject {
    id: ObjectId,
    name: Vec<u8>,
    secrets: Vec<LocatedSecret>,
    /// For each key, the number of its first secret that no marker accepts, or of its first one if all are accepted.
    first: HashMap<Fingerprint, usize>,
    /// Whether there are more secrets than were kept, and not all of those are accepted.
    has_dropped_open: bool,
}

impl<'d> SecretLocator<'d> {
    /// If `lfs` is given, Git LFS files are searched, and findings in them are attributed to their pointers.
    pub(in crate::scan) fn new(settings: &Settings<'d>, lfs: Option<LfsStore>) -> Self {
        Self { contents: Contents::new(settings), lfs, last: None }
    }

    /// All secrets in the object `id`, named `name`, and in containers in it.
    pub(in crate::scan) fn all(&mut self, id: ObjectId, object: &[u8], name: &[u8]) -> &[LocatedSecret] {
        &self.search(id, object, name).secrets
    }

    fn search(&mut self, id: ObjectId, object: &[u8], name: &[u8]) -> &SearchedObject {
        let last = self.last.take().filter(|last| last.id == id && last.name == name);
        let searched = last.unwrap_or_else(|| self.search_again(id, object, name));
        self.last.insert(searched)
    }

    fn search_again(&mut self, id: ObjectId, object: &[u8], name: &[u8]) -> SearchedObject {
        let Self { contents, lfs, .. } = self;
        let mut searched = SearchResult::default();
        // Reading from memory cannot fail. Skips were reported by the first search.
        let _ = contents.search(Input::Bytes(object), || name.to_vec(), &mut searched);
        let mut has_dropped_open = searched.secrets.has_dropped_open();
        let mut secrets = searched.secrets.into_parts().0;
        let pointer = lfs.as_ref().zip(Pointer::parse(object));
        if let Some(mut file) = pointer.and_then(|(lfs, pointer)| lfs.open(&pointer).ok()) {
            let mut content = SearchResult::default();
            let _ = contents.search(Input::File(&mut file), || name.to_vec(), &mut content);
            has_dropped_open |= content.secrets.has_dropped_open();
            let in_lfs = |located| LocatedSecret { surface: Some(Surface::Lfs), ..located };
            secrets.extend(content.secrets.into_parts().0.into_iter().map(in_lfs));
        }
        let mut first: HashMap<Fingerprint, usize> = HashMap::new();
        for (number, secret) in secrets.iter().enumerate() {
            let first = first.entry(secret.detected_key.fingerprint).or_insert(number);
            if secrets[*first].marker.accepts() && !secret.marker.accepts() {
                *first = number;
            }
        }
        SearchedObject { id, name: name.to_vec(), secrets, first, has_dropped_open }
    }

    /// The first place of the secret that is not accepted, or the first of all if all are. Without a position
    /// if the object has too many findings to keep.
    pub(in crate::scan) fn first(
        &mut self,
        id: ObjectId,
        object: &[u8],
        name: &[u8],
        detected_key: &Arc<DetectedKey>,
    ) -> Option<LocatedSecret> {
        let searched = self.search(id, object, name);
        match searched.first.get(&detected_key.fingerprint) {
            Some(number) => Some(searched.secrets[*number].clone()),
            None => searched.has_dropped_open.then(|| LocatedSecret::without_position(detected_key)),
        }
    }
}

impl LocatedSecret {
    /// Converts the position in the tree `object` to one in the path of the entry: the name starts at `start` in the tree,
    /// and at `name_start` in the path.
    pub(in crate::scan) fn move_to_name(mut self, object: &[u8], start: usize, name_start: usize) -> Self {
        let offset = usize::try_from(self.span.start.offset).unwrap_or(start).max(start);
        let length = self.span.end.offset - self.span.start.offset;
        let first = Position::START.after_bytes(&vec![b' '; name_start]).after_bytes(&object[start..offset]);
        let last = Position { offset: first.offset + length, column: first.column + length, ..first };
        self.span = Span { start: first, end: last };
        // The adjacent text belongs to other entries.
        self.marker = MarkerDecision::default();
        self
    }

    /// The offset in the object itself; `None` if the secret is in a container in it, or if its position is unknown.
    pub(in crate::scan) fn offset_in_object(&self) -> Option<usize> {
        let is_known = self.container_names.is_empty() && self.span.end.offset > 0;
        usize::try_from(self.span.start.offset).ok().filter(|_| is_known)
    }

    /// Makes the position relative to `start`, which is before it.
    pub(in crate::scan) fn relative_to(mut self, object: &[u8], start: usize) -> Self {
        let place = Position::START.after_bytes(&object[..start]);
        for position in [&mut self.span.start, &mut self.span.end] {
            if position.line == place.line {
                position.column = position.column - place.column + 1;
            }
            position.line = position.line - place.line + 1;
            position.offset -= place.offset;
        }
        self
    }
}
