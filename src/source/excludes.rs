//! Globs of paths to leave out, in the syntax of ignore files.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::SourceError;
use crate::model::PathBase;

/// Globs of paths to leave out, as in an ignore file at the root of a repository.
#[derive(Clone, Debug)]
pub struct Excludes {
    globs: Gitignore,
    written: Vec<String>,
    base: Option<PathBase>,
}

impl Excludes {
    /// Parses `globs`. Paths are relative to `base`, or to the root without one.
    ///
    /// # Errors
    /// If a glob is invalid.
    pub fn new(globs: &[String], base: Option<PathBase>) -> Result<Self, SourceError> {
        let bad = |glob: &str, error: ignore::Error| SourceError::BadGlob {
            glob: glob.to_owned(),
            reason: error.to_string(),
        };
        let mut builder = GitignoreBuilder::new("");
        let written = globs;
        for glob in written {
            builder.add_line(None, glob).map_err(|error| bad(glob, error))?;
        }
        let globs = builder.build().map_err(|error| bad(&globs.join(" "), error))?;
        Ok(Self { globs, written: written.to_vec(), base })
    }

    /// The globs as written.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }

    /// The glob that matches `path` itself.
    pub fn glob(&self, path: &Path, is_folder: bool) -> Option<String> {
        let matched = |path: &Path| match self.globs.matched(path, is_folder) {
            Match::Ignore(glob) => Some(glob.original().to_owned()),
            Match::None | Match::Whitelist(_) => None,
        };
        match &self.base {
            Some(base) => matched(&base.relative(path)?),
            None => matched(path),
        }
    }

    /// Whether a glob matches the file `path`, or a folder that contains it.
    pub fn covers(&self, path: &Path) -> bool {
        self.matches_relative(path, |path| self.globs.matched_path_or_any_parents(path, false).is_ignore())
    }

    fn matches_relative(&self, path: &Path, is_match: impl FnOnce(&Path) -> bool) -> bool {
        match &self.base {
            Some(base) => base.relative(path).is_some_and(|path| is_match(&path)),
            // The matcher rejects absolute paths.
            None => !path.has_root() && is_match(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_relative_to_the_root() {
        let globs = ["vendor/".to_owned(), "/gen/*.js".to_owned()];
        let plain = Excludes::new(&globs, None).unwrap();
        assert!(plain.covers(Path::new("a/vendor/b.py")) && plain.covers(Path::new("gen/a.js")));
        assert!(!plain.covers(Path::new("a/gen/a.js")) && !plain.covers(Path::new("/gen/a.js")));
        assert!(
            plain.glob(Path::new("vendor"), true).is_some()
                && plain.glob(Path::new("vendor"), false).is_none()
        );
        let base = PathBase { root: "/r".into(), from: "/r/gen".into() };
        let below = Excludes::new(&globs, Some(base)).unwrap();
        assert!(below.covers(Path::new("a.js")) && !below.covers(Path::new("../a.js")));
        assert!(Excludes::new(&["{a".to_owned()], None).is_err());
    }
}
