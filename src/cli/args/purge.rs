//! Arguments of `friskey purge` and `friskey prove`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{RepoArgs, SearchArgs, SuppressionArgs};
use crate::cli::limits::{ContainerArgs, Count, Seconds};

#[derive(Debug, Args)]
pub(in crate::cli) struct PurgeArgs {
    #[command(flatten)]
    pub(in crate::cli) repo: RepoArgs,

    /// Where to write the new bare repository; the path must not exist or be an empty directory
    #[arg(long, value_name = "NEW.git", required_unless_present = "dry_run")]
    pub(in crate::cli) into: Option<PathBuf>,

    /// Purge only the key whose fingerprint starts with these hex digits (8 to 64), accepted or not; can be repeated
    /// [default: every key at or above the threshold that is not accepted]
    #[arg(long = "key", value_name = "FINGERPRINT")]
    pub(in crate::cli) keys: Vec<String>,

    /// Only show what would be rewritten
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,

    /// Write a JSON report to FILE, for `friskey prove`: old and new ids, places, next steps
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) report: Option<PathBuf>,

    /// How to treat an archive or compressed file that contains a key: `stub` replaces it with a text, `refuse` purges
    /// nothing
    #[arg(long = "containers", id = "container_treatment", value_name = "HOW", default_value = "stub")]
    pub(in crate::cli) containers: ContainerChoice,

    /// Leave commit ids in messages as they are, instead of replacing those of rewritten commits
    #[arg(long)]
    pub(in crate::cli) keep_message_ids: bool,

    /// Do not show progress on the terminal
    #[arg(long)]
    pub(in crate::cli) no_progress: bool,

    #[command(flatten)]
    pub(in crate::cli) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(in crate::cli) search: SearchArgs,
}

/// How to treat a container that contains a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ContainerChoice {
    Stub,
    Refuse,
}

/// The formats of the results of `prove`.
const FORMATS: [&str; 2] = ["human", "json"];

#[derive(Debug, Args)]
pub(in crate::cli) struct ProveArgs {
    /// Fresh mirror clone (`git clone --mirror URL`), or a repository restored from an export
    #[arg(value_name = "CLONE")]
    pub(in crate::cli) clone: PathBuf,

    /// Report of the purge, as `friskey purge --report FILE` wrote it
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) report: PathBuf,

    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = FORMATS)]
    pub(in crate::cli) format: String,

    /// Number of threads; 0, the default, starts one per processor (environment: FRISKEY_THREADS)
    #[arg(long, value_name = "N")]
    pub(in crate::cli) threads: Option<Count>,

    /// Stop after SECONDS and report what was not reached: exit status 3, or 1 if something was found
    /// (environment: FRISKEY_MAX_TIME)
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) max_time: Option<Seconds>,

    /// Do not show progress on the terminal
    #[arg(long)]
    pub(in crate::cli) no_progress: bool,

    #[command(flatten)]
    pub(in crate::cli) containers: ContainerArgs,
}
