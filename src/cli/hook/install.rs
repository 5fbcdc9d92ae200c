//! `friskey hook install` and `uninstall`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::managers::{MAX_HOOK_SIZE, owner};
use super::placement::Placement;
use super::script::{backup_path, is_friskey_script, quoted, script};
use crate::cli::args::Hook;
use crate::cli::exit::Exit;
use crate::cli::message;
use crate::git::{HooksDir, hooks_dir};
use crate::untrusted::{self, ReadError, Symlinks};

/// The options of `friskey hook install`.
pub(super) struct InstallOptions<'a> {
    /// The hooks; by default those that suit the repository.
    pub(super) hooks: &'a [Hook],
    pub(super) repo: &'a Path,
    /// Install despite a hook manager, and with a program inside the repository.
    pub(super) force: bool,
    /// Install into a directory shared by several repositories.
    pub(super) global: bool,
    /// Print only errors.
    pub(super) quiet: bool,
}

pub(super) fn install(options: &InstallOptions<'_>) -> Result<Exit> {
    let place = hooks_dir(options.repo)?;
    let program = std::env::current_exe().context("cannot determine the path of friskey")?;
    let hooks = requested_or_default(options.hooks, &place);
    // Problems are detected before anything is written, so that all hooks are installed or none.
    check_dir(&place, options.global, "install")?;
    if place.is_in_repository(&program) && !options.force {
        bail!(
            "{} is inside the repository, where a checkout can replace what the hooks would run: install friskey \
             elsewhere and run it from there, or use --force",
            program.display()
        );
    }
    refuse_managed_hooks(options, &hooks, &place)?;
    let plan = |hook: Hook| Placement::plan(place.dir.join(hook.name()), script(hook, &program));
    let placements = hooks.into_iter().map(plan).collect::<Result<Vec<_>>>()?;
    fs::create_dir_all(&place.dir).with_context(|| {
        format!(
            "cannot create the directory {}; check what is there, and its permissions",
            place.dir.display()
        )
    })?;
    super::placement::write_all(&placements)?;
    if !options.quiet {
        placements.iter().try_for_each(|hook| print_line(&hook.outcome()))?;
        print_line(
            "The hooks look for OpenAI keys only; run a scanner such as gitleaks alongside them for other secrets.",
        )?;
    }
    Ok(Exit::Clean)
}

/// Checks that the user knows whose hooks `command` is about to change.
fn check_dir(place: &HooksDir, global: bool, command: &str) -> Result<()> {
    let dir = place.dir.display();
    match (place.is_shared, global) {
        (true, false) => {
            let own_dir = quoted(&place.default_dir.display().to_string());
            let (why, local_remedy) = match place.is_configured {
                true => (
                    "set by core.hooksPath",
                    format!("run `git config --local core.hooksPath {own_dir}` first"),
                ),
                false => (
                    "a link to a directory outside the repository",
                    format!("first run `rm {own_dir} && mkdir {own_dir}`"),
                ),
            };
            let local_hint = match command {
                "install" => format!("; for this one alone, {local_remedy}"),
                _ => String::new(),
            };
            bail!(
                "git runs hooks from {dir}, {why}, so that other repositories may use it, too: `friskey hook {command} --global` \
                 changes the hooks of all of them{local_hint}"
            )
        }
        (false, true) => bail!(
            "git runs hooks of this repository from {dir}, which no other uses: leave out --global, or first set a \
             directory for all repositories with `git config --global core.hooksPath DIR`"
        ),
        _ => Ok(()),
    }
}

/// Refuses if a hook manager would overwrite the hooks, with a hint for each hook.
fn refuse_managed_hooks(options: &InstallOptions<'_>, hooks: &[Hook], place: &HooksDir) -> Result<()> {
    let managed: Vec<_> =
        hooks.iter().filter_map(|&hook| Some((hook, owner(&place.dir.join(hook.name()))?))).collect();
    let Some((_, manager)) = managed.first().filter(|_| !options.force) else { return Ok(()) };
    let hints: Vec<String> = managed
        .iter()
        .map(|(hook, manager)| format!("\n  {}: {}", hook.name(), manager.advice(*hook)))
        .collect();
    bail!(
        "{} belongs to {}, which would overwrite it; let it run friskey, or use --force to run before it{}",
        place.dir.display(),
        manager.name(),
        hints.concat()
    )
}

/// The requested hooks, or those that suit the repository.
pub(super) fn requested_or_default(requested: &[Hook], place: &HooksDir) -> Vec<Hook> {
    match (requested.is_empty(), place.is_bare) {
        (false, _) => requested.to_vec(),
        (true, true) => vec![Hook::PreReceive],
        (true, false) => vec![Hook::PreCommit, Hook::PreMergeCommit, Hook::CommitMsg, Hook::PrePush],
    }
}

pub(super) fn uninstall(requested: &[Hook], repo: &Path, global: bool, quiet: bool) -> Result<Exit> {
    let print = |line: &str| if quiet { Ok(()) } else { print_line(line) };
    let place = hooks_dir(repo)?;
    check_dir(&place, global, "uninstall")?;
    let hooks = if requested.is_empty() { Hook::value_variants() } else { requested };
    // Problems are detected before anything is removed.
    let mut paths = Vec::new();
    for hook in hooks {
        let path = place.dir.join(hook.name());
        if is_installed(&path, !requested.is_empty())? {
            paths.push(path);
        } else if !requested.is_empty() {
            print(&format!("{}: not installed", path.display()))?;
        }
    }
    paths.iter().try_for_each(|path| print(&remove(path)?))?;
    Ok(Exit::Clean)
}

/// Whether the hook at `path` is a script of friskey.
///
/// # Errors
/// If it cannot be read, or was requested and is not friskey's.
fn is_installed(path: &Path, is_requested: bool) -> Result<bool> {
    match untrusted::read(path, Symlinks::Follow, MAX_HOOK_SIZE) {
        Ok(text) if is_friskey_script(&text) => Ok(true),
        Err(ReadError::NotFound) => Ok(false),
        Ok(_) | Err(ReadError::NotRegular(_) | ReadError::TooLarge { .. }) if !is_requested => Ok(false),
        Ok(_) => bail!("{} is not friskey's: nothing was removed", path.display()),
        Err(error) => bail!(
            "cannot read {}, which may be friskey's: {error}; nothing was removed; check its permissions, or select other \
             hooks with --hook",
            path.display()
        ),
    }
}

/// Removes the script of friskey at `path`, and restores the previous hook. Returns a message about what was done.
fn remove(path: &Path) -> Result<String> {
    let backup = backup_path(path);
    let outcome = match backup.symlink_metadata() {
        Ok(_) => {
            fs::rename(&backup, path)
                .with_context(|| format!("cannot restore {} to {}", backup.display(), path.display()))?;
            "removed; previous hook restored"
        }
        Err(_) => {
            fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
            "removed"
        }
    };
    Ok(format!("{}: {outcome}", path.display()))
}

/// Prints a line on standard output, redacted.
pub(super) fn print_line(line: &str) -> Result<()> {
    Ok(message::print(format!("{}\n", message::redact_message(line)).as_bytes())?)
}
