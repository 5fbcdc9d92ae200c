//! Reads the report of a purge, as far as a proof needs it. The file is not trusted.

use std::path::{Path, PathBuf};

use super::purged_history::PurgedHistory;
use super::report_document::ReportDocument;
use crate::untrusted::{ReadError, Symlinks, read};

/// The largest report that is read, in bytes: that of some ten million old objects.
const MAX_REPORT_SIZE: u64 = 1 << 30;

/// Why a report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PurgedHistoryError {
    /// The file cannot be read.
    #[error("cannot read the purge report {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        error: ReadError,
    },
    /// The file is not JSON, or lacks a field that `friskey purge` writes.
    #[error(
        "{} is not a report of `friskey purge`: {reason} (line {line}, column {column}); \
         name the file that `friskey purge --report` wrote",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong. It quotes nothing from the file.
        reason: &'static str,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The report contradicts itself, or has nothing to prove.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
}

impl PurgedHistory {
    /// Reads the file `path`, of at most 1 GiB.
    ///
    /// # Errors
    /// If it cannot be read, or is not the report of a purge that removed a key.
    pub fn read(path: &Path) -> Result<Self, PurgedHistoryError> {
        let bytes = read(path, Symlinks::Follow, MAX_REPORT_SIZE)
            .map_err(|error| PurgedHistoryError::Read { path: path.to_owned(), error })?;
        let unusable = |reason| PurgedHistoryError::Unusable { path: path.to_owned(), reason };
        let document: ReportDocument = serde_json::from_slice(&bytes).map_err(|error| {
            // The message of serde's error quotes the file, which may contain a key.
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
        document.into_history().map_err(unusable)
    }
}
