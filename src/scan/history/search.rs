//! Adapts the detector to the sweep.

use std::ops::Range;
use std::sync::Arc;

use crate::container::{self, Format, HEAD_LEN, classify, may_contain_archive};
use crate::detect::{Detector, EffortReserve, Match};
use crate::git::{MatchedObject, ObjectId, ObjectKind, Pointer, Searcher};
use crate::scan::Stop;
use crate::scan::objects::SharedKey;

/// Searches the kinds of object that contain the chosen surfaces.
pub(super) struct ObjectSearch<'d> {
    pub(super) detector: &'d Detector,
    /// Set when the scan is to end.
    pub(super) stop: &'d Stop,
    pub(super) kinds: Vec<ObjectKind>,
}

impl Searcher for ObjectSearch<'_> {
    type Match = SweepMatch;
    type Scratch = EffortReserve;

    fn scratch(&self) -> EffortReserve {
        EffortReserve::default()
    }

    fn longest_match(&self) -> usize {
        // The match of a container is its head.
        self.detector.max_match_len().max(HEAD_LEN)
    }

    fn margin(&self) -> usize {
        self.detector.margin()
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn longest_keyword(&self) -> Option<usize> {
        Some(self.detector.max_keyword_len().max(container::MAX_SIGNATURE_LEN))
    }

    fn is_read_again(&self, matched: &SweepMatch) -> bool {
        matches!(matched, SweepMatch::Container)
    }

    fn head_len(&self, kind: ObjectKind) -> usize {
        if kind == ObjectKind::Blob { HEAD_LEN } else { 0 }
    }

    fn keywords(&self, kind: ObjectKind, bytes: &[u8], is_start: bool, on_keyword: &mut dyn FnMut(usize)) {
        self.detector.keywords(bytes, &mut *on_keyword);
        if kind == ObjectKind::Blob {
            container::find_signatures(bytes, &mut *on_keyword);
            if is_start && (starts_container(bytes) || Pointer::is_plausible(bytes)) {
                on_keyword(0);
            }
        }
    }

    fn search(
        &self,
        kind: ObjectKind,
        bytes: &[u8],
        reserve: &mut EffortReserve,
        on_keyword: &mut dyn FnMut(usize),
        found: &mut dyn FnMut(Range<usize>, SweepMatch),
    ) {
        let mut secret = |matched: Match| found(matched.span, SweepMatch::Secret(matched.detected_key));
        let mut encoded = Vec::new();
        let keyword = |offset| {
            on_keyword(offset);
            encoded.extend(container::encoded_keyword_at(bytes, offset));
            !self.stop.is_set()
        };
        let passed_over = self.detector.find_with_keywords(bytes, reserve, keyword, &mut secret);
        passed_over.places().iter().for_each(|&at| found(at..at + 1, SweepMatch::PassedOver));
        if kind == ObjectKind::Blob {
            // If these bytes are not the start of the object, the sweep ignores the match.
            if starts_container(bytes) {
                on_keyword(0);
                found(0..bytes.len().min(HEAD_LEN), SweepMatch::Container);
            }
            if let Some(pointer) = Pointer::parse(bytes) {
                on_keyword(0);
                found(0..bytes.len(), SweepMatch::Pointer(Arc::new(pointer)));
            }
            // Whether it really is an encoded container shows later.
            encoded.into_iter().for_each(|keyword| found(keyword, SweepMatch::Container));
            if may_contain_archive(bytes) {
                container::containers_in(bytes, on_keyword, &mut |range| found(range, SweepMatch::Container));
            }
        }
    }
}

fn starts_container(head: &[u8]) -> bool {
    classify(head, b"").format().is_some_and(Format::is_known_by_start)
}

/// What the sweep looks for in objects.
#[derive(Clone, PartialEq)]
pub(super) enum SweepMatch {
    /// A secret.
    Secret(SharedKey),
    /// The start of a container, or a possible end of one.
    Container,
    /// The object is a Git LFS pointer.
    Pointer(Arc<Pointer>),
    /// A keyword around which the detector did not look.
    PassedOver,
}

/// The matches of a sweep, by kind.
#[derive(Default)]
pub(super) struct SweepMatches {
    /// Objects with secrets.
    pub(super) secret_objects: Vec<MatchedObject<SharedKey>>,
    /// Containers with their sizes, searched later.
    pub(super) containers: Vec<(ObjectId, u64)>,
    /// Git LFS pointers.
    pub(super) pointers: Vec<(ObjectId, Arc<Pointer>)>,
    /// Objects that were not searched completely.
    pub(super) passed_over: Vec<ObjectId>,
}

/// Partitions the matches of a sweep by kind.
pub(super) fn partition(found: Vec<MatchedObject<SweepMatch>>) -> SweepMatches {
    let mut matches = SweepMatches::default();
    for MatchedObject { id, kind, size, matches: sweep_matches } in found {
        let mut secrets = Vec::new();
        let (mut is_container, mut is_passed_over) = (false, false);
        for (range, sweep_match) in sweep_matches {
            match sweep_match {
                SweepMatch::Secret(key) => secrets.push((range, key)),
                SweepMatch::Container => is_container = true,
                SweepMatch::PassedOver => is_passed_over = true,
                // Objects as small as a pointer are searched whole, so a pointer spans its object.
                SweepMatch::Pointer(pointer) if range == (0..size) => matches.pointers.push((id, pointer)),
                SweepMatch::Pointer(_) => {}
            }
        }
        if is_passed_over {
            matches.passed_over.push(id);
        }
        if is_container {
            matches.containers.push((id, size));
        }
        if !secrets.is_empty() {
            matches.secret_objects.push(MatchedObject { id, kind, size, matches: secrets });
        }
    }
    matches
}
