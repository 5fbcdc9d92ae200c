//! Determines what is ignored in a directory: by its own ignore files and those of the directories above it, as in git and
//! ripgrep.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, Glob, gitconfig_excludes_path};

use super::ignore_file::{IgnoreBudget, patterns};
use super::repository::Repository;
use crate::model::Skip;
use crate::untrusted::Symlinks;

/// Maximum number of nested directories whose ignore files are honored, since each costs time for every path below it.
const MAX_LEVELS: usize = 200;

/// What all levels of one run share.
#[derive(Debug)]
pub(super) struct IgnoreContext {
    pub(super) budget: IgnoreBudget,
    /// The user's global excludes.
    global: Option<Gitignore>,
}

impl IgnoreContext {
    /// Reads the user's global excludes; reports problems to `skip`.
    pub(super) fn new(skip: &mut dyn FnMut(Skip)) -> Self {
        let budget = IgnoreBudget::new();
        let global = gitconfig_excludes_path().and_then(|path| {
            let name = path.display().to_string();
            read(&path, &name, Symlinks::Follow, &budget, skip)
        });
        Self { budget, global }
    }
}

/// A directory with ignore files or the top of a repository, linked to the levels above it.
#[derive(Debug)]
pub(super) struct IgnoreLevel {
    above: Option<Arc<Self>>,
    /// Absolute.
    dir: PathBuf,
    /// `.ignore`
    ignore: Option<Gitignore>,
    /// `.gitignore`
    git_ignore: Option<Gitignore>,
    /// The repository that starts here.
    repository: Option<Repository>,
    is_in_repository: bool,
    /// The number of levels down to this one, inclusive.
    depth: usize,
}

impl IgnoreLevel {
    /// The level of `dir` below `above`; `above` itself if the directory adds nothing. `may_contain` is false for names
    /// that are certainly not in the directory. `display_name` gives the names of its files for messages.
    pub(super) fn enter(
        above: Option<&Arc<Self>>,
        dir: &Path,
        may_contain: &dyn Fn(&str) -> bool,
        display_name: &dyn Fn(&str) -> String,
        context: &IgnoreContext,
        skip: &mut dyn FnMut(Skip),
    ) -> Option<Arc<Self>> {
        let repository = if may_contain(".git") {
            Repository::find_at(dir, display_name, &context.budget, skip)
        } else {
            None
        };
        let mut read_ignore_file = |name: &str| {
            may_contain(name)
                .then(|| read(&dir.join(name), &display_name(name), Symlinks::Refuse, &context.budget, skip))
                .flatten()
        };
        let ignore = read_ignore_file(".ignore");
        let is_in_repository = repository.is_some() || above.is_some_and(|above| above.is_in_repository);
        // Outside a repository, `.gitignore` is an ordinary file.
        let git_ignore = if is_in_repository { read_ignore_file(".gitignore") } else { None };
        if repository.is_none() && ignore.is_none() && git_ignore.is_none() {
            return above.cloned();
        }
        let depth = above.map_or(0, |above| above.depth) + 1;
        let mut level = Self {
            above: above.cloned(),
            dir: dir.to_owned(),
            ignore,
            git_ignore,
            is_in_repository,
            repository,
            depth,
        };
        if depth > MAX_LEVELS {
            if level.ignore.take().is_some() | level.git_ignore.take().is_some() {
                // The same text for all directories, so that it is reported once.
                let reason = format!("ignore files are honored in at most {MAX_LEVELS} nested directories");
                skip(not_used("ignore files further down".to_owned(), &reason));
            }
            if level.repository.is_none() {
                return above.cloned();
            }
        }
        Some(Arc::new(level))
    }

    /// The pattern that ignores `path`, which is absolute and in or below the directory of this level.
    pub(super) fn ignores<'l>(
        &'l self,
        path: &Path,
        is_dir: bool,
        context: &'l IgnoreContext,
    ) -> Option<String> {
        // The nearest file of each kind that mentions the path decides. `.ignore` takes precedence over
        // `.gitignore`, that over the excludes of the git directory, and those over the user's global excludes.
        let [mut ignore, mut git_ignore, mut exclude, mut global] = [const { Match::None }; 4];
        let mut is_above_top = !self.is_in_repository;
        let mut level = Some(self);
        while let Some(current) = level {
            level = current.above.as_deref();
            let look_up = |nearest: &mut Match<_>, globs: Option<&'l Gitignore>| {
                if let (true, Some(globs)) = (nearest.is_none(), globs) {
                    *nearest = globs.matched(relative_to(path, &current.dir), is_dir);
                }
            };
            look_up(&mut ignore, current.ignore.as_ref());
            if is_above_top {
                continue;
            }
            look_up(&mut git_ignore, current.git_ignore.as_ref());
            if let Some(repository) = &current.repository {
                look_up(&mut exclude, repository.exclude.as_ref());
                look_up(&mut global, context.global.as_ref());
                is_above_top = true;
            }
        }
        match ignore.or(git_ignore).or(exclude).or(global) {
            Match::Ignore(glob) => Some(pattern_name(glob)),
            Match::None | Match::Whitelist(_) => None,
        }
    }

    /// The repositories that contain the directory, innermost first.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        let levels = std::iter::successors(Some(self), |level| level.above.as_deref());
        levels.filter_map(|level| level.repository.as_ref())
    }
}

/// `path` relative to `dir`, which contains it. Compares bytes, since it is called for every path at every
/// level.
#[cfg(unix)]
fn relative_to<'p>(path: &'p Path, dir: &Path) -> &'p Path {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (path, dir) = (path.as_os_str().as_bytes(), dir.as_os_str().as_bytes());
    let rest = path.strip_prefix(dir).unwrap_or(path);
    Path::new(OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or(rest)))
}

#[cfg(not(unix))]
fn relative_to<'p>(path: &'p Path, dir: &Path) -> &'p Path {
    path.strip_prefix(dir).unwrap_or(path)
}

/// The pattern with its file and line, for reports.
fn pattern_name(glob: &Glob) -> String {
    glob.from().map_or_else(|| glob.original().to_owned(), |from| from.display().to_string())
}

/// Reads an ignore file; one that is rejected is a skip and ignores nothing.
pub(super) fn read(
    path: &Path,
    name: &str,
    links: Symlinks<'_>,
    budget: &IgnoreBudget,
    skip: &mut dyn FnMut(Skip),
) -> Option<Gitignore> {
    patterns(path, name, links, budget).unwrap_or_else(|reason| {
        skip(not_used(name.to_owned(), &reason));
        None
    })
}

fn not_used(name: String, reason: &str) -> Skip {
    Skip::new(name, format!("ignore file not used, so nothing is ignored because of it: {reason}"))
}
