//! `friskey history`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::args::{AuditArgs, CacheArgs, Global, History, ReportArgs};
use super::base_policy::{self, EffectiveSettings};
use super::cache_args;
use super::clock::now;
use super::config::Config;
use super::exit::Exit;
use super::named_base::named_base;
use super::options::{self, Extent};
use super::output::Outputs;
use super::policy_base::PolicyBase;
use super::progress;
use super::session::Session;
use crate::git::{self, Progress};
use crate::model::{Confidence, Surface};
use crate::scan::{HISTORY_SURFACES, HistoryOptions, KeyFilter, Settings, redact, scan_history};
use crate::source::Excludes;

pub(super) fn run(history: &History, global: &Global) -> Result<Exit> {
    let session = Session::new(effective_settings(history, global)?, &history.scan.reporting.scan_args)?;
    let job = AuditJob {
        command: "history",
        repo: &history.repo.path,
        range: range(history)?,
        audit: &history.scan.audit,
        cache: &history.scan.cache,
        reporting: &history.scan.reporting,
        exclude: options::excludes(&session.effective.config)?,
        session: &session,
        only: None,
        note_accepting_markers: history.scan.policy_from.differs_from_checkout(),
    };
    job.run(global)
}

/// What applies to the scan: the settings of the checkout, or those of the commit that the user names.
fn effective_settings(history: &History, global: &Global) -> Result<EffectiveSettings> {
    let (path, suppression) = (&history.repo.path, &history.scan.suppression);
    if let Some(revision) = &history.scan.policy_from.revision {
        let repo = git::open(path)?.to_thread_local();
        let base = named_base(revision, &repo)?;
        if base != PolicyBase::Checkout {
            return base_policy::load(&base, Some(&repo), path, (suppression, global), |_| Extent::default());
        }
        return EffectiveSettings::of_trusted_checkout(
            options::config_about(global, path)?,
            suppression,
            global,
        );
    }
    EffectiveSettings::of_checkout(
        options::config_about(global, path)?,
        suppression,
        global,
        Extent::default(),
    )
}

/// An audit requested on the command line.
pub(super) struct AuditJob<'a> {
    pub(super) command: &'static str,
    pub(super) repo: &'a Path,
    pub(super) range: Vec<String>,
    pub(super) audit: &'a AuditArgs,
    pub(super) cache: &'a CacheArgs,
    pub(super) reporting: &'a ReportArgs,
    pub(super) session: &'a Session,
    pub(super) exclude: Option<Excludes>,
    pub(super) only: Option<KeyFilter>,
    /// Whether the report lists the keys that a marker accepts.
    pub(super) note_accepting_markers: bool,
}

impl AuditJob<'_> {
    /// Runs the audit, showing progress, and writes the reports.
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let outputs = Outputs::open(self.reporting, global)?;
        let mut settings = self.session.settings();
        if let Some(only) = self.only {
            // All findings of the requested key are shown, whatever their confidence.
            settings = Settings { only: Some(only), min_confidence: Confidence::Low, ..settings };
        }
        let is_range = !self.range.is_empty();
        let surfaces = surfaces(self.audit, &self.session.effective.config)?;
        let cache = match is_range {
            true => self.cache.not_for_ranges(!global.quiet),
            false => self.cache.open(self.session, &surfaces)?,
        };
        let progress = Arc::new(Progress::default());
        let options = HistoryOptions {
            cache: cache.clone(),
            command: self.command,
            range: self.range,
            surfaces,
            exclude: self.exclude,
            full_objects: self.audit.full_objects,
            progress: Some(Arc::clone(&progress)),
            ..HistoryOptions::everything(self.repo.to_owned(), self.session.threads, now())
        };
        let shown = progress::show(
            progress::ProgressUnit::Objects,
            &progress,
            self.reporting.no_progress || global.quiet,
        );
        let draft = scan_history(&settings, &options);
        drop(shown);
        cache_args::print_notes(cache.as_ref(), global.verbose);
        let mut draft = draft?;
        draft.category = is_range.then_some("range");
        if is_range {
            draft.notes.push(
                "only the commits of a range were scanned, so a key may be older than it seems".to_owned(),
            );
        }
        if self.note_accepting_markers {
            base_policy::note_accepting_markers(&mut draft);
        }
        draft.command_line = super::command_line::arguments();
        let report = redact(draft, &self.session.effective.detector);
        let exit = report.status().into();
        outputs.write(&report)?;
        Ok(exit)
    }
}

/// The arguments of all ranges, in git's syntax.
///
/// # Errors
/// An empty range, as from a variable without a value: it must not turn into an audit of everything.
fn range(history: &History) -> Result<Vec<String>> {
    if history.range.iter().any(|range| range.trim().is_empty()) {
        bail!("--range is empty; write revisions, e.g. `A..B`, or leave it out to audit everything");
    }
    let arguments = history.range.iter().flat_map(|range| range.split_whitespace()).map(str::to_owned);
    let mut arguments: Vec<String> = arguments.collect();
    if !history.not.is_empty() {
        arguments.push("--not".to_owned());
        arguments.extend(history.not.iter().cloned());
    }
    Ok(arguments)
}

/// The surfaces that the options ask for, or the configuration.
pub(super) fn surfaces(audit: &AuditArgs, config: &Config) -> Result<BTreeSet<Surface>> {
    let known = |name: &str| {
        Surface::from_name(name).filter(|surface| HISTORY_SURFACES.contains(surface)).map_or_else(
            || {
                let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
                bail!("unknown surface `{name}`; expected one of {}", names.join(", "))
            },
            Ok,
        )
    };
    let names = if audit.surfaces.is_empty() { &config.surfaces } else { &audit.surfaces };
    let (without, only): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.starts_with('-'));
    let mut surfaces: BTreeSet<Surface> = match only.is_empty() {
        true => HISTORY_SURFACES.iter().copied().collect(),
        false => only.into_iter().map(|name| known(name)).collect::<Result<_>>()?,
    };
    for name in without {
        surfaces.remove(&known(&name[1..])?);
    }
    if audit.no_unreachable {
        surfaces.remove(&Surface::Unreachable);
    }
    if surfaces.is_empty() {
        bail!("every surface is excluded; leave at least one to scan");
    }
    Ok(surfaces)
}
