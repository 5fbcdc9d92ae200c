//! `friskey hook`: git hooks without a hook manager.

mod advice;
mod install;
mod manager_config;
mod managers;
mod message;
mod placement;
mod push;
mod push_input;
mod range;
mod rewrite;
mod run;
mod script;
mod status;

use std::path::Path;

use anyhow::Result;

use super::args::{GlobalArgs, HookCommand};
use super::exit::Exit;

pub(super) fn run(command: &HookCommand, global: &GlobalArgs) -> Result<Exit> {
    let quiet = global.quiet;
    match command {
        HookCommand::Install { hooks, repo, force, global } => install::install(&install::InstallOptions {
            hooks,
            repo: &repo.path,
            force: *force,
            global: *global,
            quiet,
        }),
        HookCommand::Status { repo } => status::status(&repo.path, quiet),
        HookCommand::Uninstall { hooks, repo, global } => {
            install::uninstall(hooks, &repo.path, *global, quiet)
        }
        HookCommand::Run { hook, args } => run::run(*hook, args, global),
    }
}

/// Whether git would run the file.
fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    let allowed = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let allowed = true;
    metadata.is_file() && allowed
}
