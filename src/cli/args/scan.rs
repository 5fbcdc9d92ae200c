//! Arguments of the commands that scan files, the index or standard input.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::shared::{FileArgs, PolicyFromArgs, ReportArgs, SuppressionArgs};

#[derive(Debug, Args)]
pub(in crate::cli) struct ScanArgs {
    /// Files and directories to scan; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(in crate::cli) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) files: FileArgs,

    #[command(flatten)]
    pub(in crate::cli) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(in crate::cli) policy_from: PolicyFromArgs,

    #[command(flatten)]
    pub(in crate::cli) reporting: ReportArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StagedArgs {
    /// Files to scan; one without staged changes is scanned in full [default: everything that is staged]
    #[arg(value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(in crate::cli) reporting: ReportArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// Catches a key that was passed as an argument by mistake
    #[arg(hide = true)]
    pub(in crate::cli) misplaced: Vec<OsString>,

    /// Print the explanation as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
