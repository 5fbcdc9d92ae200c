//! The last door: every text that a report takes from what was scanned goes through the mask here.

use crate::detect::Mask;
use crate::model::{Change, Leak, Report, Skip};

/// Redacts all foreign text in `report`, in place.
pub(super) fn redact(report: &mut Report, mask: &Mask<'_>) {
    for leak in &mut report.leaks {
        redact_leak(leak, mask);
    }
    let skipped = std::mem::take(&mut report.coverage.skipped);
    report.coverage.skipped = skipped
        .into_iter()
        .map(|skip| Skip { what: text(mask, &skip.what), reason: text(mask, &skip.reason) })
        .collect();
    for note in &mut report.notes {
        *note = text(mask, note);
    }
}

fn redact_leak(leak: &mut Leak, mask: &Mask<'_>) {
    for finding in &mut leak.findings {
        if let Some(path) = &mut finding.origin.path {
            bytes(mask, path);
        }
        for part in &mut finding.origin.container {
            bytes(mask, part);
        }
        if let Some(suppressed) = &mut finding.suppressed {
            suppressed.reason = suppressed.reason.as_deref().map(|reason| text(mask, reason));
        }
    }
    for change in leak.introduced.iter_mut().chain(&mut leak.removed) {
        redact_change(change, mask);
    }
    for name in leak.refs_at_tip.iter_mut().chain(&mut leak.refs_in_history).chain(&mut leak.held_by) {
        *name = text(mask, name);
    }
}

fn redact_change(change: &mut Change, mask: &Mask<'_>) {
    change.author = text(mask, &change.author);
    if let Some(path) = &mut change.path {
        bytes(mask, path);
    }
}

fn text(mask: &Mask<'_>, text: &str) -> String {
    mask.text(text.as_bytes())
}

/// Leaves bytes that hold no secret as they are, also when they are not UTF-8.
fn bytes(mask: &Mask<'_>, value: &mut Vec<u8>) {
    if mask.hides(value) {
        *value = mask.text(value).into_bytes();
    }
}
