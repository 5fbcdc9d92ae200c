//! The walk below the roots of a plan: directories in which a repository begins, and what could not be looked at. No symbolic
//! link is followed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::git_layout::{Layout, common_dir, is_git_dir, layout};
use super::remarks::Remarks;
use crate::model::RepositoryKind;

/// The directories that git and Git LFS make in a git directory.
const DIRECTORIES_OF_GIT: [&str; 8] =
    ["objects", "refs", "hooks", "info", "logs", "modules", "worktrees", "lfs"];

/// A repository that was found.
pub(super) struct FoundRepository {
    pub(super) path: PathBuf,
    pub(super) kind: RepositoryKind,
    pub(super) work_trees: BTreeSet<PathBuf>,
}

impl FoundRepository {
    /// One without linked work trees.
    pub(super) fn new(path: PathBuf, kind: RepositoryKind) -> Self {
        Self { path, kind, work_trees: BTreeSet::new() }
    }
}

/// What was found below the roots.
pub(super) struct Walk<'a> {
    /// The roots, absolute and without links.
    pub(super) roots: Vec<PathBuf>,
    /// The repositories by common git directory.
    pub(super) repositories: BTreeMap<PathBuf, FoundRepository>,
    /// Work trees whose `.git` is a file or a link, and the git directories that it names.
    pub(super) pointers: Vec<(PathBuf, PathBuf)>,
    pub(super) remarks: Remarks<'a>,
    /// Directories that were visited: roots may overlap, and a directory may be mounted in itself.
    visited: HashSet<DirectoryIdentity>,
}

#[cfg(unix)]
type DirectoryIdentity = (u64, u64);
#[cfg(not(unix))]
type DirectoryIdentity = PathBuf;

#[cfg(unix)]
fn directory_identity(_: &Path, metadata: &Metadata) -> DirectoryIdentity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn directory_identity(path: &Path, _: &Metadata) -> DirectoryIdentity {
    path.to_owned()
}

/// The directories in a directory, as far as it can be read.
fn directories_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

impl<'a> Walk<'a> {
    /// Walks everything below `roots`.
    pub(super) fn run(roots: Vec<PathBuf>, remarks: Remarks<'a>) -> Self {
        let mut waiting: Vec<PathBuf> = roots.iter().rev().cloned().collect();
        let mut walk = Self {
            roots,
            repositories: BTreeMap::new(),
            pointers: Vec::new(),
            remarks,
            visited: HashSet::new(),
        };
        while let Some(dir) = waiting.pop() {
            walk.visit(&dir, &mut waiting);
        }
        walk
    }

    /// Whether a path is below a root.
    pub(super) fn is_below_root(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn visit(&mut self, dir: &Path, waiting: &mut Vec<PathBuf>) {
        let metadata = match dir.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => metadata,
            // It was replaced or removed since it was listed.
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.remarks.skip(dir, format!("cannot be looked at: {error}")),
        };
        if !self.visited.insert(directory_identity(dir, &metadata)) {
            return;
        }
        match layout(dir) {
            Layout::Plain => {}
            Layout::GitDir => {
                self.note_nested(dir);
                return self.add_git_dir(dir, dir, RepositoryKind::Bare);
            }
            Layout::WorkTree(git_dir) => self.add_git_dir(dir, &git_dir, RepositoryKind::WorkTree),
            Layout::Pointer(target) => self.pointers.push((dir.to_owned(), target)),
            Layout::Unclear(reason) => self.remarks.skip(dir, reason),
        }
        self.queue_entries(dir, waiting);
    }

    /// Queues the directories in `dir`.
    fn queue_entries(&mut self, dir: &Path, waiting: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.remarks.skip(dir, format!("the directory cannot be read: {error}")),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let reason = format!("the directory cannot be read to its end: {error}");
                    return self.remarks.skip(dir, reason);
                }
            };
            // The git directory of a work tree is known already.
            if entry.file_name() == ".git" {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                Ok(kind) if kind.is_symlink() => self.visit_link(&entry.path()),
                Ok(_) => {}
                Err(error) => self.remarks.skip(&entry.path(), format!("cannot be looked at: {error}")),
            }
        }
    }

    /// Records where a link leads, if that is a directory outside the roots. A directory below the roots is walked anyway.
    fn visit_link(&mut self, link: &Path) {
        let Ok(target) = link.canonicalize() else { return };
        if !target.is_dir() || self.is_below_root(&target) {
            return;
        }
        let target_text = self.remarks.display_path(&target);
        if is_git_dir(&target) || target.join(".git").symlink_metadata().is_ok() {
            let reason = format!(
                "a symbolic link to a repository outside the roots, {target_text}; name that as a root, too"
            );
            self.remarks.skip(link, reason);
        } else {
            let reason =
                format!("a symbolic link to a directory outside the roots, {target_text}; not followed");
            self.remarks.ignore_link(link, reason);
        }
    }

    /// Notes that other repositories are in a bare one, directly or one directory further down, as after `git init --bare` in a directory of mirrors: they are
    /// audited as parts of it.
    fn note_nested(&mut self, git_dir: &Path) {
        let is_made_by_git = |path: &Path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            DIRECTORIES_OF_GIT.iter().any(|known_name| name == known_name.as_bytes())
        };
        let is_repository = |path: &Path| is_git_dir(path) || path.join(".git").symlink_metadata().is_ok();
        let mut count = 0u64;
        for outer in directories_in(git_dir).into_iter().filter(|path| !is_made_by_git(path)) {
            let inner = if is_repository(&outer) { vec![outer] } else { directories_in(&outer) };
            count += inner.iter().filter(|path| is_repository(path)).count() as u64;
        }
        if count > 0 {
            let noun = if count == 1 { "repository" } else { "repositories" };
            self.remarks.note(
                git_dir,
                format!(
                    "{count} {noun} in this git directory will be audited as part of it; if it was made by mistake, \
                     remove its HEAD, config, objects and refs, and plan anew"
                ),
            );
        }
    }

    fn add_git_dir(&mut self, path: &Path, git_dir: &Path, kind: RepositoryKind) {
        let common = common_dir(git_dir);
        if common != git_dir {
            // The git directory of a linked work tree, in an unusual place.
            return self.pointers.push((path.to_owned(), git_dir.to_owned()));
        }
        self.repositories
            .entry(git_dir.to_owned())
            .or_insert_with(|| FoundRepository::new(path.to_owned(), kind));
    }
}
