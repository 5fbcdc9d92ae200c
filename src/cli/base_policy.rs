//! Configuration, rules and baseline from before a change, so that a change cannot exempt itself. Files named
//! by the user are used if git does not track them, since they are then not part of the change. Ignore files
//! have no effect: those in the checkout belong to the change, and build output is scanned rather than trusted.

use std::cell::RefCell;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use super::args::{Global, SuppressionArgs};
use super::config::{self, Config, FILE_NAME};
use super::environment::variable;
use super::options::{self, BASELINE, Extent};
use super::policy_base::PolicyBase;
use super::root::Root;
use super::rules::detector;
use crate::detect::Detector;
use crate::git::{FileAtError, Repository, file_at, is_tracked_at};
use crate::model::{Draft, PathBase};
use crate::rules::RuleSet;
use crate::suppress::Policy;

/// Maximum size of a file, in bytes.
const MAX_FILE_SIZE: u64 = 64 << 20;
/// Maximum number of markers in one note.
const MARKERS_IN_NOTE: usize = 10;

/// The settings that apply to a scan, from the checkout or from a commit before the change.
pub(super) struct EffectiveSettings {
    pub(super) config: Config,
    pub(super) rules: RuleSet,
    pub(super) detector: Detector,
    pub(super) policy: Policy,
}

impl EffectiveSettings {
    /// The settings of the checkout, requested by the user.
    pub(super) fn of_trusted_checkout(
        config: Config,
        suppression: &SuppressionArgs,
        global: &Global,
    ) -> Result<Self> {
        let mut effective = Self::of_checkout(config, suppression, global, Extent::default())?;
        effective.policy.notes.insert(0, policy_note(&PolicyBase::Checkout));
        Ok(effective)
    }

    /// The settings of the checkout.
    pub(super) fn of_checkout(
        config: Config,
        suppression: &SuppressionArgs,
        global: &Global,
        extent: Extent,
    ) -> Result<Self> {
        let (rules, detector) = detector(global, &config)?;
        let policy = options::policy(suppression, &config, extent)?;
        Ok(Self { config, rules, detector, policy })
    }
}

/// Reads the settings of the base. `start` is a directory in the repository; suppression may depend on `extent`.
///
/// # Errors
/// A file named by the user that cannot be read or parsed. If a file of the base is invalid, none of the
/// repository's configuration is used.
pub(super) fn load(
    base: &PolicyBase,
    repo: Option<&Repository>,
    start: &Path,
    (suppression, global): (&SuppressionArgs, &Global),
    extent: impl Fn(&Config) -> Extent,
) -> Result<EffectiveSettings> {
    let root = Root::find(start).with_context(|| format!("cannot access {}", start.display()))?;
    let here = fs::canonicalize(".").context("cannot access the current directory")?;
    let rev = match base {
        PolicyBase::Rev { rev, .. } => Some(rev.as_str()),
        PolicyBase::Checkout | PolicyBase::Unknown(_) => None,
    };
    let files = BaseFiles {
        revision: repo.zip(rev),
        head: repo,
        base: PathBase { root: root.absolute, start: here },
        dir: TempDir::new().context("cannot make a temporary directory")?,
        notes: RefCell::default(),
    };
    // Copied files are referred to by their original names.
    let prefix = format!("{}{}", files.dir.path().display(), std::path::MAIN_SEPARATOR);
    let shown = rev.map_or_else(String::new, |rev| format!("{rev}:"));
    let loaded = files.effective_settings(start, suppression, global, &extent);
    let mut loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let message = format!("{error:#}");
            let is_fault_of_base = message.contains(&prefix) || error.is::<FileAtError>();
            // The message explains what to do, and leaving out rules would not be a solution.
            let is_fault_of_base = is_fault_of_base && !error.is::<FileOutsideRepository>();
            let message = message.replace(&prefix, &shown);
            if rev.is_none() || !is_fault_of_base {
                return Err(anyhow!(message));
            }
            // An error in the base must not reject the change that fixes it.
            let unknown = PolicyBase::Unknown(message);
            return load(&unknown, repo, start, (suppression, global), extent);
        }
    };
    for note in &mut loaded.policy.notes {
        *note = note.replace(&prefix, &shown);
    }
    loaded.config.path = None;
    // Ignore files in the checkout belong to the change.
    loaded.config.no_ignore = true;
    loaded.policy.notes.insert(0, policy_note(base));
    loaded.policy.notes.extend(files.notes.into_inner());
    Ok(loaded)
}

/// A description of the policy that applies.
fn policy_note(base: &PolicyBase) -> String {
    match base {
        PolicyBase::Rev { rev, what } => format!(
            "configuration, baseline and rules are those of {rev} ({what}), not of what is scanned; no ignore file is obeyed"
        ),
        PolicyBase::Unknown(reason) => {
            format!("no configuration, baseline, rules or ignore files of the repository are used: {reason}")
        }
        PolicyBase::Checkout => {
            "configuration, baseline, rules and ignore files are those of the checkout".to_owned()
        }
    }
}

/// Lists the keys that a marker accepts: the author of the key may have written the marker as well.
pub(super) fn note_accepting_markers(draft: &mut Draft) {
    let findings = draft.leaks.iter().flat_map(|leak| &leak.findings);
    let places = findings.filter_map(|finding| {
        let by = finding.suppressed.as_ref().filter(|suppression| suppression.by == "inline")?;
        let path = finding.origin.path.as_deref().map_or_else(
            || finding.origin.surface.name().to_owned(),
            |path| String::from_utf8_lossy(path).into_owned(),
        );
        Some(format!("{path}:{} ({})", finding.span.start.line, by.source))
    });
    // Every place: many accepted sample keys must not hide a real one.
    let places: Vec<_> = places.collect();
    for places in places.chunks(MARKERS_IN_NOTE) {
        draft.notes.push(format!(
            "accepted by a marker in what is scanned: {}; --no-suppress accepts none",
            places.join(", ")
        ));
    }
}

/// The configuration of the base names a file outside of the repository.
#[derive(Debug, thiserror::Error)]
#[error("{FILE_NAME} names {0}, which is not inside the repository; name it with an option")]
struct FileOutsideRepository(String);

/// Files of the base, copied into a directory as needed.
struct BaseFiles<'r> {
    /// The repository and the revision, if there is a base.
    revision: Option<(&'r Repository, &'r str)>,
    /// The repository whose HEAD is scanned.
    head: Option<&'r Repository>,
    base: PathBase,
    dir: TempDir,
    notes: RefCell<Vec<String>>,
}

impl BaseFiles<'_> {
    fn effective_settings(
        &self,
        start: &Path,
        suppression: &SuppressionArgs,
        global: &Global,
        extent: &impl Fn(&Config) -> Extent,
    ) -> Result<EffectiveSettings> {
        let named = global.config.clone().or_else(|| variable("FRISKEY_CONFIG").map(PathBuf::from));
        let path = match named {
            _ if global.no_config => None,
            Some(path) => self.resolve_user_file(path)?,
            None => self.copy_from_base(FILE_NAME)?,
        };
        let mut config = config::load(path.as_deref(), path.is_none(), start)?;
        let is_copy = path.is_some_and(|path| path.starts_with(self.dir.path()));
        let rules = std::mem::take(&mut config.rules).into_iter();
        let rules = rules.map(|path| self.resolve_config_file(path, is_copy));
        config.rules = rules.filter_map(Result::transpose).collect::<Result<_>>()?;
        let rules = global.rules.iter().map(|path| self.resolve_user_file(path.clone()));
        let rules = rules.filter_map(Result::transpose).collect::<Result<_>>()?;
        let named =
            suppression.baseline.path.clone().or_else(|| variable("FRISKEY_BASELINE").map(PathBuf::from));
        let baseline = match (named, config.baseline.take()) {
            _ if suppression.no_suppress => None,
            (Some(path), _) => self.resolve_user_file(path)?,
            (None, Some(path)) => self.resolve_config_file(path, is_copy)?,
            (None, None) => self.copy_from_base(BASELINE)?,
        };
        let (rules, detector) = detector(&Global { rules, ..global.clone() }, &config)?;
        let policy = options::policy_with(baseline.as_deref(), suppression, &config, extent(&config))?;
        // All of it is in memory now, so the caller may delete the copies of the base's files.
        Ok(EffectiveSettings { config, rules, detector, policy })
    }

    /// A file named by the user: the base's version, if there is one. Otherwise the file on disk, or nothing if
    /// git tracks it, since it then belongs to the change.
    fn resolve_user_file(&self, path: PathBuf) -> Result<Option<PathBuf>> {
        let Some(name) = self.path_in_repository(&path) else { return Ok(Some(path)) };
        if let Some(copy) = self.copy_from_base(&name)? {
            return Ok(Some(copy));
        }
        // If this cannot be determined, it is assumed to be tracked.
        let is_tracked = self.head.is_none_or(|repo| is_tracked_at(repo, "HEAD", &name).unwrap_or(true));
        if !is_tracked {
            return Ok(Some(path));
        }
        let why = if self.revision.is_some() { "the base does not have it" } else { "no base is known" };
        self.notes.borrow_mut().push(format!("{} is not used: {why}", path.display()));
        Ok(None)
    }

    /// A file that the configuration names; `is_copy` if the configuration is the base's.
    fn resolve_config_file(&self, path: PathBuf, is_copy: bool) -> Result<Option<PathBuf>> {
        if !is_copy {
            return self.resolve_user_file(path);
        }
        let name = path.strip_prefix(self.dir.path()).ok().and_then(normalized);
        let name = name.ok_or_else(|| FileOutsideRepository(path.display().to_string()))?;
        // Whoever reads the file reports that the base lacks it.
        Ok(Some(self.copy_from_base(&name)?.unwrap_or(path)))
    }

    /// The path within the repository; `None` outside of it.
    fn path_in_repository(&self, path: &Path) -> Option<String> {
        let name = self.base.relative_to_root(path).or_else(|| {
            let real = fs::canonicalize(path).ok()?;
            real.strip_prefix(&self.base.root).ok().map(Path::to_owned)
        })?;
        normalized(&name)
    }

    /// A copy of a file of the base; `None` if it has none.
    fn copy_from_base(&self, name: &str) -> Result<Option<PathBuf>> {
        let Some((repo, rev)) = self.revision else { return Ok(None) };
        let Some(bytes) = file_at(repo, rev, name, MAX_FILE_SIZE)? else { return Ok(None) };
        let to = self.dir.path().join(name);
        let copy = || {
            fs::create_dir_all(to.parent().unwrap_or(self.dir.path()))?;
            fs::write(&to, &bytes)
        };
        copy().with_context(|| format!("cannot copy {name} of {rev} to a temporary directory"))?;
        Ok(Some(to))
    }
}

/// The path with `/`, without `.` and `..`; `None` if it leads out of its starting directory.
fn normalized(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(parts.join("/"))
}
