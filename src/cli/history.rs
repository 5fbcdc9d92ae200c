//! `friskey history`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::args::{CacheArgs, Global, History, ReportArgs, Surfaces};
use super::base_policy::{self, InForce};
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
    let session = Session::new(in_force(history, global)?, &history.reporting.scan_args)?;
    let job = Job {
        command: "history",
        repo: &history.repo,
        range: range(history)?,
        surfaces: &history.surfaces,
        cache: &history.cache,
        reporting: &history.reporting,
        exclude: options::excludes(&session.in_force.config)?,
        session: &session,
        only: None,
        note_accepting_markers: history.policy_from.differs_from_checkout(),
    };
    job.run(global)
}

/// What decides about the scan: what is checked out, or what was there before the change.
fn in_force(history: &History, global: &Global) -> Result<InForce> {
    let History { repo: path, suppression, policy_from, .. } = history;
    if let Some(asked) = &policy_from.policy_from {
        let repo = git::open(path)?.to_thread_local();
        let base = named_base(asked, &repo)?;
        if base != PolicyBase::Checkout {
            return base_policy::load(&base, Some(&repo), path, (suppression, global), |_| Extent::default());
        }
        return InForce::of_trusted_checkout(options::config_about(global, path)?, suppression, global);
    }
    InForce::of_checkout(options::config_about(global, path)?, suppression, global, Extent::default())
}

/// An audit as the command line asks for it.
pub(super) struct Job<'a> {
    pub(super) command: &'static str,
    pub(super) repo: &'a Path,
    pub(super) range: Vec<String>,
    pub(super) surfaces: &'a Surfaces,
    pub(super) cache: &'a CacheArgs,
    pub(super) reporting: &'a ReportArgs,
    pub(super) session: &'a Session,
    pub(super) exclude: Option<Excludes>,
    pub(super) only: Option<KeyFilter>,
    /// Names the keys that a marker accepts.
    pub(super) note_accepting_markers: bool,
}

impl Job<'_> {
    /// Does it, showing progress, and writes the reports.
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let outputs = Outputs::open(self.reporting, global)?;
        let mut settings = self.session.settings();
        if let Some(only) = self.only {
            // Whoever asks for one key wants every place of it, at any confidence.
            settings = Settings { only: Some(only), min_confidence: Confidence::Low, ..settings };
        }
        let is_range = !self.range.is_empty();
        let surfaces = surfaces(self.surfaces, &self.session.in_force.config)?;
        let cache = self.cache.open(self.session, &surfaces)?;
        let progress = Arc::new(Progress::default());
        let audit = HistoryOptions {
            cache: cache.clone(),
            command: self.command,
            range: self.range,
            surfaces,
            exclude: self.exclude,
            whole: self.surfaces.whole,
            progress: Some(Arc::clone(&progress)),
            ..HistoryOptions::everything(self.repo.to_owned(), self.session.threads, now())
        };
        let shown = progress::show(
            progress::ProgressUnit::Objects,
            &progress,
            self.reporting.no_progress || global.quiet,
        );
        let draft = scan_history(&settings, &audit);
        drop(shown);
        cache_args::tell(cache.as_ref(), global.verbose);
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
        draft.command_line = super::command_line::words();
        let report = redact(draft, &self.session.in_force.detector);
        let exit = report.status().into();
        outputs.write(&report)?;
        Ok(exit)
    }
}

/// The words of all ranges, in git's own way of writing them.
///
/// # Errors
/// For a range that is empty, a variable without a value for one: it asks for less than everything.
fn range(history: &History) -> Result<Vec<String>> {
    if history.range.iter().any(|range| range.trim().is_empty()) {
        bail!("--range is empty; write revisions, `A..B` say, or leave it out to audit everything");
    }
    let words = history.range.iter().flat_map(|range| range.split_whitespace()).map(str::to_owned);
    let mut words: Vec<String> = words.collect();
    if !history.not.is_empty() {
        words.push("--not".to_owned());
        words.extend(history.not.iter().cloned());
    }
    Ok(words)
}

/// The surfaces that the options ask for, or the configuration.
pub(super) fn surfaces(asked: &Surfaces, config: &Config) -> Result<BTreeSet<Surface>> {
    let known = |name: &str| {
        Surface::from_name(name).filter(|surface| HISTORY_SURFACES.contains(surface)).map_or_else(
            || {
                let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
                bail!("there is no surface `{name}`; there are {}", names.join(", "))
            },
            Ok,
        )
    };
    let names = if asked.surfaces.is_empty() { &config.surfaces } else { &asked.surfaces };
    let (without, only): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.starts_with('-'));
    let mut surfaces: BTreeSet<Surface> = match only.is_empty() {
        true => HISTORY_SURFACES.iter().copied().collect(),
        false => only.into_iter().map(|name| known(name)).collect::<Result<_>>()?,
    };
    for name in without {
        surfaces.remove(&known(&name[1..])?);
    }
    if asked.no_unreachable {
        surfaces.remove(&Surface::Unreachable);
    }
    if surfaces.is_empty() {
        bail!("no surface is left to look at");
    }
    Ok(surfaces)
}
