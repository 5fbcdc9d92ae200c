//! Installs hooks, either all of them or none: after any error, the directory is unchanged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use super::is_executable;
use super::managers::MAX_HOOK;
use super::script::{is_ours, kept_path, quoted};
use crate::untrusted::{self, ReadError, Symlinks};

/// The existing file at the path of a hook.
enum Present {
    Nothing,
    /// An identical script.
    Same,
    /// Another script of friskey, with its text.
    Older(Vec<u8>),
    /// Anything else, and whether git runs it. It is kept next to the hook.
    Other {
        runs: bool,
    },
}

/// A hook to be written.
pub(super) struct Placement {
    path: PathBuf,
    text: String,
    present: Present,
}

impl Placement {
    /// Plans to write `text` to `path`.
    ///
    /// # Errors
    /// If the existing hook cannot be kept.
    pub(super) fn plan(path: PathBuf, text: String) -> Result<Self> {
        let present = match untrusted::read(&path, Symlinks::Follow, MAX_HOOK) {
            Ok(old) if old == text.as_bytes() => Present::Same,
            Ok(old) if is_ours(&old) => Present::Older(old),
            Err(ReadError::NotFound) if path.symlink_metadata().is_err() => Present::Nothing,
            // A broken link, a directory, or anything else is kept.
            Ok(_) | Err(_) => Present::Other { runs: is_executable(&path) },
        };
        let kept = kept_path(&path);
        if matches!(present, Present::Other { .. }) && kept.symlink_metadata().is_ok() {
            bail!(
                "cannot keep the hook {}, since {} already exists: nothing was installed; if that file is no longer \
                 needed, remove it with `rm {}`, otherwise rename it, and run `friskey hook install` again",
                path.display(),
                kept.display(),
                quoted(&kept.display().to_string())
            );
        }
        Ok(Self { path, text, present })
    }

    /// What was done, for a message.
    pub(super) fn done(&self) -> String {
        let what = match self.present {
            Present::Same => "is installed already".to_owned(),
            Present::Older(_) => "updated".to_owned(),
            Present::Nothing => "installed".to_owned(),
            Present::Other { runs: true } => "installed; the existing hook runs before it".to_owned(),
            Present::Other { runs: false } => format!(
                "installed; the hook that was there is not executable, so git ignored it, and it still does not \
                 run (`chmod +x {}` changes that)",
                kept_path(&self.path).display()
            ),
        };
        format!("{}: {what}", self.path.display())
    }

    fn put(&self, file: NamedTempFile) -> io::Result<()> {
        let is_other = matches!(self.present, Present::Other { .. });
        if is_other {
            fs::rename(&self.path, kept_path(&self.path))?;
        }
        file.persist(&self.path).map(drop).map_err(|error| {
            if is_other {
                // The error is already reported; this only restores the previous state.
                let _ = fs::rename(kept_path(&self.path), &self.path);
            }
            error.error
        })
    }

    fn take_back(&self) -> io::Result<()> {
        match &self.present {
            Present::Same => Ok(()),
            Present::Nothing => fs::remove_file(&self.path),
            Present::Other { .. } => fs::rename(kept_path(&self.path), &self.path),
            Present::Older(text) => {
                prepare(&self.path, text)?.persist(&self.path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

/// Writes all of `hooks`, or none.
///
/// # Errors
/// If one cannot be written. The others are then unchanged; if one of them cannot be restored, the error says so.
pub(super) fn place(hooks: &[Placement]) -> Result<()> {
    let advice = "no hook was installed; check the permissions and the free space of the directory, and run `friskey \
                  hook install` again";
    let changed = hooks.iter().filter(|hook| !matches!(hook.present, Present::Same));
    // Everything that needs space or permissions comes first. After that, files are only renamed.
    let prepared: Result<Vec<_>> = changed
        .map(|hook| {
            let file = prepare(&hook.path, hook.text.as_bytes())
                .with_context(|| format!("cannot write {}: {advice}", hook.path.display()))?;
            Ok((hook, file))
        })
        .collect();
    let mut placed: Vec<&Placement> = Vec::new();
    for (hook, file) in prepared? {
        let Err(error) = hook.put(file) else {
            placed.push(hook);
            continue;
        };
        let path = hook.path.display();
        for earlier in placed.iter().rev() {
            if let Err(second) = earlier.take_back() {
                bail!(
                    "cannot write {path}: {error}; then {} could not be restored: {second}; run `friskey hook \
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
fn prepare(path: &Path, text: &[u8]) -> io::Result<NamedTempFile> {
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
    fn a_failure_half_way_leaves_the_dir_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("b"), "other").unwrap();
        let older = format!("{}\nold", super::super::script::SIGN);
        fs::write(path("c"), &older).unwrap();
        let hooks: Vec<_> = ["a", "b", "c", "d"]
            .map(|name| Placement::plan(path(name), format!("new {name}")).unwrap())
            .into();
        // After planning, something appears that cannot be replaced.
        fs::create_dir(path("d")).unwrap();
        fs::write(path("d/x"), "x").unwrap();
        assert!(place(&hooks).is_err());
        assert!(!path("a").exists() && !path("b.before-friskey").exists());
        assert_eq!(fs::read_to_string(path("b")).unwrap(), "other");
        assert_eq!(fs::read_to_string(path("c")).unwrap(), older);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing else is left behind");
    }
}
