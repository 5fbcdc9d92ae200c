//! `friskey baseline`: keeps the list of accepted keys.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::args::{Accepting, BaselineCommand, EntryFields, Global, Survey};
use super::config::Config;
use super::exit::Exit;
use super::interrupt::stop_flag;
use super::limits::limits;
use super::options::{self, BASELINE, Extent};
use super::output::ignore_broken_pipe;
use super::rules::detector;
use super::scan::{extent, tree};
use crate::detect::{Detector, Mask};
use crate::model::{Confidence, Finding, Leak, Report};
use crate::report::escape_line;
use crate::rules::RuleSet;
use crate::scan::{Settings, scan_tree};
use crate::suppress::{Baseline, Date, Entry, Policy};

pub(super) fn run(command: &BaselineCommand, global: &Global) -> Result<Exit> {
    match command {
        BaselineCommand::Create { reason, entry, survey } => Run::new(survey, global)?.create(reason, entry),
        BaselineCommand::Update { reason, prune, entry, survey } => {
            Run::new(survey, global)?.update(reason.as_deref(), *prune, entry)
        }
        BaselineCommand::Check { survey } => Run::new(survey, global)?.check(),
    }
}

/// One run of such a command.
struct Run<'a> {
    survey: &'a Survey,
    config: Config,
    rules: RuleSet,
    detector: Detector,
    /// The baseline, there or not.
    path: PathBuf,
    paths: Vec<PathBuf>,
    extent: Extent,
    min_confidence: Confidence,
}

impl<'a> Run<'a> {
    fn new(survey: &'a Survey, global: &Global) -> Result<Self> {
        let config = options::config(global)?;
        let (rules, detector) = detector(global, &config)?;
        let accepting = Accepting { baseline: survey.baseline.clone(), ..Accepting::default() };
        let path = options::baseline_path(&accepting, &config)?;
        let mut paths = survey.paths.clone();
        if paths.is_empty() {
            paths.push(config.root.or_here());
        }
        Ok(Self {
            path: path.unwrap_or_else(|| config.root.shown.join(BASELINE)),
            extent: extent(&paths, &survey.files, &config),
            min_confidence: options::min_confidence(&survey.sifting, &config)?,
            paths,
            survey,
            config,
            rules,
            detector,
        })
    }

    fn create(self, reason: &str, fields: &EntryFields) -> Result<Exit> {
        if self.path.symlink_metadata().is_ok() {
            bail!("{} is there already; `friskey baseline update` adds to it", self.path.display());
        }
        let fields = self.fields(reason, fields)?;
        let report = self.scan(None)?;
        let entries = self.entries(&report, &fields);
        let mut out = Vec::new();
        if entries.is_empty() {
            writeln!(out, "nothing to accept: {} is not written", self.path.display())?;
        } else {
            Baseline::new(entries, "", Date::today()).create(&self.path)?;
            self.accepted(&report, &mut out)?;
        }
        finish(&report, out, Exit::Clean)
    }

    fn update(self, reason: Option<&str>, prune: bool, fields: &EntryFields) -> Result<Exit> {
        let baseline = self.read()?;
        if prune && !self.extent.whole {
            bail!("--prune needs a scan of everything: leave out PATH and --exclude");
        }
        // What is wrong with the fields is said before the scan.
        let fields = reason.map(|reason| self.fields(reason, fields)).transpose()?;
        let mut report = self.scan(Some(&baseline))?;
        if prune && !report.coverage.is_complete() {
            bail!("cannot prune: {} could not be scanned, `friskey scan` says why", skipped(&report));
        }
        let met = baseline.accept(&mut report.leaks);
        let mut out = Vec::new();
        report.leaks.retain(|leak| !has_expired(&baseline, leak));
        let new = self.open(&report).count();
        let Some(fields) = fields.or_else(|| (new == 0).then(Fields::default)) else {
            bail!("new keys: {new}; say with --reason why they are to be accepted");
        };
        let mut entries = Vec::new();
        for (entry, met) in baseline.entries().iter().zip(met) {
            if prune && !met {
                self.line(&mut out, &format!("dropped: {}", entry.name()))?;
                continue;
            }
            if baseline.is_expired(entry) {
                self.line(&mut out, &format!("expired, and left as it is: {}", entry.name()))?;
            }
            entries.push(entry.clone());
        }
        entries.extend(self.entries(&report, &fields));
        baseline.with_entries(entries).replace(&self.path)?;
        self.accepted(&report, &mut out)?;
        finish(&report, out, Exit::Clean)
    }

    fn check(self) -> Result<Exit> {
        let baseline = self.read()?;
        let mut report = self.scan(Some(&baseline))?;
        let met = baseline.accept(&mut report.leaks);
        let mut out = Vec::new();
        let mut wrong = 0;
        for entry in baseline.expired() {
            wrong += 1;
            self.line(&mut out, &format!("expired: {}", entry.name()))?;
        }
        if self.extent.whole && report.coverage.is_complete() {
            for entry in baseline.stale(&met) {
                wrong += 1;
                self.line(&mut out, &format!("stale, no finding meets it: {}", entry.name()))?;
            }
        } else if self.extent.whole {
            let count = baseline.stale(&met).count();
            writeln!(out, "met by nothing, which does not say that they are stale: {}", entries(count))?;
        } else {
            writeln!(out, "stale entries were not looked for: that needs a scan without PATH and --exclude")?;
        }
        if wrong == 0 {
            writeln!(out, "{}: {}, none to be dropped", self.path.display(), entries(met.len()))?;
        }
        finish(&report, out, if wrong > 0 { Exit::Findings } else { Exit::Clean })
    }

    fn read(&self) -> Result<Baseline> {
        if let Err(error) = self.path.metadata()
            && error.kind() == io::ErrorKind::NotFound
        {
            bail!("there is no {}; `friskey baseline create` makes one", self.path.display());
        }
        Ok(Baseline::read(&self.path)?.with_base(options::base(&self.config)?))
    }

    /// Every leak of any confidence, with what markers accept marked as such; and with what the baseline
    /// accepts, if there is one.
    fn scan(&self, baseline: Option<&Baseline>) -> Result<Report> {
        let policy = Policy {
            inline: options::inline(self.survey.strict, &self.config),
            baseline: baseline.cloned(),
            ..Policy::default()
        };
        let stop = stop_flag();
        let settings = Settings {
            detector: &self.detector,
            rules_digest: self.rules.digest(),
            min_confidence: Confidence::Low,
            policy: &policy,
            only: None,
            limits: limits(&self.survey.sifting.unpacking, &self.config.containers),
            stop: &stop,
        };
        let threads = options::threads(&self.survey.sifting, &self.config)?;
        let report = scan_tree(&settings, &tree(&self.paths, &self.survey.files, threads, &self.config)?)?;
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            bail!("interrupted: {} is as it was", self.path.display());
        }
        Ok(report)
    }

    /// Leaks that are to be reported and have a place that is not accepted.
    fn open<'r>(&self, report: &'r Report) -> impl Iterator<Item = &'r Leak> + use<'r> {
        let threshold = self.min_confidence;
        report.open_leaks().filter(move |leak| leak.identified.confidence >= threshold)
    }

    fn entries(&self, report: &Report, fields: &Fields) -> Vec<Entry> {
        let entry = |leak: &Leak| Entry {
            fingerprint: leak.identified.fingerprint,
            rule: leak.identified.rule.to_string(),
            reason: fields.reason.clone(),
            path: None,
            owner: fields.owner.clone(),
            expires: fields.expires,
            comments: Vec::new(),
        };
        self.open(report).map(entry).collect()
    }

    /// Says what was accepted.
    fn accepted(&self, report: &Report, out: &mut Vec<u8>) -> Result<()> {
        for leak in self.open(report) {
            let identified = &leak.identified;
            let place = leak.findings.first().map(place).unwrap_or_default();
            let text = format!("accepted: {} {} {place}", identified.secret.redacted(), identified.rule);
            self.line(out, text.trim_end())?;
        }
        writeln!(out, "{}: {} added", self.path.display(), entries(self.open(report).count()))?;
        Ok(())
    }

    /// One line of foreign text, made harmless.
    fn line(&self, out: &mut Vec<u8>, text: &str) -> io::Result<()> {
        writeln!(out, "{}", escape_line(&Mask::new(&self.detector).text(text.as_bytes())))
    }

    fn fields(&self, reason: &str, fields: &EntryFields) -> Result<Fields> {
        let mask = Mask::new(&self.detector);
        for text in [Some(reason), fields.owner.as_deref()].into_iter().flatten() {
            if text.trim().is_empty() {
                bail!("a reason and an owner are some words");
            }
            // The file is there to be shared.
            if mask.hides(text.as_bytes()) {
                bail!("a reason and an owner are written into the baseline, and must not hold a key");
            }
        }
        let day = |text: &String| Date::parse(text).context("--expires is a day, written YYYY-MM-DD");
        let expires = fields.expires.as_ref().map(day).transpose()?;
        Ok(Fields { reason: reason.trim().to_owned(), owner: fields.owner.clone(), expires })
    }
}

/// What new entries say.
#[derive(Default)]
struct Fields {
    reason: String,
    owner: Option<String>,
    expires: Option<Date>,
}

/// Whether the key was accepted for a time that is over. Only who set its end may renew that.
fn has_expired(baseline: &Baseline, leak: &Leak) -> bool {
    baseline.expired().any(|entry| entry.fingerprint == leak.identified.fingerprint)
}

fn place(finding: &Finding) -> String {
    let path = finding.origin.path.as_deref().unwrap_or_default();
    format!("{}:{}", String::from_utf8_lossy(path), finding.span.start.line)
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn skipped(report: &Report) -> String {
    match report.coverage.skipped.len() {
        1 => "1 thing".to_owned(),
        count => format!("{count} things"),
    }
}

fn finish(report: &Report, mut out: Vec<u8>, exit: Exit) -> Result<Exit> {
    let complete = report.coverage.is_complete();
    if !complete {
        writeln!(out, "incomplete: {} could not be scanned, `friskey scan` says why", skipped(report))?;
    }
    ignore_broken_pipe(io::stdout().lock().write_all(&out))?;
    Ok(if exit == Exit::Clean && !complete { Exit::Incomplete } else { exit })
}
