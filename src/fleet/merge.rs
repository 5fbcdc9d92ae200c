//! Joins the results of all repositories into one report, and checks that they cover the plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::result_check::{Judgement, judge};
use super::results::NamedResult;
use crate::model::{
    FleetCoverage, FleetIgnored, FleetLeak, FleetPlan, FleetReport, FleetRepository, FleetResult,
    LeakInRepository, PlannedRepository, RepositoryState, Skip, Surface,
};

/// What one state directory holds.
#[derive(Debug)]
pub struct LoadedResults {
    /// The directory, for messages.
    pub name: String,
    /// The plan in it.
    pub plan: FleetPlan,
    /// The names of its results, and each result or why it cannot be used.
    pub results: Vec<NamedResult>,
}

/// Joins what the directories hold. All of it must come from the plan in the first one.
/// A complete audit scans `surfaces`, or says which of them it left out.
pub fn merge(plan: &FleetPlan, loaded: Vec<LoadedResults>, surfaces: &[Surface]) -> FleetReport {
    let mut merger = Merger {
        plan,
        surfaces,
        problems: plan.skipped.iter().cloned().collect(),
        by_key: BTreeMap::new(),
        ignored: plan
            .ignored
            .iter()
            .map(|link| ((link.what.clone(), link.reason.clone(), String::new()), 0))
            .collect(),
        settings: BTreeMap::new(),
    };
    for LoadedResults { name, plan, results } in loaded {
        merger.add(&name, &plan, results);
    }
    merger.finish()
}

struct Merger<'a> {
    plan: &'a FleetPlan,
    surfaces: &'a [Surface],
    problems: BTreeSet<Skip>,
    /// The results that count, each with its directory.
    by_key: BTreeMap<String, Vec<(String, FleetResult)>>,
    /// What was left out, and in how many repositories.
    ignored: BTreeMap<(String, String, String), u64>,
    /// How many results were made with which settings.
    settings: BTreeMap<String, u64>,
}

impl Merger<'_> {
    fn add(&mut self, dir: &str, plan: &FleetPlan, results: Vec<NamedResult>) {
        if plan.id != self.plan.id {
            let reason = "its plan is another one than that of the first directory; its results do not count";
            self.problems.insert(Skip::new(dir, reason));
            return;
        }
        let planned: BTreeSet<String> = self.plan.repositories.iter().map(PlannedRepository::key).collect();
        for (file, result) in results {
            let what = || format!("{dir}/{file}");
            match result {
                Err(reason) => {
                    self.problems
                        .insert(Skip::new(what(), format!("{reason}; `friskey fleet audit` makes it anew")));
                }
                Ok(result) if !planned.contains(&result.key()) => {
                    self.problems
                        .insert(Skip::new(what(), format!("{} is not in the plan", result.repository)));
                }
                Ok(result) if result.plan != self.plan.id => {
                    let reason = "its result was made from another plan and does not count; `friskey fleet audit` renews it";
                    self.problems.insert(Skip::new(result.repository, reason));
                }
                Ok(result) => {
                    *self.settings.entry(result.settings.clone()).or_default() += 1;
                    self.by_key.entry(result.key()).or_default().push((dir.to_owned(), result));
                }
            }
        }
    }

    fn finish(mut self) -> FleetReport {
        if self.plan.repositories.is_empty() {
            let reason = "it contains no repository, so nothing was audited; plan the folders that hold them";
            self.problems.insert(Skip::new("the plan", reason));
        }
        if self.settings.len() > 1 {
            let reason = "the results were made with different versions, rules or options; audit again with the same ones";
            self.problems.insert(Skip::new(format!("{} settings", self.settings.len()), reason));
        }
        let mut report = FleetReport {
            plan: self.plan.id.clone(),
            rules: BTreeSet::new(),
            leaks: Vec::new(),
            repositories: Vec::new(),
            coverage: FleetCoverage {
                planned: self.plan.repositories.len() as u64,
                ..FleetCoverage::default()
            },
            ignored: Vec::new(),
            problems: Vec::new(),
        };
        let mut leaks: BTreeMap<String, FleetLeak> = BTreeMap::new();
        for planned in &self.plan.repositories {
            let results = self.by_key.remove(&planned.key()).unwrap_or_default();
            let repository = self.repository(planned, results, &mut report, &mut leaks);
            *report.coverage.repositories.entry(repository.state.name()).or_default() += 1;
            report.repositories.push(repository);
        }
        report.leaks = leaks.into_values().collect();
        report.leaks.sort_by(|a, b| order(a).cmp(&order(b)));
        report.ignored = ignored(self.ignored);
        report.problems = self.problems.into_iter().collect();
        report
    }

    /// Adds the result of one repository, or says that there is none.
    fn repository(
        &mut self,
        planned: &PlannedRepository,
        results: Vec<(String, FleetResult)>,
        report: &mut FleetReport,
        leaks: &mut BTreeMap<String, FleetLeak>,
    ) -> FleetRepository {
        let path = &planned.path;
        if results.len() > 1 {
            let dirs: Vec<_> = results.iter().map(|(dir, _)| dir.as_str()).collect();
            let reason =
                format!("audited more than once: {}; name one directory with its result", dirs.join(", "));
            self.problems.insert(Skip::new(path, reason));
        }
        let mut repository = FleetRepository {
            path: path.clone(),
            state: RepositoryState::Missing,
            bytes: planned.bytes,
            reason: None,
            started: None,
            head: None,
            elapsed_seconds: None,
            coverage: None,
            notes: Vec::new(),
            sarif_run: None,
        };
        if results.is_empty() {
            let reason = "no result; run its shard again: `friskey fleet audit` goes on where it was";
            repository.reason = Some(reason.to_owned());
            self.problems.insert(Skip::new(path, reason));
            return repository;
        }
        let mut judged: Vec<(Judgement, FleetResult)> =
            results.into_iter().map(|(_, result)| (judge(&result, self.surfaces), result)).collect();
        // The worst of several results counts, whatever the order of their directories.
        judged.sort_by_key(|(judgement, result)| std::cmp::Reverse((judgement.rank(), leaks_in(result))));
        self.problems.extend(
            judged.iter().filter_map(|(judgement, _)| Some(Skip::new(path, judgement.problem.clone()?))),
        );
        let (judgement, worst) = judged.remove(0);
        (repository.state, repository.reason) = (judgement.state, judgement.reason);
        let mut own = worst.report.filter(Value::is_object).unwrap_or_default();
        report.rules.extend(own["tool"]["rules"].as_str().map(str::to_owned));
        repository.elapsed_seconds = own["elapsed_seconds"].as_f64();
        repository.started = own["started"].as_str().map(str::to_owned);
        repository.head = own["repository"]["head"].as_str().map(str::to_owned);
        self.add_ignored(&own["coverage"]);
        repository.notes = strings(&own["notes"]);
        add_coverage(&mut report.coverage, &own["coverage"]);
        let mut met = BTreeSet::new();
        let others = judged.into_iter().filter_map(|(_, result)| result.report.filter(Value::is_object));
        // A key that any of them found is found.
        for mut one in
            std::iter::once(own["leaks"].take()).chain(others.map(|mut other| other["leaks"].take()))
        {
            for leak in one.as_array_mut().map(std::mem::take).unwrap_or_default() {
                if met.insert(leak["fingerprint"].as_str().unwrap_or_default().to_owned()) {
                    add_leak(leaks, path, leak);
                }
            }
        }
        repository.coverage = Some(own["coverage"].take()).filter(Value::is_object);
        repository.sarif_run = worst.sarif_run;
        repository
    }

    fn add_ignored(&mut self, coverage: &Value) {
        for one in coverage["ignored"].as_array().into_iter().flatten() {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let key = (text("what"), text("by"), text("include_with"));
            if self.ignored.len() < MAX_IGNORED || self.ignored.contains_key(&key) {
                *self.ignored.entry(key).or_default() += 1;
            }
        }
    }
}

fn add_coverage(sums: &mut FleetCoverage, coverage: &Value) {
    let number = |name: &str| coverage[name].as_u64().unwrap_or(0);
    sums.commits += number("commits");
    sums.blobs += number("blobs");
    sums.bytes += number("bytes");
    sums.refs += number("refs");
    sums.skipped += coverage["skipped"].as_array().map_or(0, |skipped| skipped.len() as u64);
    sums.surfaces.extend(strings(&coverage["surfaces"]));
}

/// Adds a leak of the repository at `path`. What the strongest match says stands for the key.
fn add_leak(leaks: &mut BTreeMap<String, FleetLeak>, path: &str, leak: Value) {
    let Value::Object(mut leak) = leak else { return };
    let text = |leak: &Map<String, Value>, name: &str| {
        leak.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let findings = leak.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_suppressed = !findings.is_empty() && findings.iter().all(|one| !one["suppressed"].is_null());
    let own = FleetLeak {
        fingerprint: text(&leak, "fingerprint"),
        redacted: text(&leak, "redacted"),
        rule: text(&leak, "rule"),
        kind: text(&leak, "kind"),
        confidence: text(&leak, "confidence"),
        evidence: leak.get("evidence").map(strings).unwrap_or_default(),
        length: leak.get("length").and_then(Value::as_u64).unwrap_or(0),
        status: text(&leak, "status"),
        exposed_seconds: leak.get("exposed_seconds").and_then(Value::as_u64),
        is_suppressed,
        repositories: Vec::new(),
    };
    for name in ["fingerprint", "redacted", "rule", "kind", "confidence", "evidence", "length"] {
        leak.remove(name);
    }
    let here = LeakInRepository { repository: path.to_owned(), is_suppressed, leak };
    let known = leaks.entry(own.fingerprint.clone()).or_insert_with(|| own.clone());
    // What is accepted does not say how exposed a key is, unless all of it is.
    let (exposed, status) = match (known.is_suppressed, own.is_suppressed) {
        (false, true) => (known.exposed_seconds, known.status.clone()),
        (true, false) => (own.exposed_seconds, own.status.clone()),
        _ => {
            let is_worse = status_rank(&own.status) < status_rank(&known.status);
            let status = if is_worse { &own.status } else { &known.status };
            (known.exposed_seconds.max(own.exposed_seconds), status.clone())
        }
    };
    let is_suppressed = known.is_suppressed && own.is_suppressed;
    if confidence_rank(&own.confidence) < confidence_rank(&known.confidence) {
        let repositories = std::mem::take(&mut known.repositories);
        *known = FleetLeak { repositories, ..own };
    }
    (known.exposed_seconds, known.status, known.is_suppressed) = (exposed, status, is_suppressed);
    known.repositories.push(here);
}

/// The most things left out on purpose that a report names; each repository's own coverage has the others.
const MAX_IGNORED: usize = 1_000;

/// What concerns the most repositories comes first.
fn ignored(all: BTreeMap<(String, String, String), u64>) -> Vec<FleetIgnored> {
    let mut list: Vec<_> = all
        .into_iter()
        .map(|((what, by, include_with), repositories)| FleetIgnored { what, by, include_with, repositories })
        .collect();
    list.sort_by_key(|one| std::cmp::Reverse(one.repositories));
    list
}

/// How many leaks a result has.
fn leaks_in(result: &FleetResult) -> usize {
    result.report.as_ref().and_then(|report| report["leaks"].as_array()).map_or(0, Vec::len)
}

/// The order of leaks: the surest first, then those that are easiest to get at, then those in most repositories.
fn order(leak: &FleetLeak) -> (usize, usize, std::cmp::Reverse<usize>, &str) {
    let copies = std::cmp::Reverse(leak.open_repositories().count());
    (confidence_rank(&leak.confidence), status_rank(&leak.status), copies, &leak.fingerprint)
}

fn confidence_rank(name: &str) -> usize {
    ["high", "medium", "low"].iter().position(|one| *one == name).unwrap_or(3)
}

fn status_rank(name: &str) -> usize {
    ["present", "removed", "unreachable"].iter().position(|one| *one == name).unwrap_or(3)
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
