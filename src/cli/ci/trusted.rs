//! Configuration, rules and baseline as they were before the change, so that a change cannot excuse
//! itself. What the command line or the environment names is taken from where it says.

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;

use super::resolve::{Base, Resolved};
use crate::cli::args::{Accepting, Global};
use crate::cli::config::{self, Config, NAME};
use crate::cli::options::{self, BASELINE, Extent};
use crate::cli::rules::detector;
use crate::detect::Detector;
use crate::git::{Repository, file_at};
use crate::rules::RuleSet;
use crate::suppress::Policy;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// What decides about a change.
pub(super) struct Trusted {
    pub(super) config: Config,
    pub(super) rules: RuleSet,
    pub(super) detector: Detector,
    pub(super) policy: Policy,
}

pub(super) fn load(
    repo: &Repository,
    path: &Path,
    resolved: &Resolved,
    accepting: &Accepting,
    global: &Global,
) -> Result<Trusted> {
    let named = global.config.is_some() || options::variable("FRISKEY_CONFIG").is_some() || global.no_config;
    if named || resolved.base == Base::Checkout {
        return settle(options::config_about(global, path)?, accepting, global);
    }
    // Read where everything else reads them: from a folder that looks like a repository's root.
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let root = folder.path();
    fs::write(root.join(".git"), "").context("cannot write to a temporary folder")?;
    let shown = match &resolved.base {
        Base::Rev(base) => {
            bring(repo, base, NAME, root)?;
            bring(repo, base, BASELINE, root)?;
            format!("{base}:")
        }
        _ => String::new(),
    };
    let prefix = format!("{}{}", root.display(), std::path::MAIN_SEPARATOR);
    let trusted = (|| {
        let config = config::load(None, false, root)?;
        if let Base::Rev(base) = &resolved.base {
            for file in config.rules.iter().chain(&config.baseline) {
                bring(repo, base, &inside(file, root)?, root)?;
            }
        }
        settle(config, accepting, global)
    })();
    let mut trusted = trusted.map_err(|error| anyhow!(format!("{error:#}").replace(&prefix, &shown)))?;
    for note in &mut trusted.policy.notes {
        *note = note.replace(&prefix, &shown);
    }
    if resolved.base == Base::Unknown {
        let note = "no configuration and no baseline: what the change is based on is not known";
        trusted.policy.notes.push(note.to_owned());
    }
    Ok(trusted)
}

fn settle(config: Config, accepting: &Accepting, global: &Global) -> Result<Trusted> {
    let (rules, detector) = detector(global, &config)?;
    let policy = options::policy(accepting, &config, Extent::default())?;
    Ok(Trusted { config, rules, detector, policy })
}

/// Copies a file of the base, if it has it.
fn bring(repo: &Repository, base: &str, name: &str, root: &Path) -> Result<()> {
    let Some(bytes) = file_at(repo, base, name, LONGEST)? else { return Ok(()) };
    let to = root.join(name);
    let copy = || {
        fs::create_dir_all(to.parent().unwrap_or(root))?;
        fs::write(&to, &bytes)
    };
    copy().with_context(|| format!("cannot copy {name} of {base} to a temporary folder"))
}

/// The name, within the repository, of a file that the configuration there names.
fn inside(file: &Path, root: &Path) -> Result<String> {
    let name = file.strip_prefix(root).ok().filter(|name| {
        name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    });
    let Some(name) = name else {
        bail!("{NAME} names {}, which is not inside the repository; name it with an option", file.display());
    };
    let parts: Vec<_> = name
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Ok(parts.join("/"))
}
