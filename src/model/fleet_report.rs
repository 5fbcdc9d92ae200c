//! The report about all repositories of a fleet.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Skip, Status};

/// The outcome of the audit of one repository of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepositoryState {
    /// Audited completely, without findings.
    Clean,
    /// Audited, with findings.
    Findings,
    /// Audited without findings, but not completely.
    Incomplete,
    /// It could not be audited.
    Failed,
    /// There is no valid result.
    Missing,
}

impl RepositoryState {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Findings => "findings",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }
}

/// One repository in a fleet's report.
#[derive(Clone, Debug, Serialize)]
pub struct FleetRepository {
    /// Path, as in the plan.
    pub path: String,
    /// The outcome of its audit.
    pub state: RepositoryState,
    /// Size of its packs and loose objects.
    pub bytes: u64,
    /// Why it failed, or has no valid result.
    pub reason: Option<String>,
    /// When its audit began, in RFC 3339.
    pub started: Option<String>,
    /// The commit that HEAD pointed to when it was audited.
    pub head: Option<String>,
    /// Wall time of its audit, in seconds.
    pub elapsed_seconds: Option<f64>,
    /// The coverage of its audit, as in its own report.
    pub coverage: Option<Value>,
    /// The notes of its report.
    pub notes: Vec<String>,
    /// The run of its SARIF report.
    #[serde(skip)]
    pub sarif_run: Option<Value>,
}

/// Something that options, configuration or rules left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FleetIgnored {
    /// What was left out.
    pub what: String,
    /// What left it out.
    pub by: String,
    /// The option that includes it; empty if there is none.
    pub include_with: String,
    /// In how many repositories it was left out; 0 if it concerns the fleet as a whole.
    pub repositories: u64,
}

/// A leak of a key in one repository.
#[derive(Clone, Debug, Serialize)]
pub struct LeakInRepository {
    /// Path, as in the plan.
    pub repository: String,
    /// Index among the repositories of the report, since different paths that are not UTF-8 may have the same text.
    #[serde(skip)]
    pub repository_index: usize,
    /// Whether all of its findings there are suppressed.
    #[serde(skip)]
    pub is_suppressed: bool,
    /// The leak as in the report about this repository, without what is the same in every repository.
    #[serde(flatten)]
    pub leak: serde_json::Map<String, Value>,
}

/// A leaked key, and every repository that contains it.
#[derive(Clone, Debug, Serialize)]
pub struct FleetLeak {
    /// SHA-256 of the key, in hex.
    pub fingerprint: String,
    /// The key by prefix and last four characters.
    pub redacted: String,
    /// Id of the rule of its strongest match.
    pub rule: String,
    /// What kind of key it is.
    pub kind: String,
    /// The highest confidence of its matches.
    pub confidence: String,
    /// What supports its strongest match.
    pub evidence: Vec<String>,
    /// Length in bytes.
    pub length: u64,
    /// The highest severity, lowered by doubt, in any repository in which it is not accepted.
    pub severity: String,
    /// The most urgent status of the key in any such repository: `present`, `removed`, `unreachable` or `unknown`, in
    /// this order.
    pub status: String,
    /// The longest time for which any such repository exposed it, in seconds.
    pub exposed_seconds: Option<u64>,
    /// Whether all of its findings are suppressed.
    #[serde(skip)]
    pub is_suppressed: bool,
    /// The repositories that contain it, sorted by path.
    pub repositories: Vec<LeakInRepository>,
}

impl FleetLeak {
    /// The repositories in which not every finding is accepted.
    pub fn open_repositories(&self) -> impl Iterator<Item = &LeakInRepository> {
        self.repositories.iter().filter(|repository| !repository.is_suppressed)
    }
}

/// The coverage of the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FleetCoverage {
    /// Repositories in the plan.
    pub planned: u64,
    /// Number of repositories in each state.
    pub repositories: BTreeMap<&'static str, u64>,
    /// Commits scanned.
    pub commits: u64,
    /// Blobs scanned.
    pub blobs: u64,
    /// Bytes scanned, after decompression.
    pub bytes: u64,
    /// Refs that were followed.
    pub refs: u64,
    /// Surfaces that were scanned in any audited repository.
    pub surfaces: BTreeSet<String>,
    /// How many things were not scanned, in all audits together. What a report only counts, because it lists too much, is one.
    pub skipped: u64,
    /// Whether more was left out on purpose than the report names.
    pub has_more_ignored: bool,
}

/// The audits that one command line ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRun {
    /// The version of friskey.
    pub version: String,
    /// The command line, the name of the program first.
    pub command_line: Vec<String>,
    /// When the first of them began, in RFC 3339.
    pub first_started: String,
    /// When the last of them began, in RFC 3339.
    pub last_started: String,
    /// How many repositories were audited.
    pub repositories: u64,
}

/// The report about a fleet, made from redacted reports only.
#[derive(Clone, Debug)]
pub struct FleetReport {
    /// Id of the plan.
    pub plan: String,
    /// Digests of the rules in force; more than one is a problem.
    pub rules: BTreeSet<String>,
    /// The keys, most urgent first: by status, severity, confidence and number of repositories.
    pub leaks: Vec<FleetLeak>,
    /// Every repository of the plan, by path.
    pub repositories: Vec<FleetRepository>,
    /// When and how the repositories were audited.
    pub audits: Vec<AuditRun>,
    /// Totals.
    pub coverage: FleetCoverage,
    /// What was left out on purpose.
    pub ignored: Vec<FleetIgnored>,
    /// Remarks about repositories that users may not expect, although nothing is missing.
    pub notes: Vec<Skip>,
    /// Why the results do not cover the plan, and what could not be scanned or searched for repositories.
    pub problems: Vec<Skip>,
}

impl FleetReport {
    /// When the first and the last audit began.
    pub fn started(&self) -> Option<(&str, &str)> {
        let all = || self.repositories.iter().filter_map(|repository| repository.started.as_deref());
        Some((all().min()?, all().max()?))
    }

    /// Leaks with at least one finding that is not suppressed.
    pub fn open_leaks(&self) -> impl Iterator<Item = &FleetLeak> {
        self.leaks.iter().filter(|leak| !leak.is_suppressed)
    }

    /// The outcome. Findings outweigh an incomplete audit, which outweighs a clean one.
    pub fn status(&self) -> Status {
        let has_findings =
            self.repositories.iter().any(|repository| repository.state == RepositoryState::Findings);
        if has_findings || self.open_leaks().next().is_some() {
            Status::Findings
        } else if self.problems.is_empty()
            && self.repositories.iter().all(|repository| repository.state == RepositoryState::Clean)
        {
            Status::Clean
        } else {
            Status::Incomplete
        }
    }
}
