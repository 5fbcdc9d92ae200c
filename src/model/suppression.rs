//! Why a finding does not count.

use serde::Serialize;

/// Who accepted a finding, and with what reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// `inline` or `baseline`.
    pub by: &'static str,
    /// The marker (`friskey:allow`), or the path of the baseline file.
    pub source: String,
    /// The reason that was given, if any.
    pub reason: Option<String>,
}
