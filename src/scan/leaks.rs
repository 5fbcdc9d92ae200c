//! Groups findings into leaks, one per secret, in a fixed order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Confidence, DetectedKey, Finding, Fingerprint, Leak, LeakStatus, Reachability, Surface};

/// Groups findings by secret. Every leak is described by its strongest match.
pub(super) fn group(findings: Vec<Finding>) -> Vec<Leak> {
    let mut by_secret: HashMap<Fingerprint, Vec<Finding>> = HashMap::new();
    for finding in findings {
        by_secret.entry(finding.detected_key.fingerprint).or_default().push(finding);
    }
    let mut leaks: Vec<Leak> = by_secret.into_values().filter_map(leak).collect();
    leaks.sort_by(|a, b| order(a).cmp(&order(b)));
    leaks
}

fn leak(mut findings: Vec<Finding>) -> Option<Leak> {
    findings.sort_by(|a, b| place(a).cmp(&place(b)));
    // Two sources may report the same finding.
    findings.dedup_by(|a, b| place(a) == place(b));
    count_occurrences(&mut findings);
    let detected_key = strongest(&findings)?;
    Some(Leak {
        detected_key,
        status: status(&findings),
        introduced: Vec::new(),
        removed: Vec::new(),
        moves: Vec::new(),
        reachability: Reachability::default(),
        exposed_seconds: None,
        findings,
        verification: None,
    })
}

fn place(finding: &Finding) -> (&crate::model::Origin, u64, u64) {
    (&finding.origin, finding.span.start.offset, finding.span.end.offset)
}

fn count_occurrences(findings: &mut [Finding]) {
    for index in 1..findings.len() {
        if findings[index].origin == findings[index - 1].origin {
            findings[index].occurrence = findings[index - 1].occurrence + 1;
        }
    }
}

fn strongest(findings: &[Finding]) -> Option<Arc<DetectedKey>> {
    let best = findings.iter().max_by(|a, b| {
        let key =
            |f: &Finding| (f.detected_key.confidence, std::cmp::Reverse(Arc::clone(&f.detected_key.rule)));
        // Of equal matches, the first, so that the result does not depend on how many there are.
        key(a).cmp(&key(b)).then(place(b).cmp(&place(a)))
    });
    best.map(|finding| Arc::clone(&finding.detected_key))
}

fn status(findings: &[Finding]) -> LeakStatus {
    let is_stored = findings.iter().any(|finding| finding.origin.surface != Surface::Stdin);
    if is_stored { LeakStatus::Present } else { LeakStatus::Unknown }
}

/// By confidence, highest first, then by place.
fn order(leak: &Leak) -> (std::cmp::Reverse<Confidence>, Option<(&crate::model::Origin, u64)>, Fingerprint) {
    let first = leak.findings.first().map(|finding| (&finding.origin, finding.span.start.offset));
    (std::cmp::Reverse(leak.detected_key.confidence), first, leak.detected_key.fingerprint)
}
