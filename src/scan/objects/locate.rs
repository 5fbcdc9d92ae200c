//! Locates secrets in objects. The sweep only records which objects contain them, and only what is reported is
//! read again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::container::Input;
use crate::git::{LfsStore, ObjectId, Pointer};
use crate::model::{Identified, Position, Span, Surface};
use crate::scan::Settings;
use crate::scan::contents::Contents;
use crate::scan::located::Located;
use crate::scan::searched::Searched;
use crate::scan::suppression::MarkerVerdict;

/// Maximum number of cached places.
const MAX_CACHED: usize = 100_000;

/// The places of secrets in objects, cached so that each object is searched once.
pub(in crate::scan) struct SecretLocator<'d> {
    contents: Contents<'d>,
    lfs: Option<LfsStore>,
    known: HashMap<(ObjectId, Vec<u8>), (Vec<Located>, bool)>,
    count: usize,
}

impl<'d> SecretLocator<'d> {
    /// With `lfs`, findings in Git LFS files are attributed to their pointers.
    pub(in crate::scan) fn new(settings: &Settings<'d>, lfs: Option<LfsStore>) -> Self {
        Self { contents: Contents::new(settings), lfs, known: HashMap::new(), count: 0 }
    }

    /// All secrets in the object `id`, named `name`, and in containers in it.
    pub(in crate::scan) fn all(&mut self, id: ObjectId, object: &[u8], name: &[u8]) -> &[Located] {
        &self.search(id, object, name).0
    }

    /// Like [`Self::all`], and whether there are more than were kept.
    fn search(&mut self, id: ObjectId, object: &[u8], name: &[u8]) -> &(Vec<Located>, bool) {
        let Self { contents, lfs, known, count } = self;
        if *count > MAX_CACHED {
            known.clear();
            *count = 0;
        }
        known.entry((id, name.to_vec())).or_insert_with(|| {
            let mut searched = Searched::default();
            // Reading from memory cannot fail. Skips were reported by the first search.
            let _ = contents.search(Input::Bytes(object), || name.to_vec(), &mut searched);
            let mut is_cut = searched.found.is_cut();
            let mut found = searched.found.into_parts().0;
            let pointer = lfs.as_ref().zip(Pointer::parse(object));
            if let Some(mut file) = pointer.and_then(|(lfs, pointer)| lfs.open(&pointer).ok()) {
                let mut content = Searched::default();
                let _ = contents.search(Input::File(&mut file), || name.to_vec(), &mut content);
                is_cut |= content.found.is_cut();
                let in_lfs = |located| Located { surface: Some(Surface::Lfs), ..located };
                found.extend(content.found.into_parts().0.into_iter().map(in_lfs));
            }
            *count += 1 + found.len();
            (found, is_cut)
        })
    }

    /// The first place of the secret that is not accepted, or the first of all if all are. Without a position
    /// if the object has too many findings to keep.
    pub(in crate::scan) fn first(
        &mut self,
        id: ObjectId,
        object: &[u8],
        name: &[u8],
        identified: &Arc<Identified>,
    ) -> Option<Located> {
        let secret = identified.fingerprint;
        let (all, is_cut) = self.search(id, object, name);
        let mut places = all.iter().filter(|one| one.identified.fingerprint == secret);
        let Some(first) = places.next() else { return is_cut.then(|| Located::unlocated(identified)) };
        let open = std::iter::once(first).chain(places).find(|one| !one.verdict.accepts());
        Some(open.unwrap_or(first).clone())
    }
}

impl Located {
    /// Converts the position in a tree to one in a path: the name starts at `start` in `object`, and at
    /// `before` in the path.
    pub(in crate::scan) fn in_name(mut self, object: &[u8], start: usize, before: usize) -> Self {
        let offset = usize::try_from(self.span.start.offset).unwrap_or(start).max(start);
        let length = self.span.end.offset - self.span.start.offset;
        let first = Position::START.after_bytes(&vec![b' '; before]).after_bytes(&object[start..offset]);
        let last = Position { offset: first.offset + length, column: first.column + length, ..first };
        self.span = Span { start: first, end: last };
        // The adjacent text belongs to other entries.
        self.verdict = MarkerVerdict::default();
        self
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
