//! The settings in force: configuration, rules and baseline, from the checkout or from a commit before the change, so
//! that a change cannot exempt itself.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::args::{GlobalArgs, SuppressionArgs};
use super::base_files::{BaseFiles, FileOutsideRepository};
use super::config::{self, Config, FILE_NAME};
use super::environment::variable;
use super::options::{self, BASELINE, BaselineScope};
use super::policy_base::PolicyBase;
use super::rules::load_detector;
use crate::detect::Detector;
use crate::git::{FileAtError, Repository};
use crate::model::Draft;
use crate::rules::RuleSet;
use crate::suppress::Policy;

/// Maximum number of markers in one note.
const MARKERS_IN_NOTE: usize = 10;

/// The settings that apply to a scan.
pub(super) struct EffectiveSettings {
    pub(super) config: Config,
    pub(super) rules: RuleSet,
    pub(super) detector: Detector,
    pub(super) policy: Policy,
}

impl EffectiveSettings {
    /// The settings of the checkout, for which the user asked with `--policy-from checkout`.
    pub(super) fn from_trusted_checkout(
        config: Config,
        suppression: &SuppressionArgs,
        global: &GlobalArgs,
    ) -> Result<Self> {
        let mut settings = Self::from_checkout(config, suppression, global, BaselineScope::default())?;
        settings.policy.notes.insert(0, policy_note(&PolicyBase::Checkout));
        Ok(settings)
    }

    /// The settings of the checkout.
    pub(super) fn from_checkout(
        config: Config,
        suppression: &SuppressionArgs,
        global: &GlobalArgs,
        scope: BaselineScope,
    ) -> Result<Self> {
        let (rules, detector) = load_detector(global, &config)?;
        let policy = options::policy(suppression, &config, scope)?;
        Ok(Self { config, rules, detector, policy })
    }

    /// The settings of the policy base. Ignore files have no effect: those in the checkout belong to the change, and
    /// build output is scanned rather than trusted. `start` is a directory in the repository; suppression may depend on
    /// `scope`.
    ///
    /// # Errors
    /// A file named by the user that cannot be read or parsed. If a file of the policy base is invalid, none of the
    /// repository's configuration is used.
    pub(super) fn from_base(
        base: &PolicyBase,
        repo: Option<&Repository>,
        start: &Path,
        (suppression, global): (&SuppressionArgs, &GlobalArgs),
        scope: impl Fn(&Config) -> BaselineScope,
    ) -> Result<Self> {
        let files = BaseFiles::new(base, repo, start)?;
        let mut settings = match Self::from_files(&files, start, suppression, global, &scope) {
            Ok(settings) => settings,
            Err(error) => {
                let message = format!("{error:#}");
                let is_fault_of_base = files.copy_is_named_in(&message) || error.is::<FileAtError>();
                // The message explains what to do, and leaving out rules would not be a solution.
                let is_fault_of_base = is_fault_of_base && !error.is::<FileOutsideRepository>();
                let message = files.with_original_names(&message);
                if !files.has_revision() || !is_fault_of_base {
                    return Err(anyhow!(message));
                }
                // An error in the policy base must not reject the change that fixes it.
                let unknown = PolicyBase::Unknown(message);
                return Self::from_base(&unknown, repo, start, (suppression, global), scope);
            }
        };
        for note in &mut settings.policy.notes {
            *note = files.with_original_names(note);
        }
        settings.config.path = None;
        // Ignore files in the checkout belong to the change.
        settings.config.no_ignore = true;
        settings.policy.notes.insert(0, policy_note(base));
        settings.policy.notes.extend(files.into_notes());
        Ok(settings)
    }

    /// Loads the settings from the files of the policy base and those named by the user.
    ///
    /// # Errors
    /// A file that cannot be read or parsed.
    fn from_files(
        files: &BaseFiles<'_>,
        start: &Path,
        suppression: &SuppressionArgs,
        global: &GlobalArgs,
        scope: &impl Fn(&Config) -> BaselineScope,
    ) -> Result<Self> {
        let named_path = global.config.clone().or_else(|| variable("FRISKEY_CONFIG").map(PathBuf::from));
        let path = match named_path {
            _ if global.no_config => None,
            Some(path) => files.resolve_user_file(path)?,
            None => files.copy_from_base(FILE_NAME)?,
        };
        let mut config = config::load(path.as_deref(), path.is_none(), start)?;
        let is_copy = path.is_some_and(|path| files.is_copy(&path));
        let rules = std::mem::take(&mut config.rules).into_iter();
        let rules = rules.map(|path| files.resolve_config_file(path, is_copy));
        config.rules = rules.filter_map(Result::transpose).collect::<Result<_>>()?;
        let rules = global.rules.iter().map(|path| files.resolve_user_file(path.clone()));
        let rules = rules.filter_map(Result::transpose).collect::<Result<_>>()?;
        let named_path =
            suppression.baseline.path.clone().or_else(|| variable("FRISKEY_BASELINE").map(PathBuf::from));
        let baseline = match (named_path, config.baseline.take()) {
            _ if suppression.no_suppress => None,
            (Some(path), _) => files.resolve_user_file(path)?,
            (None, Some(path)) => files.resolve_config_file(path, is_copy)?,
            (None, None) => files.copy_from_base(BASELINE)?,
        };
        let (rules, detector) = load_detector(&GlobalArgs { rules, ..global.clone() }, &config)?;
        let policy =
            options::policy_with_baseline(baseline.as_deref(), suppression, &config, scope(&config))?;
        // All of it is in memory now, so the caller may delete the copies.
        Ok(Self { config, rules, detector, policy })
    }
}

/// A description of the policy that applies.
fn policy_note(base: &PolicyBase) -> String {
    match base {
        PolicyBase::Rev { rev, description } => format!(
            "configuration, baseline and rules are those of {rev} ({description}), not of what is scanned; no ignore file is obeyed"
        ),
        PolicyBase::Unknown(reason) => {
            format!("no configuration, baseline, rules or ignore files of the repository are used: {reason}")
        }
        PolicyBase::Checkout => {
            "configuration, baseline, rules and ignore files are those of the checkout".to_owned()
        }
    }
}

/// Adds notes about the findings that a marker accepts: the author of the key may have written the marker as well.
pub(super) fn note_accepting_markers(draft: &mut Draft) {
    let findings = draft.leaks.iter().flat_map(|leak| &leak.findings);
    let places = findings.filter_map(|finding| {
        let marker = finding.suppressed.as_ref().filter(|suppression| suppression.by == "inline")?;
        let path = finding.origin.path.as_deref().map_or_else(
            || finding.origin.surface.name().to_owned(),
            |path| String::from_utf8_lossy(path).into_owned(),
        );
        Some(format!("{path}:{} ({})", finding.span.start.line, marker.source))
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
