//! The plan of an audit of many repositories, and the result for each of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Skip;

/// The name and version of the format of a [`FleetPlan`].
pub const PLAN_SCHEMA: &str = "friskey/fleet-plan/v1";

/// The name and version of the format of a [`FleetResult`].
pub const RESULT_SCHEMA: &str = "friskey/fleet-result/v1";

/// The repositories to audit. The same directories give the same plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetPlan {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// Digest of everything else in the plan, which identifies the plan in results.
    pub id: String,
    /// The directories that were searched, absolute.
    pub roots: Vec<String>,
    /// The repositories, sorted by path.
    pub repositories: Vec<PlannedRepository>,
    /// What could not be searched for repositories.
    pub skipped: Vec<Skip>,
    /// Links to directories outside the roots, which are not followed.
    pub ignored: Vec<Skip>,
    /// Remarks about repositories that users may not expect, although nothing is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Skip>,
}

/// One repository of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRepository {
    /// Absolute path of the work tree, or of the git directory of a bare repository.
    pub path: String,
    /// The bytes of the path in hex, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// What the path is.
    pub kind: RepositoryKind,
    /// Size of its own packs and loose objects.
    pub bytes: u64,
    /// Other object directories that it reads from, through `objects/info/alternates`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternates: Vec<ObjectDirectory>,
    /// Linked work trees, which are audited with the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work_trees: Vec<String>,
}

impl PlannedRepository {
    /// Identifies the repository: `path` is not enough, since different paths that are not UTF-8 may have the same text.
    pub fn key(&self) -> String {
        repository_key(&self.path, self.path_bytes.as_deref())
    }

    /// The amount of work in bytes, for balancing shards: the bytes to search, and the cost of opening the repository.
    pub fn weight(&self) -> u64 {
        /// The time to open a repository, in bytes that are searched in that time.
        const OPENING_COST: u64 = 256 << 10;
        self.alternates.iter().fold(self.bytes.saturating_add(OPENING_COST), |sum, alternate| {
            sum.saturating_add(alternate.bytes)
        })
    }
}

/// What the path of a planned repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepositoryKind {
    /// A git directory without a work tree.
    Bare,
    /// A work tree with its git directory in it.
    WorkTree,
    /// A work tree whose git directory is elsewhere below the roots, in no other repository.
    SeparateGitDir,
}

/// An object directory that other repositories read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDirectory {
    /// Absolute path.
    pub path: String,
    /// Size of its packs and loose objects.
    pub bytes: u64,
}

/// The result of auditing one repository of a plan, as stored in a state directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetResult {
    /// [`RESULT_SCHEMA`].
    pub schema: String,
    /// Id of the plan that the audit belongs to.
    pub plan: String,
    /// Path of the repository, as in the plan.
    pub repository: String,
    /// The bytes of the path in hex, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Digest of everything that affects the findings: version, rules, options. All results in a report must have the
    /// same one.
    pub settings: String,
    /// Digest of the repository's files before the audit, to recognize changes; `None` if it is not reliable.
    pub state: Option<String>,
    /// Why the repository could not be audited.
    pub failure: Option<String>,
    /// The report of the audit, `friskey/report/v1`.
    pub report: Option<Value>,
    /// The run of its SARIF report.
    pub sarif_run: Option<Value>,
}

impl FleetResult {
    /// The [key](PlannedRepository::key) of its repository.
    pub fn key(&self) -> String {
        repository_key(&self.repository, self.path_bytes.as_deref())
    }
}

fn repository_key(path: &str, bytes: Option<&str>) -> String {
    // No path contains a NUL.
    bytes.map_or_else(|| path.to_owned(), |bytes| format!("{path}\0{bytes}"))
}
