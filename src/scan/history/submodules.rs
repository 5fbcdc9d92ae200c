//! Submodules keep object databases of their own, in `.git/modules` or in their own `.git`.

use std::path::{Path, PathBuf};

use super::repository;
use super::{Audit, Outcome};
use crate::git;
use crate::model::{Skip, Surface};
use crate::scan::Settings;

/// Folders nested deeper below `modules` are not entered.
const DEEPEST: usize = 16;

/// Audits every database below `modules`, and adds what it finds to `outcome`.
pub(super) fn audit(settings: &Settings<'_>, audit: &Audit, repo: &git::Repository, outcome: &mut Outcome) {
    let modules = repo.common_dir().join("modules");
    let mut found = Vec::new();
    collect(&modules, DEEPEST, &mut found);
    found.sort();
    for dir in found {
        let name = dir.strip_prefix(&modules).unwrap_or(&dir).to_string_lossy().replace('\\', "/");
        let prefix = format!("{name}/");
        match git::open(&dir) {
            Ok(submodule) => {
                let mut own =
                    repository::audit(settings, audit, &submodule.to_thread_local(), prefix.as_bytes());
                for finding in &mut own.findings {
                    finding.origin.surface = Surface::Submodule;
                }
                outcome.findings.extend(own.findings);
                outcome.coverage.merge(own.coverage);
                outcome.notes.extend(own.notes);
                outcome.below_threshold += own.below_threshold;
                repository::merge(&mut outcome.overlays, own.overlays);
            }
            Err(error) => {
                outcome.coverage.skipped.insert(Skip::new(format!("submodule {name}"), error.to_string()));
            }
        }
    }
}

/// A folder with objects is a database; one without may hold some.
fn collect(dir: &Path, levels: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if !path.is_dir() || path.is_symlink() {
            continue;
        }
        if path.join("objects").is_dir() && path.join("HEAD").exists() {
            found.push(path.clone());
            // A submodule's own submodules.
            collect(&path.join("modules"), levels.saturating_sub(1), found);
        } else if levels > 0 {
            collect(&path, levels - 1, found);
        }
    }
}
