//! Options, settled: what the command line says wins over the environment, and that over the
//! configuration file.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};

use super::args::{Global, ScanArgs, SuppressionArgs};
use super::config::{self, Config, MOST_THREADS};
use super::interrupt;
use super::limits::{Count, Seconds};
use super::root::Root;
use crate::model::{Confidence, PathBase};
use crate::scan::Stop;
use crate::source::Excludes;
use crate::suppress::{Baseline, InlineMode, Policy};

/// The baseline at the root, which is used when it is there.
pub(super) const BASELINE: &str = ".friskey-baseline.toml";

/// A variable of the environment; an empty one counts as none, as CI systems set them.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable's value, read as `T`.
fn value<T: FromStr<Err: ToString>>(name: &str) -> Result<Option<T>> {
    let Some(value) = variable(name) else { return Ok(None) };
    let text = value.to_str().with_context(|| format!("{name} is not UTF-8"))?;
    text.parse().map(Some).map_err(|error: T::Err| anyhow!("{name}: {}", error.to_string()))
}

/// The configuration that is in force for a command run here.
pub(super) fn config(global: &Global) -> Result<Config> {
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    config::load(global.config.as_deref().or(variable.as_deref()), global.no_config, Path::new("."))
}

/// The configuration for looking at the repository `repo`. That of another repository than the one
/// around the current folder is not asked: its authors are not those who want to know.
pub(super) fn config_about(global: &Global, repo: &Path) -> Result<Config> {
    let own = Root::find(repo).ok().zip(Root::find(Path::new(".")).ok());
    let is_elsewhere = own.is_none_or(|(there, here)| there.absolute != here.absolute);
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    let named = global.config.as_deref().or(variable.as_deref());
    let no_config = global.no_config || (named.is_none() && is_elsewhere);
    Ok(Config { is_elsewhere, ..config::load(named, no_config, Path::new("."))? })
}

/// Files of rules beside the built-in ones; a later one wins.
pub(super) fn rules(global: &Global, config: &Config) -> Vec<PathBuf> {
    config.rules.iter().chain(&global.rules).cloned().collect()
}

/// The threshold.
pub(super) fn min_confidence(scan_args: &ScanArgs, config: &Config) -> Result<Confidence> {
    let asked = match scan_args.min_confidence {
        Some(level) => Some(level),
        None => value("FRISKEY_MIN_CONFIDENCE")?,
    };
    Ok(asked.or(config.min_confidence).unwrap_or(Confidence::Medium))
}

/// A request to stop that Ctrl-C or the end of `--max-time` sets.
pub(super) fn stop(scan_args: &ScanArgs, config: &Config) -> Result<Arc<Stop>> {
    let asked: Option<Seconds> = match scan_args.max_time {
        Some(limit) => Some(limit),
        None => value("FRISKEY_MAX_TIME")?,
    };
    interrupt::stop(asked.or(config.max_time).map(|limit| limit.0))
}

/// Threads to scan with: one for each processor, when nobody says.
pub(super) fn threads(scan_args: &ScanArgs, config: &Config) -> Result<usize> {
    let asked: Option<Count> = match scan_args.threads {
        Some(count) => Some(count),
        None => value("FRISKEY_THREADS")?,
    };
    let asked = asked.map(|count| usize::try_from(count.0).unwrap_or(usize::MAX));
    match asked.or(config.threads).unwrap_or(0) {
        0 => Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        count if count > MOST_THREADS => bail!("{count} threads are too many; the most are {MOST_THREADS}"),
        count => Ok(count.min(most_threads())),
    }
}

/// More threads than this only get into each other's way.
fn most_threads() -> usize {
    4 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What is scanned, as far as what is accepted depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Paths of findings begin at the current folder, and not at the root.
    pub(super) from_here: bool,
    /// All that the baseline is about is looked at.
    pub(super) whole: bool,
}

/// What a scan accepts, and where that comes from.
pub(super) fn policy(suppression: &SuppressionArgs, config: &Config, extent: Extent) -> Result<Policy> {
    let baseline = if suppression.no_suppress { None } else { baseline_path(suppression, config)? };
    policy_with(baseline.as_deref(), suppression, config, extent)
}

/// The same, with this baseline.
pub(super) fn policy_with(
    baseline: Option<&Path>,
    suppression: &SuppressionArgs,
    config: &Config,
    extent: Extent,
) -> Result<Policy> {
    let mut notes: Vec<_> = config_note(config).into_iter().collect();
    if let Some(threads) = config.threads.filter(|&threads| threads > most_threads()) {
        notes.push(format!("{threads} threads are configured, at most {} are used here", most_threads()));
    }
    if suppression.no_suppress {
        notes.push("nothing is accepted: --no-suppress".to_owned());
        return Ok(Policy { notes, ..Policy::default() });
    }
    let baseline = match baseline {
        Some(path) => {
            let baseline = Baseline::read(path)?;
            notes.push(match baseline.entries().len() {
                1 => format!("baseline: {} (1 entry)", path.display()),
                count => format!("baseline: {} ({count} entries)", path.display()),
            });
            Some(if extent.from_here { baseline.with_base(base(config)?) } else { baseline })
        }
        None => None,
    };
    let inline = inline(suppression.strict, config);
    Ok(Policy { inline, baseline, whole: extent.whole, notes, ignored: Vec::new() })
}

/// Which markers count.
pub(super) fn inline(strict: bool, config: &Config) -> InlineMode {
    if strict || config.strict { InlineMode::Strict } else { InlineMode::Lenient }
}

/// The baseline that is named, or the one at the root if there is one.
pub(super) fn baseline_path(suppression: &SuppressionArgs, config: &Config) -> Result<Option<PathBuf>> {
    let named = suppression.baseline.clone().or_else(|| variable("FRISKEY_BASELINE").map(PathBuf::from));
    match named.or_else(|| config.baseline.clone()) {
        Some(path) => Ok(Some(path)),
        None if config.is_elsewhere => Ok(None),
        None => Ok(config.root.file(BASELINE)?),
    }
}

/// Paths to leave out, where paths begin at the root.
pub(super) fn excludes(config: &Config) -> Result<Option<Excludes>> {
    match config.exclude.as_slice() {
        [] => Ok(None),
        globs => Ok(Some(Excludes::new(globs, None)?)),
    }
}

/// Globs are about the root, while paths begin here.
pub(super) fn base(config: &Config) -> Result<PathBase> {
    let here = fs::canonicalize(".").context("cannot look at the current folder")?;
    Ok(PathBase { root: config.root.absolute.clone(), from: here })
}

/// Which file was used, and what it leaves out.
fn config_note(config: &Config) -> Option<String> {
    let path = config.path.as_ref()?.display();
    Some(match config.exclude.join(", ") {
        globs if globs.is_empty() => format!("configuration: {path}"),
        globs => format!("configuration: {path}, which leaves out {globs}"),
    })
}
