//! `friskey ci`: scans the commits of the current CI event.
//!
//! [`mod@plan`] determines the scope of the event, [`mod@resolve`] the corresponding range in this repository.

mod base;
mod github;
mod plan;
#[cfg(test)]
mod plan_tests;
mod resolve;
mod systems;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

pub(super) use self::base::Base;
use self::plan::Variables;
use self::resolve::{Resolved, ScanTarget, resolve};
use super::args::{Global, PolicyFrom, ReportArgs, SuppressionArgs, Surfaces};
use super::base_policy::{self, InForce};
use super::cache_args::{self, CacheArgs};
use super::exit::Exit;
use super::history::{now, surfaces};
use super::options::{self, Extent};
use super::output::{Outputs, step_summary};
use super::progress;
use super::session::Session;
use crate::detect::Redactor;
use crate::git::{self, Progress, Repository};
use crate::model::{Draft, Status};
use crate::scan::{HistoryOptions, redact, scan_history, scan_nothing};
use crate::untrusted::{Symlinks, read};

/// Maximum size of a payload, in bytes; GitHub's payloads are at most 25 MB.
const MAX_PAYLOAD: u64 = 64 << 20;

#[derive(Debug, Args)]
pub(super) struct Ci {
    /// Work tree, .git directory or bare repository
    #[arg(value_name = "REPO", default_value = ".")]
    repo: PathBuf,

    /// Start of the change, instead of what the CI system provides; zeros or an empty value for a new branch
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    base: Option<String>,

    /// End of the change [default: HEAD if --base is given]
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    head: Option<String>,

    /// Do not write a step summary in GitHub Actions
    #[arg(long)]
    no_step_summary: bool,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    surfaces: Surfaces,

    #[command(flatten)]
    suppression: SuppressionArgs,

    #[command(flatten)]
    policy_from: PolicyFrom,

    #[command(flatten)]
    reporting: ReportArgs,
}

pub(super) fn run(ci: &Ci, global: &Global) -> Result<Exit> {
    let variable = |name: &str| env::var(name).ok();
    let variables = Variables(&variable);
    let plan = plan::plan(&variables, || payload(&variables), ci.base.as_deref(), ci.head.as_deref())?;
    let repo = git::open(&ci.repo)?.to_thread_local();
    let resolved = resolve(&plan, &repo);
    let base = match ci.policy_from.policy_from.as_deref() {
        None | Some(base_policy::EVENT) => base::base(&plan, &repo),
        Some(asked) => base_policy::named_base(asked, &repo)?,
    };
    let session = Session::new(in_force(ci, &base, &repo, global)?, &ci.reporting.scan_args)?;
    let redactor = Redactor::new(&session.in_force.detector);
    // Branch names may contain anything.
    let chosen = redactor.redact(format!("range: {} ({})", resolved.range, resolved.why).as_bytes());
    if !global.quiet {
        super::message::say(&format!("friskey: {chosen}"));
    }
    let on_github = variables.is_set("GITHUB_ACTIONS");
    let mut reporting = ci.reporting.clone();
    if on_github && reporting.format.is_none() && !variables.is_set("FRISKEY_FORMAT") {
        reporting.format = Some("github".to_owned());
    }
    let summary = if ci.no_step_summary { None } else { step_summary() };
    let outputs = Outputs::open(&reporting, global)?.with_summary(summary)?;
    let mut draft = scan(ci, &session, &resolved, global)?;
    draft.category = plan.category();
    base_policy::tell_markers(&mut draft);
    draft.notes.insert(0, chosen);
    draft.command_line = super::command_line::words();
    if let (Status::Incomplete, Some(deepen)) = (draft.status(), plan.deepen) {
        draft.notes.push(format!("where the history is cut off: {deepen}"));
    }
    let report = redact(draft, &session.in_force.detector);
    let exit = report.status().into();
    outputs.write(&report)?;
    Ok(exit)
}

/// The policy for the scan.
fn in_force(ci: &Ci, base: &Base, repo: &Repository, global: &Global) -> Result<InForce> {
    let Ci { repo: path, suppression, .. } = ci;
    match base {
        Base::Checkout if ci.policy_from.policy_from.is_some() => {
            InForce::of_trusted_checkout(options::config_about(global, path)?, suppression, global)
        }
        Base::Checkout => {
            InForce::of_checkout(options::config_about(global, path)?, suppression, global, Extent::default())
        }
        _ => base_policy::load(base, Some(repo), path, (suppression, global), |_| Extent::default()),
    }
}

/// The commit that decides how the change of the event is scanned, for other commands.
///
/// # Errors
/// No supported CI system is running.
pub(super) fn event_base(repo: &Repository) -> Result<Base> {
    let variable = |name: &str| env::var(name).ok();
    let variables = Variables(&variable);
    match plan::plan(&variables, || payload(&variables), None, None) {
        Ok(plan) if plan.run.is_none() => {
            bail!("--policy-from event: no supported CI detected; name a revision instead")
        }
        Ok(plan) => Ok(base::base(&plan, repo)),
        // An event that cannot be parsed determines no policy.
        Err(error) => Ok(Base::Unknown(format!("{error:#}"))),
    }
}

fn scan(ci: &Ci, session: &Session, resolved: &Resolved, global: &Global) -> Result<Draft> {
    let config = &session.in_force.config;
    let range = match &resolved.work {
        ScanTarget::Nothing => return Ok(scan_nothing(&session.settings(), "ci")),
        ScanTarget::Whole => Vec::new(),
        ScanTarget::Range(words) => words.clone(),
    };
    let surfaces = surfaces(&ci.surfaces, config)?;
    let cache = ci.cache.open(session, &surfaces)?;
    let progress = Arc::new(Progress::default());
    let audit = HistoryOptions {
        cache: cache.clone(),
        command: "ci",
        range,
        surfaces,
        exclude: options::excludes(config)?,
        whole: ci.surfaces.whole,
        progress: Some(Arc::clone(&progress)),
        ..HistoryOptions::everything(ci.repo.clone(), session.threads, now())
    };
    let shown =
        progress::show(progress::ProgressUnit::Objects, &progress, ci.reporting.no_progress || global.quiet);
    let draft = scan_history(&session.settings(), &audit);
    drop(shown);
    cache_args::tell(cache.as_ref(), global.verbose);
    Ok(draft?)
}

/// The event's payload.
fn payload(variables: &Variables<'_>) -> Result<Value> {
    let path = variables.get("GITHUB_EVENT_PATH").context("the variable GITHUB_EVENT_PATH is not set")?;
    let text = read(Path::new(&path), Symlinks::Follow, MAX_PAYLOAD)
        .with_context(|| format!("cannot read the event payload {path} (GITHUB_EVENT_PATH)"))?;
    serde_json::from_slice(&text)
        .ok()
        .with_context(|| format!("the event payload {path} (GITHUB_EVENT_PATH) is not valid JSON"))
}
