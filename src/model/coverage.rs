//! Coverage: what was scanned, and what was not.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{IgnoredSet, Surface, without_os_errors};

/// Something that was not scanned, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Skip {
    /// The path or object.
    pub what: String,
    /// Why it was not scanned, for people.
    pub reason: String,
}

impl Skip {
    /// The reason without its advice to leave the thing out with `--surfaces`, for commands without that option.
    pub fn reason_without_options(&self) -> &str {
        self.reason.split_once(", `--surfaces=").map_or(&self.reason, |(reason, _)| reason)
    }

    /// Records that `what` was not scanned because of `reason`.
    pub fn new(what: impl Into<String>, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        if let Cow::Owned(plain) = without_os_errors(&reason) {
            reason = plain;
        }
        Self { what: what.into(), reason }
    }
}

/// What was and was not scanned. Sources fill it, and every report includes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Files read to the end.
    pub files: u64,
    /// Commits whose messages or changes were scanned.
    pub commits: u64,
    /// Blobs scanned, each once.
    pub blobs: u64,
    /// Bytes scanned, after decompression.
    pub bytes: u64,
    /// Refs that were followed.
    pub refs: u64,
    /// The surfaces that were scanned.
    pub surfaces: BTreeSet<Surface>,
    /// What could not be scanned.
    pub skipped: BTreeSet<Skip>,
    /// What was left out on purpose.
    #[serde(flatten)]
    pub ignored: IgnoredSet,
}

impl Coverage {
    /// Adds the coverage of another part of the same scan.
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

    /// Whether everything was scanned except what was left out on purpose.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }
}
