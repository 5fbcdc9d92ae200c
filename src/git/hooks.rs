//! Where git looks for hooks. The one thing for which the user's own configuration is read.

use std::path::{Path, PathBuf};

use super::gate;
use super::open::OpenError;

/// The folder that git takes hooks from.
#[derive(Clone, Debug)]
pub struct HooksDir {
    /// Its path.
    pub dir: PathBuf,
    /// Whether it lies outside of the repository, so that others may use it, too.
    pub shared: bool,
    /// Whether the repository has no work tree.
    pub bare: bool,
}

/// Finds the folder for the repository at `path`: `core.hooksPath`, wherever that is set, or the
/// repository's own.
///
/// # Errors
/// When there is no repository, or a setting that cannot be understood.
pub fn hooks_dir(path: &Path) -> Result<HooksDir, OpenError> {
    let unusable = |reason: String| OpenError::Unusable { path: path.to_owned(), reason };
    if let Ok(real) = path.canonicalize() {
        gate::locate(&real)?;
    }
    // With all of git's configuration, since it is git that will look there.
    let repo = gix::discover(path).map_err(|_| OpenError::NotARepository(path.to_owned()))?;
    let common = repo.common_dir().canonicalize().map_err(|error| unusable(error.to_string()))?;
    let own = HooksDir { dir: common.join("hooks"), shared: false, bare: repo.is_bare() };
    let set = repo.config_snapshot().trusted_path("core.hooksPath");
    let Some(set) = set.map_err(|error| unusable(format!("core.hooksPath: {error}")))? else {
        return Ok(own);
    };
    // Relative ones start where hooks run: at the top of the work tree, or in a bare repository.
    let base = repo.workdir().unwrap_or(&common).to_owned();
    let dir = base.join(set);
    let shared = !dir.starts_with(&base) && !dir.starts_with(&common);
    Ok(HooksDir { dir, shared, ..own })
}
