//! `friskey hook status`: lists the installed hooks, who owns them, and whether they run.

use std::path::Path;

use anyhow::Result;

use super::install::{print_line, requested_or_default};
use super::is_executable;
use super::manager_config::read_manager_config;
use super::managers::{MAX_HOOK_SIZE, Manager, owner};
use super::script::{backup_path, is_friskey_script, program};
use crate::cli::args::Hook;
use crate::cli::exit::Exit;
use crate::git::{HooksDir, hooks_dir};
use crate::untrusted::{self, ReadError, Symlinks};

/// Lists the hooks. The exit status is 1 unless each hook that `friskey hook install` would write here runs friskey, as far as
/// the text shows that: a hook of another program that mentions friskey is assumed to run it.
pub(super) fn status(repo: &Path, quiet: bool) -> Result<Exit> {
    let place = hooks_dir(repo)?;
    let source = match (place.is_configured, place.is_shared) {
        (true, true) => " (core.hooksPath; other repositories use it, too)",
        (true, false) => " (core.hooksPath)",
        (false, true) => " (a link to a directory that other repositories may use, too)",
        (false, false) => "",
    };
    let mut lines = vec![format!("git runs hooks from {}{source}", place.dir.display())];
    let mut all_run = true;
    for hook in requested_or_default(&[], &place) {
        let (runs, text) = describe(hook, &place);
        all_run &= runs;
        lines.push(format!("{}: {text}", hook.name()));
    }
    if !(quiet && all_run) {
        lines.iter().try_for_each(|line| print_line(line))?;
    }
    Ok(if all_run { Exit::Clean } else { Exit::Findings })
}

/// Whether `hook` in the directory `place` runs friskey, and a description.
fn describe(hook: Hook, place: &HooksDir) -> (bool, String) {
    let path = &place.dir.join(hook.name());
    let text = match untrusted::read(path, Symlinks::Follow, MAX_HOOK_SIZE) {
        Ok(text) => text,
        Err(ReadError::NotFound) => {
            return (false, format!("not installed; `friskey hook install --hook {}`", hook.name()));
        }
        Err(error) => return (false, format!("cannot be read: {error}")),
    };
    let not_executable = format!("git ignores it, since it is not executable; `chmod +x {}`", path.display());
    if is_friskey_script(&text) {
        return match (is_executable(path), why_not_started(&text, place)) {
            (false, _) => (false, format!("friskey's, but {not_executable}")),
            (true, Some(why)) => (false, why),
            (true, None) => (true, format!("runs friskey{}", previous_hook_note(path))),
        };
    }
    let manager = owner(path);
    let name = manager.map_or("another program", |manager| manager.name());
    let hint = match manager {
        Some(manager) => manager.advice(hook),
        None => format!("`friskey hook install --hook {}` runs friskey after it", hook.name()),
    };
    if !is_executable(path) {
        return (false, format!("of {name}; {not_executable}"));
    }
    if let Some(manager) = manager
        && let Some(work_tree) = &place.work_tree
        && let Some(description) = describe_managed(manager, hook, &text, place, work_tree)
    {
        return description;
    }
    match memchr::memmem::find(&text, b"friskey").is_some() {
        true => (true, format!("of {name}; it mentions friskey and probably runs it")),
        false => (false, format!("of {name}, and does not mention friskey; {hint}")),
    }
}

/// Whether `manager` is configured to run friskey, and a description; `None` without a configuration file.
fn describe_managed(
    manager: Manager,
    hook: Hook,
    text: &[u8],
    place: &HooksDir,
    work_tree: &Path,
) -> Option<(bool, String)> {
    let config = read_manager_config(manager, hook, &String::from_utf8_lossy(text), &place.dir, work_tree)?;
    let (name, file) = (manager.name(), config.file);
    Some(match config.runs_friskey {
        Ok(true) => (true, format!("runs friskey through {name} ({file})")),
        Ok(false) => {
            (false, format!("of {name}, and {file} does not run friskey there; {}", manager.advice(hook)))
        }
        Err(error) => (false, format!("of {name}; whether it runs friskey is unknown: {file}: {error}")),
    })
}

/// Why the script of friskey does not start friskey, or may not; `None` if it does.
fn why_not_started(script: &[u8], place: &HooksDir) -> Option<String> {
    let Some(program) = program(&String::from_utf8_lossy(script)) else {
        return Some(
            "of friskey, but was changed: the line `friskey='…'`, which names the program, is missing; \
             `friskey hook install` writes it again"
                .to_owned(),
        );
    };
    if is_executable(Path::new(&program)) {
        return None;
    }
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|dir| {
            let file = dir.join("friskey");
            dir.is_absolute()
                && is_executable(&file)
                && !place.is_in_repository(&dir)
                && !place.is_in_repository(&file)
        })
    });
    (!on_path).then(|| {
        format!(
            "blocks everything: {program} is missing or not executable, and PATH has no friskey outside the \
         repository; `friskey hook install`"
        )
    })
}

/// A note about the previous hook, which runs before friskey; empty if there is none.
fn previous_hook_note(path: &Path) -> String {
    let previous = backup_path(path);
    match previous.symlink_metadata() {
        Ok(_) if is_executable(&previous) => format!(", after {}", previous.display()),
        Ok(_) => format!("; {} does not run, since it is not executable", previous.display()),
        Err(_) => String::new(),
    }
}
