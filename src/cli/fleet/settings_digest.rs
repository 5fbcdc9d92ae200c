//! The configuration of a fleet, and a digest of all settings that affect the findings of its audits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cli::args::{GlobalArgs, SuppressionArgs};
use crate::cli::config::{self, Config};
use crate::cli::environment::variable;
use crate::cli::options;
use crate::cli::session::Session;
use crate::model::{Surface, hex};
use crate::report::VERSION;
use crate::untrusted::{Symlinks, read};

/// To be raised when something changes that the other settings do not cover, so that results of the same release become
/// invalid.
const RESULTS_VERSION: u32 = 1;
/// Maximum size of a baseline, in bytes.
const MAX_BASELINE: u64 = 64 << 20;

/// The configuration that an option or the environment names; the one in the current directory would be for a single
/// repository, not for a fleet.
///
/// # Errors
/// A configuration that cannot be read or is invalid.
pub(super) fn explicit_config(global: &GlobalArgs) -> Result<Config> {
    let variable = variable("FRISKEY_CONFIG").map(PathBuf::from);
    let named_path = global.config.as_deref().or(variable.as_deref());
    let config = config::load(named_path, global.no_config || named_path.is_none(), Path::new("."))?;
    Ok(Config { scans_other_repository: true, ..config })
}

/// The digest: results with the same digest were made under the same settings.
///
/// # Errors
/// A baseline that cannot be read.
pub(super) fn settings_digest(
    session: &Session,
    surfaces: &BTreeSet<Surface>,
    suppression: &SuppressionArgs,
) -> Result<String> {
    let config = &session.effective_settings.config;
    let names: Vec<_> = surfaces.iter().map(|surface| surface.name()).collect();
    let policy = &session.effective_settings.policy;
    let parts = [
        RESULTS_VERSION.to_string(),
        VERSION.to_owned(),
        session.effective_settings.rules.digest().to_owned(),
        session.min_confidence.name().to_owned(),
        format!("{:?}", session.limits),
        names.join(","),
        config.exclude.join("\n"),
        format!("{:?}", policy.markers),
    ];
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    parts.iter().for_each(|part| add(part.as_bytes()));
    let baseline = if suppression.no_suppress { None } else { options::baseline_path(suppression, config)? };
    if let Some(path) = baseline {
        let bytes = read(&path, Symlinks::Follow, MAX_BASELINE)
            .with_context(|| format!("cannot read the baseline {}", path.display()))?;
        add(&bytes);
        // Entries expire although the bytes of the baseline stay the same.
        let expired = policy.baseline.as_ref().map_or(0, |baseline| baseline.expired_entries().count());
        add(&(expired as u64).to_le_bytes());
    }
    Ok(hex(&digest.finalize()))
}
