//! Scans the files of a git directory: configuration, hooks, reflogs, saved messages, refs, locks, the LFS cache, and
//! anything else in it.
//!
//! Every file is searched as plain bytes, whatever its name, and so are all names and link targets. Object
//! directories and nested git directories are left to other code.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::FileScanner;
use super::path::path_bytes;
use super::{Sink, reason};
use crate::container::Input;
use crate::model::{Origin, Skip, Surface};

/// A git directory to scan.
#[derive(Clone, Copy, Debug)]
pub struct GitDir<'a> {
    /// The directory.
    pub dir: &'a Path,
    /// The prefix of reported paths.
    pub reported_prefix: &'a [u8],
    /// Its work tree, into which links may lead.
    pub work_tree: Option<&'a Path>,
    /// The surfaces to scan.
    pub surfaces: &'a BTreeSet<Surface>,
}

/// A directory within a git directory that looks like a git directory itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NestedDir {
    /// The directory.
    pub path: PathBuf,
    /// Its path relative to the git directory, with `/`.
    pub relative_path: Vec<u8>,
}

/// Scans the files of a git directory into `sink`, and the names of files and directories into `names`. Returns
/// nested git directories, which it does not scan.
pub fn scan_git_dir(git_dir: GitDir<'_>, sink: &dyn Sink, names: &dyn Sink) -> Vec<NestedDir> {
    let mut scanner = FileScanner { worker: sink.worker(), sink };
    for surface in [Surface::Config, Surface::Hook, Surface::Reflog, Surface::GitFile, Surface::Lfs] {
        if git_dir.surfaces.contains(&surface) {
            scanner.worker.surface(surface);
        }
    }
    let names = FileScanner { worker: names.worker(), sink: names };
    let mut walk = GitDirWalk {
        git_dir,
        scanner,
        names,
        pending: vec![(git_dir.dir.to_owned(), 0)],
        nested_dirs: Vec::new(),
    };
    while let Some((dir, depth)) = walk.pending.pop() {
        if sink.is_stopped() {
            break;
        }
        walk.list(&dir, depth);
    }
    walk.nested_dirs.sort();
    walk.nested_dirs
}

struct GitDirWalk<'a, 's> {
    git_dir: GitDir<'a>,
    scanner: FileScanner<'s>,
    names: FileScanner<'s>,
    /// Directories to visit, with their depth.
    pending: Vec<(PathBuf, usize)>,
    nested_dirs: Vec<NestedDir>,
}

impl GitDirWalk<'_, '_> {
    fn list(&mut self, dir: &Path, depth: usize) {
        let mut entries = match fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            // Removed since, as git does with empty directories of refs.
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth > 0 => return,
            Err(error) => return self.skip(dir, reason(&error)),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        if depth > 0 && is_git_dir(&entries) {
            let relative_path = self.path_in_git_dir(dir);
            return self.nested_dirs.push(NestedDir { path: dir.to_owned(), relative_path });
        }
        for entry in entries {
            let path = entry.path();
            match entry.file_type() {
                // The sweep covers the object database.
                Ok(kind) if depth == 0 && entry.file_name() == "objects" => {
                    if kind.is_symlink() {
                        self.objects_link(&path);
                    }
                }
                Ok(kind) => self.entry(path, kind, depth + 1),
                Err(error) => self.skip(&path, reason(&error)),
            }
        }
    }

    fn entry(&mut self, path: PathBuf, kind: fs::FileType, depth: usize) {
        let relative_path = self.path_in_git_dir(&path);
        let surface = surface(&relative_path);
        let is_wanted = self.git_dir.surfaces.contains(&surface);
        let origin = Origin::at_path(surface, [self.git_dir.reported_prefix, &relative_path].concat());
        if is_wanted {
            self.names.worker.name_on_surface(surface, origin.path.as_deref().unwrap_or_default());
        }
        if kind.is_dir() {
            self.pending.push((path, depth));
        } else if is_wanted && kind.is_symlink() {
            self.link(&path, &origin);
        } else if is_wanted && !is_socket(kind) {
            self.scanner.file(&path, &origin, false);
        }
    }

    fn objects_link(&mut self, path: &Path) {
        let relative_path = self.path_in_git_dir(path);
        let surface = surface(&relative_path);
        let origin = Origin::at_path(surface, [self.git_dir.reported_prefix, &relative_path].concat());
        if self.git_dir.surfaces.contains(&surface)
            && let Err(reason) = scan_link_target(&mut self.scanner, path, &origin)
        {
            self.skip(path, reason);
        }
    }

    fn link(&mut self, path: &Path, origin: &Origin) {
        let GitDir { dir, work_tree, .. } = self.git_dir;
        if let Err(reason) = scan_link(&mut self.scanner, path, origin, &[dir], work_tree) {
            self.skip(path, reason);
        }
    }

    fn path_in_git_dir(&self, path: &Path) -> Vec<u8> {
        path_bytes(path.strip_prefix(self.git_dir.dir).unwrap_or(path))
    }

    fn skip(&mut self, path: &Path, reason: String) {
        let relative_path = self.path_in_git_dir(path);
        let reported_path = [self.git_dir.reported_prefix, &relative_path].concat();
        self.scanner.worker.skip(Skip::new(String::from_utf8_lossy(&reported_path), reason));
    }
}

/// Scans the last components of `paths` into `names`, and the links in object directories, each with its
/// origin, into `sink`. The flag of a link says whether other code reads its target. Other code also reads the directories
/// `scanned_dirs`.
pub fn scan_object_names(
    paths: &[Vec<u8>],
    links: &[(PathBuf, Origin, bool)],
    (scanned_dirs, work_tree): (&[&Path], Option<&Path>),
    (sink, names): (&dyn Sink, &dyn Sink),
) {
    let mut worker = names.worker();
    paths.iter().for_each(|path| worker.name_on_surface(Surface::GitFile, path));
    let mut scanner = FileScanner { worker: sink.worker(), sink };
    for (path, origin, is_followed) in links {
        let outcome = match is_followed {
            true => scan_link_target(&mut scanner, path, origin),
            false => scan_link(&mut scanner, path, origin, scanned_dirs, work_tree),
        };
        if let Err(reason) = outcome {
            scanner.skip(origin.path.as_deref().unwrap_or_default(), reason);
        }
    }
}

/// Scans the text of a link's target.
fn scan_link_target(scanner: &mut FileScanner<'_>, path: &Path, origin: &Origin) -> Result<(), String> {
    let target = fs::read_link(path).map_err(|error| reason(&error))?;
    // Reading from memory cannot fail.
    let _ = scanner.worker.blob(origin, Input::Bytes(&path_bytes(&target)));
    Ok(())
}

/// Scans the text of a link's target, and the target itself if it is a file of the work tree. A target within
/// `scanned_dirs` is scanned elsewhere. Any other target is not opened, which is an error.
fn scan_link(
    scanner: &mut FileScanner<'_>,
    path: &Path,
    origin: &Origin,
    scanned_dirs: &[&Path],
    work_tree: Option<&Path>,
) -> Result<(), String> {
    scan_link_target(scanner, path, origin)?;
    let real = match path.canonicalize() {
        Ok(real) => real,
        // The link is broken.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(reason(&error)),
    };
    let is_below = |dir: &Path| dir.canonicalize().is_ok_and(|dir| real.starts_with(dir));
    if scanned_dirs.iter().any(|dir| is_below(dir)) {
        return Ok(());
    }
    let is_in_work_tree = work_tree.is_some_and(is_below);
    if is_in_work_tree && fs::symlink_metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
        scanner.file(&real, origin, false);
        return Ok(());
    }
    let what = if is_in_work_tree { "to a directory" } else { "to a place outside the repository" };
    Err(format!("a symbolic link {what}, not followed; scan its target separately"))
}

/// A socket, such as that of git's file system monitor, has no content; only its name is scanned.
#[cfg(unix)]
fn is_socket(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

#[cfg(not(unix))]
fn is_socket(_: fs::FileType) -> bool {
    false
}

/// Whether a directory with these entries is or was a git directory: it contains objects and at least one other
/// part.
fn is_git_dir(entries: &[fs::DirEntry]) -> bool {
    let has = |name: &str| entries.iter().any(|entry| entry.file_name() == name);
    has("objects") && ["HEAD", "refs", "config", "packed-refs", "reftable"].iter().any(|name| has(name))
}

fn surface(relative_path: &[u8]) -> Surface {
    let first = relative_path.split(|&byte| byte == b'/').next().unwrap_or_default();
    match first {
        b"config" | b"config.worktree" => Surface::Config,
        b"hooks" => Surface::Hook,
        b"logs" => Surface::Reflog,
        b"lfs" => Surface::Lfs,
        b"worktrees" if relative_path.split(|&byte| byte == b'/').nth(2) == Some(b"logs") => Surface::Reflog,
        _ => Surface::GitFile,
    }
}
