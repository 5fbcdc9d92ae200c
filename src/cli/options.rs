//! Resolved options: the command line takes precedence over the environment, and the environment over the
//! configuration file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::args::{GlobalArgs, SearchArgs, SuppressionArgs};
use super::config::{self, Config, MAX_THREADS};
use super::environment::{parsed_variable, variable};
use super::interrupt;
use super::limits::{Count, Seconds};
use super::root::Root;
use crate::model::{Confidence, PathBase};
use crate::scan::Stop;
use crate::source::Excludes;
use crate::suppress::{Baseline, MarkerMode, Policy};

/// The baseline at the root, which is used if it exists.
pub(super) const BASELINE: &str = ".friskey-baseline.toml";

/// The configuration for a command that works in the current directory.
pub(super) fn config(global: &GlobalArgs) -> Result<Config> {
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    config::load(global.config.as_deref().or(variable.as_deref()), global.no_config, Path::new("."))
}

/// The configuration for scanning `repo`. If it is another repository than the one around the current
/// directory, its own configuration is not used, because its authors are not the ones who scan it.
pub(super) fn config_for_repo(global: &GlobalArgs, repo: &Path) -> Result<Config> {
    let roots = Root::find(repo).ok().zip(Root::find(Path::new(".")).ok());
    let scans_other_repository =
        roots.is_none_or(|(repo_root, current_root)| repo_root.absolute != current_root.absolute);
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    let named_path = global.config.as_deref().or(variable.as_deref());
    let no_config = global.no_config || (named_path.is_none() && scans_other_repository);
    Ok(Config { scans_other_repository, ..config::load(named_path, no_config, Path::new("."))? })
}

/// Rules files in addition to the built-in rules; later files take precedence.
pub(super) fn rules_files(global: &GlobalArgs, config: &Config) -> Vec<PathBuf> {
    config.rules.iter().chain(&global.rules).cloned().collect()
}

/// The confidence threshold.
pub(super) fn min_confidence(search: &SearchArgs, config: &Config) -> Result<Confidence> {
    let requested = match search.min_confidence {
        Some(level) => Some(level),
        None => parsed_variable("FRISKEY_MIN_CONFIDENCE")?,
    };
    Ok(requested.or(config.min_confidence).unwrap_or(Confidence::Medium))
}

/// A stop request, set by Ctrl-C or when `--max-time` is over.
pub(super) fn stop(search: &SearchArgs, config: &Config) -> Result<Arc<Stop>> {
    let requested: Option<Seconds> = match search.max_time {
        Some(limit) => Some(limit),
        None => parsed_variable("FRISKEY_MAX_TIME")?,
    };
    interrupt::stop_request(requested.or(config.max_time).map(|limit| limit.0))
}

/// Number of threads; by default one per processor.
pub(super) fn threads(search: &SearchArgs, config: &Config) -> Result<usize> {
    let requested: Option<Count> = match search.threads {
        Some(count) => Some(count),
        None => parsed_variable("FRISKEY_THREADS")?,
    };
    let requested = requested.map(|count| usize::try_from(count.0).unwrap_or(usize::MAX));
    match requested.or(config.threads).unwrap_or(0) {
        0 => Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        count if count > MAX_THREADS => bail!(
            "{count} threads are too many; at most {MAX_THREADS} are \
         allowed"
        ),
        count => Ok(count.min(max_useful_threads())),
    }
}

/// More threads than this only slow each other down.
fn max_useful_threads() -> usize {
    4 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What a scan covers, as far as its baseline depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BaselineScope {
    /// Whether paths of findings are relative to the current directory rather than to the root.
    pub(super) is_relative_to_current_dir: bool,
    /// Whether everything that the baseline covers is scanned.
    pub(super) covers_baseline: bool,
}

/// What a scan accepts, and where that was configured.
pub(super) fn policy(suppression: &SuppressionArgs, config: &Config, scope: BaselineScope) -> Result<Policy> {
    let baseline = if suppression.no_suppress { None } else { baseline_path(suppression, config)? };
    policy_with_baseline(baseline.as_deref(), suppression, config, scope)
}

/// Like [`policy`], with this baseline.
pub(super) fn policy_with_baseline(
    baseline: Option<&Path>,
    suppression: &SuppressionArgs,
    config: &Config,
    scope: BaselineScope,
) -> Result<Policy> {
    let mut notes: Vec<_> = config_note(config).into_iter().collect();
    if let Some(threads) = config.threads.filter(|&threads| threads > max_useful_threads()) {
        notes.push(format!(
            "{threads} threads are configured, at most {} are used here",
            max_useful_threads()
        ));
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
            Some(if scope.is_relative_to_current_dir {
                baseline.with_base(path_base(config)?)
            } else {
                baseline
            })
        }
        None => None,
    };
    let markers = marker_mode(suppression.strict, config);
    Ok(Policy { markers, baseline, covers_baseline: scope.covers_baseline, notes, ignored: Vec::new() })
}

/// Which markers are honored.
pub(super) fn marker_mode(strict: bool, config: &Config) -> MarkerMode {
    if strict || config.strict { MarkerMode::Strict } else { MarkerMode::Lenient }
}

/// The named baseline, or the one at the root if it exists.
pub(super) fn baseline_path(suppression: &SuppressionArgs, config: &Config) -> Result<Option<PathBuf>> {
    let named_path =
        suppression.baseline.path.clone().or_else(|| variable("FRISKEY_BASELINE").map(PathBuf::from));
    match named_path.or_else(|| config.baseline.clone()) {
        Some(path) => Ok(Some(path)),
        None if config.scans_other_repository => Ok(None),
        None => Ok(config.root.file(BASELINE)?),
    }
}

/// Paths to exclude, for paths relative to the root.
pub(super) fn excludes(config: &Config) -> Result<Option<Excludes>> {
    match config.exclude.as_slice() {
        [] => Ok(None),
        globs => Ok(Some(Excludes::new(globs, None)?)),
    }
}

/// How paths relative to the current directory relate to the root, which globs are relative to.
pub(super) fn path_base(config: &Config) -> Result<PathBase> {
    let current_dir = fs::canonicalize(".").context("cannot access the current directory")?;
    Ok(PathBase { root: config.root.absolute.clone(), start: current_dir })
}

/// A note about the configuration file and what it excludes.
fn config_note(config: &Config) -> Option<String> {
    let path = config.path.as_ref()?.display();
    Some(match config.exclude.join(", ") {
        globs if globs.is_empty() => format!("configuration: {path}"),
        globs => format!("configuration: {path}, which leaves out {globs}"),
    })
}
