//! What suppresses a finding, and for what reason.

use serde::Serialize;

/// The marker or baseline entry that suppresses a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// `inline` for a marker, or `baseline`.
    pub by: &'static str,
    /// The marker (`friskey:allow`), or the path of the baseline.
    pub source: String,
    /// The reason, if one was given.
    pub reason: Option<String>,
}
