//! The directory of configuration and baseline: the root of the repository around a directory, usually the current one, or
//! else that directory itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::untrusted;

/// The root directory, in two forms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    /// The path that the search started at, followed by `..` for each level up; empty for the current directory.
    pub(super) path: PathBuf,
    /// Absolute, with links resolved.
    pub(super) absolute: PathBuf,
}

impl Root {
    /// Walks up from `start` to the directory that contains `.git`, either a directory or a file.
    ///
    /// # Errors
    /// `start` is not an accessible directory.
    pub(super) fn find(start: &Path) -> io::Result<Self> {
        let absolute = fs::canonicalize(start)?;
        let relative = start.strip_prefix(".").unwrap_or(start);
        let levels_up = absolute.ancestors().position(|dir| dir.join(".git").symlink_metadata().is_ok());
        let levels = levels_up.unwrap_or(0);
        let path = (0..levels).fold(relative.to_owned(), |path, _| path.join(".."));
        let absolute = absolute.ancestors().nth(levels).unwrap_or(&absolute).to_owned();
        Ok(Self { path, absolute })
    }

    /// The directory as a path that is never empty.
    pub(super) fn non_empty_path(&self) -> PathBuf {
        if self.path.as_os_str().is_empty() { PathBuf::from(".") } else { self.path.clone() }
    }

    /// The path of the regular file `name` in the directory, if there is one.
    ///
    /// # Errors
    /// `name` is something other than a regular file, or cannot be accessed.
    pub(super) fn file(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let path = self.path.join(name);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some(path)),
            // Reading a pipe would block, and a device might never end.
            Ok(metadata) => {
                let kind = untrusted::describe(&metadata);
                Err(io::Error::other(format!("{} is {kind}, expected a regular file", path.display())))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io::Error::other(format!("cannot access {}: {error}", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use super::*;

    #[test]
    fn walks_up_to_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        let root = |start: &Path| Root::find(start).unwrap();
        // The directory for temporary files may be inside a repository.
        fs::write(dir.path().join(".git"), "gitdir: elsewhere").unwrap();
        assert_eq!(root(&deep).absolute, fs::canonicalize(dir.path()).unwrap());
        assert_eq!(root(&deep).path, deep.join("../.."));
        assert_eq!(root(dir.path()).path, dir.path());
        let current = root(Path::new("."));
        assert_eq!(fs::canonicalize(current.non_empty_path()).unwrap(), current.absolute);
        assert!(current.path.components().all(|part| part == Component::ParentDir), "{:?}", current.path);
        fs::create_dir(dir.path().join("friskey.toml")).unwrap();
        assert!(root(&deep).file("friskey.toml").unwrap_err().to_string().contains("a directory"));
        assert_eq!(root(&deep).file("other").unwrap(), None);
    }
}
