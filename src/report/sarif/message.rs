//! The message of a result: what was found, its history, links to its other places, and what to do first.

use crate::model::{Finding, Leak, Report};
use crate::report::next_steps::NextStep;
use crate::report::{escape, labels, prose};

/// The message, with SARIF links `[text](id)`. Related locations are numbered from 1 in the order of `others`.
pub(super) fn message(
    report: &Report,
    leak: &Leak,
    (primary, others): (&Finding, &[&Finding]),
    next: Option<&NextStep>,
) -> String {
    let plain = prose::paragraph(report, leak, primary, &[]);
    let link = |id, finding: &Finding| format!("[{}]({id})", escape::sarif_text(&labels::position(finding)));
    let mut message = escape::sarif_text(&plain) + &prose::also_at(others, link);
    if let Some(first) = next {
        message.push_str(&format!(" Next: {}", escape::sarif_text(&first.sentence())));
    }
    message
}
