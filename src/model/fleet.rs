//! The plan of an audit of many repositories, and the results.

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
    /// What may surprise about the repositories, although nothing is missing.
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
    /// A key that identifies the repository. Different paths that are not UTF-8 may have the same text.
    pub fn key(&self) -> String {
        repository_key(&self.path, self.path_bytes.as_deref())
    }

    /// The amount of work, for balancing shards: the bytes to search, and the cost of opening it.
    pub fn weight(&self) -> u64 {
        /// Number of bytes that are searched in the time that it takes to open an empty repository.
        const OPENING: u64 = 256 << 10;
        self.alternates
            .iter()
            .fold(self.bytes.saturating_add(OPENING), |all, one| all.saturating_add(one.bytes))
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
    /// Id of the plan that it was made from.
    pub plan: String,
    /// Path of the repository, as in the plan.
    pub repository: String,
    /// The bytes of the path in hex, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Digest of everything that affects the findings: version, rules, options. All results in a report must have the
    /// same one.
    pub settings: String,
    /// Digest of the state of the repository's files before the audit; `None` if it is not reliable.
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
