//! `friskey fleet audit`: audits the repositories of a shard in parallel, and writes a result for each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use super::fleet_progress::FleetProgress;
use super::memory::AuditMemory;
use super::plan::refuse_keys;
use super::schedule::run_jobs;
use super::settings_digest::{explicit_config, settings_digest};
use super::{audit_one, engine};
use crate::cache::{Cache, resolve};
use crate::cli::args::{FleetAuditArgs, GlobalArgs, SearchArgs};
use crate::cli::cache_args;
use crate::cli::effective_settings::EffectiveSettings;
use crate::cli::exit::Exit;
use crate::cli::history::surfaces;
use crate::cli::message::{redact_message, say};
use crate::cli::options::{self, Extent};
use crate::cli::session::Session;
use crate::fleet::{ResultsDir, Shard, defect, parse_plan, planned_path, shard_of, snapshot};
use crate::model::{FleetPlan, FleetResult, PlannedRepository, RESULT_SCHEMA, Surface};
use crate::report::thousands;
use crate::scan::HISTORY_SURFACES;
use crate::source::Excludes;
use crate::untrusted::{Symlinks, read};

/// Maximum size of a plan, in bytes.
const MAX_PLAN: u64 = 1 << 30;
/// Default memory for all audits together, in bytes.
const DEFAULT_MEMORY: u64 = 2 << 30;
/// A repository gets one thread for each multiple of this size of its packs, in bytes.
const BYTES_PER_THREAD: u64 = 16 << 20;

pub(super) fn run(args: &FleetAuditArgs, global: &GlobalArgs) -> Result<Exit> {
    let shown = args.plan.display();
    let bytes = read(&args.plan, Symlinks::Follow, MAX_PLAN)
        .with_context(|| format!("cannot read the plan {shown}"))?;
    let plan = parse_plan(&bytes).with_context(|| format!("cannot use the plan {shown}"))?;
    // Checked before the state directory is changed: if a file system is not mounted, its results must not be lost.
    if plan.repositories.is_empty() {
        // Printed even with --quiet, since nothing else explains status 3.
        say(&format!(
            "the plan {shown} contains no repository, so nothing was audited; check that its directories \
             are mounted, and run `friskey fleet plan` again"
        ));
        return Ok(Exit::Incomplete);
    }
    let (shard, shard_source) = engine::shard(args.shard.as_deref())?;
    let search = SearchArgs {
        min_confidence: args.min_confidence,
        threads: args.threads,
        max_time: args.max_time,
        ..SearchArgs::default()
    };
    let effective = EffectiveSettings::of_checkout(
        explicit_config(global)?,
        &args.suppression,
        global,
        Extent::default(),
    )?;
    let session = Session::new(effective, &search)?;
    refuse_keys(&plan, &session.effective.detector)
        .with_context(|| format!("cannot use the plan {shown}"))?;
    let surfaces = surfaces(&args.audit, &session.effective.config)?;
    let settings = settings_digest(&session, &surfaces, &args.suppression)?;
    let cache = args.cache.open(&session, &surfaces)?;
    if let Some(cache) = &cache {
        check_cache(cache, &plan, &args.state)?;
        // Otherwise each audit would fail, and its failure would replace a valid result.
        cache.prepare()?;
    }
    check_state(&args.state, &plan)?;
    let dir = ResultsDir::create(&args.state, &plan)?;
    let indexes = shard_of(&plan, shard);
    let keys: Vec<String> = indexes.iter().map(|&index| plan.repositories[index].key()).collect();
    dir.tidy(&plan, &keys)?;
    let fleet = Fleet {
        memory: AuditMemory::new(args.max_memory.map_or(DEFAULT_MEMORY, |size| size.0), &session)?,
        exclude: options::excludes(&session.effective.config)?,
        tallies: Tallies::default(),
        store_error: Mutex::new(None),
        plan: &plan,
        session: &session,
        cache,
        surfaces,
        settings,
        dir,
        full_objects: args.audit.full_objects,
        fresh: args.fresh,
    };
    if !global.quiet {
        say(&announcement(shard, &shard_source, &indexes, &plan));
    }
    fleet.run(&indexes, args.no_progress || global.quiet);
    fleet.finish(&indexes, global)
}

/// Checks that the cache is neither within an audited directory nor in the state directory.
fn check_cache(cache: &Cache, plan: &FleetPlan, state: &Path) -> Result<()> {
    let repositories = plan.repositories.iter().filter_map(planned_path);
    let alternates = plan.repositories.iter().flat_map(|repository| &repository.alternates);
    for path in repositories.chain(alternates.map(|objects| PathBuf::from(&objects.path))) {
        if cache.dir().starts_with(path.canonicalize().unwrap_or(path.clone())) {
            bail!(
                "--cache: {} is within {}, which is audited; name a directory elsewhere",
                cache.dir().display(),
                path.display()
            );
        }
    }
    if resolve(state).is_ok_and(|state| state == cache.dir()) {
        bail!(
            "--cache: {} is also the state directory; name another directory for one of them",
            cache.dir().display()
        );
    }
    Ok(())
}

/// Checks that the state directory does not contain results of another fleet, which would be removed: results of
/// repositories below none of the plan's roots.
fn check_state(dir: &Path, plan: &FleetPlan) -> Result<()> {
    let Ok(stored) = ResultsDir::open(dir).plan() else { return Ok(()) };
    let is_below_roots = |path: &Path| plan.roots.iter().any(|root| path.starts_with(root));
    let foreign = stored.repositories.iter().filter_map(planned_path).find(|path| !is_below_roots(path));
    if let Some(path) = foreign {
        bail!(
            "{} holds the results of another plan, e.g. of {}, which this plan does not contain; name another \
             --state, or remove that directory first",
            dir.display(),
            path.display()
        );
    }
    Ok(())
}

/// Describes what this run audits: the shard, and the repositories with these `indexes` in the plan.
fn announcement(shard: Shard, shard_source: &str, indexes: &[usize], plan: &FleetPlan) -> String {
    let bytes = indexes.iter().map(|&index| plan.repositories[index].bytes).sum();
    let part = match shard {
        Shard::WHOLE => String::new(),
        Shard { number, count } => format!("shard {number}/{count}, {}: ", redact_message(shard_source)),
    };
    let total = plan.repositories.len() as u64;
    let noun = if total == 1 { "repository" } else { "repositories" };
    let of = match indexes.len() as u64 {
        count if count == total => String::new(),
        count => format!("{} of ", thousands(count)),
    };
    format!("{part}{of}{} {noun}, {}", thousands(total), crate::report::human_bytes(bytes))
}

/// The number of repositories by the result of their audit.
#[derive(Default)]
struct Tallies {
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

/// The audits of a shard in progress.
struct Fleet<'a> {
    plan: &'a FleetPlan,
    session: &'a Session,
    cache: Option<Arc<Cache>>,
    surfaces: BTreeSet<Surface>,
    exclude: Option<Excludes>,
    /// The digest of the settings.
    settings: String,
    dir: ResultsDir,
    memory: AuditMemory,
    full_objects: bool,
    /// Whether repositories with a current result are audited again, too.
    fresh: bool,
    tallies: Tallies,
    /// Why results can no longer be written.
    store_error: Mutex<Option<anyhow::Error>>,
}

impl Fleet<'_> {
    /// Audits the repositories with these indexes in the plan.
    fn run(&self, indexes: &[usize], is_hidden: bool) {
        let bytes = |index: usize| self.plan.repositories[index].weight();
        let total = indexes.iter().map(|&index| bytes(index)).sum();
        let progress = FleetProgress::show(indexes.len() as u64, total, is_hidden);
        let is_stopped = || self.session.stop.is_set() || self.has_store_error();
        let jobs = indexes.iter().map(|&index| (self.threads_for(bytes(index)), index)).collect();
        let to_repeat = Mutex::new(Vec::new());
        let work = |threads: usize, index: &usize| {
            let running = progress.start(bytes(*index));
            if self.audit_repository(&self.plan.repositories[*index], threads, &running)
                == AuditEnd::ShortOfMemory
            {
                to_repeat.lock().unwrap_or_else(PoisonError::into_inner).push(*index);
            }
        };
        let failed = |index: &usize| {
            self.store(self.failed_result(
                &self.plan.repositories[*index],
                "a defect of friskey ended its audit; please report it",
            ));
        };
        run_jobs(self.memory.threads, jobs, &is_stopped, &work, &failed);
        // Repeated one at a time, each with all of the memory, so that a result does not depend on concurrent audits.
        let to_repeat = to_repeat.into_inner().unwrap_or_else(PoisonError::into_inner);
        let jobs = to_repeat.into_iter().map(|index| (self.memory.threads, index)).collect();
        let work = |threads: usize, index: &usize| {
            self.audit_repository(&self.plan.repositories[*index], threads, &progress.start(0));
        };
        run_jobs(self.memory.threads, jobs, &is_stopped, &work, &failed);
    }

    fn threads_for(&self, bytes: u64) -> usize {
        usize::try_from(bytes / BYTES_PER_THREAD).unwrap_or(usize::MAX).clamp(1, self.memory.threads)
    }

    /// Audits one repository, unless it has a current result.
    fn audit_repository(
        &self,
        planned: &PlannedRepository,
        threads: usize,
        progress: &super::fleet_progress::RunningAudit<'_>,
    ) -> AuditEnd {
        let Some(path) = planned_path(planned) else {
            return self.store(
                self.failed_result(
                    planned,
                    "its path in the plan is damaged; run `friskey fleet plan` again",
                ),
            );
        };
        let state = snapshot(&path, &self.nested_repositories(planned, &path), SystemTime::now());
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
        let audit = audit_one::Audit {
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
            Ok(audited) if audited.is_short_of_memory && threads < self.memory.threads => {
                AuditEnd::ShortOfMemory
            }
            Ok(audited) => self.store(FleetResult {
                state,
                report: Some(audited.report),
                sarif_run: Some(audited.sarif_run),
                ..self.empty_result(planned)
            }),
            Err(reason) => self.store(self.failed_result(planned, &reason)),
        }
    }

    /// The repositories in the work tree of another one, which the audit of that one also covers in part.
    fn nested_repositories(&self, planned: &PlannedRepository, path: &Path) -> Vec<PathBuf> {
        let others = self.plan.repositories.iter().filter(|other| other.path != planned.path);
        others.filter_map(planned_path).filter(|other| other.starts_with(path)).collect()
    }

    /// Whether a stored result is what another audit of the repository in this `state` would find.
    fn is_current(&self, stored: &FleetResult, state: Option<&str>) -> bool {
        !self.fresh
            && stored.failure.is_none()
            && defect(stored, HISTORY_SURFACES).is_none()
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
    fn finish(self, indexes: &[usize], global: &GlobalArgs) -> Result<Exit> {
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
        if session.stop.is_set() {
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
