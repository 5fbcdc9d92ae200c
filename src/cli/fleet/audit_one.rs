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

/// What the audits of a fleet have in common, and this one's share of threads and memory.
pub(super) struct Audit<'a> {
    pub(super) session: &'a Session,
    pub(super) cache: Option<&'a Arc<Cache>>,
    pub(super) surfaces: &'a BTreeSet<Surface>,
    pub(super) exclude: Option<&'a Excludes>,
    pub(super) whole: bool,
    pub(super) threads: usize,
    pub(super) max_memory: u64,
}

/// An audit that was done.
pub(super) struct Audited {
    pub(super) report: Value,
    pub(super) sarif_run: Value,
    /// Whether something was too large for this share of the memory.
    pub(super) is_short_of_memory: bool,
}

impl Audit<'_> {
    /// Audits the repository at `path`.
    ///
    /// # Errors
    /// Why it cannot be audited.
    pub(super) fn run(&self, path: &Path, running: &RunningAudit<'_>) -> Result<Audited, String> {
        let is_dir = path.symlink_metadata().map(|found| found.is_dir());
        match is_dir {
            Ok(true) => {}
            Ok(false) => return Err(format!("{} is not a directory any more; plan anew", path.display())),
            Err(error) => return Err(format!("{} cannot be opened: {error}; plan anew", path.display())),
        }
        own_repository(path)?;
        let options = HistoryOptions {
            surfaces: self.surfaces.clone(),
            exclude: self.exclude.cloned(),
            whole: self.whole,
            progress: Some(Arc::clone(&running.progress)),
            max_memory: Some(self.max_memory),
            cache: self.cache.cloned(),
            ..HistoryOptions::everything(path.to_owned(), self.threads, now())
        };
        let mut draft =
            scan_history(&self.session.settings(), &options).map_err(|error| error.to_string())?;
        draft.command_line = command_line::words();
        let too_large = |reason: &str| reason.contains("too large") || reason.contains("no memory is left");
        let is_short_of_memory = draft.coverage.skipped.iter().any(|skip| too_large(&skip.reason));
        let report = redact(draft, &self.session.in_force.detector);
        let cannot = |error: std::io::Error| format!("its report cannot be written: {error}");
        let sarif_run = sarif_run(&report).map_err(cannot)?;
        Ok(Audited { report: document(&report).map_err(cannot)?, sarif_run, is_short_of_memory })
    }
}

/// Checks that a repository begins at `path`. Where there is none any more, opening would look for one in the
/// directories above, and audit that one in its name.
fn own_repository(path: &Path) -> Result<(), String> {
    let gone = || format!("{} is not a git repository any more; plan anew", path.display());
    let repo = git::open(path).map_err(|error| match error {
        OpenError::NotARepository(_) => gone(),
        error => error.to_string(),
    })?;
    let repo = repo.to_thread_local();
    let real = |path: &Path| path.canonicalize().ok();
    let own = [real(path), real(&path.join(".git"))];
    let opened = [repo.workdir(), Some(repo.git_dir()), Some(repo.common_dir())];
    match opened.into_iter().flatten().filter_map(real).any(|opened| own.contains(&Some(opened))) {
        true => Ok(()),
        false => Err(gone()),
    }
}

/// The report as a JSON document.
fn document(report: &Report) -> std::io::Result<Value> {
    let mut bytes = Vec::new();
    if let Some(json) = reporter("json") {
        json.write(report, &Style::default(), &mut bytes)?;
    }
    Ok(serde_json::from_slice(&bytes)?)
}
