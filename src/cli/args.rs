//! The command line, from which help, completions and the manual derive.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::ci::Ci;
use super::hook::Hook;
use super::limits::{ContainerArgs, Count, Seconds};
use crate::model::Confidence;
use crate::report::REPORTERS;
use crate::scan::HISTORY_SURFACES;

/// Frisks files and git repositories for OpenAI API keys.
///
/// It looks for OpenAI keys (Azure OpenAI's too) and nothing else: run a general scanner such as gitleaks
/// or kingfisher beside it for the keys of other vendors, passwords and private keys.
///
/// Exit status: 0 nothing found in what was scanned; 1 something was found; 2 the scan could not be
/// done; 3 nothing was found, but not everything could be scanned. Reports name what was left out.
#[derive(Debug, Parser)]
#[command(
    name = "friskey",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// Adds the rules in FILE to the built-in ones; one of the same id replaces the built-in one
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) rules: Vec<PathBuf>,

    /// Uses this configuration file and not the friskey.toml at the root of the repository
    /// (environment: FRISKEY_CONFIG)
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "no_config")]
    pub(super) config: Option<PathBuf>,

    /// Uses no configuration file
    #[arg(long, global = true)]
    pub(super) no_config: bool,

    /// When to use colour; `auto` follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(super) color: When,

    /// Says nothing on standard error but errors, and nothing at all on standard output when clean
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Lists everything: each place, each skipped path, and how the scan went about it
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Scans files and folders, or standard input
    Scan(Scan),
    /// Scans what the next commit would contain: the index, never the work tree
    Staged(Staged),
    /// Audits everything that a git repository holds, and tells the story of each key
    History(History),
    /// Scans the commits of the event that a CI system runs it for
    Ci(Ci),
    /// Installs, takes out and runs git hooks
    Hook {
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Follows one known key through a repository: where it is, since when, until when
    Trace(Trace),
    /// Keeps the list of accepted keys
    Baseline {
        #[command(subcommand)]
        command: BaselineCommand,
    },
    /// Tells which rule a text from standard input meets, on what evidence, and why not
    Explain(Explain),
    /// Lists, shows and checks the rules in force
    Rules {
        #[command(subcommand)]
        command: Rules,
    },
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, in roff
    Man {
        /// Writes a page for each command into DIR instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Options of every command that scans.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    /// The format of the report on standard output; else that in FRISKEY_FORMAT, else human
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    pub(super) format: Option<String>,

    /// Writes a report to a file, or to standard output if PATH is `-`; may be given several times
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(super) output: Vec<String>,

    #[command(flatten)]
    pub(super) scan_args: ScanArgs,

    /// Shows no progress on the terminal
    #[arg(long)]
    pub(super) no_progress: bool,
}

/// How much is reported, and with how much effort.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ScanArgs {
    /// Reports only what is at least this sure: low, medium or high [default: medium]
    /// (environment: FRISKEY_MIN_CONFIDENCE)
    #[arg(long, value_name = "LEVEL")]
    pub(super) min_confidence: Option<Confidence>,

    /// Threads to scan with; 0, the default, is one for each processor (environment: FRISKEY_THREADS)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<Count>,

    /// Ends the scan after SECONDS and reports what was not reached: exit status 3, or 1 if a key was found
    /// (environment: FRISKEY_MAX_TIME)
    #[arg(long, value_name = "SECONDS")]
    pub(super) max_time: Option<Seconds>,

    #[command(flatten)]
    pub(super) containers: ContainerArgs,
}

/// What is accepted.
#[derive(Debug, Default, Args)]
pub(super) struct SuppressionArgs {
    /// Accepts the keys listed in FILE and not those in .friskey-baseline.toml at the root of the
    /// repository (environment: FRISKEY_BASELINE)
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,

    /// Accepts nothing: neither markers in the text nor a baseline
    #[arg(long)]
    pub(super) no_suppress: bool,

    /// A marker counts only with a reason
    #[arg(long)]
    pub(super) strict: bool,
}

/// Which state of the repository says how it is scanned.
#[derive(Debug, Args)]
pub(super) struct PolicyFrom {
    /// Takes configuration, baseline and rules from the commit REV and not from what is scanned, and obeys no
    /// ignore file; `event` is the commit that the change of the CI event is based on, `checkout` what is checked out
    #[arg(long, value_name = "REV")]
    pub(super) policy_from: Option<String>,
}

impl PolicyFrom {
    /// Whether something else than the checkout is asked for.
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
    /// Files and folders; `-` is standard input
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

/// Which files of a folder are scanned.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Scans what ignore files (.gitignore, .ignore, info/exclude, global excludes) leave out, too. Files
    /// that git tracks are scanned in any case
    #[arg(long)]
    pub(super) no_ignore: bool,

    /// Leaves out paths that match GLOB, written as in a .gitignore; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Staged {
    /// Files to look at; those that are not changed in the index are scanned whole. Without any, all
    /// that is staged
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(super) reporting: ReportArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum HookCommand {
    /// Installs hooks where git looks for them; a hook that is there goes on running
    Install {
        /// The hooks; without any, pre-commit, pre-merge-commit, commit-msg and pre-push, or pre-receive in a bare
        /// repository
        #[arg(long = "hook", value_name = "HOOK", value_delimiter = ',')]
        hooks: Vec<Hook>,
        /// A path in the repository
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
        /// Installs beside a hook manager, which may write over it
        #[arg(long)]
        force: bool,
        /// Installs for every repository that uses the folder which core.hooksPath sets
        #[arg(long)]
        global: bool,
    },
    /// Lists the hooks, whose they are, and whether they run friskey; exit status 1 if one does not
    Status {
        /// A path in the repository
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
    /// Takes out friskey's hooks, and puts back what was there before
    Uninstall {
        /// The hooks; without any, all of friskey's
        #[arg(long = "hook", value_name = "HOOK", value_delimiter = ',')]
        hooks: Vec<Hook>,
        /// A path in the repository
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
    /// Does what the hook does; git calls it
    Run {
        /// The hook
        hook: Hook,
        /// What git hands to the hook
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
pub(super) struct History {
    /// A work tree, a .git folder or a bare repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(super) repo: PathBuf,

    /// Only what these commits introduce: `A..B`, `A...B`, `B --not --remotes`; may be given several
    /// times
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub(super) range: Vec<String>,

    /// Leaves out what can be reached from REV, as in `git log B --not REV`: a revision, `--remotes`,
    /// `--branches`, `--tags` or `--all`; may be given several times
    #[arg(long, value_name = "REV", allow_hyphen_values = true, requires = "range")]
    pub(super) not: Vec<String>,

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
    /// A work tree, a .git folder or a bare repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(super) repo: PathBuf,

    /// Reads the key from this environment variable instead of standard input
    #[arg(long, value_name = "NAME", group = "key")]
    pub(super) env: Option<String>,

    /// Traces the key with this fingerprint, or with one that starts with these hex digits (8 or more), instead of
    /// reading the key. Works for keys that a rule recognizes
    #[arg(long, value_name = "HEX", group = "key")]
    pub(super) fingerprint: Option<String>,

    /// Traces the keys that end in these four characters, as OpenAI's dashboard shows them, instead of reading the
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
    /// Looks at these surfaces only, or at all but those written with a `-` before them
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true, long_help = surfaces_help())]
    pub(super) surfaces: Vec<String>,

    /// Leaves out objects that no ref leads to: dropped commits, reflogs, garbage
    #[arg(long)]
    pub(super) no_unreachable: bool,

    /// Assembles and searches every object whole; finds the same, and is slower
    #[arg(long, hide = true)]
    pub(super) whole: bool,
}

fn surfaces_help() -> String {
    let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
    format!(
        "Looks at these surfaces only, or at all but those written with a `-` before them.\n\nSurfaces: {}",
        names.join(", ")
    )
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A key that was given here by mistake
    #[arg(hide = true)]
    pub(super) misplaced: Vec<OsString>,

    /// Answers in JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// Lists the rules in force
    List,
    /// Shows one rule whole
    Show {
        /// The rule's id
        id: String,
    },
    /// Runs every rule's own examples and counter-examples
    Check,
}

#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Accepts keys by fingerprint, as a report shows it, without scanning
    Add(AddToBaseline),
    /// Accepts every key that a scan finds now, in a new file
    Create {
        /// Why the keys are accepted
        #[arg(long)]
        reason: String,

        #[command(flatten)]
        entry: EntryFields,

        #[command(flatten)]
        args: BaselineScanArgs,
    },
    /// Accepts what is new, too; keeps the entries that are there
    Update {
        /// Why the new keys are accepted
        #[arg(long)]
        reason: Option<String>,

        /// Drops expired entries, and those that no longer match a finding
        #[arg(long)]
        prune: bool,

        #[command(flatten)]
        entry: EntryFields,

        #[command(flatten)]
        args: BaselineScanArgs,
    },
    /// Looks for entries that no finding meets any more, and for expired ones; exit status 1 if there
    /// are any
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

    /// Accepts the keys in this JSON report of friskey: all of them, or only those given by FINGERPRINT
    #[arg(long, value_name = "REPORT")]
    pub(super) from: Option<PathBuf>,

    /// Why the keys are accepted
    #[arg(long)]
    pub(super) reason: String,

    /// Accepts the keys only at paths that match GLOB, as in a .gitignore
    #[arg(long, value_name = "GLOB")]
    pub(super) path: Option<String>,

    /// The rule to note in the new entries [default: that in the report]
    #[arg(long, value_name = "ID")]
    pub(super) rule: Option<String>,

    #[command(flatten)]
    pub(super) entry: EntryFields,

    /// The file, instead of .friskey-baseline.toml at the root of the repository (environment: FRISKEY_BASELINE)
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
}

/// What new entries say besides the reason.
#[derive(Debug, Args)]
pub(super) struct EntryFields {
    /// Who answers for the new entries
    #[arg(long, value_name = "NAME")]
    pub(super) owner: Option<String>,

    /// The last day on which the new entries count
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) expires: Option<String>,
}

/// The scan behind a command about the baseline.
#[derive(Debug, Args)]
pub(super) struct BaselineScanArgs {
    /// Files and folders, if not all of the repository
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) files: Files,

    #[command(flatten)]
    pub(super) scan_args: ScanArgs,

    /// The file, if not .friskey-baseline.toml at the root of the repository (environment:
    /// FRISKEY_BASELINE)
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,

    /// A marker in the text counts only with a reason
    #[arg(long)]
    pub(super) strict: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}
