//! Finds the repositories below some directories and makes a plan. It reads no files but those that lead from a work tree
//! to its git directory, and lists of alternates.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::git_layout::common_dir;
use super::object_size::ObjectSizes;
use super::path_text::path_text;
use super::plan::plan_id;
use super::remarks::{RedactPath, Remarks};
use super::walk::{FoundRepository, Walk};
use crate::model::{FleetPlan, PLAN_SCHEMA, PlannedRepository, RepositoryKind};

/// Finds the repositories below `roots`. `redact_path` redacts what looks like a key in a path that is only displayed. A
/// repository whose own path contains such text is skipped, since its audit needs the path as it is.
///
/// # Errors
/// If a root cannot be opened.
pub fn discover(roots: &[PathBuf], redact_path: RedactPath<'_>) -> Result<FleetPlan, (PathBuf, io::Error)> {
    let mut resolved_roots = BTreeSet::new();
    for root in roots {
        let resolved = root.canonicalize().and_then(|path| fs::read_dir(&path).map(|_| path));
        resolved_roots.insert(resolved.map_err(|error| (root.clone(), error))?);
    }
    let mut walk = Walk::run(resolved_roots.into_iter().collect(), Remarks::new(redact_path));
    assign_work_trees(&mut walk);
    Ok(make_plan(walk))
}

/// Assigns work trees to the repositories whose git directories they name.
fn assign_work_trees(walk: &mut Walk<'_>) {
    let mut pointers = std::mem::take(&mut walk.pointers);
    pointers.sort();
    for (work_tree, target) in pointers {
        let canonical = |path: &Path| path.canonicalize();
        match canonical(&target).and_then(|git_dir| canonical(&common_dir(&git_dir))) {
            Ok(common_dir) => assign(walk, work_tree, common_dir),
            Err(error) => {
                let target = walk.remarks.display_path(&target);
                let reason = format!("its git directory {target} cannot be opened: {error}");
                walk.remarks.skip(&work_tree, reason);
            }
        }
    }
}

/// Assigns a work tree to the repository with the git directory `common_dir`.
fn assign(walk: &mut Walk<'_>, work_tree: PathBuf, common_dir: PathBuf) {
    if let Some(repository) = walk.repositories.get_mut(&common_dir) {
        if repository.path != work_tree {
            repository.work_trees.insert(work_tree);
        }
    } else if common_dir.ancestors().any(|above| walk.repositories.contains_key(above)) {
        // A submodule, whose git directory is audited with the repository around it.
    } else if walk.is_below_root(&common_dir) {
        walk.repositories.insert(common_dir, FoundRepository::new(work_tree, RepositoryKind::SeparateGitDir));
    } else {
        let target = walk.remarks.display_path(&common_dir);
        let reason = format!("its git directory {target} is outside the roots; name that as a root, too");
        walk.remarks.skip(&work_tree, reason);
    }
}

/// The plan of everything that was found.
fn make_plan(walk: Walk<'_>) -> FleetPlan {
    let Walk { roots, repositories: found_repositories, mut remarks, .. } = walk;
    let mut sizes = ObjectSizes::default();
    let mut repositories = Vec::new();
    for (git_dir, repository) in found_repositories {
        if (remarks.redact_path)(&repository.path).is_some() {
            let reason = "its path contains what looks like a key, which a plan must not contain; rename it";
            remarks.skip(&repository.path, reason);
            continue;
        }
        let (bytes, mut alternates) = sizes.measure(&git_dir);
        for alternate in &mut alternates {
            alternate.path = remarks.display_path(Path::new(&alternate.path));
        }
        let (path, path_bytes) = path_text(&repository.path);
        let work_trees = repository.work_trees.iter().map(|path| remarks.display_path(path)).collect();
        repositories.push(PlannedRepository {
            path,
            path_bytes,
            kind: repository.kind,
            bytes,
            alternates,
            work_trees,
        });
    }
    repositories.sort_by(|a, b| (&a.path, &a.path_bytes).cmp(&(&b.path, &b.path_bytes)));
    let roots = roots.iter().map(|root| remarks.display_path(root)).collect();
    let (skipped, ignored, notes) = remarks.finish();
    let mut plan = FleetPlan {
        schema: PLAN_SCHEMA.to_owned(),
        id: String::new(),
        roots,
        repositories,
        skipped,
        ignored,
        notes,
    };
    plan.id = plan_id(&plan);
    plan
}
