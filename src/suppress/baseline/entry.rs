//! One accepted key.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::model::{Fingerprint, PathBase, native_path};
use crate::suppress::Date;

/// One accepted key: anywhere, or at the paths of its glob.
#[derive(Clone, Debug)]
pub struct BaselineEntry {
    /// The key.
    pub fingerprint: Fingerprint,
    /// The rule that found it, for people; an entry counts even if the rule is renamed.
    pub rule: String,
    /// Why it is accepted. Never empty.
    pub reason: String,
    /// Where it is accepted; anywhere if `None`.
    pub path: Option<Glob>,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// The last day on which the entry is valid, in UTC.
    pub expires: Option<Date>,
    /// The comment lines above it in the file.
    pub comments: Vec<String>,
}

impl BaselineEntry {
    /// Whether it has expired.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    /// Whether it covers a finding at `path`, the path of an origin.
    pub(super) fn covers(&self, path: Option<&[u8]>, base: Option<&PathBase>) -> bool {
        match (&self.path, path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(glob), Some(path)) => glob.matches(&native_path(path), base),
        }
    }

    /// The sort order of the file.
    pub(super) fn order(&self) -> impl Ord + use<'_> {
        let glob = self.path.as_ref().map(Glob::as_str);
        (self.fingerprint, glob, self.expires, &*self.reason, &*self.rule, self.owner.as_deref())
    }

    /// A name for messages: the start of the fingerprint, the rule and the reason.
    pub fn name(&self) -> String {
        let fingerprint = self.fingerprint.to_string();
        format!("{} ({}, {})", &fingerprint[..12], self.rule, self.reason)
    }
}

/// A glob of paths, in the syntax of `.gitignore`.
#[derive(Clone, Debug)]
pub struct Glob {
    text: String,
    matcher: Gitignore,
}

impl Glob {
    /// Parses `text`.
    ///
    /// # Errors
    /// What is wrong with the glob.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.starts_with(['!', '#']) {
            return Err(format!("`{text}` names no path"));
        }
        let mut builder = GitignoreBuilder::new("");
        builder.add_line(None, text).map_err(|error| format!("invalid glob: {error}"))?;
        let matcher = builder.build().map_err(|error| format!("invalid glob: {error}"))?;
        Ok(Self { text: text.to_owned(), matcher })
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn matches(&self, path: &Path, base: Option<&PathBase>) -> bool {
        let path = match base {
            Some(base) => base.relative(path),
            None => Some(path.to_owned()),
        };
        // The matcher rejects absolute paths.
        path.is_some_and(|path| {
            !path.has_root() && self.matcher.matched_path_or_any_parents(path, false).is_ignore()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_have_gitignore_syntax() {
        let matches = |glob: &str, path: &str| Glob::new(glob).unwrap().matches(Path::new(path), None);
        assert!(matches("tests/", "tests/a/b.py"));
        assert!(matches("*.md", "docs/a.md"));
        assert!(matches("/docs/*.md", "docs/a.md"));
        assert!(!matches("/docs/*.md", "x/docs/a.md"));
        assert!(!matches("tests/", "/tests/a"));
        for bad in ["", " ", "!x", "#x", "{a"] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn globs_are_relative_to_the_root() {
        let base = PathBase { root: "/r".into(), from: "/r/tests".into() };
        let glob = Glob::new("/tests/**").unwrap();
        assert!(glob.matches(Path::new("a.py"), Some(&base)));
        assert!(!glob.matches(Path::new("../a.py"), Some(&base)));
        assert!(!glob.matches(Path::new("../../tests/a.py"), Some(&base)));
    }
}
