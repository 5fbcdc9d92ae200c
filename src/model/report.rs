//! The finished report: the input of every reporter, which also determines the exit status.

use super::{Confidence, Coverage, Draft, Leak, RepositoryInfo, RuleInfo, VersionControl};

/// The name and version of the format of a report in JSON.
pub const REPORT_SCHEMA: &str = "friskey/report/v1";

/// The outcome of a scan, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything was scanned, and nothing was found.
    Clean,
    /// Something was found, whether or not everything was scanned.
    Findings,
    /// Nothing was found, but not everything was scanned.
    Incomplete,
}

impl Status {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Findings => "findings",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The redacted report about one scan.
///
/// The only way to make one is to redact a [`Draft`], and it cannot be changed afterwards.
#[derive(Clone, Debug)]
pub struct Report {
    redacted: Draft,
}

impl Report {
    /// Makes a report of a draft that is already redacted. Only for [`Draft`].
    pub(super) fn from_redacted(redacted: Draft) -> Self {
        Self { redacted }
    }

    /// The command that scanned: `scan`, `history`, ….
    pub fn command(&self) -> &'static str {
        self.redacted.command
    }

    /// The category of the report in SARIF: code scanning replaces earlier reports of the same category.
    pub fn category(&self) -> &'static str {
        self.redacted.category.unwrap_or(self.redacted.command)
    }

    /// Digest of the rules in force.
    pub fn rules_digest(&self) -> &str {
        &self.redacted.rules_digest
    }

    /// The rules in force, for formats that list them and for advice.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.redacted.rules
    }

    /// Leaks at or above the threshold, including suppressed ones, in a fixed order.
    pub fn leaks(&self) -> &[Leak] {
        &self.redacted.leaks
    }

    /// Leaks with at least one finding that is not suppressed.
    pub fn open_leaks(&self) -> impl Iterator<Item = &Leak> {
        self.redacted.open_leaks()
    }

    /// Number of unsuppressed findings at or above the threshold that are not listed, since a report has a maximum.
    pub fn unlisted_findings(&self) -> u64 {
        self.redacted.unlisted_findings
    }

    /// Number of suppressed findings at or above the threshold.
    pub fn suppressed_findings(&self) -> u64 {
        self.redacted.suppressed_findings
    }

    /// Number of leaks below the threshold, which are not listed.
    pub fn below_threshold(&self) -> u64 {
        self.redacted.below_threshold
    }

    /// The threshold: the lowest confidence of a listed leak.
    pub fn min_confidence(&self) -> Confidence {
        self.redacted.min_confidence
    }

    /// What was scanned, and what was not.
    pub fn coverage(&self) -> &Coverage {
        &self.redacted.coverage
    }

    /// Remarks that do not affect the status: the chosen range, a stale baseline entry.
    pub fn notes(&self) -> &[String] {
        &self.redacted.notes
    }

    /// Wall time of the scan.
    pub fn elapsed_seconds(&self) -> f64 {
        self.redacted.elapsed_seconds
    }

    /// When the scan began, in seconds since 1970.
    pub fn started(&self) -> i64 {
        self.redacted.started
    }

    /// The repository and commit that were scanned, as SARIF names them, if known.
    pub fn version_control(&self) -> Option<&VersionControl> {
        self.redacted.version_control.as_ref()
    }

    /// The repository that contains what was scanned, if there is one.
    pub fn repository(&self) -> Option<&RepositoryInfo> {
        self.redacted.repository.as_ref()
    }

    /// The current directory of the run, absolute, if relative paths in the report start from it; else empty.
    pub fn directory(&self) -> &str {
        &self.redacted.directory
    }

    /// The command line of the scan, beginning with the program's name; empty if there was none.
    pub fn command_line(&self) -> &[String] {
        &self.redacted.command_line
    }

    /// The path of a file from the root of its repository; `path` itself if no repository is known.
    pub fn path_in_repository<'r>(&'r self, path: &'r [u8]) -> &'r [u8] {
        self.redacted.repository_paths.get(path).map_or(path, Vec::as_slice)
    }

    /// The outcome. Findings outweigh gaps in coverage; gaps outweigh a clean result.
    pub fn status(&self) -> Status {
        self.redacted.status()
    }
}
