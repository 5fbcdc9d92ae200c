//! Subcommands of `friskey baseline`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::{BaselineArgs, FileArgs, SearchArgs};
use crate::cli::help;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BaselineCommand {
    /// Accept keys by fingerprint, as shown in a report, without scanning
    #[command(after_long_help = help::after_help_text("friskey baseline add"))]
    Add(BaselineAddArgs),
    /// Accept every key that a scan finds now, in a new baseline
    #[command(after_long_help = help::after_help_text("friskey baseline create"))]
    Create {
        /// Why the keys are accepted
        #[arg(long)]
        reason: String,

        #[command(flatten)]
        entry: BaselineEntryArgs,

        #[command(flatten)]
        args: BaselineScanArgs,
    },
    /// Accept new keys, too, and keep the existing entries
    #[command(after_long_help = help::after_help_text("friskey baseline update"))]
    Update {
        /// Why the new keys are accepted
        #[arg(long)]
        reason: Option<String>,

        /// Drop entries that are expired or no longer match a finding
        #[arg(long)]
        prune: bool,

        #[command(flatten)]
        entry: BaselineEntryArgs,

        #[command(flatten)]
        args: BaselineScanArgs,
    },
    /// Look for entries that are expired or no longer match a finding
    #[command(after_long_help = help::after_help_text("friskey baseline check"))]
    Check {
        #[command(flatten)]
        args: BaselineScanArgs,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BaselineAddArgs {
    /// Fingerprints of the keys: 64 hex digits, or the first digits of one in the report given by --from
    #[arg(value_name = "FINGERPRINT")]
    pub(in crate::cli) fingerprints: Vec<String>,

    /// Accept the keys in this JSON report: all of them, or only those given by FINGERPRINT
    #[arg(long, value_name = "REPORT")]
    pub(in crate::cli) from: Option<PathBuf>,

    /// Why the keys are accepted
    #[arg(long)]
    pub(in crate::cli) reason: String,

    /// Accept the keys only in paths that match GLOB, written as in .gitignore
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) path: Option<String>,

    /// Rule to record in the new entries [default: the one in the report]
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) rule: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) entry: BaselineEntryArgs,

    #[command(flatten)]
    pub(in crate::cli) baseline: BaselineArgs,
}

/// Optional fields of new entries.
#[derive(Debug, Args)]
pub(in crate::cli) struct BaselineEntryArgs {
    /// Person or team responsible for the new entries
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) owner: Option<String>,

    /// Last day on which the new entries are valid
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(in crate::cli) expires: Option<String>,
}

/// The scan that the baseline commands run.
#[derive(Debug, Args)]
pub(in crate::cli) struct BaselineScanArgs {
    /// Files and directories to scan [default: the whole repository]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) files: FileArgs,

    #[command(flatten)]
    pub(in crate::cli) search: SearchArgs,

    #[command(flatten)]
    pub(in crate::cli) baseline: BaselineArgs,

    /// Accept a marker in the text only if it gives a reason
    #[arg(long)]
    pub(in crate::cli) strict: bool,
}
