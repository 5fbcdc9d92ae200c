//! Determines the paths of findings relative to the root of their repository. Code scanning and annotations require these
//! paths, whatever directory friskey was started in.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::environment::variable;
use crate::model::{Draft, PathBase, native_path};

/// Adds the paths within repositories to the draft of a scan that started at the paths in `scanned_paths`.
pub(super) fn add_repository_paths(draft: &mut Draft, scanned_paths: &[PathBuf]) {
    let roots = ScanRoots::new(scanned_paths);
    let mut roots_by_dir: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
    let findings = draft.leaks.iter().flat_map(|leak| &leak.findings);
    let paths = findings.filter_map(|finding| finding.origin.path.as_deref());
    let mut additions = Vec::new();
    for reported_path in paths {
        let path = native_path(reported_path);
        let Some((start, absolute)) = roots.locate(&path) else { continue };
        let dir = absolute.parent().unwrap_or(&absolute).to_owned();
        let root = roots_by_dir.entry(dir).or_insert_with_key(|dir| roots.root(start, dir));
        let Some(path_in_repository) = root.as_ref().and_then(|root| absolute.strip_prefix(root).ok()) else {
            continue;
        };
        let parts: Vec<_> = path_in_repository.iter().map(|part| part.as_encoded_bytes()).collect();
        let path_in_repository = parts.join(&b'/');
        if path_in_repository != reported_path {
            additions.push((reported_path.to_vec(), path_in_repository));
        }
    }
    draft.repository_paths.extend(additions);
}

/// A path at which a scan started.
struct StartPath {
    /// The path as the user gave it.
    given_path: PathBuf,
    /// The absolute path, with links resolved.
    absolute: PathBuf,
    /// The root of the repository around it, if there is one.
    root: Option<PathBuf>,
}

/// The paths at which the scan started, and how they relate to repositories.
struct ScanRoots {
    start_paths: Vec<StartPath>,
    /// The checkout of the CI system, if known.
    workspace: Option<PathBuf>,
}

impl ScanRoots {
    fn new(scanned_paths: &[PathBuf]) -> Self {
        let start_paths = scanned_paths.iter().filter_map(|given| {
            let absolute = to_absolute(given)?;
            let root = absolute.ancestors().find(|dir| is_repository(dir)).map(Path::to_owned);
            Some(StartPath { given_path: given.clone(), absolute, root })
        });
        let workspace = variable("GITHUB_WORKSPACE").and_then(|path| fs::canonicalize(path).ok());
        Self { start_paths: start_paths.collect(), workspace }
    }

    /// The starting point from which the path was reached, and the absolute path.
    fn locate(&self, path: &Path) -> Option<(&StartPath, PathBuf)> {
        let matching = self.start_paths.iter().filter(|start| path.starts_with(&start.given_path));
        let start = matching.max_by_key(|start| start.given_path.components().count());
        match start {
            Some(start) => {
                let below_start = path.strip_prefix(&start.given_path).ok()?;
                Some((start, start.absolute.join(below_start).components().collect()))
            }
            // Paths below `.` may lack that prefix.
            None => {
                let start = self.start_paths.iter().find(|start| start.given_path == Path::new("."))?;
                let base = PathBase { root: PathBuf::from("/"), start: start.absolute.clone() };
                path.is_relative().then_some(())?;
                Some((start, base.root.join(base.relative_to_root(path)?)))
            }
        }
    }

    /// The root of the repository that `dir` belongs to.
    fn root(&self, start: &StartPath, dir: &Path) -> Option<PathBuf> {
        let workspace = self.workspace.as_deref().filter(|workspace| dir.starts_with(workspace));
        if let Some(workspace) = workspace.filter(|workspace| is_repository(workspace)) {
            return Some(workspace.to_owned());
        }
        if let Some(root) = &start.root {
            return Some(root.clone());
        }
        // The outermost repository below the starting point; those inside it are its submodules.
        let below_start = dir.ancestors().take_while(|above| above.starts_with(&start.absolute));
        let below_start: Vec<_> = below_start.collect();
        let outermost = below_start.into_iter().rev().find(|above| is_repository(above));
        outermost.or(workspace).map(Path::to_owned)
    }
}

/// The path made absolute and without links, except for the last component: a link to a file is reported under its own path.
fn to_absolute(given: &Path) -> Option<PathBuf> {
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
    fn paths_are_relative_to_the_repository_around_the_start_or_the_outermost_one_below_it() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        for name in ["repo/.git", "repo/sub/.git", "repo/sub/deep", "bare/x"] {
            fs::create_dir_all(top.join(name)).unwrap();
        }
        let find = |given: &str, path: &str, workspace: Option<&str>| {
            let start_paths = ScanRoots::new(&[top.join(given)]).start_paths;
            let roots = ScanRoots { start_paths, workspace: workspace.map(|name| top.join(name)) };
            let (start, absolute) = roots.locate(&top.join(path)).unwrap();
            let root = roots.root(start, absolute.parent().unwrap())?;
            Some(absolute.strip_prefix(root).unwrap().to_str().unwrap().to_owned())
        };
        assert_eq!(find("", "repo/sub/deep/k", None).as_deref(), Some("sub/deep/k"));
        assert_eq!(find("repo", "repo/sub/deep/k", None).as_deref(), Some("sub/deep/k"));
        assert_eq!(find("repo/sub", "repo/sub/deep/k", None).as_deref(), Some("deep/k"));
        // The checkout of the CI system takes precedence.
        assert_eq!(find("repo/sub", "repo/sub/deep/k", Some("repo")).as_deref(), Some("sub/deep/k"));
        assert_eq!(find("", "repo/sub/k", Some("")).as_deref(), Some("sub/k"));
        // The directory for temporary files may itself be inside a repository.
        if ScanRoots::new(std::slice::from_ref(&top)).start_paths[0].root.is_none() {
            assert_eq!(find("", "bare/x/k", None), None);
            assert_eq!(find("bare", "bare/x/k", Some("")).as_deref(), Some("bare/x/k"));
        }
    }
}
