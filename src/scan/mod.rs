//! Layer 3: the pipeline. A source pushes blobs into the collector, which runs the detector; findings become
//! leaks, and leaks a draft of the report.

mod bounded;
mod collect;
mod contents;
mod history;
mod key_filter;
mod leaks;
mod located;
mod narrowing;
mod nested_search;
mod object_keys;
mod objects;
mod redact;
mod search_context;
mod searched;
mod skip_limit;
mod staged;
mod stop;
mod suppression;

pub use history::{
    HISTORY_SURFACES, HistoryError, HistoryOptions, KeysByObject, PartlySearchedObject, scan_history,
    scan_history_objects,
};
pub use key_filter::{KeyFilter, MIN_FINGERPRINT_DIGITS};
pub use object_keys::{KeyInObject, ObjectKeys};
pub use redact::redact;
pub use staged::{StagedOptions, StagedScanError, scan_staged};
pub use stop::Stop;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::container::{ENCODED_KEYWORDS, Input, Limits};
use crate::detect::Detector;
use crate::model::{Confidence, Draft, Origin, Skip, Surface};
use crate::rules::{RuleError, RuleSet};
use crate::source::{FileOptions, Sink, SourceError, scan_files, scan_stdin};
use crate::suppress::Policy;
use collect::{Collector, ScanOutcome};

/// Settings that all scans share.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'d> {
    /// The detector, with the rules in force.
    pub detector: &'d Detector,
    /// Digest of those rules.
    pub rules_digest: &'d str,
    /// The threshold: leaks below it are only counted.
    pub min_confidence: Confidence,
    /// What is accepted.
    pub policy: &'d Policy,
    /// Restricts the report to these keys.
    pub key_filter: Option<KeyFilter>,
    /// Limits for opening containers.
    pub limits: Limits,
    /// Ends the scan early.
    pub stop: &'d Stop,
}

/// A detector for `rules` that also detects containers in text form. A detector made by [`Detector::new`] does not, and so
/// overlooks keys in an archive that is encoded as base64 within a text.
///
/// # Errors
/// Patterns that are too large to compile.
pub fn detector_for(rules: &RuleSet) -> Result<Detector, RuleError> {
    Detector::with_extra_keywords(rules, ENCODED_KEYWORDS)
}

/// What `friskey scan` scans.
#[derive(Clone, Debug, Default)]
pub struct TreeOptions {
    /// Files and directories.
    pub files: FileOptions,
    /// Whether to scan standard input, too.
    pub stdin: bool,
}

/// Scans files, directories and standard input.
///
/// # Errors
/// If a path does not exist or a glob is invalid. Files that cannot be read are skips in the report.
pub fn scan_tree(settings: &Settings<'_>, tree: &TreeOptions) -> Result<Draft, SourceError> {
    let clock = Clock::start();
    let collector = Collector::new(settings);
    scan_files(&tree.files, &collector)?;
    if tree.stdin {
        scan_stdin(&collector);
    }
    let mut outcome = collector.finish();
    // A misspelled path or glob must not appear clean. Standard input may be empty.
    if outcome.coverage.files == 0 && !tree.stdin && outcome.coverage.is_complete() {
        let what: Vec<_> = tree.files.paths.iter().map(|path| path.display().to_string()).collect();
        outcome
            .coverage
            .skipped
            .insert(Skip::new(what.join(" "), "no file matched: there was nothing to scan"));
    }
    Ok(draft("scan", settings, outcome, &clock))
}

/// Scans the message of the next commit, and its author and committer.
pub fn scan_message(settings: &Settings<'_>, message: &[u8], identity: &[u8]) -> Draft {
    let clock = Clock::start();
    let collector = Collector::new(settings);
    let mut worker = collector.worker();
    // Reading from memory cannot fail.
    let _ = worker.blob(&Origin::at_path(Surface::CommitMessage, "commit message"), Input::Bytes(message));
    let _ = worker.blob(&Origin::at_path(Surface::Identity, "author and committer"), Input::Bytes(identity));
    drop(worker);
    // Reporters treat it as `staged`, since both are about the next commit.
    draft("staged", settings, collector.finish(), &clock)
}

/// Scans input that was already read from standard input.
pub fn scan_input(settings: &Settings<'_>, command: &'static str, input: &[u8]) -> Draft {
    let clock = Clock::start();
    let collector = Collector::new(settings);
    let mut worker = collector.worker();
    // Reading from memory cannot fail.
    let _ = worker.blob(&Origin::at_path(Surface::Stdin, "-"), Input::Bytes(input));
    drop(worker);
    draft(command, settings, collector.finish(), &clock)
}

/// The result of a command that legitimately has nothing to scan.
pub fn scan_nothing(settings: &Settings<'_>, command: &'static str) -> Draft {
    draft(command, settings, ScanOutcome::default(), &Clock::start())
}

/// When a scan began, by the wall clock and by a monotonic clock.
#[derive(Debug)]
struct Clock {
    wall: SystemTime,
    steady: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }

    /// Seconds since 1970.
    fn start_seconds(&self) -> i64 {
        let since = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}

/// Why a report about certain keys is incomplete if findings were dropped before they were filtered.
const NOT_COMPARED: &str =
    "more than a report can hold, so they were not compared with the key; search a part of it at a time";

/// Groups what was found into leaks, and applies the threshold and the baseline.
fn draft(command: &'static str, settings: &Settings<'_>, mut outcome: ScanOutcome, clock: &Clock) -> Draft {
    if settings.stop.is_set() {
        outcome.coverage.skipped.insert(Skip::new("the rest", settings.stop.reason()));
    }
    let (findings, mut dropped) = bounded::limit_findings(settings.policy, outcome.findings);
    outcome.findings = findings;
    dropped.add(outcome.dropped_findings);
    let unlisted_findings = match settings.key_filter {
        None => dropped.open_count(settings.min_confidence),
        // Of other keys, as a rule, but maybe of the one that the filter selects: that is not known.
        Some(_) => {
            let is_any_dropped = dropped != bounded::DroppedFindings::default();
            outcome
                .coverage
                .skipped
                .extend(is_any_dropped.then(|| Skip::new("other findings", NOT_COMPARED)));
            0
        }
    };
    skip_limit::limit_skips(&mut outcome.coverage.skipped, outcome.skips_beyond_limit);
    // Also those that the filter leaves out, since the report must not contain any of them.
    let secrets: HashMap<_, _> = outcome
        .findings
        .iter()
        .map(|finding| (finding.detected_key.fingerprint, Arc::clone(&finding.detected_key)))
        .collect();
    if let Some(filter) = settings.key_filter {
        outcome.findings.retain(|finding| filter.admits(&finding.detected_key));
    }
    outcome.coverage.ignored.extend(settings.policy.ignored.iter().cloned());
    outcome.coverage.ignored.extend(narrowing::by_settings(settings));
    let mut leaks = leaks::group(outcome.findings);
    // A dropped finding may be the one that a baseline entry covers.
    let covers_everything = outcome.coverage.is_complete() && dropped == bounded::DroppedFindings::default();
    let mut notes = suppression::apply_baseline(settings.policy, &mut leaks, covers_everything);
    notes.extend(suppression::limit_notes(outcome.notes));
    let leak_count = leaks.len();
    leaks.retain(|leak| leak.detected_key.confidence >= settings.min_confidence);
    outcome.coverage.ignored.extend(narrowing::accepted(&leaks));
    Draft {
        command,
        category: None,
        rules_digest: settings.rules_digest.to_owned(),
        rules: settings.detector.rules().iter().map(crate::rules::Rule::info).collect(),
        below_threshold: (leak_count - leaks.len()) as u64,
        suppressed_findings: leaks
            .iter()
            .flat_map(|leak| &leak.findings)
            .filter(|f| f.suppressed.is_some())
            .count() as u64,
        leaks,
        unlisted_findings,
        min_confidence: settings.min_confidence,
        coverage: outcome.coverage,
        notes,
        elapsed_seconds: clock.steady.elapsed().as_secs_f64(),
        started: clock.start_seconds(),
        version_control: None,
        repository: None,
        directory: String::new(),
        command_line: Vec::new(),
        repository_paths: Default::default(),
        secrets: secrets.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fingerprint, Secret, Status};

    /// The status of a search in `text` for the key with this fingerprint.
    fn status_of_search(text: &str, key: Fingerprint) -> Status {
        let rules = "[[rule]]\nid = 'test'\npattern = 'acme-[0-9]{8}'\n";
        let detector = detector_for(&RuleSet::from_text(rules, "test.toml").unwrap()).unwrap();
        let settings = Settings {
            detector: &detector,
            rules_digest: "",
            min_confidence: Confidence::Low,
            policy: &Policy::default(),
            key_filter: Some(KeyFilter::Fingerprint(key)),
            limits: Limits::default(),
            stop: &Stop::default(),
        };
        scan_input(&settings, "trace", text.as_bytes()).status()
    }

    #[test]
    fn a_key_that_is_dropped_before_the_filter_is_not_reported_as_absent() {
        let keys: Vec<String> = (0..=bounded::MAX_KEYS).map(|number| format!("acme-{number:08}")).collect();
        let mut fingerprints: Vec<_> =
            keys.iter().map(|key| Secret::new(key.clone().into_bytes(), 0).fingerprint()).collect();
        fingerprints.sort_unstable();
        // The last one is dropped.
        let (first, last) = (fingerprints[0], fingerprints[bounded::MAX_KEYS]);
        assert_eq!(status_of_search(&keys.join("\n"), first), Status::Findings);
        assert_eq!(status_of_search(&keys.join("\n"), last), Status::Incomplete);
        assert_eq!(
            status_of_search(&keys[..9].join("\n"), Secret::new(b"acme-x".to_vec(), 0).fingerprint()),
            Status::Clean
        );
    }
}
