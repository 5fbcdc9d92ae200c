//! `friskey fleet audit`: checks the plan, the state directory and the options, and starts the audit of a shard.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use super::engine;
use super::memory::AuditMemory;
use super::plan::refuse_keys;
use super::settings_digest::{explicit_config, settings_digest};
use super::shard_audit::{ShardAudit, Tallies};
use crate::cache::{Cache, resolve};
use crate::cli::args::{FleetAuditArgs, GlobalArgs, SearchArgs};
use crate::cli::effective_settings::EffectiveSettings;
use crate::cli::exit::Exit;
use crate::cli::history::surfaces;
use crate::cli::message::{redact_message, say};
use crate::cli::options::{self, BaselineScope};
use crate::cli::session::Session;
use crate::fleet::{ResultsDir, Shard, parse_plan, planned_path, shard_positions};
use crate::model::FleetPlan;
use crate::report::thousands;
use crate::untrusted::{Symlinks, read};

/// Maximum size of a plan, in bytes.
const MAX_PLAN_SIZE: u64 = 1 << 30;
/// Default memory for all audits together, in bytes.
const DEFAULT_MEMORY: u64 = 2 << 30;

pub(super) fn run(args: &FleetAuditArgs, global: &GlobalArgs) -> Result<Exit> {
    let plan_path = args.plan.display();
    let bytes = read(&args.plan, Symlinks::Follow, MAX_PLAN_SIZE)
        .with_context(|| format!("cannot read the plan {plan_path}"))?;
    let plan = parse_plan(&bytes).with_context(|| format!("cannot use the plan {plan_path}"))?;
    // Checked before the state directory is changed: if a file system is not mounted, its results must not be lost.
    if plan.repositories.is_empty() {
        // Printed even with --quiet, since nothing else explains status 3.
        say(&format!(
            "the plan {plan_path} contains no repository, so nothing was audited; check that its directories \
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
    let effective_settings = EffectiveSettings::from_checkout(
        explicit_config(global)?,
        &args.suppression,
        global,
        BaselineScope::default(),
    )?;
    let session = Session::new(effective_settings, &search)?;
    refuse_keys(&plan, &session.effective_settings.detector)
        .with_context(|| format!("cannot use the plan {plan_path}"))?;
    let surfaces = surfaces(&args.audit, &session.effective_settings.config)?;
    let settings = settings_digest(&session, &surfaces, &args.suppression)?;
    let cache = args.cache.open(&session, &surfaces)?;
    if let Some(cache) = &cache {
        check_cache(cache, &plan, &args.state)?;
        // Otherwise each audit would fail, and its failure would replace a valid result.
        cache.prepare()?;
    }
    check_state_dir(&args.state, &plan)?;
    let dir = ResultsDir::create(&args.state, &plan)?;
    let indexes = shard_positions(&plan, shard);
    let keys: Vec<String> = indexes.iter().map(|&index| plan.repositories[index].key()).collect();
    dir.tidy(&plan, &keys)?;
    let audit = ShardAudit {
        memory: AuditMemory::new(args.max_memory.map_or(DEFAULT_MEMORY, |size| size.0), &session)?,
        exclude: options::excludes(&session.effective_settings.config)?,
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
    audit.run(&indexes, args.no_progress || global.quiet);
    audit.finish(&indexes, global)
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
fn check_state_dir(dir: &Path, plan: &FleetPlan) -> Result<()> {
    let Ok(stored) = ResultsDir::open(dir).plan() else { return Ok(()) };
    let is_below_roots = |path: &Path| plan.roots.iter().any(|root| path.starts_with(root));
    let foreign = stored.repositories.iter().filter_map(planned_path).find(|path| !is_below_roots(path));
    if let Some(path) = foreign {
        bail!(
            "{} contains the results of another plan, e.g. of {}, which this plan does not contain; name another \
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
    let shard_prefix = match shard {
        Shard::WHOLE => String::new(),
        Shard { number, count } => format!("shard {number}/{count}, {}: ", redact_message(shard_source)),
    };
    let total = plan.repositories.len() as u64;
    let noun = if total == 1 { "repository" } else { "repositories" };
    let count_prefix = match indexes.len() as u64 {
        count if count == total => String::new(),
        count => format!("{} of ", thousands(count)),
    };
    format!("{shard_prefix}{count_prefix}{} {noun}, {}", thousands(total), crate::report::human_bytes(bytes))
}
