//! The audit of one repository of a fleet.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::fleet_progress::RunningAudit;
use crate::cache::Cache;
use crate::cli::clock::now;
use crate::cli::command_line;
use crate::cli::session::Session;
use crate::git::{self, OpenError};
use crate::model::{Report, Surface};
use crate::report::{Style, reporter, sarif_run};
use crate::scan::{HistoryOptions, redact, scan_history};
use crate::source::Excludes;

/// The settings that all audits of a fleet have in common, and the part of the threads and the memory that this one may use.
pub(super) struct PlannedAudit<'a> {
    pub(super) session: &'a Session,
    pub(super) cache: Option<&'a Arc<Cache>>,
    pub(super) surfaces: &'a BTreeSet<Surface>,
    pub(super) exclude: Option<&'a Excludes>,
    /// Whether to assemble and search every object in full: slower, with the same result.
    pub(super) full_objects: bool,
    pub(super) threads: usize,
    pub(super) max_memory: u64,
}

/// The result of an audit.
pub(super) struct AuditResult {
    pub(super) report: Value,
    pub(super) sarif_run: Value,
    /// Whether something was skipped because it was too large for `max_memory`.
    pub(super) is_short_of_memory: bool,
}

impl PlannedAudit<'_> {
    /// Audits the repository at `path`.
    ///
    /// # Errors
    /// Why it cannot be audited.
    pub(super) fn run(&self, path: &Path, running: &RunningAudit<'_>) -> Result<AuditResult, String> {
        match path.symlink_metadata().map(|metadata| metadata.is_dir()) {
            Ok(true) => {}
            Ok(false) => {
                return Err(format!(
                    "{} is no longer a directory; run `friskey fleet plan` again",
                    path.display()
                ));
            }
            Err(error) => {
                return Err(format!(
                    "{} cannot be opened: {error}; run `friskey fleet plan` again",
                    path.display()
                ));
            }
        }
        check_repository_begins_at(path)?;
        let options = HistoryOptions {
            surfaces: self.surfaces.clone(),
            exclude: self.exclude.cloned(),
            full_objects: self.full_objects,
            progress: Some(Arc::clone(&running.progress)),
            max_memory: Some(self.max_memory),
            cache: self.cache.cloned(),
            ..HistoryOptions::everything(path.to_owned(), self.threads, now())
        };
        let mut draft =
            scan_history(&self.session.settings(), &options).map_err(|error| error.to_string())?;
        draft.command_line = command_line::arguments();
        // `git` and `container` give these reasons for skips when the memory is used up.
        let too_large = |reason: &str| reason.contains("too large") || reason.contains("no memory is left");
        let is_short_of_memory = draft.coverage.skipped.iter().any(|skip| too_large(&skip.reason));
        let report = redact(draft, &self.session.effective_settings.detector);
        let write_error = |error: std::io::Error| format!("its report cannot be written: {error}");
        let sarif_run = sarif_run(&report).map_err(write_error)?;
        Ok(AuditResult {
            report: json_document(&report).map_err(write_error)?,
            sarif_run,
            is_short_of_memory,
        })
    }
}

/// Checks that a repository begins at `path`. If it is gone, opening would look in the parent directories and audit
/// another repository under this one's name.
fn check_repository_begins_at(path: &Path) -> Result<(), String> {
    let not_a_repository =
        || format!("{} is no longer a git repository; run `friskey fleet plan` again", path.display());
    let repo = git::open(path).map_err(|error| match error {
        OpenError::NotARepository(_) => not_a_repository(),
        error => error.to_string(),
    })?;
    let repo = repo.to_thread_local();
    let canonical = |path: &Path| path.canonicalize().ok();
    let expected = [canonical(path), canonical(&path.join(".git"))];
    let opened_dirs = [repo.workdir(), Some(repo.git_dir()), Some(repo.common_dir())];
    match opened_dirs
        .into_iter()
        .flatten()
        .filter_map(canonical)
        .any(|opened| expected.contains(&Some(opened)))
    {
        true => Ok(()),
        false => Err(not_a_repository()),
    }
}

/// The report as a JSON document.
fn json_document(report: &Report) -> std::io::Result<Value> {
    let mut bytes = Vec::new();
    if let Some(json) = reporter("json") {
        json.write(report, &Style::default(), &mut bytes)?;
    }
    Ok(serde_json::from_slice(&bytes)?)
}
