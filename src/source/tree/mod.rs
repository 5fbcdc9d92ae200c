//! Walks files and directories on disk.

mod ignore_file;
mod ignore_level;
mod repository;
mod walk;
mod work_pool;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Excludes, FileOptions, Sink, SourceError, reason};
use crate::model::Skip;
use ignore_level::{IgnoreContext, IgnoreLevel};
use walk::{Dir, FileEntry, Task, TreeWalk};

/// Walks the paths on several threads and pushes every file into `sink`. A path that is given twice, even under
/// different names, is scanned once.
///
/// # Errors
/// If a path does not exist or a glob is invalid, in which case nothing has been scanned. Later failures are
/// skips.
pub fn scan_files(options: &FileOptions, sink: &dyn Sink) -> Result<(), SourceError> {
    for path in &options.paths {
        check_exists(path)?;
    }
    let excludes = Excludes::new(&options.exclude, None)?;
    let Some(roots) = roots(&options.paths)? else { return Ok(()) };
    let mut worker = sink.worker();
    let mut skip = |skip| worker.skip(skip);
    // Only directories have ignored files, and reading the user's configuration takes longer than searching a small
    // file.
    let mut context: Option<IgnoreContext> = None;
    let mut tasks = Vec::new();
    let mut levels_by_dir = HashMap::new();
    for (path, absolute) in &roots {
        let kind = path.symlink_metadata().map_err(|error| unreadable(path, &error))?.file_type();
        // A link given as a path represents the directory that it leads to.
        if kind.is_dir() || kind.is_symlink() && path.is_dir() {
            if !options.no_ignore && context.is_none() {
                context = Some(IgnoreContext::new(&mut skip));
            }
            let level = context
                .as_ref()
                .and_then(|context| levels_above(absolute, context, &mut levels_by_dir, &mut skip));
            let (path, absolute) = (path.clone(), absolute.clone());
            tasks.push(Task::Dir(Dir { path, absolute, level, ignored_by: None, is_root: true }));
        }
        if !kind.is_dir() {
            tasks.push(Task::Files(vec![FileEntry { path: path.clone(), kind, is_root: true }]));
        }
    }
    drop(worker);
    // The pool takes the last task first, but paths are scanned in the given order.
    tasks.reverse();
    let roots = roots.into_iter().map(|(_, absolute)| absolute).collect();
    work_pool::run(&TreeWalk { options, excludes, sink, context, roots }, tasks, options.threads);
    Ok(())
}

fn check_exists(path: &Path) -> Result<(), SourceError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(SourceError::NoSuchPath(path.display().to_string()))
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> SourceError {
    SourceError::Unreadable { path: path.display().to_string(), reason: reason(error) }
}

/// The starting points, without duplicates, each with its absolute path without links; `None` if there are
/// none.
fn roots(paths: &[PathBuf]) -> Result<Option<Vec<(PathBuf, PathBuf)>>, SourceError> {
    let mut seen = HashSet::new();
    let mut roots = Vec::new();
    for path in paths {
        // A broken link is a starting point of its own.
        let absolute = path.canonicalize().or_else(|_| std::path::absolute(path));
        let absolute = absolute.map_err(|error| unreadable(path, &error))?;
        if seen.insert(absolute.clone()) {
            roots.push((path.clone(), absolute));
        }
    }
    Ok((!roots.is_empty()).then_some(roots))
}

/// The ignore files of the directories above a starting point.
fn levels_above(
    dir: &Path,
    context: &IgnoreContext,
    levels_by_dir: &mut HashMap<PathBuf, Option<Arc<IgnoreLevel>>>,
    skip: &mut dyn FnMut(Skip),
) -> Option<Arc<IgnoreLevel>> {
    let mut dirs: Vec<_> = dir.ancestors().skip(1).collect();
    dirs.reverse();
    let mut level = None;
    for dir in dirs {
        let display_name = |name: &str| dir.join(name).display().to_string();
        let next_level = levels_by_dir.entry(dir.to_owned()).or_insert_with(|| {
            IgnoreLevel::enter(level.as_ref(), dir, &|_| true, &display_name, context, skip)
        });
        level.clone_from(next_level);
    }
    level
}
