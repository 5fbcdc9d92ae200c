//! What every search of content needs: the detector, the policy, limits.

use super::located::LocatedSecret;
use super::{Stop, suppression};
use crate::container::Limits;
use crate::detect::{Chunk, Detector, RedactionCache, Redactor, StreamMatch};
use crate::suppress::Policy;

/// The settings of a search.
pub(super) struct SearchContext<'d> {
    pub(super) detector: &'d Detector,
    pub(super) policy: &'d Policy,
    pub(super) stop: &'d Stop,
    pub(super) limits: Limits,
    pub(super) redactor: Redactor<'d>,
}

impl SearchContext<'_> {
    /// Converts the match at `place` in `chunk`. `path` has the names of the containers around the content.
    pub(super) fn locate(
        &self,
        path: &[Vec<u8>],
        cache: &mut RedactionCache,
        chunk: Chunk<'_>,
        place: StreamMatch,
    ) -> LocatedSecret {
        let marker = suppression::marker_decision(self.policy, &self.redactor, chunk, &place);
        LocatedSecret {
            container_names: path.to_vec(),
            span: place.span,
            encoding: place.matched.encoding,
            excerpt: self.redactor.cached_excerpt(
                chunk,
                place.matched.span,
                &place.matched.detected_key.secret,
                cache,
            ),
            is_in_baseline: suppression::is_in_baseline(self.policy, &place.matched.detected_key, None),
            detected_key: place.matched.detected_key,
            marker,
            surface: None,
        }
    }
}
