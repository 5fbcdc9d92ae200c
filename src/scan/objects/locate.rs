//! Where in an object a secret stands: the sweep knows that it does, and only what is reported is
//! looked at again.

use super::Hit;
use crate::detect::{Hidden, Mask, Stream};
use crate::model::{Excerpt, Fingerprint, Position, Span};
use crate::scan::Settings;
use crate::scan::accept::{self, Verdict};

/// A secret's first place in an object.
pub(in crate::scan) struct Located {
    pub(in crate::scan) span: Span,
    pub(in crate::scan) encoding: &'static str,
    pub(in crate::scan) excerpt: Excerpt,
    /// What the text around it says.
    pub(in crate::scan) verdict: Verdict,
}

/// Finds the first place of `secret` in `object` that is not accepted; the first of all, when all are.
pub(in crate::scan) fn locate(
    settings: &Settings<'_>,
    object: &[u8],
    secret: Fingerprint,
) -> Option<Located> {
    let mut first: Option<Located> = None;
    locate_all(settings, object, |identified, located| {
        let is_better =
            first.as_ref().is_none_or(|known| known.verdict.accepts() && !located.verdict.accepts());
        if identified.fingerprint == secret && is_better {
            first = Some(located);
        }
    });
    first
}

/// Calls `found` with every secret in `object` and its place, in order.
pub(in crate::scan) fn locate_all(
    settings: &Settings<'_>,
    object: &[u8],
    mut found: impl FnMut(Hit, Located),
) {
    let mask = Mask::new(settings.detector);
    let mut hidden = Hidden::default();
    let mut content = object;
    // Reading from memory cannot fail.
    let _ = Stream::default().search(settings.detector, &mut content, |chunk, place| {
        let verdict = accept::verdict(settings.policy, &mask, chunk, &place);
        let located = Located {
            span: place.span,
            encoding: place.matched.encoding,
            excerpt: mask.excerpt_of(chunk, place.matched.span, &mut hidden),
            verdict,
        };
        found(place.matched.identified, located);
    });
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
