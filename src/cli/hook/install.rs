//! `friskey hook install` and `uninstall`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::managers::{MAX_HOOK, owner};
use super::script::{BEFORE, SIGN, quoted, script};
use super::{Hook, is_executable};
use crate::cli::exit::Exit;
use crate::cli::message;
use crate::git::{HooksDir, hooks_dir};
use crate::untrusted::{self, ReadError, Symlinks};

/// What `friskey hook install` was asked for.
pub(super) struct Request<'a> {
    /// The hooks; those that fit the repository if empty.
    pub(super) hooks: &'a [Hook],
    pub(super) repo: &'a Path,
    /// Beside a manager, and with a program inside of the work tree.
    pub(super) force: bool,
    /// Into a folder that several repositories use.
    pub(super) global: bool,
}

pub(super) fn install(request: &Request<'_>) -> Result<Exit> {
    let place = hooks_dir(request.repo)?;
    let program = std::env::current_exe().context("cannot tell where friskey is")?;
    let hooks = chosen(request.hooks, &place);
    // All or nothing: what cannot be installed is noticed before anything is written.
    check_folder(request, &place)?;
    if place.top.as_ref().is_some_and(|top| program.starts_with(top)) && !request.force {
        bail!(
            "{} is inside the repository, where a checkout can replace what the hooks would run: install friskey \
             elsewhere and run it from there, or use --force",
            program.display()
        );
    }
    check_managers(request, &hooks, &place)?;
    fs::create_dir_all(&place.dir).with_context(|| format!("cannot create {}", place.dir.display()))?;
    for hook in hooks {
        let path = place.dir.join(hook.name());
        let done =
            install_one(hook, &path, &program).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("{}: {done}", path.display()))?;
    }
    say(
        "The hooks look for OpenAI keys only; run a scanner such as gitleaks beside them for other secrets.",
    )?;
    Ok(Exit::Clean)
}

/// Whether the user knows whose hooks are about to change.
fn check_folder(request: &Request<'_>, place: &HooksDir) -> Result<()> {
    match (place.shared, request.global) {
        (true, false) => bail!(
            "git runs hooks from {}, which core.hooksPath sets and other repositories use, too: \
             `friskey hook install --global` installs there for all of them; for this one alone, run \
             `git config --local core.hooksPath {}` first",
            place.dir.display(),
            quoted(&place.own.display().to_string())
        ),
        (false, true) => bail!(
            "git runs hooks of this repository from {}, which no other uses: leave out --global, or first set a \
             folder for all repositories with `git config --global core.hooksPath FOLDER`",
            place.dir.display()
        ),
        _ => Ok(()),
    }
}

/// Refuses to write where a hook manager would write over it, with a hint for each hook.
fn check_managers(request: &Request<'_>, hooks: &[Hook], place: &HooksDir) -> Result<()> {
    let owned: Vec<_> =
        hooks.iter().filter_map(|&hook| Some((hook, owner(&place.dir.join(hook.name()))?))).collect();
    let Some((_, manager)) = owned.first().filter(|_| !request.force) else { return Ok(()) };
    let hints: Vec<String> = owned
        .iter()
        .map(|(hook, manager)| format!("\n  {}: {}", hook.name(), manager.advice(*hook)))
        .collect();
    bail!(
        "{} belongs to {}, which would write over it; let it run friskey, or use --force to run before it{}",
        place.dir.display(),
        manager.name(),
        hints.concat()
    )
}

/// Those that were asked for, or those that fit the repository.
pub(super) fn chosen(asked: &[Hook], place: &HooksDir) -> Vec<Hook> {
    match (asked.is_empty(), place.bare) {
        (false, _) => asked.to_vec(),
        (true, true) => vec![Hook::PreReceive],
        (true, false) => vec![Hook::PreCommit, Hook::PreMergeCommit, Hook::CommitMsg, Hook::PrePush],
    }
}

fn install_one(hook: Hook, path: &Path, program: &Path) -> io::Result<String> {
    let text = script(hook, program);
    let present = match untrusted::read(path, Symlinks::Follow, MAX_HOOK) {
        Ok(text) => Some(text),
        Err(ReadError::NotFound) if path.symlink_metadata().is_err() => None,
        // A link to nothing, a folder: whatever it is, it is kept.
        Err(_) => Some(Vec::new()),
    };
    let done = match &present {
        Some(old) if old == text.as_bytes() => return Ok("is installed already".to_owned()),
        Some(old) if is_ours(old) => "updated".to_owned(),
        Some(_) => {
            let before = with_suffix(path);
            if before.symlink_metadata().is_ok() {
                let taken = format!("{} is in the way", before.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, taken));
            }
            let ran = is_executable(path);
            fs::rename(path, &before)?;
            match ran {
                true => "installed; the hook that was there runs before it".to_owned(),
                false => format!(
                    "installed; the hook that was there is not executable, so git ignored it, and it still does not \
                     run (`chmod +x {}` changes that)",
                    before.display()
                ),
            }
        }
        None => "installed".to_owned(),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".friskey-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(done)
}

pub(super) fn uninstall(asked: &[Hook], repo: &Path) -> Result<Exit> {
    let place = hooks_dir(repo)?;
    let hooks = if asked.is_empty() { Hook::value_variants() } else { asked };
    for hook in hooks {
        let path = place.dir.join(hook.name());
        match untrusted::read(&path, Symlinks::Follow, MAX_HOOK) {
            Ok(text) if is_ours(&text) => {
                let before = with_suffix(&path);
                let restored = before.symlink_metadata().is_ok();
                match restored {
                    true => fs::rename(&before, &path),
                    false => fs::remove_file(&path),
                }
                .with_context(|| format!("cannot remove {}", path.display()))?;
                let what = if restored { "removed; the previous hook is back" } else { "removed" };
                say(&format!("{}: {what}", path.display()))?;
            }
            Ok(_) if !asked.is_empty() => bail!("{} is not friskey's", path.display()),
            _ => {}
        }
    }
    Ok(Exit::Clean)
}

pub(super) fn is_ours(text: &[u8]) -> bool {
    memchr::memmem::find(text, SIGN.as_bytes()).is_some()
}

pub(super) fn with_suffix(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BEFORE);
    PathBuf::from(name)
}

pub(super) fn say(line: &str) -> Result<()> {
    Ok(message::print(format!("{}\n", message::masked(line)).as_bytes())?)
}
