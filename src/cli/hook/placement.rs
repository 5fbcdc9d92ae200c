//! Writes hooks into git's directory, either all of them or none: after any error, the directory is unchanged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use super::is_executable;
use super::managers::MAX_HOOK_SIZE;
use super::script::{backup_path, is_friskey_script, quoted};
use crate::untrusted::{self, ReadError, Symlinks};

/// The existing file at the path of a hook.
enum ExistingHook {
    Nothing,
    /// An identical script.
    Same,
    /// Another script of friskey, with its text.
    Older(Vec<u8>),
    /// Anything else, which is kept under another name.
    Other {
        /// Whether git runs it.
        is_run: bool,
    },
}

/// A hook to be written.
pub(super) struct Placement {
    path: PathBuf,
    text: String,
    existing: ExistingHook,
}

impl Placement {
    /// Plans to write `text` to `path`.
    ///
    /// # Errors
    /// If the existing hook cannot be kept.
    pub(super) fn plan(path: PathBuf, text: String) -> Result<Self> {
        let existing = match untrusted::read(&path, Symlinks::Follow, MAX_HOOK_SIZE) {
            Ok(old) if old == text.as_bytes() => ExistingHook::Same,
            Ok(old) if is_friskey_script(&old) => ExistingHook::Older(old),
            Err(ReadError::NotFound) if path.symlink_metadata().is_err() => ExistingHook::Nothing,
            // A broken link, a directory, or anything else is kept.
            Ok(_) | Err(_) => ExistingHook::Other { is_run: is_executable(&path) },
        };
        let backup = backup_path(&path);
        if matches!(existing, ExistingHook::Other { .. }) && backup.symlink_metadata().is_ok() {
            bail!(
                "cannot keep the hook {}, since {} already exists: nothing was installed; if that file is no longer \
                 needed, remove it with `rm {}`, otherwise rename it, and run `friskey hook install` again",
                path.display(),
                backup.display(),
                quoted(&backup.display().to_string())
            );
        }
        Ok(Self { path, text, existing })
    }

    /// A message about what was done.
    pub(super) fn outcome(&self) -> String {
        let what = match self.existing {
            ExistingHook::Same => "already installed".to_owned(),
            ExistingHook::Older(_) => "updated".to_owned(),
            ExistingHook::Nothing => "installed".to_owned(),
            ExistingHook::Other { is_run: true } => "installed; the existing hook runs before it".to_owned(),
            ExistingHook::Other { is_run: false } => format!(
                "installed; the hook that was there is not executable, so git ignored it, and it still does not \
                 run (`chmod +x {}` changes that)",
                backup_path(&self.path).display()
            ),
        };
        format!("{}: {what}", self.path.display())
    }

    fn write(&self, file: NamedTempFile) -> io::Result<()> {
        let is_other = matches!(self.existing, ExistingHook::Other { .. });
        if is_other {
            fs::rename(&self.path, backup_path(&self.path))?;
        }
        file.persist(&self.path).map(drop).map_err(|error| {
            if is_other {
                // The error is already reported; this only restores the previous state.
                let _ = fs::rename(backup_path(&self.path), &self.path);
            }
            error.error
        })
    }

    fn undo(&self) -> io::Result<()> {
        match &self.existing {
            ExistingHook::Same => Ok(()),
            ExistingHook::Nothing => fs::remove_file(&self.path),
            ExistingHook::Other { .. } => fs::rename(backup_path(&self.path), &self.path),
            ExistingHook::Older(text) => {
                prepare_file(&self.path, text)?.persist(&self.path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

/// Writes all of `hooks`, or none.
///
/// # Errors
/// If one cannot be written. The others are then unchanged; if one of them cannot be restored, the error says so.
pub(super) fn write_all(hooks: &[Placement]) -> Result<()> {
    let advice = "no hook was installed; check the permissions and the free space of the directory, and run `friskey \
                  hook install` again";
    let to_write = hooks.iter().filter(|hook| !matches!(hook.existing, ExistingHook::Same));
    // Everything that needs space or permissions comes first. After that, files are only renamed.
    let prepared: Result<Vec<_>> = to_write
        .map(|hook| {
            let file = prepare_file(&hook.path, hook.text.as_bytes())
                .with_context(|| format!("cannot write {}: {advice}", hook.path.display()))?;
            Ok((hook, file))
        })
        .collect();
    let mut written: Vec<&Placement> = Vec::new();
    for (hook, file) in prepared? {
        let Err(error) = hook.write(file) else {
            written.push(hook);
            continue;
        };
        let path = hook.path.display();
        for earlier in written.iter().rev() {
            if let Err(undo_error) = earlier.undo() {
                bail!(
                    "cannot write {path}: {error}; then {} could not be restored: {undo_error}; run `friskey hook \
                     uninstall` to remove what was installed",
                    earlier.path.display()
                );
            }
        }
        return Err(error).with_context(|| format!("cannot write {path}: {advice}"));
    }
    Ok(())
}

/// An executable file with `text` in the directory of `path`, under another name.
fn prepare_file(path: &Path, text: &[u8]) -> io::Result<NamedTempFile> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".friskey-").tempfile_in(dir)?;
    file.write_all(text)?;
    #[cfg(unix)]
    fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(file)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_after_some_hooks_restores_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("b"), "other").unwrap();
        let older = format!("{}\nold", super::super::script::SIGNATURE);
        fs::write(path("c"), &older).unwrap();
        let hooks: Vec<_> = ["a", "b", "c", "d"]
            .map(|name| Placement::plan(path(name), format!("new {name}")).unwrap())
            .into();
        // A directory that appears after planning cannot be replaced by a hook.
        fs::create_dir(path("d")).unwrap();
        fs::write(path("d/x"), "x").unwrap();
        assert!(write_all(&hooks).is_err());
        assert!(!path("a").exists() && !path("b.before-friskey").exists());
        assert_eq!(fs::read_to_string(path("b")).unwrap(), "other");
        assert_eq!(fs::read_to_string(path("c")).unwrap(), older);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing else is left behind");
    }
}
