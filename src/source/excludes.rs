//! Globs of paths to leave out, in the syntax of `.gitignore`.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::SourceError;
use crate::globs::{GlobCost, TooCostly, covers, glob_from_git_pattern, quote_shortened};
use crate::model::PathBase;

/// Globs of paths to leave out, as in an ignore file at the root of a repository.
#[derive(Clone, Debug)]
pub struct Excludes {
    globs: Gitignore,
    originals: Vec<String>,
    base: Option<PathBase>,
}

impl Excludes {
    /// Parses `globs`. Paths are relative to `base`, or to the root without one.
    ///
    /// # Errors
    /// If a glob is invalid.
    pub fn new(globs: &[String], base: Option<PathBase>) -> Result<Self, SourceError> {
        let bad = |glob: &str, reason: String| SourceError::BadGlob { glob: quote_shortened(glob), reason };
        let mut builder = GitignoreBuilder::new("");
        let mut cost = GlobCost::default();
        for glob in globs {
            cost.add(glob.as_bytes()).map_err(|error| match error {
                TooCostly::Pattern => bad(glob, format!("it {error}")),
                TooCostly::List => SourceError::CostlyGlobs(error),
            })?;
            let Some(pattern) = glob_from_git_pattern(glob) else {
                return Err(bad(glob, "it matches nothing".to_owned()));
            };
            // Reports show the glob as it was written.
            let original = Some(PathBuf::from(glob));
            builder.add_line(original, &pattern).map_err(|error| bad(glob, error.to_string()))?;
        }
        let matcher = builder.build().map_err(|error| bad(&globs.join(" "), error.to_string()))?;
        Ok(Self { globs: matcher, originals: globs.to_vec(), base })
    }

    /// The globs as written.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.originals.iter().map(String::as_str)
    }

    /// The glob that matches `path` itself.
    pub fn glob(&self, path: &Path, is_dir: bool) -> Option<String> {
        let matched = |path: &Path| match self.globs.matched(path, is_dir) {
            Match::Ignore(glob) => glob.from().map(|written| written.to_string_lossy().into_owned()),
            Match::None | Match::Whitelist(_) => None,
        };
        match &self.base {
            Some(base) => matched(&base.relative_to_root(path)?),
            None => matched(path),
        }
    }

    /// Whether a glob matches the file `path`, or a directory that contains it.
    pub fn covers(&self, path: &Path) -> bool {
        self.matches_relative(path, |path| covers(&self.globs, path))
    }

    fn matches_relative(&self, path: &Path, is_match: impl FnOnce(&Path) -> bool) -> bool {
        match &self.base {
            Some(base) => base.relative_to_root(path).is_some_and(|path| is_match(&path)),
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
        let base = PathBase { root: "/r".into(), start: "/r/gen".into() };
        let below = Excludes::new(&globs, Some(base)).unwrap();
        assert!(below.covers(Path::new("a.js")) && !below.covers(Path::new("../a.js")));
        assert!(Excludes::new(&["[a".to_owned()], None).is_err());
    }

    #[test]
    fn braces_are_ordinary_characters_as_in_git() {
        let braces = Excludes::new(&["{x,y}.env".to_owned()], None).unwrap();
        assert!(braces.covers(Path::new("{x,y}.env")) && !braces.covers(Path::new("x.env")));
        assert_eq!(braces.glob(Path::new("{x,y}.env"), false).as_deref(), Some("{x,y}.env"));
    }

    #[test]
    fn costly_globs_are_refused() {
        let nested = format!("{}a{}", "{".repeat(100_000), "}".repeat(100_000));
        let error = Excludes::new(&[nested], None).unwrap_err().to_string();
        assert!(error.starts_with("invalid glob `{{{") && error.len() < 200, "{error}");
        let many = vec!["[ab]".to_owned(); 1_001];
        assert!(matches!(Excludes::new(&many, None), Err(SourceError::CostlyGlobs(_))));
    }
}
