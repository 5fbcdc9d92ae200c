//! `friskey baseline add`: accepts keys by their fingerprints, without a scan.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{BASELINE, NewEntryFields, destination, entry_count, write_redacted_line};
use crate::cli::args::{BaselineAddArgs, GlobalArgs, SuppressionArgs};
use crate::cli::exit::Exit;
use crate::cli::message;
use crate::cli::options;
use crate::cli::rules::load_detector;
use crate::detect::{Detector, Redactor};
use crate::globs::Glob;
use crate::model::Fingerprint;
use crate::suppress::{Baseline, BaselineEntry, Date, is_blank};
use crate::untrusted::{Symlinks, read};

/// Maximum size of a report, in bytes.
const MAX_REPORT_SIZE: u64 = 256 << 20;
/// The rule of an entry whose key was not looked up. An entry applies whatever rule it names.
const UNKNOWN_RULE: &str = "unknown";

/// A key to accept, and the rule that found it.
struct KeyToAccept {
    fingerprint: Fingerprint,
    rule: Option<String>,
}

pub(super) fn run(add: &BaselineAddArgs, global: &GlobalArgs) -> Result<Exit> {
    let config = options::config(global)?;
    let (_, detector) = load_detector(global, &config)?;
    let suppression = SuppressionArgs { baseline: add.baseline.clone(), ..SuppressionArgs::default() };
    let path = options::baseline_path(&suppression, &config)?;
    let path = path.unwrap_or_else(|| config.root.path.join(BASELINE));
    destination::check(&path, &suppression, &config)?;
    let fields = NewEntryFields::new(&detector, &add.reason, &add.entry)?;
    let keys = keys_to_accept(add)?;
    check_texts(&detector, add, &keys)?;
    let glob =
        add.path.as_deref().map(Glob::new).transpose().map_err(|error| anyhow::anyhow!("--path: {error}"))?;
    let mut out = Vec::new();
    let existing = match path.symlink_metadata() {
        Ok(_) => Some(Baseline::read(&path)?),
        Err(_) => None,
    };
    let mut entries = existing.as_ref().map(|baseline| baseline.entries().to_vec()).unwrap_or_default();
    let count_before = entries.len();
    for key in keys {
        let rule = add.rule.clone().or(key.rule).unwrap_or_else(|| UNKNOWN_RULE.to_owned());
        let entry = BaselineEntry { path: glob.clone(), ..fields.entry(key.fingerprint, rule) };
        match entries.iter().find(|accepted| accepts(accepted, &entry)) {
            Some(accepted) => {
                write_redacted_line(&mut out, &detector, &format!("already accepted: {}", accepted.name()))?
            }
            None => {
                write_redacted_line(&mut out, &detector, &format!("accepted: {}", entry.name()))?;
                if entries
                    .iter()
                    .any(|narrower| accepts(&entry, narrower) && !narrower.is_expired(Date::today()))
                {
                    let note = "this accepts more than an entry for the same key, which expires or is limited to a path: remove \
                                the one that you do not want";
                    write_redacted_line(&mut out, &detector, note)?;
                }
                entries.push(entry);
            }
        }
    }
    let added = entries.len() - count_before;
    if added > 0 {
        match existing {
            Some(baseline) => baseline.with_entries(entries).replace(&path)?,
            // Without a path to show in reports, since it is only written.
            None => Baseline::new(entries, "", Date::today()).create(&path)?,
        }
    }
    writeln!(out, "{}: {} added", path.display(), entry_count(added))?;
    if !global.quiet {
        message::print(&out)?;
    }
    Ok(Exit::Clean)
}

/// Checks what the new entries contain besides their common fields.
///
/// # Errors
/// A text with a key, which would be written to the baseline, or a rule without a name.
fn check_texts(detector: &Detector, add: &BaselineAddArgs, keys: &[KeyToAccept]) -> Result<()> {
    let redactor = Redactor::new(detector);
    let has_key = |text: &str| redactor.redact_if_secret(text.as_bytes()).is_some();
    if add.path.as_deref().is_some_and(has_key) {
        bail!("--path contains a key, and the baseline is a file to be shared; write `*` in its place");
    }
    let rules = || add.rule.as_deref().into_iter().chain(keys.iter().filter_map(|key| key.rule.as_deref()));
    if rules().any(has_key) {
        bail!("the name of a rule contains a key, and the baseline is a file to be shared");
    }
    if rules().any(is_blank) {
        bail!("the name of a rule must not be empty");
    }
    Ok(())
}

/// Whether `existing` already accepts all that `entry` would.
fn accepts(existing: &BaselineEntry, entry: &BaselineEntry) -> bool {
    let same_path = existing.path.as_ref().map(Glob::as_str) == entry.path.as_ref().map(Glob::as_str);
    existing.fingerprint == entry.fingerprint
        && (existing.path.is_none() || same_path)
        && !existing.is_expired(Date::today())
        && (existing.expires.is_none() || existing.expires == entry.expires)
}

/// The keys given on the command line, or all keys in the report.
fn keys_to_accept(add: &BaselineAddArgs) -> Result<Vec<KeyToAccept>> {
    let Some(report) = &add.from else {
        if add.fingerprints.is_empty() {
            bail!("no key: give fingerprints as reports show them, or --from REPORT");
        }
        let parse_fingerprint = |text: &String| {
            Fingerprint::from_hex(text)
                .context("a fingerprint has 64 hex digits; with --from REPORT its first digits are enough")
        };
        let to_key = |text| Ok(KeyToAccept { fingerprint: parse_fingerprint(text)?, rule: None });
        return add.fingerprints.iter().map(to_key).collect();
    };
    let reported = read_leaks(report)?;
    if add.fingerprints.is_empty() {
        return reported.into_iter().map(|leak| leak.into_key_to_accept(report)).collect();
    }
    let mut selected = Vec::new();
    for digits in &add.fingerprints {
        let digits = digits.to_ascii_lowercase();
        let mut matching =
            reported.iter().filter(|leak| !digits.is_empty() && leak.fingerprint.starts_with(&digits));
        match (matching.next(), matching.next()) {
            (Some(leak), None) => selected.push(leak.clone().into_key_to_accept(report)?),
            (Some(_), Some(_)) => {
                bail!("several keys in {} match that fingerprint: give more of its digits", report.display())
            }
            (None, _) => bail!("no key in {} has that fingerprint", report.display()),
        }
    }
    Ok(selected)
}

#[derive(Deserialize)]
struct ReportFile {
    schema: String,
    leaks: Vec<ReportedLeak>,
}

#[derive(Clone, Deserialize)]
struct ReportedLeak {
    fingerprint: String,
    rule: String,
}

impl ReportedLeak {
    fn into_key_to_accept(self, report: &Path) -> Result<KeyToAccept> {
        let fingerprint = Fingerprint::from_hex(&self.fingerprint);
        let fingerprint = fingerprint
            .with_context(|| format!("{}: a fingerprint is not 64 hex digits", report.display()))?;
        Ok(KeyToAccept { fingerprint, rule: Some(self.rule) })
    }
}

/// The leaks in a JSON report of friskey.
fn read_leaks(path: &Path) -> Result<Vec<ReportedLeak>> {
    let bytes = read(path, Symlinks::Follow, MAX_REPORT_SIZE)
        .with_context(|| format!("cannot read the report {}", path.display()))?;
    // The message of serde could quote the file.
    let Ok(report) = serde_json::from_slice::<ReportFile>(&bytes) else {
        bail!("{} is not a JSON report of friskey; `--output json=PATH` writes one", path.display());
    };
    if !["friskey/report/v1", "friskey/fleet-report/v1"].contains(&&*report.schema) {
        bail!("{} has a schema that this version does not know", path.display());
    }
    Ok(report.leaks)
}
