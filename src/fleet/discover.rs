//! Finds every repository below some directories. No symbolic link is followed, and nothing is opened but the files
//! that lead from a work tree to its git directory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::git_layout::{Layout, common_dir, is_git_dir, layout};
use super::object_size::ObjectSizes;
use super::path_text::path_text;
use super::plan::plan_id;
use crate::model::{FleetPlan, PLAN_SCHEMA, PlannedRepository, RepositoryKind, Skip};

/// Most links that are named in a plan; the others are counted.
const MAX_IGNORED: usize = 1000;

/// Directories of a git directory that are its own.
const GIT_DIRS: [&str; 8] = ["objects", "refs", "hooks", "info", "logs", "modules", "worktrees", "lfs"];

/// Finds the repositories below `roots`. `shown` masks what looks like a key in a path that is only shown; a repository
/// whose own path contains one is skipped.
///
/// # Errors
/// If a root cannot be opened.
pub fn discover(
    roots: &[PathBuf],
    shown: &dyn Fn(&Path) -> Option<String>,
) -> Result<FleetPlan, (PathBuf, io::Error)> {
    let mut real = BTreeSet::new();
    for root in roots {
        let resolved = root.canonicalize().and_then(|path| fs::read_dir(&path).map(|_| path));
        real.insert(resolved.map_err(|error| (root.clone(), error))?);
    }
    let mut walk = Walk {
        shown,
        found: BTreeMap::new(),
        pointers: Vec::new(),
        met: HashSet::new(),
        skipped: BTreeSet::new(),
        ignored: BTreeSet::new(),
        more_ignored: 0,
        notes: BTreeSet::new(),
        roots: real.into_iter().collect(),
    };
    let mut waiting: Vec<PathBuf> = walk.roots.iter().rev().cloned().collect();
    while let Some(dir) = waiting.pop() {
        walk.dir(&dir, &mut waiting);
    }
    walk.resolve_pointers();
    Ok(walk.finish())
}

/// A repository that was found.
struct FoundRepository {
    path: PathBuf,
    kind: RepositoryKind,
    work_trees: BTreeSet<PathBuf>,
}

struct Walk<'a> {
    shown: &'a dyn Fn(&Path) -> Option<String>,
    roots: Vec<PathBuf>,
    /// By common git directory.
    found: BTreeMap<PathBuf, FoundRepository>,
    /// Work trees, and the git directories that they name.
    pointers: Vec<(PathBuf, PathBuf)>,
    /// Directories that were visited: roots may overlap, and a directory may be mounted in itself.
    met: HashSet<DirIdentity>,
    skipped: BTreeSet<Skip>,
    ignored: BTreeSet<Skip>,
    /// How many links beyond [`MAX_IGNORED`] there are.
    more_ignored: u64,
    notes: BTreeSet<Skip>,
}

#[cfg(unix)]
type DirIdentity = (u64, u64);
#[cfg(not(unix))]
type DirIdentity = PathBuf;

#[cfg(unix)]
fn identity(_: &Path, metadata: &Metadata) -> DirIdentity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(path: &Path, _: &Metadata) -> DirIdentity {
    path.to_owned()
}

/// The directories in a directory, as far as it can be read.
fn dirs_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

impl Walk<'_> {
    fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.insert(Skip::new(self.name(path), reason));
    }

    /// A path for people.
    fn name(&self, path: &Path) -> String {
        (self.shown)(path).unwrap_or_else(|| path_text(path).0)
    }

    fn dir(&mut self, dir: &Path, waiting: &mut Vec<PathBuf>) {
        let metadata = match dir.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => metadata,
            // It was replaced or removed since it was listed.
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.skip(dir, format!("cannot be looked at: {error}")),
        };
        if !self.met.insert(identity(dir, &metadata)) {
            return;
        }
        match layout(dir) {
            Layout::Plain => {}
            Layout::GitDir => {
                self.note_nested(dir);
                return self.git_dir(dir, dir, RepositoryKind::Bare);
            }
            Layout::WorkTree(git_dir) => self.git_dir(dir, &git_dir, RepositoryKind::WorkTree),
            Layout::Pointer(target) => self.pointers.push((dir.to_owned(), target)),
            Layout::Unclear(reason) => self.skip(dir, reason),
        }
        self.entries(dir, waiting);
    }

    /// Queues the directories in `dir`.
    fn entries(&mut self, dir: &Path, waiting: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.skip(dir, format!("the directory cannot be read: {error}")),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    return self.skip(dir, format!("the directory cannot be read to its end: {error}"));
                }
            };
            // A work tree's own git directory was dealt with.
            if entry.file_name() == ".git" {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                Ok(kind) if kind.is_symlink() => self.link(&entry.path()),
                Ok(_) => {}
                Err(error) => self.skip(&entry.path(), format!("cannot be looked at: {error}")),
            }
        }
    }

    /// Says of a link where it leads, if that is a directory outside the roots. What is below them is found anyway.
    fn link(&mut self, link: &Path) {
        let Ok(target) = link.canonicalize() else { return };
        if !target.is_dir() || self.is_inside(&target) {
            return;
        }
        let to = self.name(&target);
        if is_git_dir(&target) || target.join(".git").symlink_metadata().is_ok() {
            let reason =
                format!("a symbolic link to a repository outside the roots, {to}; name that as a root, too");
            self.skip(link, reason);
        } else if self.ignored.len() < MAX_IGNORED {
            let reason = format!("a symbolic link to a directory outside the roots, {to}; not followed");
            self.ignored.insert(Skip::new(self.name(link), reason));
        } else {
            self.more_ignored += 1;
        }
    }

    /// Notes that other repositories are in a bare one, as after `git init --bare` in a directory of mirrors: they
    /// are audited as parts of it.
    fn note_nested(&mut self, git_dir: &Path) {
        let is_own = |path: &Path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            GIT_DIRS.iter().any(|own| name == own.as_bytes())
        };
        let is_repository = |path: &Path| is_git_dir(path) || path.join(".git").symlink_metadata().is_ok();
        let mut count = 0u64;
        for outer in dirs_in(git_dir).into_iter().filter(|path| !is_own(path)) {
            let inner = if is_repository(&outer) { vec![outer] } else { dirs_in(&outer) };
            count += inner.iter().filter(|path| is_repository(path)).count() as u64;
        }
        if count > 0 {
            let noun = if count == 1 { "repository" } else { "repositories" };
            let reason = format!(
                "{count} {noun} in this git directory will be audited as part of it; if it was made by mistake, remove its \
                 HEAD, config, objects and refs, and plan anew"
            );
            self.notes.insert(Skip::new(self.name(git_dir), reason));
        }
    }

    fn is_inside(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn git_dir(&mut self, path: &Path, git_dir: &Path, kind: RepositoryKind) {
        let common = common_dir(git_dir);
        if common != git_dir {
            // The git directory of a linked work tree, in an unusual place.
            return self.pointers.push((path.to_owned(), git_dir.to_owned()));
        }
        let found = FoundRepository { path: path.to_owned(), kind, work_trees: BTreeSet::new() };
        self.found.entry(git_dir.to_owned()).or_insert(found);
    }

    /// Assigns work trees to the repositories whose git directory they name.
    fn resolve_pointers(&mut self) {
        let mut pointers = std::mem::take(&mut self.pointers);
        pointers.sort();
        for (work_tree, target) in pointers {
            let real = |path: &Path| path.canonicalize();
            let common = match real(&target).and_then(|git_dir| real(&common_dir(&git_dir))) {
                Ok(common) => common,
                Err(error) => {
                    let target = self.name(&target);
                    self.skip(&work_tree, format!("its git directory {target} cannot be opened: {error}"));
                    continue;
                }
            };
            if let Some(found) = self.found.get_mut(&common) {
                if found.path != work_tree {
                    found.work_trees.insert(work_tree);
                }
            } else if common.ancestors().any(|above| self.found.contains_key(above)) {
                // A submodule, whose git directory is audited with the repository around it.
            } else if self.is_inside(&common) {
                let kind = RepositoryKind::SeparateGitDir;
                let found = FoundRepository { path: work_tree, kind, work_trees: BTreeSet::new() };
                self.found.insert(common, found);
            } else {
                let target = self.name(&common);
                self.skip(
                    &work_tree,
                    format!("its git directory {target} is outside the roots; name that as a root, too"),
                );
            }
        }
    }

    fn finish(mut self) -> FleetPlan {
        if self.more_ignored > 0 {
            let what = format!("{} more links", self.more_ignored);
            self.ignored
                .insert(Skip::new(what, "symbolic links to directories outside the roots; not followed"));
        }
        let mut sizes = ObjectSizes::default();
        let mut repositories = Vec::new();
        for (git_dir, found) in std::mem::take(&mut self.found) {
            if (self.shown)(&found.path).is_some() {
                self.skip(
                    &found.path,
                    "its path contains what looks like a key, which a plan must not hold; rename it",
                );
                continue;
            }
            let (bytes, mut alternates) = sizes.of(&git_dir);
            for alternate in &mut alternates {
                alternate.path = self.name(Path::new(&alternate.path));
            }
            let (path, path_bytes) = path_text(&found.path);
            let work_trees = found.work_trees.iter().map(|path| self.name(path)).collect();
            repositories.push(PlannedRepository {
                path,
                path_bytes,
                kind: found.kind,
                bytes,
                alternates,
                work_trees,
            });
        }
        repositories.sort_by(|a, b| (&a.path, &a.path_bytes).cmp(&(&b.path, &b.path_bytes)));
        let mut plan = FleetPlan {
            schema: PLAN_SCHEMA.to_owned(),
            id: String::new(),
            roots: self.roots.iter().map(|root| self.name(root)).collect(),
            repositories,
            skipped: self.skipped.into_iter().collect(),
            ignored: self.ignored.into_iter().collect(),
            notes: self.notes.into_iter().collect(),
        };
        plan.id = plan_id(&plan);
        plan
    }
}
