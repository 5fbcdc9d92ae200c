//! Reads ignore files. The author of the scanned repository writes them, so their size and cost are limited,
//! and a file beyond the limits is rejected as a whole.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::globs::{GlobCost, TooCostly, glob_from_git_pattern};
use crate::untrusted::{ReadError, Symlinks, read};

/// Maximum size of an ignore file, in bytes.
const MAX_FILE_BYTES: u64 = 512 << 10;

/// What all ignore files of one run may cost.
#[derive(Debug)]
pub(super) struct IgnoreBudget {
    bytes: AtomicU64,
}

impl IgnoreBudget {
    /// Maximum size of all ignore files of one run together, in bytes.
    const BYTES: u64 = 32 << 20;

    pub(super) fn new() -> Self {
        Self { bytes: AtomicU64::new(Self::BYTES) }
    }

    fn take(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// The patterns of the file at `path`, called `name` in messages; `None` if it does not exist or has no
/// pattern. Paths are matched relative to its directory.
///
/// # Errors
/// Why the file is not used: a link that leads out, not a regular file, too large, too costly. An invalid
/// pattern matches nothing, as in git.
pub(super) fn patterns(
    path: &Path,
    name: &str,
    links: Symlinks<'_>,
    budget: &IgnoreBudget,
) -> Result<Option<Gitignore>, String> {
    let text = match read(path, links, MAX_FILE_BYTES) {
        Ok(text) => text,
        Err(ReadError::NotFound) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !budget.take(text.len() as u64) {
        return Err(format!("all ignore files together are larger than {} bytes", IgnoreBudget::BYTES));
    }
    compile(&text, name)
}

fn compile(text: &[u8], name: &str) -> Result<Option<Gitignore>, String> {
    let mut builder = GitignoreBuilder::new("");
    let mut cost = GlobCost::default();
    for (number, line) in (1..).zip(lines(text)) {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        cost.add(line).map_err(|error| match error {
            TooCostly::Pattern => format!("line {number} {error}"),
            TooCostly::List => format!("it {error}"),
        })?;
        // An invalid pattern matches nothing.
        if let Ok(line) = std::str::from_utf8(line) {
            let origin = PathBuf::from(format!("{name}:{number} `{}`", line.trim_end()));
            if let Some(pattern) = glob_from_git_pattern(line) {
                let _ = builder.add_line(Some(origin), &pattern);
            }
        }
    }
    let matcher = builder.build().map_err(|error| error.to_string())?;
    Ok((!matcher.is_empty()).then_some(matcher))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile_text(text: &str) -> Result<Option<Gitignore>, String> {
        compile(text.as_bytes(), ".gitignore")
    }

    fn ignored(text: &str, path: &str) -> Option<String> {
        let globs = compile_text(text).unwrap()?;
        let matched = globs.matched(path, false);
        let glob = matched.inner().filter(|_| matched.is_ignore())?;
        glob.from().map(|from| from.display().to_string())
    }

    #[test]
    fn patterns_are_reported_with_their_line() {
        let text = "\u{feff}# comment\r\n\r\n*.env\r\n!a.env\n";
        assert_eq!(ignored(text, "b.env").as_deref(), Some(".gitignore:3 `*.env`"));
        assert_eq!(ignored(text, "a.env"), None);
    }

    #[test]
    fn braces_are_ordinary_characters_as_in_git() {
        assert_eq!(ignored("{a,b}.txt\n", "a.txt"), None);
        assert!(ignored("{a,b}.txt\n", "{a,b}.txt").is_some());
        assert!(ignored("\\{x\\}\n", "{x}").is_some());
        let nested = format!("{}x{}\n", "{a,".repeat(500), "}".repeat(500));
        assert!(compile_text(&nested).is_ok());
    }

    #[test]
    fn classes_match_what_they_match_in_git() {
        let cases = [
            ("a[!b]c", "axc", true),
            ("a[!b]c", "a/c", false),
            ("a[+-9]c", "a5c", true),
            ("a[+-9]c", "a/c", false),
            ("x[[:digit:]].env", "x7.env", true),
            ("x[[:digit:]].env", "xd.env", false),
            ("x[![:digit:]].env", "xd.env", true),
            ("x[[:space:]]y", "x y", true),
            ("x[]-]y", "x]y", true),
            ("x[]-]y", "x-y", true),
            ("x[\\]a]y", "x]y", true),
            ("x[^a-c]y", "xby", false),
            ("x[[:nonsense:]]y", "xny", false),
            ("*.env\t", "a.env", false),
            ("*.env\t", "a.env\t", true),
            ("*.env  ", "a.env", true),
            ("*.env\\ ", "a.env ", true),
        ];
        for (pattern, path, matches) in cases {
            assert_eq!(ignored(&format!("{pattern}\n"), path).is_some(), matches, "{pattern:?} {path:?}");
        }
        assert_eq!(ignored("*.env\n!prod[[:digit:]].env\n", "prod1.env"), None);
    }

    #[test]
    fn costly_files_are_rejected_as_a_whole() {
        assert!(compile_text(&"*".repeat(65)).is_err());
        assert!(compile_text(&"a".repeat(4097)).is_err());
        assert!(compile_text(&"a\n".repeat(5001)).is_err());
        assert!(compile_text(&format!("{}\n", "*a".repeat(60)).repeat(200)).is_err());
        assert!(compile_text(&"[ab]c*\n".repeat(1001)).is_err());
        assert!(compile_text(&"# comment\n\n".repeat(5001)).unwrap().is_none());
        assert_eq!(ignored("[z-a\n\\\n*.env\n", "x.env").as_deref(), Some(".gitignore:3 `*.env`"));
    }

    #[test]
    fn the_budget_of_a_run_is_limited() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".gitignore");
        std::fs::write(&path, "a\n").unwrap();
        let budget = IgnoreBudget { bytes: AtomicU64::new(3) };
        assert!(patterns(&path, "x", Symlinks::Refuse, &budget).unwrap().is_some());
        assert!(patterns(&path, "x", Symlinks::Refuse, &budget).unwrap_err().contains("together"));
        assert!(patterns(&dir.path().join("none"), "x", Symlinks::Refuse, &budget).unwrap().is_none());
    }
}
