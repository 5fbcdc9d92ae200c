//! The message of a SARIF result: what was found, its history, links to the other places, and what to do first.

use crate::model::{Finding, Leak, Report};
use crate::report::next_steps::NextStep;
use crate::report::{escape, labels, prose};

/// The message, with SARIF links `[text](id)` to the related locations, whose ids are the positions in `others`, from 1.
pub(super) fn message(
    report: &Report,
    leak: &Leak,
    (primary, others): (&Finding, &[&Finding]),
    next_step: Option<&NextStep>,
) -> String {
    let paragraph = prose::paragraph(report, leak, primary, &[]);
    let link = |id, finding: &Finding| format!("[{}]({id})", escape::sarif_text(&labels::position(finding)));
    let mut message = escape::sarif_text(&paragraph) + &prose::other_places(others, link);
    if let Some(step) = next_step {
        message.push_str(&format!(" Next: {}", escape::sarif_text(&step.sentence())));
    }
    message
}
