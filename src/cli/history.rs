//! `friskey history`, and the audit that it shares with `friskey trace`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::args::{AuditArgs, CacheArgs, GlobalArgs, HistoryArgs, ReportArgs};
use super::cache_args;
use super::clock::now;
use super::config::Config;
use super::effective_settings::{EffectiveSettings, note_accepting_markers};
use super::exit::Exit;
use super::git_env;
use super::options::{self, BaselineScope};
use super::output::Outputs;
use super::policy_base::PolicyBase;
use super::policy_from::policy_base;
use super::progress;
use super::session::Session;
use crate::git::{self, Progress};
use crate::model::{Confidence, Surface};
use crate::scan::{HISTORY_SURFACES, HistoryOptions, KeyFilter, Settings, redact, scan_history};
use crate::source::Excludes;

pub(super) fn run(args: &HistoryArgs, global: &GlobalArgs) -> Result<Exit> {
    let session = Session::new(effective_settings(args, global)?, &args.scan.reporting.search)?;
    let job = AuditJob {
        command: "history",
        repo: &args.repo.path,
        ranges: ranges(args)?,
        audit: &args.scan.audit,
        cache: &args.scan.cache,
        reporting: &args.scan.reporting,
        exclude: options::excludes(&session.effective_settings.config)?,
        session: &session,
        key_filter: None,
        note_accepting_markers: args.scan.policy_from.differs_from_checkout(),
    };
    job.run(global)
}

/// The settings that apply to the scan: those of the checkout, or of the commit that the user names.
fn effective_settings(args: &HistoryArgs, global: &GlobalArgs) -> Result<EffectiveSettings> {
    let (path, suppression) = (&args.repo.path, &args.scan.suppression);
    if let Some(revision) = &args.scan.policy_from.revision {
        let repo = git::open(path)?.to_thread_local();
        let base = policy_base(revision, &repo)?;
        if base != PolicyBase::Checkout {
            return EffectiveSettings::from_base(&base, Some(&repo), path, (suppression, global), |_| {
                BaselineScope::default()
            });
        }
        // The user asked for the policy of the checkout, which a note in the report says.
        return EffectiveSettings::from_trusted_checkout(
            options::config_for_repo(global, path)?,
            suppression,
            global,
        );
    }
    EffectiveSettings::from_checkout(
        options::config_for_repo(global, path)?,
        suppression,
        global,
        BaselineScope::default(),
    )
}

/// An audit requested on the command line.
pub(super) struct AuditJob<'a> {
    pub(super) command: &'static str,
    pub(super) repo: &'a Path,
    /// What each range selects, in git's syntax; the whole history if there is none.
    pub(super) ranges: Vec<Vec<String>>,
    pub(super) audit: &'a AuditArgs,
    pub(super) cache: &'a CacheArgs,
    pub(super) reporting: &'a ReportArgs,
    pub(super) session: &'a Session,
    pub(super) exclude: Option<Excludes>,
    pub(super) key_filter: Option<KeyFilter>,
    /// Whether the report lists the findings that a marker accepts.
    pub(super) note_accepting_markers: bool,
}

impl AuditJob<'_> {
    /// Runs the audit, showing progress, and writes the reports.
    pub(super) fn run(self, global: &GlobalArgs) -> Result<Exit> {
        let outputs = Outputs::open(self.reporting, global)?;
        let mut settings = self.session.settings();
        if let Some(filter) = self.key_filter {
            // All findings of the requested key are shown, whatever their confidence.
            settings = Settings { key_filter: Some(filter), min_confidence: Confidence::Low, ..settings };
        }
        let is_range = !self.ranges.is_empty();
        let surfaces = surfaces(self.audit, &self.session.effective_settings.config)?;
        let cache = if is_range {
            self.cache.ignore_for_range(!global.quiet)
        } else if self.audit.full_objects {
            self.cache.ignore_for_whole(!global.quiet)
        } else {
            self.cache.open(self.session, &surfaces)?
        };
        let progress = Arc::new(Progress::default());
        let options = HistoryOptions {
            cache: cache.clone(),
            command: self.command,
            ranges: self.ranges,
            surfaces,
            exclude: self.exclude,
            full_objects: self.audit.full_objects,
            progress: Some(Arc::clone(&progress)),
            ..HistoryOptions::everything(self.repo.to_owned(), self.session.threads, now())
        };
        let progress_line = progress::show(
            progress::ProgressUnit::Objects,
            &progress,
            self.reporting.no_progress || global.quiet,
        );
        let draft = scan_history(&settings, &options);
        drop(progress_line);
        cache_args::print_notes(cache.as_ref(), global.verbose);
        let mut draft = draft?;
        draft.coverage.skipped.extend(git_env::skipped_objects(self.repo));
        // So that code scanning keeps the reports of whole audits.
        draft.category = is_range.then_some("range");
        if is_range {
            draft.notes.push(
                "only the commits of a range were scanned, so a key may be older than it seems".to_owned(),
            );
        }
        if self.note_accepting_markers {
            note_accepting_markers(&mut draft);
        }
        draft.command_line = super::command_line::arguments();
        let report = redact(draft, &self.session.effective_settings.detector);
        let exit = report.status().into();
        outputs.write(&report)?;
        Ok(exit)
    }
}

/// The arguments of each range, in git's syntax.
///
/// # Errors
/// An empty range, as from a variable without a value: it must not turn into an audit of everything.
fn ranges(args: &HistoryArgs) -> Result<Vec<Vec<String>>> {
    if args.range.iter().any(|range| range.trim().is_empty()) {
        bail!("--range is empty; write revisions, e.g. `A..B`, or leave it out to audit everything");
    }
    // What is excluded comes first, since a range may contain `--not`, which would include it again.
    let mut excluded: Vec<&str> = Vec::new();
    if !args.not.is_empty() {
        excluded.push("--not");
        excluded.extend(args.not.iter().map(String::as_str));
        excluded.push("--not");
    }
    let arguments = |range: &String| {
        excluded.iter().copied().chain(range.split_whitespace()).map(str::to_owned).collect()
    };
    Ok(args.range.iter().map(arguments).collect())
}

/// The surfaces that the options select or, without such options, the configuration.
pub(super) fn surfaces(audit: &AuditArgs, config: &Config) -> Result<BTreeSet<Surface>> {
    let parse = |name: &str| {
        Surface::from_name(name).filter(|surface| HISTORY_SURFACES.contains(surface)).map_or_else(
            || {
                let names: Vec<_> = HISTORY_SURFACES.iter().map(|surface| surface.name()).collect();
                bail!("unknown surface `{name}`; expected one of {}", names.join(", "))
            },
            Ok,
        )
    };
    let names = if audit.surfaces.is_empty() { &config.surfaces } else { &audit.surfaces };
    let (excluded, included): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| name.starts_with('-'));
    let mut surfaces: BTreeSet<Surface> = match included.is_empty() {
        true => HISTORY_SURFACES.iter().copied().collect(),
        false => included.into_iter().map(|name| parse(name)).collect::<Result<_>>()?,
    };
    for name in excluded {
        surfaces.remove(&parse(&name[1..])?);
    }
    if audit.no_unreachable {
        surfaces.remove(&Surface::Unreachable);
    }
    if surfaces.is_empty() {
        bail!("every surface is excluded; leave at least one to scan");
    }
    Ok(surfaces)
}
