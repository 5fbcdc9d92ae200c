//! `friskey fleet audit`: audits the repositories of a shard in parallel, and writes a result for each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use super::fleet_progress::FleetProgress;
use super::plan::refuse_keys;
use super::schedule::run_jobs;
use super::settings_digest::{named_config, settings_digest};
use super::{audit_one, engine};
use crate::cache::{Cache, resolve};
use crate::cli::args::{FleetAudit, Global, ScanArgs};
use crate::cli::base_policy::EffectiveSettings;
use crate::cli::cache_args;
use crate::cli::exit::Exit;
use crate::cli::history::surfaces;
use crate::cli::message::{masked, say};
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
/// Memory that a thread needs besides that for containers, in bytes.
const MIN_MEMORY_PER_THREAD: u64 = 64 << 20;
/// Bytes of packs for each of which a repository gets another thread.
const BYTES_PER_THREAD: u64 = 16 << 20;

pub(super) fn run(args: &FleetAudit, global: &Global) -> Result<Exit> {
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
    let (shard, from) = engine::shard(args.shard.as_deref())?;
    let scan_args = ScanArgs {
        min_confidence: args.min_confidence,
        threads: args.threads,
        max_time: args.max_time,
        ..ScanArgs::default()
    };
    let effective =
        EffectiveSettings::of_checkout(named_config(global)?, &args.suppression, global, Extent::default())?;
    let session = Session::new(effective, &scan_args)?;
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
    let own = shard_of(&plan, shard);
    let keys: Vec<String> = own.iter().map(|&at| plan.repositories[at].key()).collect();
    dir.tidy(&plan, &keys)?;
    let fleet = Fleet {
        memory: Memory::new(args.max_memory.map_or(DEFAULT_MEMORY, |size| size.0), &session)?,
        exclude: options::excludes(&session.effective.config)?,
        tallies: Tallies::default(),
        problem: Mutex::new(None),
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
        say(&announcement(shard, &from, &own, &plan));
    }
    fleet.run(&own, args.no_progress || global.quiet);
    fleet.finish(&own, global)
}

/// Checks that no audit would look at the cache, and that it is not where the results are.
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

/// Checks that the state directory does not hold the results of another fleet, which would be removed: those of
/// repositories that are not in the plan but may still exist.
fn check_state(dir: &Path, plan: &FleetPlan) -> Result<()> {
    let Ok(known) = ResultsDir::open(dir).plan() else { return Ok(()) };
    let is_here = |path: &Path| plan.roots.iter().any(|root| path.starts_with(root));
    let foreign = known.repositories.iter().filter_map(planned_path).find(|path| !is_here(path));
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

/// Describes the part that is audited.
fn announcement(shard: Shard, from: &str, own: &[usize], plan: &FleetPlan) -> String {
    let bytes = own.iter().map(|&at| plan.repositories[at].bytes).sum();
    let part = match shard {
        Shard::WHOLE => String::new(),
        Shard { number, count } => format!("shard {number}/{count}, {}: ", masked(from)),
    };
    let all = plan.repositories.len() as u64;
    let noun = if all == 1 { "repository" } else { "repositories" };
    let of = match own.len() as u64 {
        own if own == all => String::new(),
        own => format!("{} of ", thousands(own)),
    };
    format!("{part}{of}{} {noun}, {}", thousands(all), crate::report::human_bytes(bytes))
}

/// How the memory is divided among threads.
struct Memory {
    /// Share of each thread, in bytes.
    per_thread: u64,
    /// The number of threads for which it is enough.
    threads: usize,
    /// The part of a thread's share that containers may take.
    containers: u64,
}

impl Memory {
    fn new(bytes: u64, session: &Session) -> Result<Self> {
        let containers = session.limits.memory;
        let least = containers.saturating_add(MIN_MEMORY_PER_THREAD);
        if bytes < least {
            bail!(
                "--max-memory: {} is too little; one audit takes {}, most of it for containers \
                 (`max-memory` in the table `[containers]` of the configuration)",
                mebibytes(bytes),
                mebibytes(least)
            );
        }
        let threads = usize::try_from(bytes / least).unwrap_or(usize::MAX).min(session.threads).max(1);
        Ok(Self { per_thread: bytes / threads as u64, threads, containers })
    }

    /// Memory for objects in an audit on this many threads, in bytes.
    fn for_objects(&self, threads: usize) -> u64 {
        (self.per_thread - self.containers).saturating_mul(threads as u64)
    }
}

/// A size in the syntax of options, rounded up.
fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes.div_ceil(1 << 20))
}

/// The number of repositories in each state.
#[derive(Default)]
struct Tallies {
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

struct Fleet<'a> {
    plan: &'a FleetPlan,
    session: &'a Session,
    cache: Option<Arc<Cache>>,
    surfaces: BTreeSet<Surface>,
    exclude: Option<Excludes>,
    settings: String,
    dir: ResultsDir,
    memory: Memory,
    full_objects: bool,
    fresh: bool,
    tallies: Tallies,
    /// Why results can no longer be written.
    problem: Mutex<Option<anyhow::Error>>,
}

impl Fleet<'_> {
    fn run(&self, own: &[usize], hidden: bool) {
        let bytes = |at: usize| self.plan.repositories[at].weight();
        let total = own.iter().map(|&at| bytes(at)).sum();
        let progress = FleetProgress::show(own.len() as u64, total, hidden);
        let stopped = || self.session.stop.is_set() || self.has_problem();
        let jobs = own.iter().map(|&at| (self.threads_for(bytes(at)), at)).collect();
        let again = Mutex::new(Vec::new());
        let work = |threads: usize, at: &usize| {
            let running = progress.start(bytes(*at));
            if self.repository(&self.plan.repositories[*at], threads, &running) == Done::ShortOfMemory {
                again.lock().unwrap_or_else(PoisonError::into_inner).push(*at);
            }
        };
        let failed = |at: &usize| {
            self.keep(self.failure(
                &self.plan.repositories[*at],
                "a defect of friskey ended its audit; please report it",
            ));
        };
        run_jobs(self.memory.threads, jobs, &stopped, &work, &failed);
        // Repeated one at a time, each with all of the memory, so that a result does not depend on concurrent audits.
        let again = again.into_inner().unwrap_or_else(PoisonError::into_inner);
        let jobs = again.into_iter().map(|at| (self.memory.threads, at)).collect();
        let work = |threads: usize, at: &usize| {
            self.repository(&self.plan.repositories[*at], threads, &progress.start(0));
        };
        run_jobs(self.memory.threads, jobs, &stopped, &work, &failed);
    }

    fn threads_for(&self, bytes: u64) -> usize {
        usize::try_from(bytes / BYTES_PER_THREAD).unwrap_or(usize::MAX).clamp(1, self.memory.threads)
    }

    /// Audits one repository, unless it has a valid result.
    fn repository(
        &self,
        planned: &PlannedRepository,
        threads: usize,
        progress: &super::fleet_progress::RunningAudit<'_>,
    ) -> Done {
        let Some(path) = planned_path(planned) else {
            return self.keep(
                self.failure(planned, "its path in the plan is damaged; run `friskey fleet plan` again"),
            );
        };
        let state = snapshot(&path, &self.nested(planned, &path), SystemTime::now());
        if let Some(Ok(known)) = self.dir.result(&planned.key())
            && self.is_valid(&known, state.as_deref())
        {
            self.tallies.unchanged.fetch_add(1, Ordering::Relaxed);
            return match known.plan == self.plan.id {
                true => {
                    self.tallies.count(&known);
                    Done::Kept
                }
                false => self.keep(FleetResult { plan: self.plan.id.clone(), ..known }),
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
            _ if self.session.stop.is_set() => Done::Stopped,
            Ok(audited) if audited.is_short_of_memory && threads < self.memory.threads => Done::ShortOfMemory,
            Ok(audited) => self.keep(FleetResult {
                state,
                report: Some(audited.report),
                sarif_run: Some(audited.sarif_run),
                ..self.result(planned)
            }),
            Err(reason) => self.keep(self.failure(planned, &reason)),
        }
    }

    /// The repositories in the work tree of another one, which the audit of that one also covers in part.
    fn nested(&self, planned: &PlannedRepository, path: &Path) -> Vec<PathBuf> {
        let others = self.plan.repositories.iter().filter(|other| other.path != planned.path);
        others.filter_map(planned_path).filter(|other| other.starts_with(path)).collect()
    }

    fn is_valid(&self, known: &FleetResult, state: Option<&str>) -> bool {
        !self.fresh
            && known.failure.is_none()
            && defect(known, HISTORY_SURFACES).is_none()
            && known.settings == self.settings
            && state.is_some()
            && known.state.as_deref() == state
    }

    fn failure(&self, planned: &PlannedRepository, reason: &str) -> FleetResult {
        FleetResult { failure: Some(masked(reason)), ..self.result(planned) }
    }

    /// An empty result.
    fn result(&self, planned: &PlannedRepository) -> FleetResult {
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

    fn keep(&self, result: FleetResult) -> Done {
        match self.dir.store(&result) {
            Ok(()) => {
                self.tallies.count(&result);
                Done::Kept
            }
            Err(error) => {
                self.problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.into());
                Done::Stopped
            }
        }
    }

    fn has_problem(&self) -> bool {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Prints a summary.
    fn finish(self, own: &[usize], global: &Global) -> Result<Exit> {
        let Self { tallies, problem, session, cache, .. } = self;
        cache_args::print_notes(cache.as_ref(), global.verbose);
        let count = |tally: &AtomicU64| tally.load(Ordering::Relaxed);
        let (clean, findings) = (count(&tallies.clean), count(&tallies.findings));
        let (incomplete, failed) = (count(&tallies.incomplete), count(&tallies.failed));
        let left = (own.len() as u64).saturating_sub(clean + findings + incomplete + failed);
        if !global.quiet {
            let unchanged = count(&tallies.unchanged);
            let mut line =
                format!("{clean} clean, {findings} with findings, {incomplete} incomplete, {failed} failed");
            if unchanged > 0 {
                line.push_str(&format!("; {unchanged} of them unchanged since their last audit"));
            }
            say(&line);
        }
        if let Some(error) = problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
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
enum Done {
    /// With a result.
    Kept,
    /// It must be repeated with more memory.
    ShortOfMemory,
    /// Without a result.
    Stopped,
}
