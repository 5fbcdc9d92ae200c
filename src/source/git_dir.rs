//! The plain files of a git folder: configuration, hooks, reflogs, saved messages, the LFS cache.
//! Objects and refs are not its business.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use ignore::{DirEntry, WalkBuilder};

use super::Sink;
use super::files::{Visit, walk_skip};
use super::path::path_bytes;
use crate::model::{Origin, Surface};

/// Scans the files below the git folder `dir` that belong to one of `surfaces`; they are reported as
/// `shown` and their path in it.
pub fn scan_git_dir(dir: &Path, shown: &[u8], surfaces: &BTreeSet<Surface>, sink: &dyn Sink) {
    let mut visit = Visit { worker: sink.worker(), sink };
    for surface in [Surface::Config, Surface::Hook, Surface::Reflog, Surface::GitFile, Surface::Lfs] {
        if surfaces.contains(&surface) {
            visit.worker.surface(surface);
        }
    }
    // Where git keeps refs in tables, files of refs are what it left behind, and nobody reads them by name.
    let in_tables = dir.join("reftable").is_dir();
    let walk = WalkBuilder::new(dir)
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(move |entry| !is_elsewhere(entry, in_tables))
        .build();
    for entry in walk {
        if sink.is_stopped() {
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                visit.worker.skip(walk_skip(&error));
                continue;
            }
        };
        let Ok(inside) = entry.path().strip_prefix(dir) else { continue };
        let inside = path_bytes(inside);
        let Some(kind) = entry.file_type() else { continue };
        let surface = surface(&inside);
        if !surfaces.contains(&surface) || kind.is_dir() {
            continue;
        }
        let origin = Origin::at_path(surface, [shown, &inside].concat());
        if kind.is_symlink() {
            // What it leads to is another place; following it could lead anywhere.
            continue;
        }
        visit.file(entry.path(), &origin, false);
    }
}

/// Objects are swept, refs are read by name, submodules are audits of their own.
fn is_elsewhere(entry: &DirEntry, in_tables: bool) -> bool {
    let is = |names: &[&str]| names.iter().any(|name| entry.file_name() == *name);
    match entry.depth() {
        1 => is(&["objects", "modules", "reftable"]) || !in_tables && is(&["refs", "packed-refs"]),
        // Of a linked work tree.
        3 => {
            is(&["reftable"])
                && entry.path().components().rev().nth(2) == Some(Component::Normal("worktrees".as_ref()))
        }
        _ => false,
    }
}

fn surface(inside: &[u8]) -> Surface {
    let first = inside.split(|&byte| byte == b'/').next().unwrap_or_default();
    match first {
        b"config" | b"config.worktree" => Surface::Config,
        b"hooks" => Surface::Hook,
        b"logs" => Surface::Reflog,
        b"lfs" => Surface::Lfs,
        b"worktrees" if inside.split(|&byte| byte == b'/').nth(2) == Some(b"logs") => Surface::Reflog,
        _ => Surface::GitFile,
    }
}
