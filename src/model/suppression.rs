//! Why a finding is suppressed.

use serde::Serialize;

/// What accepts a finding, and for what reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// `inline` or `baseline`.
    pub by: &'static str,
    /// The marker (`friskey:allow`), or the path of the baseline.
    pub source: String,
    /// The reason, if one was given.
    pub reason: Option<String>,
}
