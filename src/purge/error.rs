//! Why a repository cannot be purged.

use std::io;
use std::path::PathBuf;

use crate::git::{CarryError, ObjectId};
use crate::model::{Fingerprint, Skip};
use crate::rules::RuleError;
use crate::scan::HistoryError;

/// Why a repository cannot be purged. Nothing is left behind, and the repository is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// The repository cannot be audited.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It could not be looked at completely, so what is left of it could not be proven.
    #[error("the repository is incomplete, so a purged copy could not be proven: {}", first(.0))]
    Incomplete(Vec<Skip>),
    /// Something is where the new repository was to be.
    #[error("{} exists and is not an empty directory; name another path, or delete it", .0.display())]
    Exists(PathBuf),
    /// It is what an earlier run left.
    #[error("{} is what an interrupted `friskey purge` left; delete it and run again", .0.display())]
    Unfinished(PathBuf),
    /// The new repository was to be within the old one.
    #[error("{} is inside the repository, in which nothing is written; name a path outside of it", .0.display())]
    Inside(PathBuf),
    /// The report was to be within the repository.
    #[error("{} is inside the repository, in which nothing is written; name a path outside of it for the report", .0.display())]
    ReportInside(PathBuf),
    /// The new repository cannot be written.
    #[error("{} cannot be written: {error}; nothing of it is left", path.display())]
    Write {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Objects cannot be carried over.
    #[error(transparent)]
    Carry(#[from] CarryError),
    /// An object cannot be read or makes no sense.
    #[error("object {0} cannot be read or is malformed; `git fsck` tells more")]
    Malformed(ObjectId),
    /// A container holds a key, and containers are to stay.
    #[error(
        "{0} holds a key, and --containers refuse keeps containers; use --containers stub, or remove it by hand"
    )]
    Container(String),
    /// A key is found whatever is put in its place.
    #[error("the key {fingerprint} is still found in {what} after it was overwritten; please report this")]
    Remains {
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
    /// The new repository is not what it should be.
    #[error("the new repository was removed, since it could not be proven: {0}")]
    Unproven(String),
    /// One of the keys is in the new repository.
    #[error(
        "the new repository was removed, since it could not be proven: the key {0} is still in it{1}; please report this"
    )]
    KeyLeft(Fingerprint, String),
    /// The keys are too many to search for.
    #[error("the keys cannot be searched for literally: {0}; purge fewer at a time with --key")]
    Rules(#[from] RuleError),
    /// The report cannot be written.
    #[error("the new repository was removed, since its report could not be written: {0}")]
    Report(String),
    /// It was stopped.
    #[error("stopped before it was done; nothing is left of the new repository")]
    Stopped,
}

fn first(skips: &[Skip]) -> String {
    const SHOWN: usize = 5;
    let shown =
        skips.iter().take(SHOWN).map(|skip| format!("{}: {}", skip.what, without_options(&skip.reason)));
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if skips.len() > SHOWN {
        text.push_str(&format!("; and {} more, which `friskey history` lists", skips.len() - SHOWN));
    }
    if skips.iter().any(|skip| !is_gap(&skip.reason)) {
        text.push_str(
            ". To purge without looking into a file that cannot be opened, list it under `exclude` in a friskey.toml and \
             pass that with --config; the report names what was left out",
        );
    }
    text
}

/// A reason without the options of `friskey history`, which a purge does not have.
fn without_options(reason: &str) -> &str {
    reason.split_once(", `--surfaces=").map_or(reason, |(reason, _)| reason)
}

/// Whether something is missing, rather than here and impossible to open.
fn is_gap(reason: &str) -> bool {
    ["shallow", "partial", "lacks", "missing", "Git LFS", "git fsck", "stopped"]
        .iter()
        .any(|word| reason.contains(word))
}
