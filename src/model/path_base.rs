//! Converts paths relative to one directory into paths relative to the root that globs refer to.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The directory that globs are relative to, and the directory that relative paths start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathBase {
    /// The directory that globs are relative to. Absolute.
    pub root: PathBuf,
    /// The directory that relative paths start from. Absolute.
    pub start: PathBuf,
}

impl PathBase {
    /// `path` relative to the root; `None` if it is outside the root, or the root itself. Looks at names only
    /// and does not follow links.
    pub fn relative_to_root(&self, path: &Path) -> Option<PathBuf> {
        let mut parts: Vec<&OsStr> = Vec::new();
        let start = if path.has_root() { Path::new("") } else { &self.start };
        for component in start.components().chain(path.components()) {
            match component {
                Component::Normal(part) => parts.push(part),
                Component::ParentDir => drop(parts.pop()),
                Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
            }
        }
        let root = self.root.components().filter_map(|component| match component {
            Component::Normal(part) => Some(part),
            _ => None,
        });
        let mut parts = parts.into_iter();
        for part in root {
            if parts.next() != Some(part) {
                return None;
            }
        }
        let rest: PathBuf = parts.collect();
        (!rest.as_os_str().is_empty()).then_some(rest)
    }
}

/// Converts the bytes of an origin's path to a path of the operating system.
#[cfg(unix)]
pub fn native_path(bytes: &[u8]) -> Cow<'_, Path> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(Path::new(OsStr::from_bytes(bytes)))
}

/// Converts the bytes of an origin's path to a path of the operating system.
#[cfg(not(unix))]
pub fn native_path(bytes: &[u8]) -> Cow<'_, Path> {
    Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_relative_to_the_root() {
        let base = PathBase { root: "/a/b".into(), start: "/a/b/c".into() };
        let relative = |path: &str| base.relative_to_root(Path::new(path)).map(|p| p.display().to_string());
        assert_eq!(relative("x").as_deref(), Some("c/x"));
        assert_eq!(relative("./x/../y").as_deref(), Some("c/y"));
        assert_eq!(relative("../x").as_deref(), Some("x"));
        assert_eq!(relative("/a/b/z").as_deref(), Some("z"));
        assert_eq!(relative(".."), None);
        assert_eq!(relative("../../x"), None);
        assert_eq!(relative("/a/bc/x"), None);
        assert_eq!(relative("../../../../../../x"), None);
    }
}
