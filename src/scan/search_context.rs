//! The context of a search: the detector, the policy, limits.

use super::located::Located;
use super::{Stop, suppression};
use crate::container::Limits;
use crate::detect::{Chunk, Detector, RedactionCache, Redactor, StreamMatch};
use crate::suppress::Policy;

/// The context of a search.
pub(super) struct SearchContext<'d> {
    pub(super) detector: &'d Detector,
    pub(super) policy: &'d Policy,
    pub(super) stop: &'d Stop,
    pub(super) limits: Limits,
    pub(super) redactor: Redactor<'d>,
}

impl SearchContext<'_> {
    /// The match at `place` in `chunk`, in the content to which `path` leads.
    pub(super) fn located(
        &self,
        path: &[Vec<u8>],
        cache: &mut RedactionCache,
        chunk: Chunk<'_>,
        place: StreamMatch,
    ) -> Located {
        let verdict = suppression::verdict(self.policy, &self.redactor, chunk, &place);
        Located {
            inside: path.to_vec(),
            span: place.span,
            encoding: place.matched.encoding,
            excerpt: self.redactor.excerpt_of(
                chunk,
                place.matched.span,
                &place.matched.identified.secret,
                cache,
            ),
            listed: suppression::is_listed(self.policy, &place.matched.identified, None),
            identified: place.matched.identified,
            verdict,
            surface: None,
        }
    }
}
