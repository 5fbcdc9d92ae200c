//! Paths of findings relative to the root of their repository, which code scanning and annotations require, wherever
//! friskey was started.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::environment::variable;
use crate::model::{Draft, PathBase, native_path};

/// Adds these paths to the report of a scan of files.
pub(super) fn add(draft: &mut Draft, scanned: &[PathBuf]) {
    let roots = Roots::new(scanned);
    let mut known: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
    let findings = draft.leaks.iter().flat_map(|leak| &leak.findings);
    let paths = findings.filter_map(|finding| finding.origin.path.as_deref());
    let mut found = Vec::new();
    for shown in paths {
        let path = native_path(shown);
        let Some((begin, absolute)) = roots.place(&path) else { continue };
        let dir = absolute.parent().unwrap_or(&absolute).to_owned();
        let root = known.entry(dir).or_insert_with_key(|dir| roots.root(begin, dir));
        let Some(inside) = root.as_ref().and_then(|root| absolute.strip_prefix(root).ok()) else { continue };
        let parts: Vec<_> = inside.iter().map(|part| part.as_encoded_bytes()).collect();
        let inside = parts.join(&b'/');
        if inside != shown {
            found.push((shown.to_vec(), inside));
        }
    }
    draft.repository_paths.extend(found);
}

/// A path at which a scan started.
struct StartPath {
    /// As it was given.
    given: PathBuf,
    /// Absolute, without links.
    absolute: PathBuf,
    /// The root of the repository around it, if there is one.
    root: Option<PathBuf>,
}

struct Roots {
    begins: Vec<StartPath>,
    /// The checkout of the CI system, if known.
    workspace: Option<PathBuf>,
}

impl Roots {
    fn new(scanned: &[PathBuf]) -> Self {
        let begins = scanned.iter().filter_map(|given| {
            let absolute = absolute(given)?;
            let root = absolute.ancestors().find(|dir| is_repository(dir)).map(Path::to_owned);
            Some(StartPath { given: given.clone(), absolute, root })
        });
        let workspace = variable("GITHUB_WORKSPACE").and_then(|path| fs::canonicalize(path).ok());
        Self { begins: begins.collect(), workspace }
    }

    /// The starting point from which the path was reached, and the absolute path.
    fn place(&self, path: &Path) -> Option<(&StartPath, PathBuf)> {
        let led = self.begins.iter().filter(|begin| path.starts_with(&begin.given));
        let begin = led.max_by_key(|begin| begin.given.components().count());
        match begin {
            Some(begin) => {
                let below = path.strip_prefix(&begin.given).ok()?;
                Some((begin, begin.absolute.join(below).components().collect()))
            }
            // Paths below `.` may lack that prefix.
            None => {
                let begin = self.begins.iter().find(|begin| begin.given == Path::new("."))?;
                let base = PathBase { root: PathBuf::from("/"), start: begin.absolute.clone() };
                path.is_relative().then_some(())?;
                Some((begin, base.root.join(base.relative_to_root(path)?)))
            }
        }
    }

    /// The root of the repository that `dir` belongs to.
    fn root(&self, begin: &StartPath, dir: &Path) -> Option<PathBuf> {
        let workspace = self.workspace.as_deref().filter(|workspace| dir.starts_with(workspace));
        if let Some(workspace) = workspace.filter(|workspace| is_repository(workspace)) {
            return Some(workspace.to_owned());
        }
        if let Some(root) = &begin.root {
            return Some(root.clone());
        }
        // The outermost repository below the starting point; those inside it are its submodules.
        let below = dir.ancestors().take_while(|above| above.starts_with(&begin.absolute));
        let below: Vec<_> = below.collect();
        let outermost = below.into_iter().rev().find(|above| is_repository(above));
        outermost.or(workspace).map(Path::to_owned)
    }
}

/// Absolute and without links, except for the last component: a link to a file is reported under its own path.
fn absolute(given: &Path) -> Option<PathBuf> {
    if given.is_dir() {
        return fs::canonicalize(given).ok();
    }
    let parent = given.parent().filter(|parent| !parent.as_os_str().is_empty());
    Some(fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?.join(given.file_name()?))
}

fn is_repository(dir: &Path) -> bool {
    dir.join(".git").symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_below_is_that_of_its_files_and_one_within_it_is_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        for name in ["repo/.git", "repo/sub/.git", "repo/sub/deep", "bare/x"] {
            fs::create_dir_all(top.join(name)).unwrap();
        }
        let find = |given: &str, path: &str, workspace: Option<&str>| {
            let begins = Roots::new(&[top.join(given)]).begins;
            let roots = Roots { begins, workspace: workspace.map(|name| top.join(name)) };
            let (begin, absolute) = roots.place(&top.join(path)).unwrap();
            let root = roots.root(begin, absolute.parent().unwrap())?;
            Some(absolute.strip_prefix(root).unwrap().to_str().unwrap().to_owned())
        };
        assert_eq!(find("", "repo/sub/deep/k", None).as_deref(), Some("sub/deep/k"));
        assert_eq!(find("repo", "repo/sub/deep/k", None).as_deref(), Some("sub/deep/k"));
        assert_eq!(find("repo/sub", "repo/sub/deep/k", None).as_deref(), Some("deep/k"));
        // The checkout of the CI system takes precedence.
        assert_eq!(find("repo/sub", "repo/sub/deep/k", Some("repo")).as_deref(), Some("sub/deep/k"));
        assert_eq!(find("", "repo/sub/k", Some("")).as_deref(), Some("sub/k"));
        // The directory for temporary files may itself be inside a repository.
        if Roots::new(std::slice::from_ref(&top)).begins[0].root.is_none() {
            assert_eq!(find("", "bare/x/k", None), None);
            assert_eq!(find("bare", "bare/x/k", Some("")).as_deref(), Some("bare/x/k"));
        }
    }
}
