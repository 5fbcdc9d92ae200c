//! Subcommands of `friskey hook`, and the hooks that friskey can run as.

use std::ffi::OsString;

use clap::Subcommand;

use super::shared::RepoArgs;
use crate::cli::help;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum HookCommand {
    /// Install hooks where git looks for them; existing hooks keep running
    #[command(after_long_help = help::after_help_text("friskey hook install"))]
    Install {
        /// Hooks to install [default: pre-commit, pre-merge-commit, commit-msg and pre-push; in a bare
        /// repository pre-receive]
        #[arg(long = "hook", value_name = "HOOK", value_delimiter = ',')]
        hooks: Vec<Hook>,
        #[command(flatten)]
        repo: RepoArgs,
        /// Install even if a hook manager is in use, which may overwrite the hooks, or if friskey itself is in the
        /// repository, where a checkout may replace it
        #[arg(long)]
        force: bool,
        /// Install for every repository that uses the same directory of hooks, e.g. the one set by core.hooksPath
        #[arg(long)]
        global: bool,
    },
    /// List the hooks, what installed each, and whether it runs friskey
    #[command(after_long_help = help::after_help_text("friskey hook status"))]
    Status {
        #[command(flatten)]
        repo: RepoArgs,
    },
    /// Remove friskey's hooks and restore the previous ones
    #[command(after_long_help = help::after_help_text("friskey hook uninstall"))]
    Uninstall {
        /// Hooks to remove [default: all of friskey's]
        #[arg(long = "hook", value_name = "HOOK", value_delimiter = ',')]
        hooks: Vec<Hook>,
        #[command(flatten)]
        repo: RepoArgs,
        /// Remove for every repository that uses the same directory of hooks, e.g. the one set by core.hooksPath
        #[arg(long)]
        global: bool,
    },
    /// Run a hook; the installed scripts call this
    #[command(after_long_help = help::after_help_text("friskey hook run"))]
    Run {
        /// Hook to run
        hook: Hook,
        /// Arguments that git passes to the hook
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// The hooks that friskey can run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Hook {
    /// Before a commit: what is staged
    PreCommit,
    /// Before `git merge` commits: what is staged, compared with all parents
    PreMergeCommit,
    /// The message of the commit
    CommitMsg,
    /// Before a push: the commits that the remote does not have
    PrePush,
    /// On the server, before a push is accepted: the commits that it does not have
    PreReceive,
}

impl Hook {
    /// Git's name for the hook.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PreMergeCommit => "pre-merge-commit",
            Self::CommitMsg => "commit-msg",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }

    /// Whether git passes the pushed refs on standard input.
    pub(in crate::cli) fn reads_stdin(self) -> bool {
        matches!(self, Self::PrePush | Self::PreReceive)
    }
}
