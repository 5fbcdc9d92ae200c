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

use self::event::payload;
use self::resolve::{Resolved, ScanTarget, resolve};
use self::scope::Variables;
use super::args::{Ci, Global};
use super::base_policy::{self, EffectiveSettings};
use super::cache_args;
use super::clock::now;
use super::exit::Exit;
use super::history::surfaces;
use super::named_base::{EVENT, named_base};
use super::options::{self, Extent};
use super::output::{Outputs, step_summary};
use super::policy_base::PolicyBase;
use super::progress;
use super::session::Session;
use crate::detect::Redactor;
use crate::git::{self, Progress, Repository};
use crate::model::{Draft, Status};
use crate::scan::{HistoryOptions, redact, scan_history, scan_nothing};

pub(super) fn run(ci: &Ci, global: &Global) -> Result<Exit> {
    let variable = |name: &str| env::var(name).ok();
    let variables = Variables(&variable);
    let plan = plan::plan(&variables, || payload(&variables), ci.base.as_deref(), ci.head.as_deref())?;
    let repo = git::open(&ci.repo.path)?.to_thread_local();
    let resolved = resolve(&plan, &repo);
    let base = match ci.scan.policy_from.revision.as_deref() {
        None | Some(EVENT) => base::base(&plan, &repo),
        Some(revision) => named_base(revision, &repo)?,
    };
    let session = Session::new(effective_settings(ci, &base, &repo, global)?, &ci.scan.reporting.scan_args)?;
    let redactor = Redactor::new(&session.effective.detector);
    // Branch names may contain anything.
    let chosen = redactor.redact(format!("range: {} ({})", resolved.range, resolved.why).as_bytes());
    if !global.quiet {
        super::message::say(&format!("friskey: {chosen}"));
    }
    let on_github = variables.is_set("GITHUB_ACTIONS");
    let mut reporting = ci.scan.reporting.clone();
    if on_github && reporting.format.is_none() && !variables.is_set("FRISKEY_FORMAT") {
        reporting.format = Some("github".to_owned());
    }
    let summary = if ci.no_step_summary { None } else { step_summary() };
    let outputs = Outputs::open(&reporting, global)?.with_summary(summary)?;
    let mut draft = scan(ci, &session, &resolved, global)?;
    draft.category = plan.category();
    base_policy::note_accepting_markers(&mut draft);
    draft.notes.insert(0, chosen);
    draft.command_line = super::command_line::arguments();
    if let (Status::Incomplete, Some(fetch_all_hint)) = (draft.status(), plan.fetch_all_hint) {
        draft.notes.push(format!("to fetch the whole history, if the clone is shallow: {fetch_all_hint}"));
    }
    let report = redact(draft, &session.effective.detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}

/// What applies to the scan: that of the checkout, or of the commit before the change.
fn effective_settings(
    ci: &Ci,
    base: &PolicyBase,
    repo: &Repository,
    global: &Global,
) -> Result<EffectiveSettings> {
    let (path, suppression) = (&ci.repo.path, &ci.scan.suppression);
    match base {
        PolicyBase::Checkout if ci.scan.policy_from.revision.is_some() => {
            EffectiveSettings::of_trusted_checkout(options::config_about(global, path)?, suppression, global)
        }
        PolicyBase::Checkout => EffectiveSettings::of_checkout(
            options::config_about(global, path)?,
            suppression,
            global,
            Extent::default(),
        ),
        _ => base_policy::load(base, Some(repo), path, (suppression, global), |_| Extent::default()),
    }
}

fn scan(ci: &Ci, session: &Session, resolved: &Resolved, global: &Global) -> Result<Draft> {
    let config = &session.effective.config;
    let range = match &resolved.target {
        ScanTarget::Nothing => return Ok(scan_nothing(&session.settings(), "ci")),
        ScanTarget::Whole => Vec::new(),
        ScanTarget::Range(arguments) => arguments.clone(),
    };
    let surfaces = surfaces(&ci.scan.audit, config)?;
    let cache = match range.is_empty() {
        true => ci.scan.cache.open(session, &surfaces)?,
        // A workflow names the same cache for all of its events.
        false => ci.scan.cache.not_for_ranges(global.verbose),
    };
    let progress = Arc::new(Progress::default());
    let options = HistoryOptions {
        cache: cache.clone(),
        command: "ci",
        range,
        surfaces,
        exclude: options::excludes(config)?,
        full_objects: ci.scan.audit.full_objects,
        progress: Some(Arc::clone(&progress)),
        ..HistoryOptions::everything(ci.repo.path.clone(), session.threads, now())
    };
    let shown = progress::show(
        progress::ProgressUnit::Objects,
        &progress,
        ci.scan.reporting.no_progress || global.quiet,
    );
    let draft = scan_history(&session.settings(), &options);
    drop(shown);
    cache_args::print_notes(cache.as_ref(), global.verbose);
    Ok(draft?)
}
