//! The message of a result: what was found, its history, and links to its other places.

use crate::model::{Finding, Leak, Report};
use crate::report::{escape, labels, prose};

/// The message, with SARIF links `[text](id)`. Related locations are numbered from 1 in the order of `others`.
pub(super) fn message(report: &Report, leak: &Leak, primary: &Finding, others: &[&Finding]) -> String {
    let plain = prose::paragraph(report, leak, primary, &[]);
    let link = |id, finding: &Finding| format!("[{}]({id})", escape::sarif_text(&labels::position(finding)));
    escape::sarif_text(&plain) + &prose::also_at(others, link)
}
