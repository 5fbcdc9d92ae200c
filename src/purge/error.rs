//! The errors of a purge.

use std::io;
use std::path::PathBuf;

use crate::git::{CarryError, ObjectId};
use crate::model::{Fingerprint, Skip};
use crate::rules::RuleError;
use crate::scan::HistoryError;

/// Why a repository cannot be purged. After each of these errors, no new repository is left behind, and the old one is
/// unchanged.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// The repository cannot be audited.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It could not be scanned completely, so the result could not be proven.
    #[error("the repository is incomplete, so a purged copy could not be proven: {}", describe_skips(.0))]
    Incomplete(Vec<Skip>),
    /// The destination of the new repository exists.
    #[error("{} exists and is not an empty directory; name another path, or delete it", .0.display())]
    Exists(PathBuf),
    /// The destination is the unfinished repository of an interrupted run.
    #[error("{} is what an interrupted `friskey purge` left; delete it and run again", .0.display())]
    Unfinished(PathBuf),
    /// The destination of the new repository is inside the old one.
    #[error("{} is inside the repository, in which nothing is written; name a path outside of it", .0.display())]
    Inside(PathBuf),
    /// The destination of the report is inside the repository.
    #[error("{} is inside the repository, in which nothing is written; name a path outside of it for the report", .0.display())]
    ReportInside(PathBuf),
    /// The new repository cannot be written.
    #[error("{} cannot be written: {error}; nothing of it is left", path.display())]
    Write {
        /// The destination.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Objects cannot be carried over.
    #[error(transparent)]
    Carry(#[from] CarryError),
    /// An object cannot be read or is malformed.
    #[error("object {0} cannot be read or is malformed; `git fsck` shows details")]
    Malformed(ObjectId),
    /// A container contains a key, and the user chose not to replace containers.
    #[error(
        "{0} contains a key, and --containers refuse keeps containers; use --containers stub, or remove it by hand"
    )]
    Container(String),
    /// A key is still found, whichever filler replaces it.
    #[error("the key {fingerprint} is still found in {what} after it was overwritten; please report this")]
    StillFound {
        /// The object or name.
        what: String,
        /// The key.
        fingerprint: Fingerprint,
    },
    /// A ref has a name that cannot be carried over.
    #[error(
        "the ref {0} has a name that is not UTF-8; rename it with `git branch -m` or `git update-ref` first"
    )]
    RefName(String),
    /// The new repository is incomplete or differs from the plan.
    #[error("the new repository was removed, since it could not be proven: {0}")]
    Unproven(String),
    /// One of the keys is still in the new repository.
    #[error(
        "the new repository was removed, since it could not be proven: the key {fingerprint} is still in it{place}; please report this"
    )]
    KeyLeft {
        /// The key.
        fingerprint: Fingerprint,
        /// Where it is, with a space before it: ` (blob 0123…)`; empty if that is not known.
        place: String,
    },
    /// There are too many keys to search for.
    #[error("the keys cannot be searched for literally: {0}; purge fewer at a time with --key")]
    Rules(#[from] RuleError),
    /// The report cannot be written.
    #[error("the new repository was removed, since its report could not be written: {0}")]
    Report(String),
    /// The user stopped the purge.
    #[error("stopped before it was finished; nothing is left of the new repository")]
    Stopped,
}

/// The first skips, how many more there are, and what to do about files that cannot be opened.
fn describe_skips(skips: &[Skip]) -> String {
    const MAX_LISTED: usize = 5;
    let listed =
        skips.iter().take(MAX_LISTED).map(|skip| format!("{}: {}", skip.what, skip.reason_without_options()));
    let mut text = listed.collect::<Vec<_>>().join("; ");
    if skips.len() > MAX_LISTED {
        text.push_str(&format!("; and {} more, which `friskey history` lists", skips.len() - MAX_LISTED));
    }
    if skips.iter().any(|skip| !is_gap(&skip.reason)) {
        text.push_str(
            ". To purge without looking into a file that cannot be opened, list it under `exclude` in a friskey.toml and \
             pass that with --config; the report names what was left out",
        );
    }
    text
}

/// Whether a skip with this reason is about a missing or damaged object, as opposed to a file that cannot be opened.
/// Excluding a path does not help against the former.
fn is_gap(reason: &str) -> bool {
    ["shallow", "partial", "lacks", "missing", "Git LFS", "git fsck", "stopped"]
        .iter()
        .any(|word| reason.contains(word))
}

/// The error of a proof that fails for `reason`.
pub(super) fn proof_failure<T>(reason: String) -> Result<T, PurgeError> {
    Err(PurgeError::Unproven(reason))
}
