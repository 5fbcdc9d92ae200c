//! The interface through which a container format hands over its entries. The extractor implements it.

use std::io::{self, Read};
use std::ops::Range;

use super::error_threshold::ErrorThreshold;
use super::format::Format;
use super::limits::Budget;

/// Receives the entries of the current container, and opens what is nested in them.
pub(super) trait EntrySink {
    /// The limits, and how much of each is used up.
    fn budget(&self) -> &Budget;

    /// Hands over the entry `name` and everything nested in it. If reading `content` fails, the bytes before the error are
    /// handed over and a skip is recorded. Returns whether the whole entry was handed over.
    #[must_use = "what was not handed over completely is not delegated"]
    fn hand_over(&self, name: &[u8], content: &mut dyn Read) -> bool;

    /// Hands over `content`, decompressed from a file called `compressed_name`. `header_name` is the name in the header of
    /// the compressed data, if it has one. Errors before `threshold` are not reported: the data may not be compressed at
    /// all.
    fn hand_over_decompressed(
        &self,
        compressed_name: &[u8],
        header_name: Option<&[u8]>,
        content: &mut dyn Read,
        threshold: ErrorThreshold,
    );

    /// Hands over the archives in `content`, which begins at byte `offset` of the container. Returns their ranges.
    fn hand_over_embedded(&self, offset: u64, content: &mut dyn Read) -> Vec<Range<u64>>;

    /// Whether content with this head is a container.
    fn is_container(&self, head: &[u8]) -> bool;

    /// Whether an archive at byte `offset` of the current content may be opened. If not, a skip is recorded.
    fn may_open(&self, format: Format, offset: u64) -> bool;

    /// Records that the container, or its entry `name`, was not scanned completely.
    fn record_skip(&self, name: Option<&[u8]>, reason: String);

    /// Appends `name` to the path of everything that is handed over from now on.
    fn push_name(&self, name: &[u8]);

    /// Removes the name that was pushed last.
    fn pop_name(&self);
}

impl dyn EntrySink + '_ {
    /// Whether a limit was hit; nothing more is unpacked then.
    pub(super) fn is_limit_hit(&self) -> bool {
        self.budget().limit_hit().is_some()
    }

    /// Records that the container, or its entry `name`, was not scanned completely.
    pub(super) fn skip(&self, name: Option<&[u8]>, reason: impl Into<String>) {
        self.record_skip(name, reason.into());
    }

    /// Runs `work` with `name` appended to the path of what it hands over.
    pub(super) fn below_name(&self, name: &[u8], work: impl FnOnce()) {
        self.push_name(name);
        work();
        self.pop_name();
    }

    /// Returns the ranges that `read` delegates. If it fails, a skip is recorded and the ranges before the failure are
    /// returned.
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
