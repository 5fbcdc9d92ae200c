//! The detector as the sweep's searcher.

use std::ops::Range;
use std::sync::Arc;

use crate::detect::Detector;
use crate::git::{ObjectKind, Searcher};
use crate::model::Identified;

/// What a sweep keeps of a match. Thousands of versions of a file may share one.
pub(super) type Hit = Arc<Identified>;

/// Searches the kinds of object that the surfaces ask for.
pub(super) struct ObjectSearch<'d> {
    pub(super) detector: &'d Detector,
    pub(super) kinds: Vec<ObjectKind>,
}

impl Searcher for ObjectSearch<'_> {
    type Hit = Hit;
    type Scratch = ();

    fn scratch(&self) {}

    fn longest(&self) -> usize {
        self.detector.longest()
    }

    fn margin(&self) -> usize {
        self.detector.margin()
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn search(&self, _: ObjectKind, bytes: &[u8], (): &mut (), found: &mut dyn FnMut(Range<usize>, Hit)) {
        self.detector.find(bytes, |matched| found(matched.span, matched.identified));
    }
}

/// Finds nothing, and in doing so lists every commit there is.
pub(super) struct EveryCommit;

impl Searcher for EveryCommit {
    type Hit = ();
    type Scratch = ();

    fn scratch(&self) {}

    fn longest(&self) -> usize {
        0
    }

    fn margin(&self) -> usize {
        0
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        kind == ObjectKind::Commit
    }

    fn search(&self, _: ObjectKind, _: &[u8], (): &mut (), found: &mut dyn FnMut(Range<usize>, ())) {
        found(0..0, ());
    }
}
