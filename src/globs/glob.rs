//! A single glob of paths, compiled when it is first needed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{GlobCost, glob_from_git_pattern};
use crate::model::PathBase;

/// Maximum number of characters of a glob that a message repeats.
const MAX_QUOTED_CHARS: usize = 60;

/// A glob of paths, in the syntax of `.gitignore`. Clones share what is compiled.
#[derive(Clone, Debug)]
pub struct Glob(Arc<LazyGlob>);

#[derive(Debug)]
struct LazyGlob {
    text: Box<str>,
    /// Compiled on first use: a baseline may contain any number of globs, and most of its entries are for keys that the
    /// scan does not find. `None` if the budget did not allow it.
    matcher: OnceLock<Option<Box<Gitignore>>>,
}

/// How many globs may still be compiled. Each takes kilobytes of memory.
#[derive(Debug)]
pub struct GlobBudget {
    left: AtomicUsize,
    is_exceeded: AtomicBool,
}

impl GlobBudget {
    /// Maximum number of globs that one run compiles for a baseline.
    pub const MAX_GLOBS: usize = 10_000;

    /// Whether a glob was not compiled because the budget was used up.
    pub fn is_exceeded(&self) -> bool {
        self.is_exceeded.load(Ordering::Relaxed)
    }

    /// Whether another glob may be compiled; if so, it is subtracted.
    fn take(&self) -> bool {
        let result = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        self.is_exceeded.fetch_or(result.is_err(), Ordering::Relaxed);
        result.is_ok()
    }
}

impl Default for GlobBudget {
    fn default() -> Self {
        Self { left: AtomicUsize::new(Self::MAX_GLOBS), is_exceeded: AtomicBool::new(false) }
    }
}

impl Glob {
    /// A glob that passes [`check`]. Compiles nothing yet.
    ///
    /// # Errors
    /// What is wrong with the glob.
    pub fn new(text: &str) -> Result<Self, String> {
        check(text)?;
        Ok(Self(Arc::new(LazyGlob { text: text.into(), matcher: OnceLock::new() })))
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether it matches `path` or a directory above it. Paths are relative to the root of the globs, or to `base.start`.
    /// A glob that the `budget` does not allow to compile matches nothing.
    pub fn matches(&self, path: &Path, base: Option<&PathBase>, budget: &GlobBudget) -> bool {
        let path = match base {
            Some(base) => base.relative_to_root(path),
            None => Some(path.to_owned()),
        };
        let compile = || budget.take().then(|| compile(&self.0.text)).flatten().map(Box::new);
        let matches = |path: &Path| {
            let matcher = self.0.matcher.get_or_init(compile).as_ref();
            matcher.is_some_and(|matcher| covers(matcher, path))
        };
        // The matcher rejects absolute paths.
        path.is_some_and(|path| !path.has_root() && matches(&path))
    }
}

/// Whether `matcher` ignores the file `path`, which is relative, or a directory above it, other than the root.
pub fn covers(matcher: &Gitignore, path: &Path) -> bool {
    let mut is_dir = false;
    for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        match matcher.matched(part, is_dir) {
            Match::None => is_dir = true,
            decided => return decided.is_ignore(),
        }
    }
    false
}

fn compile(text: &str) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new("");
    builder.add_line(None, &glob_from_git_pattern(text)?).ok()?;
    builder.build().ok()
}

/// Checks a glob in a setting, where a glob that matches nothing is a mistake.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    if text.trim().trim_matches('/').is_empty() || text.starts_with(['!', '#']) {
        return Err(format!("{} names no path", quote_shortened(text)));
    }
    GlobCost::default()
        .add(text.as_bytes())
        .map_err(|error| format!("the glob {} {error}", quote_shortened(text)))?;
    match glob_from_git_pattern(text) {
        Some(_) => Ok(()),
        None => Err(format!("invalid glob {}: it matches nothing", quote_shortened(text))),
    }
}

/// A glob in backticks for messages, shortened if it is long.
pub fn quote_shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        Glob::new(glob).unwrap().matches(Path::new(path), None, &GlobBudget::default())
    }

    #[test]
    fn globs_have_gitignore_syntax() {
        assert!(matches("tests/", "tests/a/b.py"));
        assert!(matches("*.md", "docs/a.md"));
        assert!(matches("/docs/*.md", "docs/a.md"));
        assert!(!matches("/docs/*.md", "x/docs/a.md"));
        assert!(!matches("tests/", "/tests/a"));
        assert!(matches("{a,b}.env", "{a,b}.env") && !matches("{a,b}.env", "a.env"));
        for directories in ["*/", "**/", "/****/"] {
            assert!(matches(directories, "a/b") && !matches(directories, "a"), "{directories}");
        }
        for invalid in ["", " ", "/", "//", "!x", "#x", "[a", "[b-a]", "a\\"] {
            assert!(Glob::new(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn globs_that_pass_the_check_compile() {
        for text in ["{a", "}", "a**b", "**/**", "[!a]", "[]]", "[[:alpha:]]", "\\{", "a\\ ", "[ä-ö]"] {
            assert!(check(text).is_ok() && compile(text).is_some(), "{text}");
        }
        let longest = "[!a]*".repeat(32);
        assert!(check(&longest).is_ok() && compile(&longest).is_some());
    }

    #[test]
    fn nesting_and_length_are_limited_and_the_message_stays_short() {
        let nested = format!("{}a{}", "{".repeat(100_000), "}".repeat(100_000));
        let error = Glob::new(&nested).unwrap_err();
        assert!(error.contains("`{{{") && error.contains("4096 bytes") && error.len() < 200, "{error}");
        let nested = format!("{}a{}", "{".repeat(2_000), "}".repeat(2_000));
        assert!(matches(&nested, &nested));
    }

    #[test]
    fn globs_beyond_the_budget_match_nothing() {
        let budget = GlobBudget { left: AtomicUsize::new(2), ..GlobBudget::default() };
        let globs = ["a*", "[ab]", "?"].map(|glob| Glob::new(glob).unwrap());
        let matched = globs.each_ref().map(|glob| glob.matches(Path::new("a"), None, &budget));
        assert_eq!((matched, budget.is_exceeded()), ([true, true, false], true));
        assert!(globs[0].matches(Path::new("ab"), None, &budget), "a compiled glob still matches");
    }

    #[test]
    fn globs_are_relative_to_the_root() {
        let base = PathBase { root: "/r".into(), start: "/r/tests".into() };
        let glob = Glob::new("/tests/**").unwrap();
        let matches = |path: &str| glob.matches(Path::new(path), Some(&base), &GlobBudget::default());
        assert!(matches("a.py"));
        assert!(!matches("../a.py"));
        assert!(!matches("../../tests/a.py"));
    }
}
