//! The coverage receipt: what was looked at, and what was not.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{IgnoredSet, Surface};

/// Something that was not scanned, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Skip {
    /// The path or object.
    pub what: String,
    /// Why it was not scanned, in words.
    pub reason: String,
}

impl Skip {
    /// Says that `what` was not scanned because of `reason`.
    pub fn new(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { what: what.into(), reason: reason.into() }
    }
}

/// What was and was not looked at. Sources fill it; it ends in every report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Files read, whole.
    pub files: u64,
    /// Commits whose messages, or whose changes, were scanned.
    pub commits: u64,
    /// Blobs scanned, each once.
    pub blobs: u64,
    /// Bytes scanned, as they stand unpacked.
    pub bytes: u64,
    /// Refs from which something was scanned.
    pub refs: u64,
    /// The surfaces that were looked at.
    pub surfaces: BTreeSet<Surface>,
    /// What could not be scanned; empty when nothing failed.
    pub skipped: BTreeSet<Skip>,
    /// What was left out on purpose.
    #[serde(flatten)]
    pub ignored: IgnoredSet,
}

impl Coverage {
    /// Adds what another part of the same scan covered.
    pub fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.commits += other.commits;
        self.blobs += other.blobs;
        self.bytes += other.bytes;
        self.refs += other.refs;
        self.surfaces.extend(other.surfaces);
        self.skipped.extend(other.skipped);
        self.ignored.merge(other.ignored);
    }

    /// Whether nothing went wrong: all was scanned but what was left out on purpose.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }
}
