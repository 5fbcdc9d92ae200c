//! Where in an object a secret stands: the sweep knows that it does, and only what is reported is
//! looked at again.

use crate::detect::{Detector, Mask, Stream};
use crate::model::{Excerpt, Fingerprint, Position, Span};

/// A secret's first place in an object.
pub(super) struct Located {
    pub(super) span: Span,
    pub(super) encoding: &'static str,
    pub(super) excerpt: Excerpt,
}

/// Finds the first place of `secret` in `object`.
pub(super) fn locate(detector: &Detector, object: &[u8], secret: Fingerprint) -> Option<Located> {
    let mask = Mask::new(detector);
    let mut first = None;
    let mut content = object;
    let searched = Stream::default().search(detector, &mut content, |chunk, found| {
        if first.is_none() && found.matched.identified.fingerprint == secret {
            first = Some(Located {
                span: found.span,
                encoding: found.matched.encoding,
                excerpt: mask.excerpt(chunk.bytes, found.matched.span),
            });
        }
    });
    // Reading from memory cannot fail.
    searched.ok().and(first)
}

impl Located {
    /// The same counted in a path: in `object` the name begins at `start`, in the path at `before`.
    pub(super) fn in_name(mut self, object: &[u8], start: usize, before: usize) -> Self {
        let offset = usize::try_from(self.span.start.offset).unwrap_or(start).max(start);
        let length = self.span.end.offset - self.span.start.offset;
        let first = Position::START.advanced(&vec![b' '; before]).advanced(&object[start..offset]);
        let last = Position { offset: first.offset + length, column: first.column + length, ..first };
        self.span = Span { start: first, end: last };
        self
    }

    /// The same counted from `start`, which lies before it.
    pub(super) fn relative_to(mut self, object: &[u8], start: usize) -> Self {
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
