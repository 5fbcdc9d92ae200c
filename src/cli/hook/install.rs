//! `friskey hook install` and `uninstall`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Hook;
use super::managers::owner;
use super::script::{BEFORE, SIGN, script};
use crate::cli::exit::Exit;
use crate::cli::output::ignore_broken_pipe;
use crate::git::{HooksDir, hooks_dir};

pub(super) fn install(asked: &[Hook], repo: &Path, force: bool) -> Result<Exit> {
    let place = hooks_dir(repo)?;
    let program = std::env::current_exe().context("cannot tell where friskey is")?;
    let hooks = chosen(asked, &place);
    // All or nothing: what cannot be installed is noticed before anything is written.
    for hook in &hooks {
        let path = place.dir.join(hook.name());
        if let Some(manager) = owner(&path).filter(|_| !force) {
            let (name, advice) = (manager.name, manager.advice);
            bail!("{} belongs to {name}: {advice}; or use --force to run before it", path.display());
        }
    }
    fs::create_dir_all(&place.dir).with_context(|| format!("cannot create {}", place.dir.display()))?;
    for hook in hooks {
        let path = place.dir.join(hook.name());
        let done =
            install_one(hook, &path, &program).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("{}: {done}", path.display()))?;
    }
    if place.shared {
        say(
            "this folder is set by core.hooksPath outside of the repository: other repositories use it, too",
        )?;
    }
    Ok(Exit::Clean)
}

/// Those that were asked for, or those that fit the repository.
fn chosen(asked: &[Hook], place: &HooksDir) -> Vec<Hook> {
    match (asked.is_empty(), place.bare) {
        (false, _) => asked.to_vec(),
        (true, true) => vec![Hook::PreReceive],
        (true, false) => vec![Hook::PreCommit, Hook::CommitMsg, Hook::PrePush],
    }
}

fn install_one(hook: Hook, path: &Path, program: &Path) -> io::Result<&'static str> {
    let text = script(hook, program);
    let present = fs::read(path).ok();
    let done = match &present {
        Some(old) if old == text.as_bytes() => return Ok("is installed already"),
        Some(old) if is_ours(old) => "updated",
        Some(_) => {
            let before = with_suffix(path);
            if before.symlink_metadata().is_ok() {
                let taken = format!("{} is in the way", before.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, taken));
            }
            fs::rename(path, &before)?;
            "installed; the hook that was there runs before it"
        }
        None => "installed",
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
    let all = [Hook::PreCommit, Hook::CommitMsg, Hook::PrePush, Hook::PreReceive];
    let hooks = if asked.is_empty() { &all } else { asked };
    for hook in hooks {
        let path = place.dir.join(hook.name());
        match fs::read(&path) {
            Ok(text) if is_ours(&text) => {
                let before = with_suffix(&path);
                let restored = before.symlink_metadata().is_ok();
                match restored {
                    true => fs::rename(&before, &path),
                    false => fs::remove_file(&path),
                }
                .with_context(|| format!("cannot take out {}", path.display()))?;
                let what = if restored { "taken out; the hook that was there is back" } else { "taken out" };
                say(&format!("{}: {what}", path.display()))?;
            }
            Ok(_) if !asked.is_empty() => bail!("{} is not friskey's", path.display()),
            _ => {}
        }
    }
    Ok(Exit::Clean)
}

fn is_ours(text: &[u8]) -> bool {
    memchr::memmem::find(text, SIGN.as_bytes()).is_some()
}

fn with_suffix(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BEFORE);
    PathBuf::from(name)
}

fn say(line: &str) -> Result<()> {
    Ok(ignore_broken_pipe(writeln!(io::stdout().lock(), "{line}"))?)
}
