//! Joins the leaks of all repositories: a key is one leak, however many repositories contain it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value};

use super::result_check::strings;
use crate::model::{FleetLeak, FleetRepository, LeakInRepository};

/// The leaks so far.
#[derive(Default)]
pub(super) struct JoinedLeaks {
    /// The leaks by fingerprint and by position of the repository in the report.
    by_fingerprint: BTreeMap<String, BTreeMap<usize, Map<String, Value>>>,
}

impl JoinedLeaks {
    /// Adds the leaks in an audit's report on the repository at `position`. If two reports on it disagree about a key, the
    /// more urgent leak is used.
    pub(super) fn add(&mut self, position: usize, mut report: Value) {
        let Some(leaks) = report.get_mut("leaks").and_then(Value::as_array_mut) else { return };
        for leak in std::mem::take(leaks) {
            let Value::Object(leak) = leak else { continue };
            match self.by_fingerprint.entry(text(&leak, "fingerprint")).or_default().entry(position) {
                Entry::Vacant(entry) => drop(entry.insert(leak)),
                Entry::Occupied(mut existing) => {
                    if urgency(&leak) < urgency(existing.get()) {
                        existing.insert(leak);
                    }
                }
            }
        }
    }

    /// The leaks, most urgent first: by status, severity, confidence and number of repositories.
    pub(super) fn finish(self, repositories: &[FleetRepository]) -> Vec<FleetLeak> {
        let mut leaks: Vec<FleetLeak> =
            self.by_fingerprint.into_values().map(|leaks| join(leaks, repositories)).collect();
        leaks.sort_by_cached_key(|leak| {
            (
                rank(&STATUSES, &leak.status),
                rank(&SEVERITIES, &leak.severity),
                rank(&CONFIDENCES, &leak.confidence),
                Reverse(leak.open_repositories().count()),
                leak.fingerprint.clone(),
            )
        });
        leaks
    }
}

/// Joins the leaks of one key in several repositories, by position. The match with the highest confidence determines the
/// rule and kind. Accepted leaks do not affect status, severity and exposure, unless all are accepted.
fn join(leaks: BTreeMap<usize, Map<String, Value>>, repositories: &[FleetRepository]) -> FleetLeak {
    let is_suppressed = leaks.values().all(is_accepted);
    let relevant = || leaks.values().filter(|leak| is_suppressed || !is_accepted(leak));
    let most_urgent = |name: &str, order: &[&str]| {
        let words = relevant().map(|leak| text(leak, name));
        words.min_by_key(|word| rank(order, word)).unwrap_or_default()
    };
    let status = most_urgent("status", &STATUSES);
    let severity = most_urgent("severity", &SEVERITIES);
    let exposed_seconds =
        relevant().filter_map(|leak| leak.get("exposed_seconds").and_then(Value::as_u64)).max();
    let empty = Map::new();
    let best = leaks.values().min_by_key(|leak| rank(&CONFIDENCES, &text(leak, "confidence")));
    let best = best.unwrap_or(&empty);
    let mut leak = FleetLeak {
        fingerprint: text(best, "fingerprint"),
        redacted: text(best, "redacted"),
        rule: text(best, "rule"),
        kind: text(best, "kind"),
        confidence: text(best, "confidence"),
        evidence: best.get("evidence").map(strings).unwrap_or_default(),
        length: best.get("length").and_then(Value::as_u64).unwrap_or(0),
        severity,
        status,
        exposed_seconds,
        is_suppressed,
        repositories: Vec::new(),
    };
    for (position, mut fields) in leaks {
        for name in ["fingerprint", "redacted", "rule", "kind", "confidence", "evidence", "length"] {
            fields.remove(name);
        }
        leak.repositories.push(LeakInRepository {
            repository: repositories
                .get(position)
                .map(|repository| repository.path.clone())
                .unwrap_or_default(),
            repository_index: position,
            is_suppressed: is_accepted(&fields),
            leak: fields,
        });
    }
    leak
}

/// The values of `status`, the most urgent first; those below likewise.
const STATUSES: [&str; 4] = ["present", "unknown", "removed", "unreachable"];
const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];
const CONFIDENCES: [&str; 3] = ["high", "medium", "low"];

fn rank(order: &[&str], word: &str) -> usize {
    order.iter().position(|other| *other == word).unwrap_or(order.len())
}

/// The sort key for choosing between two leaks of the same key in the same repository: the smallest is the most urgent.
fn urgency(leak: &Map<String, Value>) -> (bool, usize, usize) {
    let status = rank(&STATUSES, &text(leak, "status"));
    (is_accepted(leak), status, rank(&CONFIDENCES, &text(leak, "confidence")))
}

/// Whether all findings of a leak are suppressed.
fn is_accepted(leak: &Map<String, Value>) -> bool {
    let findings = leak.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    !findings.is_empty() && findings.iter().all(|finding| !finding["suppressed"].is_null())
}

fn text(leak: &Map<String, Value>, name: &str) -> String {
    leak.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
