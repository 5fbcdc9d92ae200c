//! The resolved settings of a scanning command: configuration, rules, policy, threshold, limits.

use std::sync::Arc;

use anyhow::Result;

use super::args::{GlobalArgs, SearchArgs, SuppressionArgs};
use super::effective_settings::EffectiveSettings;
use super::limits::limits;
use super::options::{self, BaselineScope};
use crate::container::Limits;
use crate::model::Confidence;
use crate::scan::{Settings, Stop};

/// The resolved settings of one run.
pub(super) struct Session {
    pub(super) effective_settings: EffectiveSettings,
    pub(super) min_confidence: Confidence,
    pub(super) limits: Limits,
    pub(super) threads: usize,
    pub(super) stop: Arc<Stop>,
}

impl Session {
    /// Resolves the options in `args`, the environment and the configuration in force, in this order of precedence, and
    /// starts the clock of `--max-time`.
    ///
    /// # Errors
    /// An environment variable with an invalid value, or too many threads.
    pub(super) fn new(effective_settings: EffectiveSettings, args: &SearchArgs) -> Result<Self> {
        let config = &effective_settings.config;
        Ok(Self {
            min_confidence: options::min_confidence(args, config)?,
            limits: limits(&args.containers, &config.containers),
            threads: options::threads(args, config)?,
            stop: options::stop(args, config)?,
            effective_settings,
        })
    }

    /// The session of a command that scans the repository around the current directory, with the checkout's own
    /// configuration.
    pub(super) fn for_current_repository(
        args: &SearchArgs,
        suppression: &SuppressionArgs,
        global: &GlobalArgs,
    ) -> Result<Self> {
        let config = options::config(global)?;
        Self::new(
            EffectiveSettings::from_checkout(config, suppression, global, BaselineScope::default())?,
            args,
        )
    }

    /// The settings that the library scans with.
    pub(super) fn settings(&self) -> Settings<'_> {
        Settings {
            detector: &self.effective_settings.detector,
            rules_digest: self.effective_settings.rules.digest(),
            min_confidence: self.min_confidence,
            policy: &self.effective_settings.policy,
            key_filter: None,
            limits: self.limits,
            stop: &self.stop,
        }
    }
}
