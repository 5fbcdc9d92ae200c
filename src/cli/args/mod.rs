//! The command line, from which help, completions and the manual are generated.

mod baseline;
mod fleet;
mod history;
mod hook;
#[cfg(feature = "online")]
mod online;
mod purge;
#[cfg(feature = "online")]
mod revoke;
mod rules;
mod scan;
mod shared;
#[cfg(feature = "online")]
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::help;

pub(super) use baseline::{BaselineAddArgs, BaselineCommand, BaselineEntryArgs, BaselineScanArgs};
pub(super) use fleet::{FleetAuditArgs, FleetCommand, FleetReportArgs};
pub(super) use history::{CiArgs, HistoryArgs, TraceArgs};
pub(super) use hook::{Hook, HookCommand};
#[cfg(feature = "online")]
pub(super) use online::{KeysArgs, OnlineArgs};
pub(super) use purge::{ContainerChoice, ProveArgs, PurgeArgs};
#[cfg(feature = "online")]
pub(super) use revoke::RevokeArgs;
pub(super) use rules::RulesCommand;
pub(super) use scan::{ExplainArgs, ScanArgs, StagedArgs};
pub(super) use shared::{AuditArgs, CacheArgs, FileArgs, ReportArgs, SearchArgs, SuppressionArgs};
#[cfg(feature = "online")]
pub(super) use verify::{VERIFICATION_FORMATS, VerifyArgs};

/// Frisks files and git repositories for OpenAI API keys.
///
/// friskey looks for OpenAI keys, including Azure OpenAI keys, and for nothing else. Run a general scanner such as
/// gitleaks or kingfisher alongside it to find other vendors' keys, passwords and private keys.
#[derive(Debug, Parser)]
#[command(
    name = "friskey",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = help::after_help_text("friskey")
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Add the rules in FILE to the built-in ones; a rule with the id of a built-in one replaces it
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) rules: Vec<PathBuf>,

    /// Use this configuration file instead of friskey.toml at the root of the repository
    /// (environment: FRISKEY_CONFIG)
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "no_config")]
    pub(super) config: Option<PathBuf>,

    /// Use no configuration file
    #[arg(long, global = true)]
    pub(super) no_config: bool,

    /// When to use color; `auto` follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(super) color: ColorChoice,

    /// Print only errors on standard error, and nothing on standard output if the result is clean
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// List all findings, skips and exclusions, not only the first ones; also list accepted findings and notes about the
    /// cache
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Scan files and directories, or standard input
    #[command(after_long_help = help::after_help_text("friskey scan"))]
    Scan(ScanArgs),
    /// Scan what the next commit would contain: the index, never the work tree
    #[command(after_long_help = help::after_help_text("friskey staged"))]
    Staged(StagedArgs),
    /// Audit the objects, refs and reflogs of a git repository, and trace the history of each key
    #[command(after_long_help = help::after_help_text("friskey history"))]
    History(HistoryArgs),
    /// Scan the commits of the current CI event
    #[command(after_long_help = help::after_help_text("friskey ci"))]
    Ci(CiArgs),
    /// Install, remove and run git hooks
    #[command(after_long_help = help::after_help_text("friskey hook"))]
    Hook {
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Trace one known key through a repository: where it is, since when, until when
    #[command(after_long_help = help::after_help_text("friskey trace"))]
    Trace(TraceArgs),
    /// Ask OpenAI whose a leaked key is, whether it works and what it cost, without using the key
    #[cfg(feature = "online")]
    #[command(after_long_help = help::after_help_text("friskey verify"))]
    Verify(VerifyArgs),
    /// Delete a leaked key of your organization at OpenAI; shows what it would do unless --yes names the key
    #[cfg(feature = "online")]
    #[command(after_long_help = help::after_help_text("friskey revoke"))]
    Revoke(RevokeArgs),
    /// List the keys of your organization at OpenAI by age and last use, and mark those that need attention
    #[cfg(feature = "online")]
    #[command(after_long_help = help::after_help_text("friskey keys"))]
    Keys(KeysArgs),
    /// Write a copy of a repository without the keys found in its history, and prove that they are gone
    #[command(after_long_help = help::after_help_text("friskey purge"))]
    Purge(PurgeArgs),
    /// Prove that a clone contains none of the keys and objects that a purge removed
    #[command(after_long_help = help::after_help_text("friskey prove"))]
    Prove(ProveArgs),
    /// Audit many repositories: plan the audit, divide it among machines, merge the results
    #[command(after_long_help = help::after_help_text("friskey fleet"))]
    Fleet {
        #[command(subcommand)]
        command: FleetCommand,
    },
    /// Manage the list of accepted keys
    #[command(after_long_help = help::after_help_text("friskey baseline"))]
    Baseline {
        #[command(subcommand)]
        command: BaselineCommand,
    },
    /// Explain why a text from standard input is or is not reported: by which rule and on what evidence
    #[command(after_long_help = help::after_help_text("friskey explain"))]
    Explain(ExplainArgs),
    /// List, show and check the rules in force
    #[command(after_long_help = help::after_help_text("friskey rules"))]
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Print a shell completion script
    #[command(after_long_help = help::after_help_text("friskey completions"))]
    Completions {
        /// Shell to generate the script for
        shell: clap_complete::Shell,
    },
    /// Print the manual page in roff format
    #[command(after_long_help = help::after_help_text("friskey man"))]
    Man {
        /// Write a page for each command to DIR instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// When to use color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}
