//! Checks where a baseline is to be written: the configuration of the scanned repository may name a path, but only inside
//! that repository.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::args::SuppressionArgs;
use crate::cli::config::Config;
use crate::cli::environment::variable;

/// Refuses a path outside of the repository that the repository's author chose, not the user: through a link, or by the
/// path in `friskey.toml`.
///
/// # Errors
/// When the file would be outside the repository, or in its git directory.
pub(super) fn check(path: &Path, suppression: &SuppressionArgs, config: &Config) -> Result<()> {
    if suppression.baseline.path.is_some() || variable("FRISKEY_BASELINE").is_some() {
        return Ok(());
    }
    let real = match path.symlink_metadata() {
        Ok(_) => fs::canonicalize(path),
        Err(_) => {
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
            fs::canonicalize(dir.unwrap_or(Path::new(".")))
        }
    };
    let real = real.with_context(|| format!("cannot write the baseline {}", path.display()))?;
    let root = &config.root.absolute;
    if !real.starts_with(root) || real.starts_with(root.join(".git")) {
        bail!(
            "the baseline {} is in {}, outside the repository's files; to write there, name it with --baseline",
            path.display(),
            real.display()
        );
    }
    Ok(())
}
