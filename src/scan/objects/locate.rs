//! Where in an object a secret stands: the sweep knows that it does, and only what is reported is
//! looked at again.

use std::collections::HashMap;

use crate::container::Input;
use crate::git::{LfsStore, ObjectId, Pointer};
use crate::model::{Fingerprint, Position, Span, Surface};
use crate::scan::Settings;
use crate::scan::accept::Verdict;
use crate::scan::contents::{Contents, Located, Searched};

/// Most places that are kept in mind.
const KEPT: usize = 100_000;

/// The places of secrets in objects, each object searched once as long as it is asked for again.
pub(in crate::scan) struct Places<'d> {
    contents: Contents<'d>,
    lfs: Option<LfsStore>,
    known: HashMap<(ObjectId, Vec<u8>), Vec<Located>>,
    count: usize,
}

impl<'d> Places<'d> {
    /// With `lfs`, contents that pointers point at count as theirs.
    pub(in crate::scan) fn new(settings: &Settings<'d>, lfs: Option<LfsStore>) -> Self {
        Self { contents: Contents::new(settings), lfs, known: HashMap::new(), count: 0 }
    }

    /// Every secret in the object `id`, called `name`, and in what is packed in it, with its place.
    pub(in crate::scan) fn all(&mut self, id: ObjectId, object: &[u8], name: &[u8]) -> &[Located] {
        let Self { contents, lfs, known, count } = self;
        if *count > KEPT {
            known.clear();
            *count = 0;
        }
        known.entry((id, name.to_vec())).or_insert_with(|| {
            let mut searched = Searched::default();
            // Reading from memory cannot fail. What was not looked at was told when it was first searched.
            let _ = contents.search(Input::Bytes(object), || name.to_vec(), &mut searched);
            let pointer = lfs.as_ref().zip(Pointer::parse(object));
            if let Some(mut file) = pointer.and_then(|(lfs, pointer)| lfs.open(&pointer).ok()) {
                let mut content = Searched::default();
                let _ = contents.search(Input::File(&mut file), || name.to_vec(), &mut content);
                for located in &mut content.found {
                    located.surface = Some(Surface::Lfs);
                }
                searched.found.append(&mut content.found);
            }
            *count += 1 + searched.found.len();
            searched.found
        })
    }

    /// The first place of `secret` in it that is not accepted; the first of all, when all are.
    pub(in crate::scan) fn first(
        &mut self,
        id: ObjectId,
        object: &[u8],
        name: &[u8],
        secret: Fingerprint,
    ) -> Option<Located> {
        let mut places = self.all(id, object, name).iter().filter(|one| one.identified.fingerprint == secret);
        let first = places.next()?;
        let open = std::iter::once(first).chain(places).find(|one| !one.verdict.accepts());
        Some(open.unwrap_or(first).clone())
    }
}

impl Located {
    /// The same counted in a path: in `object` the name begins at `start`, in the path at `before`.
    pub(in crate::scan) fn in_name(mut self, object: &[u8], start: usize, before: usize) -> Self {
        let offset = usize::try_from(self.span.start.offset).unwrap_or(start).max(start);
        let length = self.span.end.offset - self.span.start.offset;
        let first = Position::START.advanced(&vec![b' '; before]).advanced(&object[start..offset]);
        let last = Position { offset: first.offset + length, column: first.column + length, ..first };
        self.span = Span { start: first, end: last };
        // What stands beside it is the name of something else.
        self.verdict = Verdict::default();
        self
    }

    /// The same counted from `start`, which lies before it.
    pub(in crate::scan) fn relative_to(mut self, object: &[u8], start: usize) -> Self {
        let place = Position::START.advanced(&object[..start]);
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
