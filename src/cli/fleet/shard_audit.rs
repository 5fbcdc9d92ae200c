//! The audits of the repositories in a shard: runs them in parallel, stores a result for each, and counts the results.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Result;

use super::audit_one;
use super::fleet_progress::{FleetProgress, RunningAudit};
use super::memory::AuditMemory;
use super::schedule::run_jobs;
use crate::cache::Cache;
use crate::cli::args::GlobalArgs;
use crate::cli::cache_args;
use crate::cli::exit::Exit;
use crate::cli::message::{redact_message, say};
use crate::cli::session::Session;
use crate::fleet::{ResultsDir, planned_path, result_defect, state_digest};
use crate::model::{FleetPlan, FleetResult, PlannedRepository, RESULT_SCHEMA, Surface};
use crate::scan::HISTORY_SURFACES;
use crate::source::Excludes;

/// The [weight](PlannedRepository::weight) for which the audit of a repository gets a thread, in bytes: a heavier one gets
/// several, and each at least one.
const BYTES_PER_THREAD: u64 = 16 << 20;

/// The number of repositories by the result of their audit.
#[derive(Default)]
pub(super) struct Tallies {
    /// Those that were not audited again; also counted below.
    unchanged: AtomicU64,
    clean: AtomicU64,
    findings: AtomicU64,
    incomplete: AtomicU64,
    failed: AtomicU64,
}

impl Tallies {
    fn count(&self, result: &FleetResult) {
        let status = result.report.as_ref().and_then(|report| report["status"].as_str());
        let tally = match (&result.failure, status) {
            (Some(_), _) => &self.failed,
            (None, Some("clean")) => &self.clean,
            (None, Some("findings")) => &self.findings,
            (None, _) => &self.incomplete,
        };
        tally.fetch_add(1, Ordering::Relaxed);
    }
}

/// The audits of a shard's repositories, in progress.
pub(super) struct ShardAudit<'a> {
    pub(super) plan: &'a FleetPlan,
    pub(super) session: &'a Session,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) surfaces: BTreeSet<Surface>,
    pub(super) exclude: Option<Excludes>,
    /// The digest of everything that affects the findings: version, rules, options.
    pub(super) settings: String,
    pub(super) dir: ResultsDir,
    pub(super) memory: AuditMemory,
    /// Whether to assemble and search every object in full (`--whole`): slower, with the same result.
    pub(super) full_objects: bool,
    /// Whether repositories with a current result are audited again, too.
    pub(super) fresh: bool,
    pub(super) tallies: Tallies,
    /// Why results can no longer be written.
    pub(super) store_error: Mutex<Option<anyhow::Error>>,
}

impl ShardAudit<'_> {
    /// Audits the repositories with these indexes in the plan.
    pub(super) fn run(&self, indexes: &[usize], is_progress_hidden: bool) {
        let weight = |index: usize| self.plan.repositories[index].weight();
        let total = indexes.iter().map(|&index| weight(index)).sum();
        let progress = FleetProgress::show(indexes.len() as u64, total, is_progress_hidden);
        let is_stopped = || self.session.stop.is_set() || self.has_store_error();
        let jobs = indexes.iter().map(|&index| (self.threads_for(weight(index)), index)).collect();
        let to_repeat = Mutex::new(Vec::new());
        let work = |threads: usize, index: &usize| {
            let running = progress.start(weight(*index));
            if self.audit_repository(&self.plan.repositories[*index], threads, &running)
                == AuditEnd::ShortOfMemory
            {
                to_repeat.lock().unwrap_or_else(PoisonError::into_inner).push(*index);
            }
        };
        let on_panic = |index: &usize| {
            self.store(self.failed_result(
                &self.plan.repositories[*index],
                "a defect of friskey ended its audit; please report it",
            ));
        };
        run_jobs(self.memory.max_threads, jobs, &is_stopped, &work, &on_panic);
        // Repeated one at a time, each with all of the memory, so that a result does not depend on concurrent audits.
        let to_repeat = to_repeat.into_inner().unwrap_or_else(PoisonError::into_inner);
        let jobs = to_repeat.into_iter().map(|index| (self.memory.max_threads, index)).collect();
        // The bytes of these repositories were counted when their first audits ended.
        let work = |threads: usize, index: &usize| {
            self.audit_repository(&self.plan.repositories[*index], threads, &progress.start(0));
        };
        run_jobs(self.memory.max_threads, jobs, &is_stopped, &work, &on_panic);
    }

    fn threads_for(&self, weight: u64) -> usize {
        usize::try_from(weight / BYTES_PER_THREAD).unwrap_or(usize::MAX).clamp(1, self.memory.max_threads)
    }

    /// Audits one repository, unless it has a current result.
    fn audit_repository(
        &self,
        planned: &PlannedRepository,
        threads: usize,
        progress: &RunningAudit<'_>,
    ) -> AuditEnd {
        let Some(path) = planned_path(planned) else {
            return self.store(
                self.failed_result(
                    planned,
                    "its path in the plan is damaged; run `friskey fleet plan` again",
                ),
            );
        };
        // `None` if the digest is not reliable, e.g. because a file has just changed; a result without one is never current.
        let state = state_digest(&path, SystemTime::now());
        // A stored result that cannot be read is replaced.
        if let Some(Ok(stored)) = self.dir.result(&planned.key())
            && self.is_current(&stored, state.as_deref())
        {
            self.tallies.unchanged.fetch_add(1, Ordering::Relaxed);
            return match stored.plan == self.plan.id {
                true => {
                    self.tallies.count(&stored);
                    AuditEnd::Stored
                }
                false => self.store(FleetResult { plan: self.plan.id.clone(), ..stored }),
            };
        }
        let max_memory = self.memory.for_objects(threads);
        let audit = audit_one::PlannedAudit {
            session: self.session,
            cache: self.cache.as_ref(),
            surfaces: &self.surfaces,
            exclude: self.exclude.as_ref(),
            full_objects: self.full_objects,
            threads,
            max_memory,
        };
        match audit.run(&path, progress) {
            // An interrupted audit has no result.
            _ if self.session.stop.is_set() => AuditEnd::Stopped,
            Ok(result) if result.is_short_of_memory && threads < self.memory.max_threads => {
                AuditEnd::ShortOfMemory
            }
            Ok(result) => self.store(FleetResult {
                state,
                report: Some(result.report),
                sarif_run: Some(result.sarif_run),
                ..self.empty_result(planned)
            }),
            Err(reason) => self.store(self.failed_result(planned, &reason)),
        }
    }

    /// Whether another audit would find the same as a stored result. `state` is the digest of the repository's files now;
    /// `None` if it is not reliable, so that the repository must be audited again.
    fn is_current(&self, stored: &FleetResult, state: Option<&str>) -> bool {
        !self.fresh
            && stored.failure.is_none()
            && result_defect(stored, HISTORY_SURFACES).is_none()
            && stored.settings == self.settings
            && state.is_some()
            && stored.state.as_deref() == state
    }

    fn failed_result(&self, planned: &PlannedRepository, reason: &str) -> FleetResult {
        FleetResult { failure: Some(redact_message(reason)), ..self.empty_result(planned) }
    }

    /// A result without a report.
    fn empty_result(&self, planned: &PlannedRepository) -> FleetResult {
        FleetResult {
            schema: RESULT_SCHEMA.to_owned(),
            plan: self.plan.id.clone(),
            repository: planned.path.clone(),
            path_bytes: planned.path_bytes.clone(),
            settings: self.settings.clone(),
            state: None,
            failure: None,
            report: None,
            sarif_run: None,
        }
    }

    /// Writes a result to the state directory.
    fn store(&self, result: FleetResult) -> AuditEnd {
        match self.dir.store(&result) {
            Ok(()) => {
                self.tallies.count(&result);
                AuditEnd::Stored
            }
            Err(error) => {
                self.store_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.into());
                AuditEnd::Stopped
            }
        }
    }

    fn has_store_error(&self) -> bool {
        self.store_error.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Prints a summary, and determines the exit status.
    pub(super) fn finish(self, indexes: &[usize], global: &GlobalArgs) -> Result<Exit> {
        let Self { tallies, store_error, session, cache, .. } = self;
        cache_args::print_notes(cache.as_ref(), global.verbose);
        let count = |tally: &AtomicU64| tally.load(Ordering::Relaxed);
        let (clean, findings) = (count(&tallies.clean), count(&tallies.findings));
        let (incomplete, failed) = (count(&tallies.incomplete), count(&tallies.failed));
        let left = (indexes.len() as u64).saturating_sub(clean + findings + incomplete + failed);
        if !global.quiet {
            let unchanged = count(&tallies.unchanged);
            let mut line =
                format!("{clean} clean, {findings} with findings, {incomplete} incomplete, {failed} failed");
            if unchanged > 0 {
                line.push_str(&format!("; {unchanged} of them unchanged since their last audit"));
            }
            say(&line);
        }
        if let Some(error) = store_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.context(
                "results cannot be written; free disk space or name another --state, and run this \
                 again",
            ));
        }
        if session.stop.is_set() && left > 0 {
            say(&format!("stopped with {left} left; run this again to continue"));
        }
        Ok(match (findings, left + incomplete + failed) {
            (0, 0) => Exit::Clean,
            (0, _) => Exit::Incomplete,
            _ => Exit::Findings,
        })
    }
}

/// How the audit of one repository ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AuditEnd {
    /// With a result, which was written.
    Stored,
    /// It must be repeated with more memory.
    ShortOfMemory,
    /// Without a result: it was interrupted, or the result cannot be written.
    Stopped,
}
