//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::cli::limits::{ContainerArgs, Count, Seconds};
use crate::model::Confidence;
use crate::report::REPORTERS;
use crate::scan::HISTORY_SURFACES;

/// The repository that a command works on.
#[derive(Debug, Args)]
pub(in crate::cli) struct RepoArgs {
    /// Work tree, .git directory or bare repository
    #[arg(id = "repo", value_name = "REPO", default_value = ".")]
    pub(in crate::cli) path: PathBuf,
}

/// Options for the limits, reports and progress of a scan.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// Format of the report on standard output [default: human] (environment: FRISKEY_FORMAT)
    #[arg(long, value_name = "FORMAT", value_parser = report_formats())]
    pub(in crate::cli) format: Option<String>,

    /// Write a report to a file, or to standard output if PATH is `-`; can be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(in crate::cli) output: Vec<String>,

    #[command(flatten)]
    pub(in crate::cli) search: SearchArgs,

    /// Do not show progress on the terminal
    #[arg(long)]
    pub(in crate::cli) no_progress: bool,
}

/// The threshold and the resource limits of a search for keys.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct SearchArgs {
    /// Report only findings of at least this confidence: low, medium or high [default: medium]
    /// (environment: FRISKEY_MIN_CONFIDENCE)
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) min_confidence: Option<Confidence>,

    /// Number of threads; 0, the default, starts one per processor (environment: FRISKEY_THREADS)
    #[arg(long, value_name = "N")]
    pub(in crate::cli) threads: Option<Count>,

    /// Stop after SECONDS and report what was not reached: exit status 3, or 1 if a key was found
    /// (environment: FRISKEY_MAX_TIME)
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) max_time: Option<Seconds>,

    #[command(flatten)]
    pub(in crate::cli) containers: ContainerArgs,
}

/// The file of accepted keys.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct BaselineArgs {
    /// Baseline to use instead of .friskey-baseline.toml at the root of the repository
    /// (environment: FRISKEY_BASELINE)
    #[arg(id = "baseline", long = "baseline", value_name = "FILE")]
    pub(in crate::cli) path: Option<PathBuf>,
}

/// Which findings are accepted.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct SuppressionArgs {
    #[command(flatten)]
    pub(in crate::cli) baseline: BaselineArgs,

    /// Accept nothing: ignore markers in the text and the baseline
    #[arg(long)]
    pub(in crate::cli) no_suppress: bool,

    /// Accept a marker only if it gives a reason
    #[arg(long)]
    pub(in crate::cli) strict: bool,
}

/// Which commit provides configuration, baseline and rules.
#[derive(Debug, Args)]
pub(in crate::cli) struct PolicyFromArgs {
    /// Take configuration, baseline and rules from the commit REV instead of from what is scanned, and follow no
    /// ignore files; `event` is the base of the current CI event, `checkout` what is checked out
    #[arg(id = "policy_from", long = "policy-from", value_name = "REV")]
    pub(in crate::cli) revision: Option<String>,
}

impl PolicyFromArgs {
    /// Whether the policy comes from another commit than what is checked out.
    pub(in crate::cli) fn differs_from_checkout(&self) -> bool {
        self.revision.as_deref().is_some_and(|revision| revision != "checkout")
    }
}

fn report_formats() -> PossibleValuesParser {
    PossibleValuesParser::new(
        REPORTERS.iter().map(|reporter| PossibleValue::new(reporter.name).help(reporter.help)),
    )
}

/// Which files of a directory are scanned.
#[derive(Debug, Args)]
pub(in crate::cli) struct FileArgs {
    /// Scan files that ignore files exclude, too (.gitignore, .ignore, info/exclude, global excludes). Files
    /// that git tracks are always scanned
    #[arg(long)]
    pub(in crate::cli) no_ignore: bool,

    /// Exclude paths that match GLOB, written as in .gitignore; can be repeated
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) exclude: Vec<String>,
}

/// What an audit of a history searches, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct AuditArgs {
    /// Scan only these surfaces, or all except those prefixed with `-`
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true, long_help = surfaces_help())]
    pub(in crate::cli) surfaces: Vec<String>,

    /// Exclude objects that are not reachable from any ref: dropped commits, reflogs, garbage
    #[arg(long)]
    pub(in crate::cli) no_unreachable: bool,

    /// Rebuild and search every object in full: same findings, but slower
    #[arg(long = "whole", hide = true)]
    pub(in crate::cli) full_objects: bool,
}

fn surfaces_help() -> String {
    let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
    format!(
        "Scan only these surfaces, or all except those prefixed with `-`.\n\nSurfaces: {}",
        names.join(", ")
    )
}

/// Where to keep facts for later audits.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct CacheArgs {
    /// Keep facts about searched packs in DIR, so that the next audit of a whole history is faster, with the same
    /// result; DIR contains no keys
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) cache: Option<PathBuf>,
}
