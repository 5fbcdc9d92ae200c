//! What every search of content needs: the detector, the policy, limits.

use std::cell::RefCell;

use super::located::LocatedSecret;
use super::{Stop, suppression};
use crate::container::Limits;
use crate::detect::{Chunk, Detector, EffortReserve, RedactionCache, Redactor, StreamMatch};
use crate::suppress::Policy;

/// The settings of a search.
pub(super) struct SearchContext<'d> {
    pub(super) detector: &'d Detector,
    pub(super) policy: &'d Policy,
    pub(super) stop: &'d Stop,
    pub(super) limits: Limits,
    pub(super) redactor: Redactor<'d>,
    /// The reserve of this thread for excerpts.
    pub(super) excerpt_reserve: RefCell<EffortReserve>,
}

impl SearchContext<'_> {
    /// Converts `stream_match`, a match in `chunk`. `path` has the names of the containers around the content.
    pub(super) fn locate(
        &self,
        path: &[Vec<u8>],
        cache: &mut RedactionCache,
        chunk: Chunk<'_>,
        stream_match: StreamMatch,
    ) -> LocatedSecret {
        let marker = suppression::marker_decision(self.policy, &self.redactor, chunk, &stream_match);
        LocatedSecret {
            container_names: path.to_vec(),
            span: stream_match.span,
            encoding: stream_match.matched.encoding,
            excerpt: self.redactor.cached_excerpt(
                chunk,
                stream_match.matched.span,
                &stream_match.matched.detected_key.secret,
                cache,
                &mut self.excerpt_reserve.borrow_mut(),
            ),
            is_accepted_everywhere: suppression::is_accepted_everywhere(
                self.policy,
                &stream_match.matched.detected_key,
            ),
            detected_key: stream_match.matched.detected_key,
            marker,
            surface: None,
        }
    }
}
