//! `friskey baseline`: manages the list of accepted keys.

mod add;
mod destination;
mod staleness;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cli::args::{BaselineCommand, BaselineEntryArgs, BaselineScanArgs, GlobalArgs, SuppressionArgs};
use crate::cli::config::Config;
use crate::cli::exit::Exit;
use crate::cli::limits::limits;
use crate::cli::message;
use crate::cli::options::{self, BASELINE, BaselineScope};
use crate::cli::rules::load_detector;
use crate::cli::scan::{baseline_scope, tree_options};
use crate::detect::{Detector, Redactor};
use crate::model::{Confidence, Coverage, Draft, Finding, Fingerprint, Leak, Report};
use crate::report::escape_line;
use crate::rules::RuleSet;
use crate::scan::{Settings, Stop, redact, scan_tree};
use crate::suppress::{Baseline, BaselineEntry, Date, Policy, is_blank};

pub(super) fn run(command: &BaselineCommand, global: &GlobalArgs) -> Result<Exit> {
    match command {
        BaselineCommand::Add(add) => add::run(add, global),
        BaselineCommand::Create { reason, entry, args } => {
            BaselineRun::new(args, global, true)?.create(reason, entry)
        }
        BaselineCommand::Update { reason, prune, entry, args } => {
            BaselineRun::new(args, global, true)?.update(reason.as_deref(), *prune, entry)
        }
        BaselineCommand::Check { args } => BaselineRun::new(args, global, false)?.check(),
    }
}

/// One run of `create`, `update` or `check`.
struct BaselineRun<'a> {
    args: &'a BaselineScanArgs,
    config: Config,
    rules: RuleSet,
    detector: Detector,
    /// The baseline file, which may not exist.
    path: PathBuf,
    /// The files and directories to scan.
    paths: Vec<PathBuf>,
    /// What the scan covers: an entry without findings is stale only if that is everything that the baseline covers.
    scope: BaselineScope,
    /// Keys below it are not added to the baseline.
    min_confidence: Confidence,
    /// Whether nothing is printed if the result is clean.
    quiet: bool,
}

impl<'a> BaselineRun<'a> {
    /// Resolves the options; `writes` if the command writes the baseline.
    fn new(args: &'a BaselineScanArgs, global: &GlobalArgs, writes: bool) -> Result<Self> {
        let config = options::config(global)?;
        let (rules, detector) = load_detector(global, &config)?;
        let suppression = SuppressionArgs { baseline: args.baseline.clone(), ..SuppressionArgs::default() };
        let path = options::baseline_path(&suppression, &config)?;
        let path = path.unwrap_or_else(|| config.root.path.join(BASELINE));
        if writes {
            destination::check(&path, &suppression, &config)?;
        }
        let mut paths = args.paths.clone();
        if paths.is_empty() {
            paths.push(config.root.non_empty_path());
        }
        Ok(Self {
            path,
            scope: baseline_scope(&paths, &args.files, &config),
            min_confidence: options::min_confidence(&args.search, &config)?,
            paths,
            args,
            config,
            rules,
            detector,
            quiet: global.quiet,
        })
    }

    fn create(self, reason: &str, fields: &BaselineEntryArgs) -> Result<Exit> {
        if self.path.symlink_metadata().is_ok() {
            bail!("{} already exists; `friskey baseline update` adds to it", self.path.display());
        }
        let fields = NewEntryFields::new(&self.detector, reason, fields)?;
        let report = redact(self.scan(None)?, &self.detector);
        let entries = self.new_entries(&report, &fields);
        let mut out = Vec::new();
        if entries.is_empty() {
            writeln!(out, "nothing to accept; {} was not written", self.path.display())?;
        } else {
            // Without a path to show in reports, since it is only written.
            Baseline::new(entries, "", Date::today()).create(&self.path)?;
            self.write_accepted(&report, &mut out)?;
        }
        finish(&report, out, Exit::Clean, what_shows_why(true), self.quiet)
    }

    fn update(self, reason: Option<&str>, prune: bool, fields: &BaselineEntryArgs) -> Result<Exit> {
        let baseline = self.read()?;
        if prune && !self.scope.covers_baseline {
            bail!("--prune needs a scan of everything: leave out PATH and --exclude");
        }
        // Invalid fields are reported before the scan.
        let fields = reason.map(|reason| NewEntryFields::new(&self.detector, reason, fields)).transpose()?;
        let mut draft = self.scan(Some(&baseline))?;
        let mut matched = baseline.accept(&mut draft.leaks);
        if prune {
            // An entry is dropped only if nothing that could not be read may contain its key.
            let history = self.search_history(&baseline, &mut matched)?;
            let shows_why = what_shows_why(history.is_complete());
            draft.coverage.merge(history);
            if !draft.coverage.is_complete() {
                bail!("cannot prune: {} could not be scanned, {shows_why}", skip_count(&draft.coverage));
            }
        }
        let mut out = Vec::new();
        draft.leaks.retain(|leak| !has_expired(&baseline, leak));
        let report = redact(draft, &self.detector);
        let new_count = self.leaks_to_accept(&report).count();
        let Some(fields) = fields.or_else(|| (new_count == 0).then(NewEntryFields::default)) else {
            bail!("new keys: {new_count}; state with --reason why they are accepted");
        };
        let mut entries = Vec::new();
        for (entry, matched) in baseline.entries().iter().zip(matched) {
            let is_expired = baseline.is_expired(entry);
            if prune && (is_expired || !matched) {
                let why = if is_expired { "expired" } else { "matches no finding" };
                write_redacted_line(&mut out, &self.detector, &format!("dropped, {why}: {}", entry.name()))?;
                continue;
            }
            if is_expired {
                write_redacted_line(
                    &mut out,
                    &self.detector,
                    &format!("expired, left as it is: {}", entry.name()),
                )?;
            }
            entries.push(entry.clone());
        }
        entries.extend(self.new_entries(&report, &fields));
        baseline.with_entries(entries).replace(&self.path)?;
        self.write_accepted(&report, &mut out)?;
        // If the history was searched as well, it could be read, or nothing would have been pruned.
        finish(&report, out, Exit::Clean, what_shows_why(true), self.quiet)
    }

    fn check(self) -> Result<Exit> {
        let baseline = self.read()?;
        let mut draft = self.scan(Some(&baseline))?;
        let mut matched = baseline.accept(&mut draft.leaks);
        let mut shows_why = what_shows_why(true);
        if self.scope.covers_baseline {
            let history = self.search_history(&baseline, &mut matched)?;
            shows_why = what_shows_why(history.is_complete());
            draft.coverage.merge(history);
        }
        let mut out = Vec::new();
        let report = redact(draft, &self.detector);
        let mut outdated_entries = 0;
        for entry in baseline.expired_entries() {
            outdated_entries += 1;
            write_redacted_line(&mut out, &self.detector, &format!("expired: {}", entry.name()))?;
        }
        if self.scope.covers_baseline && report.coverage().is_complete() {
            for entry in baseline.stale_entries(&matched) {
                outdated_entries += 1;
                write_redacted_line(
                    &mut out,
                    &self.detector,
                    &format!("stale, matches no finding: {}", entry.name()),
                )?;
            }
        } else if self.scope.covers_baseline {
            let count = baseline.stale_entries(&matched).count();
            writeln!(
                out,
                "not found, and perhaps not stale, since the scan is incomplete: {}",
                entry_count(count)
            )?;
        } else {
            writeln!(out, "stale entries were not looked for: leave out PATH and --exclude to do so")?;
        }
        if outdated_entries == 0 {
            writeln!(out, "{}: {}, none to be dropped", self.path.display(), entry_count(matched.len()))?;
        }
        let exit = if outdated_entries > 0 { Exit::Findings } else { Exit::Clean };
        finish(&report, out, exit, shows_why, self.quiet)
    }

    fn read(&self) -> Result<Baseline> {
        if let Err(error) = self.path.metadata()
            && error.kind() == io::ErrorKind::NotFound
        {
            bail!("{} does not exist; `friskey baseline create` creates it", self.path.display());
        }
        Ok(Baseline::read(&self.path)?.with_base(options::path_base(&self.config)?))
    }

    /// Scans for leaks of any confidence. Findings that are accepted by markers, and by `baseline` if given, are
    /// marked as suppressed.
    fn scan(&self, baseline: Option<&Baseline>) -> Result<Draft> {
        let policy = self.policy(baseline);
        let stop = options::stop(&self.args.search, &self.config)?;
        let threads = options::threads(&self.args.search, &self.config)?;
        let tree = tree_options(&self.paths, &self.args.files, threads, &self.config)?;
        let draft = scan_tree(&self.settings(&policy, &stop), &tree)?;
        self.fail_if_stopped(&stop)?;
        Ok(draft)
    }

    /// Accepts by markers, and by `baseline` if given.
    fn policy(&self, baseline: Option<&Baseline>) -> Policy {
        let markers = options::marker_mode(self.args.strict, &self.config);
        Policy { markers, baseline: baseline.cloned(), ..Policy::default() }
    }

    fn settings<'s>(&'s self, policy: &'s Policy, stop: &'s Stop) -> Settings<'s> {
        Settings {
            detector: &self.detector,
            rules_digest: self.rules.digest(),
            min_confidence: Confidence::Low,
            policy,
            key_filter: None,
            limits: limits(&self.args.search.containers, &self.config.containers),
            stop,
        }
    }

    fn fail_if_stopped(&self, stop: &Stop) -> Result<()> {
        if stop.is_set() {
            bail!("interrupted: {} was not changed", self.path.display());
        }
        Ok(())
    }

    /// The open leaks, those with a finding that is not accepted, of at least the minimum confidence.
    fn leaks_to_accept<'r>(&self, report: &'r Report) -> impl Iterator<Item = &'r Leak> + use<'r> {
        let threshold = self.min_confidence;
        report.open_leaks().filter(move |leak| leak.detected_key.confidence >= threshold)
    }

    fn new_entries(&self, report: &Report, fields: &NewEntryFields) -> Vec<BaselineEntry> {
        let entry =
            |leak: &Leak| fields.entry(leak.detected_key.fingerprint, leak.detected_key.rule.to_string());
        self.leaks_to_accept(report).map(entry).collect()
    }

    /// Lists the keys that were added to the baseline.
    fn write_accepted(&self, report: &Report, out: &mut Vec<u8>) -> Result<()> {
        for leak in self.leaks_to_accept(report) {
            let detected_key = &leak.detected_key;
            let place = leak.findings.first().map(location).unwrap_or_default();
            let text = format!("accepted: {} {} {place}", detected_key.secret.redacted(), detected_key.rule);
            write_redacted_line(out, &self.detector, text.trim_end())?;
        }
        writeln!(
            out,
            "{}: {} added",
            self.path.display(),
            entry_count(self.leaks_to_accept(report).count())
        )?;
        Ok(())
    }
}

/// The fields that all new entries share.
#[derive(Default)]
struct NewEntryFields {
    reason: String,
    owner: Option<String>,
    expires: Option<Date>,
}

impl NewEntryFields {
    /// Checks the fields given on the command line.
    ///
    /// # Errors
    /// An empty field or one with a key, or a date that is invalid or in the past.
    fn new(detector: &Detector, reason: &str, fields: &BaselineEntryArgs) -> Result<Self> {
        let redactor = Redactor::new(detector);
        for text in [Some(reason), fields.owner.as_deref()].into_iter().flatten() {
            if is_blank(text) {
                bail!("--reason and --owner must not be empty");
            }
            if redactor.redact_if_secret(text.as_bytes()).is_some() {
                bail!("--reason or --owner contains a key, and the baseline is a file to be shared");
            }
        }
        let parse_date =
            |text: &String| Date::parse(text).context("--expires: expected a date, e.g. 2030-01-31");
        let expires = fields.expires.as_ref().map(parse_date).transpose()?;
        if let Some(past) = expires.filter(|day| *day < Date::today()) {
            bail!(
                "--expires {past} is in the past, so the entries would accept nothing; give today's date or a later one"
            );
        }
        Ok(Self { reason: reason.trim().to_owned(), owner: fields.owner.clone(), expires })
    }

    /// An entry for a key at any path.
    fn entry(&self, fingerprint: Fingerprint, rule: String) -> BaselineEntry {
        BaselineEntry {
            fingerprint,
            rule,
            reason: self.reason.clone(),
            path: None,
            owner: self.owner.clone(),
            expires: self.expires,
            comments: Vec::new(),
        }
    }
}

/// Writes one line of untrusted text, redacted and escaped.
fn write_redacted_line(out: &mut Vec<u8>, detector: &Detector, text: &str) -> io::Result<()> {
    writeln!(out, "{}", escape_line(&Redactor::new(detector).redact(text.as_bytes())))
}

/// Whether an entry for the key has expired. Such a key is not accepted again automatically.
fn has_expired(baseline: &Baseline, leak: &Leak) -> bool {
    baseline.expired_entries().any(|entry| entry.fingerprint == leak.detected_key.fingerprint)
}

fn location(finding: &Finding) -> String {
    let path = finding.origin.path.as_deref().unwrap_or_default();
    format!("{}:{}", String::from_utf8_lossy(path), finding.span.start.line)
}

fn entry_count(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn skip_count(coverage: &Coverage) -> String {
    match coverage.skipped.len() {
        1 => "1 thing".to_owned(),
        count => format!("{count} things"),
    }
}

/// Which commands list what could not be scanned: in the files, and in the history unless that was searched completely.
fn what_shows_why(is_history_complete: bool) -> &'static str {
    match is_history_complete {
        true => "`friskey scan` shows why",
        false => "`friskey scan` and `friskey history` show why",
    }
}

/// Prints `out`, and what shows why if the scan is incomplete. If `quiet`, prints nothing if the result is clean.
fn finish(report: &Report, mut out: Vec<u8>, exit: Exit, shows_why: &str, quiet: bool) -> Result<Exit> {
    let complete = report.coverage().is_complete();
    if !complete {
        writeln!(out, "incomplete: {} could not be scanned, {shows_why}", skip_count(report.coverage()))?;
    }
    let exit = if exit == Exit::Clean && !complete { Exit::Incomplete } else { exit };
    if !(quiet && exit == Exit::Clean) {
        message::print(&out)?;
    }
    Ok(exit)
}
