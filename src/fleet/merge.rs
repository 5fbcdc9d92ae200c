//! Joins the results of all repositories into one report, and checks that they cover the plan.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::joined_leaks::JoinedLeaks;
use super::joined_receipt::JoinedReceipt;
use super::result_check::{Judgement, judge, strings};
use super::results::NamedResult;
use crate::model::{
    FleetPlan, FleetReport, FleetRepository, FleetResult, PlannedRepository, RepositoryState, Skip, Surface,
};

/// The content of one state directory.
#[derive(Debug)]
pub struct LoadedResults {
    /// The directory, for messages.
    pub name: String,
    /// The plan in it.
    pub plan: FleetPlan,
    /// The names of its results, and each result or why it cannot be used.
    pub results: Vec<NamedResult>,
}

/// Merges the directories, whose results must all come from the plan in the first one. A complete audit scans
/// `surfaces`, or reports which of them it left out.
pub fn merge(plan: &FleetPlan, directories: Vec<LoadedResults>, surfaces: &[Surface]) -> FleetReport {
    let mut merger = Merger {
        plan,
        surfaces,
        problems: plan.skipped.iter().cloned().collect(),
        results_by_key: BTreeMap::new(),
        settings: BTreeSet::new(),
    };
    for LoadedResults { name, plan, results } in directories {
        merger.add(&name, &plan, results);
    }
    merger.finish()
}

/// Collects the results of all directories.
struct Merger<'a> {
    plan: &'a FleetPlan,
    surfaces: &'a [Surface],
    problems: BTreeSet<Skip>,
    /// The usable results by the key of their repository, each with the name of its directory.
    results_by_key: BTreeMap<String, Vec<(String, FleetResult)>>,
    /// The digests of the settings under which the results were made; more than one is a problem.
    settings: BTreeSet<String>,
}

/// The merged report under construction.
struct MergedParts {
    repositories: Vec<FleetRepository>,
    leaks: JoinedLeaks,
    receipt: JoinedReceipt,
    rules: BTreeSet<String>,
}

impl Merger<'_> {
    fn add(&mut self, dir: &str, plan: &FleetPlan, results: Vec<NamedResult>) {
        if plan.id != self.plan.id {
            let reason = "its plan differs from that of the first directory, so its results are not used";
            self.problems.insert(Skip::new(dir, reason));
            return;
        }
        let planned_keys: BTreeSet<String> =
            self.plan.repositories.iter().map(PlannedRepository::key).collect();
        for (file, result) in results {
            let name = || format!("{dir}/{file}");
            match result {
                Err(reason) => {
                    self.problems
                        .insert(Skip::new(name(), format!("{reason}; `friskey fleet audit` replaces it")));
                }
                Ok(result) if !planned_keys.contains(&result.key()) => {
                    self.problems
                        .insert(Skip::new(name(), format!("{} is not in the plan", result.repository)));
                }
                Ok(result) if result.plan != self.plan.id => {
                    let reason = "its result was made from another plan and is not used; `friskey fleet \
                     audit` replaces it";
                    self.problems.insert(Skip::new(result.repository, reason));
                }
                Ok(result) => {
                    self.settings.insert(result.settings.clone());
                    self.results_by_key.entry(result.key()).or_default().push((dir.to_owned(), result));
                }
            }
        }
    }

    fn finish(mut self) -> FleetReport {
        if self.plan.repositories.is_empty() {
            let reason = "it contains no repository, so nothing was audited; run `friskey fleet plan` on the \
                 directories that contain some";
            self.problems.insert(Skip::new("the plan", reason));
        }
        if self.settings.len() > 1 {
            let reason = "the results were made with different versions, rules or options; audit again with the same ones";
            self.problems.insert(Skip::new(format!("{} settings", self.settings.len()), reason));
        }
        let mut parts = MergedParts {
            repositories: Vec::new(),
            leaks: JoinedLeaks::default(),
            receipt: JoinedReceipt::new(&self.plan.ignored, self.plan.repositories.len() as u64),
            rules: BTreeSet::new(),
        };
        for planned in &self.plan.repositories {
            let results = self.results_by_key.remove(&planned.key()).unwrap_or_default();
            self.add_repository(planned, results, &mut parts);
        }
        let (coverage, ignored, audits) = parts.receipt.finish();
        FleetReport {
            plan: self.plan.id.clone(),
            rules: parts.rules,
            leaks: parts.leaks.finish(&parts.repositories),
            repositories: parts.repositories,
            audits,
            coverage,
            ignored,
            notes: self.plan.notes.clone(),
            problems: self.problems.into_iter().collect(),
        }
    }

    /// Adds the results of one repository, or records that there is none.
    fn add_repository(
        &mut self,
        planned: &PlannedRepository,
        results: Vec<(String, FleetResult)>,
        parts: &mut MergedParts,
    ) {
        let path = &planned.path;
        if results.len() > 1 {
            let dirs: Vec<_> = results.iter().map(|(dir, _)| dir.as_str()).collect();
            let reason =
                format!("audited more than once: {}; name one directory with its result", dirs.join(", "));
            self.problems.insert(Skip::new(path, reason));
        }
        let mut repository = missing_repository(planned);
        if results.is_empty() {
            let reason = "no result; run its shard again: `friskey fleet audit` continues where it stopped";
            repository.reason = Some(reason.to_owned());
            self.problems.insert(Skip::new(path, reason));
        }
        let judgements = self.judge_worst_first(results);
        self.problems.extend(
            judgements.iter().filter_map(|(judgement, _)| Some(Skip::new(path, judgement.problem.clone()?))),
        );
        let position = parts.repositories.len();
        for (index, (judgement, result)) in judgements.into_iter().enumerate() {
            let report = result.report.filter(Value::is_object).unwrap_or_default();
            if index == 0 {
                (repository.state, repository.reason) = (judgement.state, judgement.reason);
                repository.sarif_run = result.sarif_run;
                copy_report_facts(&mut repository, &report);
                parts.rules.extend(report["tool"]["rules"].as_str().map(str::to_owned));
                parts.receipt.add(&report);
            }
            // A key in any of the results is reported.
            parts.leaks.add(position, report);
        }
        parts.receipt.count_repository(repository.state.name());
        parts.repositories.push(repository);
    }

    /// Judges the results of one repository and sorts them so that the worst comes first, whatever the order of their
    /// directories.
    fn judge_worst_first(&self, results: Vec<(String, FleetResult)>) -> Vec<(Judgement, FleetResult)> {
        let mut judgements: Vec<_> =
            results.into_iter().map(|(_, result)| (judge(&result, self.surfaces), result)).collect();
        judgements.sort_by_key(|(judgement, result)| Reverse((judgement.rank(), count_leaks(result))));
        judgements
    }
}

/// What the report says about a repository without a result.
fn missing_repository(planned: &PlannedRepository) -> FleetRepository {
    FleetRepository {
        path: planned.path.clone(),
        state: RepositoryState::Missing,
        bytes: planned.bytes,
        reason: None,
        started: None,
        head: None,
        elapsed_seconds: None,
        coverage: None,
        notes: Vec::new(),
        sarif_run: None,
    }
}

/// Copies what the report of an audit says about the repository and the run.
fn copy_report_facts(repository: &mut FleetRepository, report: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    repository.started = text(&report["started"]);
    repository.head = text(&report["repository"]["head"]);
    repository.elapsed_seconds = report["elapsed_seconds"].as_f64();
    repository.coverage = report.get("coverage").filter(|coverage| coverage.is_object()).cloned();
    repository.notes = strings(&report["notes"]);
}

/// The number of leaks in a result.
fn count_leaks(result: &FleetResult) -> usize {
    result.report.as_ref().and_then(|report| report["leaks"].as_array()).map_or(0, Vec::len)
}
