//! Joins the leaks of all repositories: a key is one leak however many of them hold it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value};

use super::result_check::strings;
use crate::model::{FleetLeak, FleetRepository, LeakInRepository};

/// The leaks so far.
#[derive(Default)]
pub(super) struct JoinedLeaks {
    /// By fingerprint, then by position of the repository.
    by_key: BTreeMap<String, BTreeMap<usize, Map<String, Value>>>,
}

impl JoinedLeaks {
    /// Adds the leaks in a report on the repository at that position. If two results disagree about a key, the more
    /// urgent one is used.
    pub(super) fn add(&mut self, at: usize, mut report: Value) {
        let Some(leaks) = report.get_mut("leaks").and_then(Value::as_array_mut) else { return };
        for leak in std::mem::take(leaks) {
            let Value::Object(leak) = leak else { continue };
            match self.by_key.entry(text(&leak, "fingerprint")).or_default().entry(at) {
                Entry::Vacant(free) => drop(free.insert(leak)),
                Entry::Occupied(mut known) => {
                    if urgency(&leak) < urgency(known.get()) {
                        known.insert(leak);
                    }
                }
            }
        }
    }

    /// The leaks, most urgent first: by status, severity, confidence and number of repositories.
    pub(super) fn finish(self, repositories: &[FleetRepository]) -> Vec<FleetLeak> {
        let mut leaks: Vec<FleetLeak> =
            self.by_key.into_values().map(|holders| joined(holders, repositories)).collect();
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

/// One leak of the same key in several repositories. The strongest match determines the rule and kind. Accepted
/// findings do not determine how exposed the key is, unless all are accepted.
fn joined(holders: BTreeMap<usize, Map<String, Value>>, repositories: &[FleetRepository]) -> FleetLeak {
    let is_suppressed = holders.values().all(is_accepted);
    let counted = || holders.values().filter(|leak| is_suppressed || !is_accepted(leak));
    let strongest = |name: &str, order: &[&str]| {
        let all = counted().map(|leak| text(leak, name));
        all.min_by_key(|word| rank(order, word)).unwrap_or_default()
    };
    let status = strongest("status", &STATUSES);
    let severity = strongest("severity", &SEVERITIES);
    let exposed_seconds =
        counted().filter_map(|leak| leak.get("exposed_seconds").and_then(Value::as_u64)).max();
    let none = Map::new();
    let best = holders.values().min_by_key(|leak| rank(&CONFIDENCES, &text(leak, "confidence")));
    let best = best.unwrap_or(&none);
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
    for (at, mut own) in holders {
        for name in ["fingerprint", "redacted", "rule", "kind", "confidence", "evidence", "length"] {
            own.remove(name);
        }
        leak.repositories.push(LeakInRepository {
            repository: repositories.get(at).map(|one| one.path.clone()).unwrap_or_default(),
            repository_index: at,
            is_suppressed: is_accepted(&own),
            leak: own,
        });
    }
    leak
}

/// The order of states: the most urgent first.
const STATUSES: [&str; 4] = ["present", "unknown", "removed", "unreachable"];
const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];
const CONFIDENCES: [&str; 3] = ["high", "medium", "low"];

fn rank(order: &[&str], word: &str) -> usize {
    order.iter().position(|one| *one == word).unwrap_or(order.len())
}

/// The sort key for choosing between two results about the same key in the same repository.
fn urgency(leak: &Map<String, Value>) -> (bool, usize, usize) {
    let status = rank(&STATUSES, &text(leak, "status"));
    (is_accepted(leak), status, rank(&CONFIDENCES, &text(leak, "confidence")))
}

/// Whether all findings of a leak are suppressed.
fn is_accepted(leak: &Map<String, Value>) -> bool {
    let findings = leak.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    !findings.is_empty() && findings.iter().all(|one| !one["suppressed"].is_null())
}

fn text(leak: &Map<String, Value>, name: &str) -> String {
    leak.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
