//! The command line, from which help, completions and the manual are generated.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::cache_args::CacheArgs;
use super::ci::Ci;
use super::help;
use super::hook::Hook;
use super::limits::{ContainerArgs, Count, Seconds};
use crate::model::Confidence;
use crate::report::REPORTERS;
use crate::scan::HISTORY_SURFACES;

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
    after_long_help = help::text("friskey")
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
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
    pub(super) color: When,

    /// Print only errors on standard error, and nothing on standard output if the result is clean
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// List every place and every skipped path, and how the scan was done
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Scan files and directories, or standard input
    #[command(after_long_help = help::text("friskey scan"))]
    Scan(Scan),
    /// Scan what the next commit would contain: the index, never the work tree
    #[command(after_long_help = help::text("friskey staged"))]
    Staged(Staged),
    /// Audit the objects, refs and reflogs of a git repository, and trace the history of each key
    #[command(after_long_help = help::text("friskey history"))]
    History(History),
    /// Scan the commits of the current CI event
    #[command(after_long_help = help::text("friskey ci"))]
    Ci(Ci),
    /// Install, remove and run git hooks
    #[command(after_long_help = help::text("friskey hook"))]
    Hook {
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Trace one known key through a repository: where it is, since when, until when
    #[command(after_long_help = help::text("friskey trace"))]
    Trace(Trace),
    /// Ask OpenAI whose a leaked key is, whether it works and what it cost, without using the key
    #[cfg(feature = "online")]
    #[command(after_long_help = help::text("friskey verify"))]
    Verify(super::verify::Verify),
    /// Delete a leaked key of your organization at OpenAI; shows what it would do unless --yes names the key
    #[cfg(feature = "online")]
    #[command(after_long_help = help::text("friskey revoke"))]
    Revoke(super::revoke::Revoke),
    /// List the keys of your organization at OpenAI by age and last use, and mark those that need attention
    #[cfg(feature = "online")]
    #[command(after_long_help = help::text("friskey keys"))]
    Keys(super::keys::Keys),
    /// Write a new repository without the keys that were found in its history, and prove it
    #[command(after_long_help = help::text("friskey purge"))]
    Purge(super::purge::Purge),
    /// Prove that a clone has nothing left of the keys and objects that a purge removed
    #[command(after_long_help = help::text("friskey prove"))]
    Prove(super::prove::Prove),
    /// Audit many repositories: plan it, divide it among machines, join the results
    #[command(after_long_help = help::text("friskey fleet"))]
    Fleet {
        #[command(subcommand)]
        command: super::fleet::FleetCommand,
    },
    /// Manage the list of accepted keys
    #[command(after_long_help = help::text("friskey baseline"))]
    Baseline {
        #[command(subcommand)]
        command: BaselineCommand,
    },
    /// Explain why a text from standard input is or is not reported: by which rule and on what evidence
    #[command(after_long_help = help::text("friskey explain"))]
    Explain(Explain),
    /// List, show and check the rules in force
    #[command(after_long_help = help::text("friskey rules"))]
    Rules {
        #[command(subcommand)]
        command: Rules,
    },
    /// Print a shell completion script
    #[command(after_long_help = help::text("friskey completions"))]
    Completions {
        /// Shell to generate the script for
        shell: clap_complete::Shell,
    },
    /// Print the manual page in roff format
    #[command(after_long_help = help::text("friskey man"))]
    Man {
        /// Write a page for each command to DIR instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Options of every command that scans.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    /// Format of the report on standard output [default: human] (environment: FRISKEY_FORMAT)
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    pub(super) format: Option<String>,

    /// Write a report to a file, or to standard output if PATH is `-`; can be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(super) output: Vec<String>,

    #[command(flatten)]
    pub(super) scan_args: ScanArgs,

    /// Do not show progress on the terminal
    #[arg(long)]
    pub(super) no_progress: bool,
}

/// Thresholds and resource limits of a scan.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ScanArgs {
    /// Report only findings of at least this confidence: low, medium or high [default: medium]
    /// (environment: FRISKEY_MIN_CONFIDENCE)
    #[arg(long, value_name = "LEVEL")]
    pub(super) min_confidence: Option<Confidence>,

    /// Number of threads; 0, the default, starts one per processor (environment: FRISKEY_THREADS)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<Count>,

    /// Stop after SECONDS and report what was not reached: exit status 3, or 1 if a key was found
    /// (environment: FRISKEY_MAX_TIME)
    #[arg(long, value_name = "SECONDS")]
    pub(super) max_time: Option<Seconds>,

    #[command(flatten)]
    pub(super) containers: ContainerArgs,
}

/// Which findings are accepted.
#[derive(Debug, Default, Args)]
pub(super) struct SuppressionArgs {
    /// Accept the keys listed in FILE instead of those in .friskey-baseline.toml at the root of the
    /// repository (environment: FRISKEY_BASELINE)
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,

    /// Accept nothing: ignore markers in the text and the baseline
    #[arg(long)]
    pub(super) no_suppress: bool,

    /// Accept a marker only if it gives a reason
    #[arg(long)]
    pub(super) strict: bool,
}

/// Which commit provides configuration, baseline and rules.
#[derive(Debug, Args)]
pub(super) struct PolicyFrom {
    /// Take configuration, baseline and rules from the commit REV instead of from what is scanned, and follow no
    /// ignore files; `event` is the base of the current CI event, `checkout` what is checked out
    #[arg(long, value_name = "REV")]
    pub(super) policy_from: Option<String>,
}

impl PolicyFrom {
    /// Whether the policy comes from elsewhere than the checkout.
    pub(super) fn is_of_base(&self) -> bool {
        self.policy_from.as_deref().is_some_and(|asked| asked != "checkout")
    }
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(
        REPORTERS.iter().map(|reporter| clap::builder::PossibleValue::new(reporter.name).help(reporter.help)),
    )
}

#[derive(Debug, Args)]
pub(super) struct Scan {
    /// Files and directories to scan; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) files: Files,

    #[command(flatten)]
    pub(super) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(super) policy_from: PolicyFrom,

    #[command(flatten)]
    pub(super) reporting: ReportArgs,
}

/// Which files of a directory are scanned.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Scan files that ignore files exclude, too (.gitignore, .ignore, info/exclude, global excludes). Files
    /// that git tracks are always scanned
    #[arg(long)]
    pub(super) no_ignore: bool,

    /// Exclude paths that match GLOB, written as in .gitignore; can be repeated
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Staged {
    /// Files to scan; one without staged changes is scanned in full [default: everything that is staged]
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(super) reporting: ReportArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum HookCommand {
    /// Install hooks where git looks for them; existing hooks keep running
    #[command(after_long_help = help::text("friskey hook install"))]
    Install {
        /// Hooks to install [default: pre-commit, pre-merge-commit, commit-msg and pre-push; in a bare
        /// repository pre-receive]
        #[arg(long = "hook", value_name = "HOOK", value_delimiter = ',')]
        hooks: Vec<Hook>,
        /// Path in the repository
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
        /// Install even if a hook manager is in use, which may overwrite the hooks, or if friskey itself is in the
        /// work tree
        #[arg(long)]
        force: bool,
        /// Install for every repository that uses the same directory, e.g. the one set by core.hooksPath
        #[arg(long)]
        global: bool,
    },
    /// List the hooks, what installed each, and whether it runs friskey
    #[command(after_long_help = help::text("friskey hook status"))]
    Status {
        /// Path in the repository
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
    /// Remove friskey's hooks and restore the previous ones
    #[command(after_long_help = help::text("friskey hook uninstall"))]
    Uninstall {
        /// Hooks to remove [default: all of friskey's]
        #[arg(long = "hook", value_name = "HOOK", value_delimiter = ',')]
        hooks: Vec<Hook>,
        /// Path in the repository
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
        /// Remove for every repository that uses the same directory, e.g. the one set by core.hooksPath
        #[arg(long)]
        global: bool,
    },
    /// Run a hook; the installed scripts call this
    #[command(after_long_help = help::text("friskey hook run"))]
    Run {
        /// Hook to run
        hook: Hook,
        /// Arguments that git passes to the hook
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
pub(super) struct History {
    /// Work tree, .git directory or bare repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(super) repo: PathBuf,

    /// Scan only what these commits introduce: `A..B`, `A...B`, `B --not --remotes`; can be repeated
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub(super) range: Vec<String>,

    /// Exclude what is reachable from REV, as in `git log B --not REV`: a revision, `--remotes`, `--branches`,
    /// `--tags` or `--all`; can be repeated
    #[arg(long, value_name = "REV", allow_hyphen_values = true, requires = "range")]
    pub(super) not: Vec<String>,

    #[command(flatten)]
    pub(super) cache: CacheArgs,

    #[command(flatten)]
    pub(super) surfaces: Surfaces,

    #[command(flatten)]
    pub(super) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(super) policy_from: PolicyFrom,

    #[command(flatten)]
    pub(super) reporting: ReportArgs,
}

#[derive(Debug, Args)]
pub(super) struct Trace {
    /// Work tree, .git directory or bare repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(super) repo: PathBuf,

    /// Read the key from this environment variable instead of standard input
    #[arg(long, value_name = "NAME", group = "key")]
    pub(super) env: Option<String>,

    /// Trace the key whose fingerprint starts with these hex digits (8 to 64) instead of reading the key. Works for
    /// keys that a rule recognizes
    #[arg(long, value_name = "HEX", group = "key")]
    pub(super) fingerprint: Option<String>,

    /// Trace the keys that end in these four characters, as OpenAI's dashboard shows them, instead of reading the
    /// key. Works for keys that a rule recognizes
    #[arg(long, value_name = "XXXX", group = "key", allow_hyphen_values = true)]
    pub(super) last_four: Option<String>,

    #[command(flatten)]
    pub(super) surfaces: Surfaces,

    #[command(flatten)]
    pub(super) reporting: ReportArgs,
}

/// Which surfaces an audit looks at, and how.
#[derive(Debug, Args)]
pub(super) struct Surfaces {
    /// Scan only these surfaces, or all except those prefixed with `-`
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true, long_help = surfaces_help())]
    pub(super) surfaces: Vec<String>,

    /// Exclude objects that are not reachable from any ref: dropped commits, reflogs, garbage
    #[arg(long)]
    pub(super) no_unreachable: bool,

    /// Rebuild and search every object in full: same findings, but slower
    #[arg(long, hide = true)]
    pub(super) whole: bool,
}

fn surfaces_help() -> String {
    let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
    format!(
        "Scan only these surfaces, or all except those prefixed with `-`.\n\nSurfaces: {}",
        names.join(", ")
    )
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Catches a key that was passed as an argument by mistake
    #[arg(hide = true)]
    pub(super) misplaced: Vec<OsString>,

    /// Print the explanation as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// List the rules in force
    #[command(after_long_help = help::text("friskey rules list"))]
    List,
    /// Show everything about one rule
    #[command(after_long_help = help::text("friskey rules show"))]
    Show {
        /// Id of the rule
        id: String,
    },
    /// Test every rule against its own examples and counter-examples
    #[command(after_long_help = help::text("friskey rules check"))]
    Check,
}

#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Accept keys by fingerprint, as shown in a report, without scanning
    #[command(after_long_help = help::text("friskey baseline add"))]
    Add(AddToBaseline),
    /// Accept every key that a scan finds now, in a new baseline
    #[command(after_long_help = help::text("friskey baseline create"))]
    Create {
        /// Why the keys are accepted
        #[arg(long)]
        reason: String,

        #[command(flatten)]
        entry: EntryFields,

        #[command(flatten)]
        args: BaselineScanArgs,
    },
    /// Accept new keys, too, and keep the existing entries
    #[command(after_long_help = help::text("friskey baseline update"))]
    Update {
        /// Why the new keys are accepted
        #[arg(long)]
        reason: Option<String>,

        /// Drop entries that are expired or no longer match a finding
        #[arg(long)]
        prune: bool,

        #[command(flatten)]
        entry: EntryFields,

        #[command(flatten)]
        args: BaselineScanArgs,
    },
    /// Look for entries that are expired or no longer match a finding
    #[command(after_long_help = help::text("friskey baseline check"))]
    Check {
        #[command(flatten)]
        args: BaselineScanArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddToBaseline {
    /// Fingerprints of the keys: 64 hex digits, or the first digits of one in the report given by --from
    #[arg(value_name = "FINGERPRINT")]
    pub(super) fingerprints: Vec<String>,

    /// Accept the keys in this JSON report: all of them, or only those given by FINGERPRINT
    #[arg(long, value_name = "REPORT")]
    pub(super) from: Option<PathBuf>,

    /// Why the keys are accepted
    #[arg(long)]
    pub(super) reason: String,

    /// Accept the keys only in paths that match GLOB, written as in .gitignore
    #[arg(long, value_name = "GLOB")]
    pub(super) path: Option<String>,

    /// Rule to record in the new entries [default: the one in the report]
    #[arg(long, value_name = "ID")]
    pub(super) rule: Option<String>,

    #[command(flatten)]
    pub(super) entry: EntryFields,

    /// Baseline to use instead of .friskey-baseline.toml at the root of the repository
    /// (environment: FRISKEY_BASELINE)
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
}

/// Optional fields of new entries.
#[derive(Debug, Args)]
pub(super) struct EntryFields {
    /// Person or team responsible for the new entries
    #[arg(long, value_name = "NAME")]
    pub(super) owner: Option<String>,

    /// Last day on which the new entries are valid
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) expires: Option<String>,
}

/// The scan that the baseline commands run.
#[derive(Debug, Args)]
pub(super) struct BaselineScanArgs {
    /// Files and directories to scan [default: the whole repository]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) files: Files,

    #[command(flatten)]
    pub(super) scan_args: ScanArgs,

    /// Baseline to use instead of .friskey-baseline.toml at the root of the repository
    /// (environment: FRISKEY_BASELINE)
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,

    /// Accept a marker in the text only if it gives a reason
    #[arg(long)]
    pub(super) strict: bool,
}

/// When to use color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}
