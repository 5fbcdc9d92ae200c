//! The report of a purge, as far as a proof needs it. It may come from anybody.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::report_document::ReportDocument;
use crate::detect::Detector;
use crate::git::{HashKind, ObjectId, ObjectKind};
use crate::model::Fingerprint;
use crate::rules::{RuleError, RuleSet};
use crate::scan::compile;
use crate::untrusted::{ReadError, Symlinks, read};

/// The largest report that is read, in bytes: that of some ten million rewritten objects.
const MAX_REPORT: u64 = 1 << 30;

/// Why a report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PurgedHistoryError {
    /// The file cannot be read.
    #[error("cannot read the purge report {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: ReadError,
    },
    /// It is no JSON, or not of the shape that `friskey purge` writes.
    #[error(
        "{} is not a report of `friskey purge`: {reason} (line {line}, column {column}); \
         name the file that `friskey purge --report` wrote",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without a word of the file.
        reason: &'static str,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// It says what no purge says.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
}

/// A key that was purged.
#[derive(Clone, Debug)]
pub(super) struct PurgedKey {
    pub(super) fingerprint: Fingerprint,
    pub(super) redacted: String,
    pub(super) rule: String,
    /// In bytes; 0 if the report does not say.
    pub(super) length: usize,
}

/// What a purge took out, and what it put in its place.
#[derive(Clone, Debug)]
pub struct PurgedHistory {
    pub(super) hash: HashKind,
    /// At least one.
    pub(super) keys: Vec<PurgedKey>,
    /// Every object that was rewritten, by its id before that, sorted.
    pub(super) old: Vec<(ObjectId, ObjectKind)>,
    /// What the rewritten commits, tags and blobs became.
    pub(super) new_objects: Vec<ObjectId>,
    /// The full names of the refs that changed; a renamed one has its new name.
    pub(super) ref_names: BTreeSet<String>,
    /// Blobs that the purge could not search, and carried over.
    pub(super) unsearched: BTreeSet<ObjectId>,
}

impl PurgedHistory {
    /// A detector with `rules` that also tries every text with the ends and the length of a purged key, so that a key is
    /// found next to characters where no rule looks for one. Only the fingerprint decides whether it is the key.
    ///
    /// # Errors
    /// When the keys are too many for one detector.
    pub fn detector(&self, rules: &RuleSet) -> Result<Detector, RuleError> {
        let rules = self.keys.iter().fold(rules.clone(), |rules, key| {
            let ends = key.redacted.split_once('…').unwrap_or_default();
            rules.with_redacted(ends, key.length, &key.rule)
        });
        compile(&rules)
    }

    /// Reads the file `path`, of at most 1 GiB.
    ///
    /// # Errors
    /// When it cannot be read, or is no report of a purge that took something out.
    pub fn read(path: &Path) -> Result<Self, PurgedHistoryError> {
        let bytes = read(path, Symlinks::Follow, MAX_REPORT)
            .map_err(|error| PurgedHistoryError::Read { path: path.to_owned(), error })?;
        let unusable = |reason| PurgedHistoryError::Unusable { path: path.to_owned(), reason };
        let document: ReportDocument = serde_json::from_slice(&bytes).map_err(|error| {
            // What serde says quotes the file.
            let reason = match error.classify() {
                serde_json::error::Category::Data => "a field is missing, or is not what it should be",
                serde_json::error::Category::Eof => "it ends too early",
                _ => "it is not valid JSON",
            };
            PurgedHistoryError::Malformed {
                path: path.to_owned(),
                reason,
                line: error.line(),
                column: error.column(),
            }
        })?;
        document.checked().map_err(unusable)
    }
}
