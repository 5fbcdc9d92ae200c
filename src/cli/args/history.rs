//! Arguments of the commands that scan a history: `history`, `trace` and `ci`.

use clap::Args;

use super::shared::{AuditArgs, CacheArgs, PolicyFromArgs, RepoArgs, ReportArgs, SuppressionArgs};

/// Options of every command that scans a history for all keys.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryScanArgs {
    #[command(flatten)]
    pub(in crate::cli) cache: CacheArgs,

    #[command(flatten)]
    pub(in crate::cli) audit: AuditArgs,

    #[command(flatten)]
    pub(in crate::cli) suppression: SuppressionArgs,

    #[command(flatten)]
    pub(in crate::cli) policy_from: PolicyFromArgs,

    #[command(flatten)]
    pub(in crate::cli) reporting: ReportArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    #[command(flatten)]
    pub(in crate::cli) repo: RepoArgs,

    /// Scan only what these commits introduce: `A..B`, `A...B`, `B --not --remotes`; can be repeated, to scan
    /// what any of the ranges selects
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub(in crate::cli) range: Vec<String>,

    /// Exclude what is reachable from REV, as in `git log B --not REV`: a revision, `--remotes`, `--branches`,
    /// `--tags` or `--all`; can be repeated
    #[arg(long, value_name = "REV", allow_hyphen_values = true, requires = "range")]
    pub(in crate::cli) not: Vec<String>,

    #[command(flatten)]
    pub(in crate::cli) scan: HistoryScanArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TraceArgs {
    #[command(flatten)]
    pub(in crate::cli) repo: RepoArgs,

    /// Read the key from this environment variable instead of standard input
    #[arg(long, value_name = "NAME", group = "key")]
    pub(in crate::cli) env: Option<String>,

    /// Trace the key whose fingerprint starts with these hex digits (8 to 64) instead of reading the key. Works for
    /// keys that a rule recognizes
    #[arg(long, value_name = "HEX", group = "key")]
    pub(in crate::cli) fingerprint: Option<String>,

    /// Trace the keys that end in these four characters, as OpenAI's dashboard shows them, instead of reading the
    /// key. Works for keys that a rule recognizes
    #[arg(long, value_name = "XXXX", group = "key", allow_hyphen_values = true)]
    pub(in crate::cli) last_four: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) audit: AuditArgs,

    #[command(flatten)]
    pub(in crate::cli) reporting: ReportArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CiArgs {
    #[command(flatten)]
    pub(in crate::cli) repo: RepoArgs,

    /// Start of the change, instead of what the CI system provides; zeros or an empty value for a new branch
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub(in crate::cli) base: Option<String>,

    /// End of the change [default: HEAD if --base is given]
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub(in crate::cli) head: Option<String>,

    /// Do not write a step summary in GitHub Actions
    #[arg(long)]
    pub(in crate::cli) no_step_summary: bool,

    #[command(flatten)]
    pub(in crate::cli) scan: HistoryScanArgs,
}
