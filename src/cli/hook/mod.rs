//! `friskey hook`: git hooks without a hook manager.

mod install;
mod managers;
mod run;
mod script;

use anyhow::Result;

use super::args::{Global, HookCommand};
use super::exit::Exit;

/// The hooks that friskey can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Hook {
    /// Before a commit is made: what is staged
    PreCommit,
    /// The message of the commit
    CommitMsg,
    /// Before a push: the commits that the remote does not have
    PrePush,
    /// On the server, before a push is accepted
    PreReceive,
}

impl Hook {
    /// Git's name for it.
    fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::CommitMsg => "commit-msg",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }

    /// Whether git tells it on standard input what is being pushed.
    fn reads_stdin(self) -> bool {
        matches!(self, Self::PrePush | Self::PreReceive)
    }
}

pub(super) fn run(command: &HookCommand, global: &Global) -> Result<Exit> {
    match command {
        HookCommand::Install { hooks, repo, force } => install::install(hooks, repo, *force),
        HookCommand::Uninstall { hooks, repo } => install::uninstall(hooks, repo),
        HookCommand::Run { hook, args } => run::run(*hook, args, global),
    }
}
