//! `friskey ci`: scans the commits of the current CI event.
//!
//! [`mod@plan`] determines the scope of the event, [`mod@resolve`] the corresponding range in this repository.

mod base;
pub(super) mod event;
mod github;
mod known_refs;
mod plan;
#[cfg(test)]
mod plan_tests;
mod resolve;
mod scope;
mod systems;

use std::env;
use std::sync::Arc;

use anyhow::Result;

use self::event::read_payload;
use self::resolve::{ResolvedScope, ScanTarget, resolve};
use self::scope::Variables;
use super::args::{CiArgs, GlobalArgs};
use super::cache_args;
use super::clock::now;
use super::effective_settings::{EffectiveSettings, note_accepting_markers};
use super::exit::Exit;
use super::history::surfaces;
use super::options::{self, BaselineScope};
use super::output::{Outputs, step_summary};
use super::policy_base::PolicyBase;
use super::policy_from::{EVENT, policy_base};
use super::progress;
use super::session::Session;
use crate::detect::Redactor;
use crate::git::{self, Progress, Repository};
use crate::model::{Draft, Status};
use crate::scan::{HistoryOptions, redact, scan_history, scan_nothing};

pub(super) fn run(args: &CiArgs, global: &GlobalArgs) -> Result<Exit> {
    let variable = |name: &str| env::var(name).ok();
    let variables = Variables(&variable);
    let plan =
        plan::plan(&variables, || read_payload(&variables), args.base.as_deref(), args.head.as_deref())?;
    let repo = git::open(&args.repo.path)?.to_thread_local();
    let resolved = resolve(&plan, &repo);
    let policy_base = match args.scan.policy_from.revision.as_deref() {
        None | Some(EVENT) => base::policy_base(&plan, &repo),
        Some(revision) => policy_base(revision, &repo)?,
    };
    let session =
        Session::new(effective_settings(args, &policy_base, &repo, global)?, &args.scan.reporting.search)?;
    let redactor = Redactor::new(&session.effective_settings.detector);
    // Branch names may contain anything.
    let range_note = redactor.redact(format!("range: {} ({})", resolved.range, resolved.why).as_bytes());
    if !global.quiet {
        super::message::say(&format!("friskey: {range_note}"));
    }
    let on_github = variables.is_set("GITHUB_ACTIONS");
    let mut reporting = args.scan.reporting.clone();
    if on_github && reporting.format.is_none() && !variables.is_set("FRISKEY_FORMAT") {
        reporting.format = Some("github".to_owned());
    }
    let summary = if args.no_step_summary { None } else { step_summary() };
    let outputs = Outputs::open(&reporting, global)?.with_summary(summary)?;
    let mut draft = scan(args, &session, &resolved, global)?;
    draft.category = plan.category();
    note_accepting_markers(&mut draft);
    draft.notes.insert(0, range_note);
    draft.command_line = super::command_line::arguments();
    if let (Status::Incomplete, Some(fetch_all_hint)) = (draft.status(), plan.fetch_all_hint) {
        draft.notes.push(format!("to fetch the whole history, if the clone is shallow: {fetch_all_hint}"));
    }
    let report = redact(draft, &session.effective_settings.detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}

/// The settings that apply to the scan: those of the checkout, or of the commit before the change.
fn effective_settings(
    args: &CiArgs,
    base: &PolicyBase,
    repo: &Repository,
    global: &GlobalArgs,
) -> Result<EffectiveSettings> {
    let (path, suppression) = (&args.repo.path, &args.scan.suppression);
    match base {
        PolicyBase::Checkout if args.scan.policy_from.revision.is_some() => {
            EffectiveSettings::from_trusted_checkout(
                options::config_for_repo(global, path)?,
                suppression,
                global,
            )
        }
        PolicyBase::Checkout => EffectiveSettings::from_checkout(
            options::config_for_repo(global, path)?,
            suppression,
            global,
            BaselineScope::default(),
        ),
        _ => EffectiveSettings::from_base(base, Some(repo), path, (suppression, global), |_| {
            BaselineScope::default()
        }),
    }
}

fn scan(args: &CiArgs, session: &Session, resolved: &ResolvedScope, global: &GlobalArgs) -> Result<Draft> {
    let config = &session.effective_settings.config;
    let ranges = match &resolved.target {
        ScanTarget::Nothing => return Ok(scan_nothing(&session.settings(), "ci")),
        ScanTarget::Whole => Vec::new(),
        ScanTarget::Range(arguments) => vec![arguments.clone()],
    };
    let surfaces = surfaces(&args.scan.audit, config)?;
    let cache = if !ranges.is_empty() {
        // A workflow names the same cache for all of its events.
        args.scan.cache.ignore_for_range(global.verbose)
    } else if args.scan.audit.full_objects {
        args.scan.cache.ignore_for_whole(!global.quiet)
    } else {
        args.scan.cache.open(session, &surfaces)?
    };
    let progress = Arc::new(Progress::default());
    let options = HistoryOptions {
        cache: cache.clone(),
        command: "ci",
        ranges,
        surfaces,
        exclude: options::excludes(config)?,
        full_objects: args.scan.audit.full_objects,
        progress: Some(Arc::clone(&progress)),
        ..HistoryOptions::everything(args.repo.path.clone(), session.threads, now())
    };
    let progress_line = progress::show(
        progress::ProgressUnit::Objects,
        &progress,
        args.scan.reporting.no_progress || global.quiet,
    );
    let draft = scan_history(&session.settings(), &options);
    drop(progress_line);
    cache_args::print_notes(cache.as_ref(), global.verbose);
    Ok(draft?)
}
