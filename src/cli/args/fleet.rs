//! The arguments of `friskey fleet`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Subcommand};

use super::{AuditArgs, CacheArgs, SuppressionArgs};
use crate::cli::help;
use crate::cli::limits::{Count, Seconds, Size};
use crate::model::Confidence;
use crate::report::FLEET_REPORTERS;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum FleetCommand {
    /// Find every repository below the given directories, and print a plan of their audit
    #[command(after_long_help = help::after_help_text("friskey fleet plan"))]
    Plan {
        /// Directories to search; symbolic links below them are not followed
        #[arg(value_name = "ROOT", required = true)]
        roots: Vec<PathBuf>,
    },
    /// Audit the repositories of a plan, or one shard of them, and write a result for each
    #[command(after_long_help = help::after_help_text("friskey fleet audit"))]
    Audit(FleetAuditArgs),
    /// Merge the results of all shards into one report, and check that they cover the plan
    #[command(after_long_help = help::after_help_text("friskey fleet report"))]
    Report(FleetReportArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FleetAuditArgs {
    /// The plan, as `friskey fleet plan` printed it
    #[arg(value_name = "PLAN")]
    pub(in crate::cli) plan: PathBuf,

    /// Directory for the results; a run that was stopped continues from there
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) state: PathBuf,

    /// Audit only part I of N, e.g. 1/4; `auto` reads both from the variables of the CI system or
    /// scheduler that runs friskey
    #[arg(long, value_name = "I/N|auto")]
    pub(in crate::cli) shard: Option<String>,

    /// Audit every repository again, even if it has not changed since its last result
    #[arg(long)]
    pub(in crate::cli) fresh: bool,

    /// Report only findings of at least this confidence: low, medium or high [default: medium]
    /// (environment: FRISKEY_MIN_CONFIDENCE)
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) min_confidence: Option<Confidence>,

    /// Number of threads for all audits together; 0, the default, starts one per processor
    /// (environment: FRISKEY_THREADS)
    #[arg(long, value_name = "N")]
    pub(in crate::cli) threads: Option<Count>,

    /// After SECONDS, start no more audits, and stop those in progress, which get no result (environment:
    /// FRISKEY_MAX_TIME)
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) max_time: Option<Seconds>,

    /// Memory for the objects and containers of all audits together, e.g. 4GiB [default: 2GiB]
    #[arg(long, value_name = "SIZE")]
    pub(in crate::cli) max_memory: Option<Size>,

    #[command(flatten)]
    pub(in crate::cli) cache: CacheArgs,

    #[command(flatten)]
    pub(in crate::cli) audit: AuditArgs,

    #[command(flatten)]
    pub(in crate::cli) suppression: SuppressionArgs,

    /// Do not show progress
    #[arg(long)]
    pub(in crate::cli) no_progress: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FleetReportArgs {
    /// State directories of all shards
    #[arg(value_name = "DIR", required = true)]
    pub(in crate::cli) dirs: Vec<PathBuf>,

    /// Format of the report on standard output
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = fleet_formats())]
    pub(in crate::cli) format: String,

    /// Write a report to a file, or to standard output if PATH is `-`; can be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(in crate::cli) output: Vec<String>,
}

fn fleet_formats() -> PossibleValuesParser {
    PossibleValuesParser::new(
        FLEET_REPORTERS.iter().map(|reporter| PossibleValue::new(reporter.name).help(reporter.help)),
    )
}
