//! What a container format needs to hand over its entries: the formats know only this, and the extractor implements it.

use std::io::{self, Read};
use std::ops::Range;

use super::format::Format;
use super::limits::Budget;
use super::proof::CompressionProof;

/// Receives the entries of the current container, and opens what is nested in them.
pub(super) trait EntrySink {
    /// What may still be unpacked and held in memory.
    fn budget(&self) -> &Budget;

    /// Hands over an entry and everything nested in it. An error of `content` is recorded as a skip after the data
    /// before it was handed over. Returns whether it was handed over completely.
    #[must_use = "what was not handed over completely is not delegated"]
    fn entry(&self, name: &[u8], content: &mut dyn Read) -> bool;

    /// Hands over the decompressed content of one called `packed`; its own header may provide a name. Errors are
    /// reported only if `proof` shows that it is compressed data at all.
    fn compressed_content(
        &self,
        packed: &[u8],
        given: Option<&[u8]>,
        content: &mut dyn Read,
        proof: CompressionProof,
    );

    /// Hands over the archives in `content`, which starts at byte `at` of the container. Returns their ranges.
    fn embedded(&self, at: u64, content: &mut dyn Read) -> Vec<Range<u64>>;

    /// Whether an archive at byte `at` of the current content may be opened. If not, a skip is recorded.
    fn may_open(&self, format: Format, at: u64) -> bool;

    /// Records that the container, or its entry `name`, was not scanned completely.
    fn record_skip(&self, name: Option<&[u8]>, reason: String);

    /// Names what is handed over from now on below `name`.
    fn enter(&self, name: &[u8]);

    /// Ends what [`enter`](Self::enter) began.
    fn leave(&self);
}

impl dyn EntrySink + '_ {
    /// Whether a limit was hit, so that nothing more is unpacked.
    pub(super) fn is_over(&self) -> bool {
        self.budget().limit_hit().is_some()
    }

    /// Records that the container, or its entry `name`, was not scanned completely.
    pub(super) fn skip(&self, name: Option<&[u8]>, reason: impl Into<String>) {
        self.record_skip(name, reason.into());
    }

    /// Runs `work`; the contents it hands over are named below `name`.
    pub(super) fn within(&self, name: &[u8], work: impl FnOnce()) {
        self.enter(name);
        work();
        self.leave();
    }

    /// Returns the ranges that `read` delegates. If it fails, those before the failure count, and a skip is recorded.
    pub(super) fn collect_delegated(
        &self,
        read: impl FnOnce(&mut Vec<Range<u64>>) -> io::Result<()>,
    ) -> Vec<Range<u64>> {
        let mut delegated = Vec::new();
        if let Err(error) = read(&mut delegated) {
            self.skip(None, format!("{error}; the data before that was scanned"));
        }
        delegated
    }
}
