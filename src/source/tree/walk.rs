//! The walk itself: lists directories, records what is ignored, and hands files to whichever thread is idle.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ignore_level::{IgnoreContext, IgnoreLevel};
use super::work_pool::{PoolJob, WorkPool};
use crate::git::is_git_dir;
use crate::model::{Ignored, Origin, Skip, Surface};
use crate::source::files::FileScanner;
use crate::source::path::path_bytes;
use crate::source::{Excludes, FileOptions, Sink, reason};
use crate::untrusted::describe;

/// The number of files that are handed to a thread at once.
const BATCH_FILES: usize = 32;
/// Maximum number of batches that wait. Beyond that, the thread that lists a directory scans its files, too.
const MAX_WAITING_BATCHES: usize = 1024;
/// Maximum number of entries of a directory that are listed before its ignore files are read. If there are no more, an
/// ignore file that is not among them does not exist.
const MAX_ENTRIES_AHEAD: usize = 1024;

pub(super) const NO_IGNORE: &str = "--no-ignore";

/// One walk over all given paths.
pub(super) struct TreeWalk<'w> {
    pub(super) options: &'w FileOptions,
    pub(super) excludes: Excludes,
    pub(super) sink: &'w dyn Sink,
    /// `None` if ignore files are not honored.
    pub(super) context: Option<IgnoreContext>,
    /// The starting points, absolute and without links. Each is scanned once, under the given name.
    pub(super) roots: HashSet<PathBuf>,
}

pub(super) enum Task {
    Dir(Dir),
    Files(Vec<FileEntry>),
}

/// A directory to list.
pub(super) struct Dir {
    /// The path as reported.
    pub(super) path: PathBuf,
    /// Absolute, without links above it.
    pub(super) absolute: PathBuf,
    pub(super) level: Option<Arc<IgnoreLevel>>,
    /// The pattern that ignores the directory, if any. Then only tracked files in it are scanned.
    pub(super) ignored_by: Option<Arc<str>>,
    /// Whether it was given by the user.
    pub(super) is_root: bool,
}

/// A file, link or special file.
pub(super) struct FileEntry {
    pub(super) path: PathBuf,
    pub(super) kind: FileType,
    /// Whether it was given by the user. Then links are followed, and its name is not scanned.
    pub(super) is_root: bool,
}

/// The kind and name of an entry of a directory, or why they are unknown.
type ReadEntry = io::Result<(FileType, OsString)>;

/// An entry of a directory.
struct ListedEntry<'f> {
    name: &'f OsStr,
    path: &'f Path,
    absolute: &'f Path,
    is_dir: bool,
}

impl<'w> PoolJob for TreeWalk<'w> {
    type Task = Task;
    type Worker = FileScanner<'w>;

    fn worker(&self) -> FileScanner<'w> {
        FileScanner { worker: self.sink.worker(), sink: self.sink }
    }

    fn run(&self, scanner: &mut FileScanner<'w>, task: Task, pool: &WorkPool<'_, '_, Self>) {
        match task {
            Task::Dir(dir) => self.list(scanner, &dir, pool),
            Task::Files(files) => self.files(scanner, files, pool),
        }
    }
}

impl TreeWalk<'_> {
    fn files(&self, scanner: &mut FileScanner<'_>, mut files: Vec<FileEntry>, pool: &WorkPool<'_, '_, Self>) {
        while let Some(entry) = files.pop() {
            if self.sink.is_stopped() {
                return;
            }
            if files.len() > 1 && pool.has_idle_thread() {
                let half = files.split_off(files.len() / 2);
                if let Err(Task::Files(half)) = pool.add(Task::Files(half), MAX_WAITING_BATCHES) {
                    files.extend(half);
                }
            }
            scanner.entry(&entry);
            if let Some(progress) = &self.options.progress {
                progress.done.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn list(&self, scanner: &mut FileScanner<'_>, dir: &Dir, pool: &WorkPool<'_, '_, Self>) {
        if self.sink.is_stopped() {
            return;
        }
        let mut entries = match fs::read_dir(&dir.path) {
            Ok(entries) => {
                entries.map(|entry| entry.and_then(|entry| Ok((entry.file_type()?, entry.file_name()))))
            }
            Err(error) => return scanner.skip(&path_bytes(&dir.path), reason(&error)),
        };
        let first_entries: Vec<ReadEntry> = entries.by_ref().take(MAX_ENTRIES_AHEAD).collect();
        let level = self.enter_level(scanner, dir, &first_entries);
        // Names in `.` are reported without a prefix.
        let is_here = dir.path == Path::new(".");
        let mut batch = Vec::new();
        for entry in first_entries.into_iter().chain(entries) {
            let (kind, name) = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    scanner.skip(&path_bytes(&dir.path), reason(&error));
                    continue;
                }
            };
            let path = if is_here { PathBuf::from(&name) } else { join(&dir.path, &name) };
            let absolute = join(&dir.absolute, &name);
            let listed = ListedEntry { name: &name, path: &path, absolute: &absolute, is_dir: kind.is_dir() };
            let Some(ignored_by) = self.admit(scanner, dir, level.as_ref(), &listed) else { continue };
            if kind.is_dir() {
                scanner.worker.name(&path_bytes(&path));
                let subdir = Dir { path, absolute, level: level.clone(), ignored_by, is_root: false };
                // Always accepted, since directory tasks are small and deep trees must not recurse here.
                let _ = pool.add(Task::Dir(subdir), usize::MAX);
                continue;
            }
            batch.push(FileEntry { path, kind, is_root: false });
            if batch.len() == BATCH_FILES {
                self.hand_over(scanner, std::mem::take(&mut batch), pool);
            }
        }
        self.hand_over(scanner, batch, pool);
    }

    fn hand_over(&self, scanner: &mut FileScanner<'_>, batch: Vec<FileEntry>, pool: &WorkPool<'_, '_, Self>) {
        if batch.is_empty() {
            return;
        }
        if let Err(Task::Files(batch)) = pool.add(Task::Files(batch), MAX_WAITING_BATCHES) {
            self.files(scanner, batch, pool);
        }
    }

    /// The ignore files that apply to the directory, whose first entries are given.
    fn enter_level(
        &self,
        scanner: &mut FileScanner<'_>,
        dir: &Dir,
        first_entries: &[ReadEntry],
    ) -> Option<Arc<IgnoreLevel>> {
        let context = self.context.as_ref()?;
        // Elsewhere, a file may have names other than the listed one.
        let is_whole_listing = cfg!(target_os = "linux") && first_entries.len() < MAX_ENTRIES_AHEAD;
        let may_be = |entry: &ReadEntry, name: &str| {
            entry.as_ref().map_or(true, |(_, listed)| listed.eq_ignore_ascii_case(name))
        };
        let may_contain =
            |name: &str| !is_whole_listing || first_entries.iter().any(|entry| may_be(entry, name));
        let display_name = |name: &str| display_path(&dir.path.join(name));
        let mut skip = |skip: Skip| scanner.worker.skip(skip);
        IgnoreLevel::enter(dir.level.as_ref(), &dir.absolute, &may_contain, &display_name, context, &mut skip)
    }

    /// `None` if the entry is left out, which is recorded. Otherwise the pattern that ignores it, if it is an
    /// ignored directory with tracked files.
    fn admit(
        &self,
        scanner: &mut FileScanner<'_>,
        dir: &Dir,
        level: Option<&Arc<IgnoreLevel>>,
        entry: &ListedEntry<'_>,
    ) -> Option<Option<Arc<str>>> {
        let &ListedEntry { name, path, absolute, is_dir } = entry;
        let mut leave_out = |by: &str, include_with: &str| {
            let slash = if is_dir { "/" } else { "" };
            scanner.worker.ignore(Ignored::path(format!("{}{slash}", display_path(path)), by, include_with));
        };
        // Anything else of that name is an ordinary directory, which `history` does not open, either.
        if name == ".git" && is_dir && is_git_dir(absolute) {
            // `history` covers git's own directory; for the directories that the user named this goes without saying.
            if !dir.is_root {
                leave_out("`scan`", &format!("friskey history {}", display_path(&dir.path)));
            }
            return None;
        }
        if self.roots.len() > 1 && self.roots.contains(absolute) {
            return None;
        }
        if let Some(glob) = self.excludes.glob(path, is_dir) {
            leave_out(&format!("--exclude `{glob}`"), "");
            return None;
        }
        if let Some((excludes, by)) = &self.options.exclude_below
            && let Some(glob) = excludes.glob(path, is_dir)
        {
            leave_out(&format!("{by}: exclude `{glob}`"), "--no-config");
            return None;
        }
        let (Some(context), Some(level)) = (&self.context, level) else { return Some(None) };
        let by = match &dir.ignored_by {
            Some(by) => Arc::clone(by),
            None => match level.ignores(absolute, is_dir, context) {
                Some(pattern) => pattern.into(),
                None => return Some(None),
            },
        };
        let mut skip = |skip: Skip| scanner.worker.skip(skip);
        if level.repositories().any(|repository| repository.tracks(absolute, &mut skip)) {
            return Some(None);
        }
        if is_dir && level.repositories().any(|repository| repository.tracks_paths_in(absolute, &mut skip)) {
            return Some(Some(by));
        }
        let slash = if is_dir { "/" } else { "" };
        scanner.worker.ignore(Ignored::path(format!("{}{slash}", display_path(path)), &*by, NO_IGNORE));
        None
    }
}

/// Like [`Path::join`], with a single allocation.
fn join(dir: &Path, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(dir.as_os_str().len() + 1 + name.len());
    path.push(dir);
    path.push(name);
    path
}

pub(super) fn display_path(path: &Path) -> String {
    String::from_utf8_lossy(&path_bytes(path)).into_owned()
}

impl FileScanner<'_> {
    /// Scans a file or a link, and records a skip for anything else.
    fn entry(&mut self, entry: &FileEntry) {
        let path = path_bytes(&entry.path);
        if !entry.is_root {
            self.worker.name(&path);
        }
        if entry.kind.is_symlink() {
            self.link(&entry.path, &path);
            // A link given as a path represents its target.
            match entry.path.metadata() {
                Ok(target) if entry.is_root && target.is_file() => {
                    self.file(&entry.path, &Origin::at_path(Surface::Worktree, path), true);
                }
                Ok(target) if entry.is_root && !target.is_dir() => {
                    self.not_opened(entry, &path, describe(&target))
                }
                _ => {}
            }
        } else if entry.kind.is_file() {
            self.file(&entry.path, &Origin::at_path(Surface::Worktree, path), entry.is_root);
        } else {
            let what =
                entry.path.symlink_metadata().map_or("not a regular file", |metadata| describe(&metadata));
            self.not_opened(entry, &path, what);
        }
    }

    /// Records a pipe, a socket or a device.
    fn not_opened(&mut self, entry: &FileEntry, path: &[u8], what: &str) {
        // As a shell's `<(command)`.
        let hint = if entry.is_root { "; pipe the content into `friskey scan -`" } else { "" };
        self.skip(path, format!("{what}, not opened{hint}"));
    }
}
