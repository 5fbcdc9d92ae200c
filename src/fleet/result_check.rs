//! Checks results: the state of the repository, and whether the result can be that of a complete audit.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{FleetResult, REPORT_SCHEMA, RepositoryState, Surface};

/// The outcome of an audit according to its result.
pub(super) struct Judgement {
    pub(super) state: RepositoryState,
    /// Why there is no valid report.
    pub(super) reason: Option<String>,
    /// What makes the fleet's report incomplete.
    pub(super) problem: Option<String>,
}

impl Judgement {
    /// How bad the result is: 0 is a clean one.
    pub(super) fn rank(&self) -> u8 {
        match self.state {
            RepositoryState::Clean => 0,
            RepositoryState::Incomplete => 1,
            RepositoryState::Failed => 2,
            RepositoryState::Missing => 3,
            RepositoryState::Findings => 4,
        }
    }
}

/// Judges a result. A complete audit scans `surfaces`, or reports which of them it left out.
pub(super) fn judge(result: &FleetResult, surfaces: &[Surface]) -> Judgement {
    if let Some(reason) = &result.failure {
        return Judgement {
            state: RepositoryState::Failed,
            reason: Some(reason.clone()),
            problem: Some(format!("could not be audited: {reason}")),
        };
    }
    if let Some(defect) = result_defect(result, surfaces) {
        let reason = format!("its result is not reliable: {defect}");
        // A key in it is reported nevertheless.
        let state = match has_open_leak(result) {
            true => RepositoryState::Findings,
            false => RepositoryState::Missing,
        };
        let problem = Some(format!("{reason}; `friskey fleet audit` replaces it"));
        return Judgement { state, reason: Some(reason), problem };
    }
    let report = result.report.as_ref().unwrap_or(&Value::Null);
    let problem = skip_summary(report);
    let state = match report["status"].as_str() {
        Some("clean") if problem.is_none() => RepositoryState::Clean,
        Some("findings") => RepositoryState::Findings,
        _ => RepositoryState::Incomplete,
    };
    Judgement { state, reason: None, problem }
}

/// The first thing that an audit could not scan, and how many more there are.
fn skip_summary(report: &Value) -> Option<String> {
    let skipped = list(&report["coverage"]["skipped"]);
    let first = skipped.first()?;
    let text = |name: &str| first[name].as_str().unwrap_or_default();
    let more = match skipped.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Some(format!("not scanned: {}: {}{more}", text("what"), text("reason")))
}

/// Why a result that claims success cannot come from a complete audit; `None` if it can. Changing one word in the
/// file must not make a repository clean.
pub fn result_defect(result: &FleetResult, surfaces: &[Surface]) -> Option<String> {
    let Some(report) = &result.report else { return Some("it contains no report".to_owned()) };
    if report["schema"] != REPORT_SCHEMA || report["command"] != "history" {
        return Some("its report is not that of an audit".to_owned());
    }
    let coverage = &report["coverage"];
    let counts = ["commits", "blobs", "bytes", "refs"];
    if !report["leaks"].is_array()
        || !coverage["skipped"].is_array()
        || !counts.iter().all(|name| coverage[name].is_u64())
    {
        return Some("parts of its report are missing".to_owned());
    }
    let ignored = list(&coverage["ignored"]).iter().filter(|item| item["kind"] == "surface");
    let mentioned: BTreeSet<&str> = list(&coverage["surfaces"])
        .iter()
        .chain(ignored.map(|item| &item["what"]))
        .filter_map(Value::as_str)
        .collect();
    if let Some(missing) = surfaces.iter().find(|surface| !mentioned.contains(surface.name())) {
        return Some(format!("it does not say whether the surface {missing} was scanned"));
    }
    match report["status"].as_str() {
        Some("findings" | "incomplete") => None,
        Some("clean") if !has_open_leak(result) => None,
        _ => Some("its status does not follow from its content".to_owned()),
    }
}

/// Whether the result contains a key with a finding that is not accepted.
fn has_open_leak(result: &FleetResult) -> bool {
    let leaks = result.report.as_ref().map_or(&[][..], |report| list(&report["leaks"]));
    leaks.iter().any(|leak| {
        let findings = list(&leak["findings"]);
        findings.is_empty() || findings.iter().any(|finding| finding["suppressed"].is_null())
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The strings in a list.
pub(super) fn strings(value: &Value) -> Vec<String> {
    list(value).iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
