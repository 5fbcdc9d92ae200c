//! The detector as the sweep's searcher.

use std::ops::Range;

use crate::detect::Detector;
use crate::git::{ObjectKind, Searcher};
use crate::scan::objects::Hit;

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
