//! Layer 4: `friskey purge`: a new repository without given keys, proven before it is handed over.
//!
//! An audit finds the objects that contain the keys. Those are rewritten, together with the trees that contain them
//! and all later commits; everything else is copied as it is stored in its pack. The old repository is only read.

mod blob_comparison;
mod blobs;
mod cleanse;
mod commits;
mod comparison;
mod destination;
mod encoded_containers;
mod error;
mod fill;
mod headers;
mod leftovers;
mod message_ids;
mod messages;
mod names;
mod next_steps;
mod notes;
mod proof;
#[cfg(test)]
mod proof_tests;
mod purged_keys;
mod raw_tree;
mod refs;
mod report;
mod request_refs;
mod rewriter;
mod run;
mod sink;
mod store;
mod tags;
mod trees;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub use error::PurgeError;
pub use leftovers::Leftover;
pub use next_steps::PurgeStep;
pub use proof::PurgeProof;
pub use report::{Counts, PurgeReport, ReportedKey, UnsearchedFile};

use crate::git::{self, Progress};
use crate::model::{Confidence, Draft, Skip};
use crate::rules::RuleSet;
use crate::scan::{HistoryError, HistoryOptions, KeyFilter, KeysByObject, Settings, scan_history_objects};
use crate::source::Excludes;
use purged_keys::PurgedKeys;
use run::PurgeRun;

/// What to do about a container that contains a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContainerTreatment {
    /// Replace it by a stub, a text that describes it.
    #[default]
    Stub,
    /// Purge nothing.
    Refuse,
}

/// What to purge, and how.
#[derive(Clone, Debug)]
pub struct PurgeOptions {
    /// A path in the repository, or its git directory. It is only read.
    pub repo: PathBuf,
    /// The destination of the new repository; `None` for a dry run.
    pub destination: Option<PathBuf>,
    /// The keys to purge; if empty, every key at or above the threshold that is not accepted.
    pub keys: Vec<KeyFilter>,
    /// What to do about containers that contain a key.
    pub containers: ContainerTreatment,
    /// Whether commit ids in messages stay as they are.
    pub keep_message_ids: bool,
    /// The rules in force.
    pub rules: RuleSet,
    /// Paths that the audits do not search. What is there is carried over as it is.
    pub exclude: Option<Excludes>,
    /// The number of threads.
    pub threads: usize,
    /// The current time in seconds since 1970.
    pub now: i64,
    /// Reports the progress of both audits.
    pub progress: Option<Arc<Progress>>,
}

/// Checks that neither the new repository nor its report would be written inside the repository.
///
/// # Errors
/// If one of them would be, or if `destination` exists and is not an empty directory.
pub fn check_destinations(
    repo: &Path,
    destination: Option<&Path>,
    report: Option<&Path>,
) -> Result<(), PurgeError> {
    let repo = git::open(repo).map_err(HistoryError::from)?.to_thread_local();
    if let Some(path) = destination {
        destination::check(path, &repo)?;
    }
    match report.filter(|report| destination::is_inside(report, &repo)) {
        Some(report) => Err(PurgeError::ReportInside(report.to_owned())),
        None => Ok(()),
    }
}

/// Purges a repository, or makes a plan without writing one. `deliver` receives the report before the new repository is
/// renamed to its destination, so that no repository is there without a report. If `deliver` fails, so does the purge.
///
/// # Errors
/// If the repository cannot be read completely, or the new one cannot be written or proven. In this case nothing is left
/// behind.
pub fn purge(
    settings: &Settings<'_>,
    options: &PurgeOptions,
    deliver: &dyn Fn(&PurgeReport) -> Result<(), String>,
) -> Result<PurgeReport, PurgeError> {
    let start = Instant::now();
    check_destinations(&options.repo, options.destination.as_deref(), None)?;
    let repo = git::open(&options.repo).map_err(HistoryError::from)?.to_thread_local();
    let (draft, keys_by_object) = audit(settings, options)?;
    let mut keys = PurgedKeys::select(&draft, &options.keys, settings.min_confidence);
    let detector = keys.detector(&options.rules)?;
    let settings = Settings { detector: &detector, ..*settings };
    let run = |draft: &Draft, keys: &PurgedKeys, keys_by_object: &KeysByObject| {
        PurgeRun { settings: &settings, options, repo: &repo, draft, keys, start, deliver }
            .run(keys_by_object)
    };
    // The rules may have missed an occurrence of a key without the marker, for example in the middle of a word. Then the
    // proof fails, since it searches for the keys literally. A plan has no proof, so it cannot rely on that.
    if keys.keys.is_empty() || keys.all_have_marker() || options.destination.is_some() {
        match run(&draft, &keys, &keys_by_object) {
            Err(PurgeError::KeyLeft { .. }) => {}
            outcome => return outcome,
        }
    }
    // Search the old repository for the keys literally, too.
    let (draft, keys_by_object) = audit(&settings, options)?;
    keys.add_old_fingerprints(&draft);
    run(&draft, &keys, &keys_by_object)
}

/// Audits everything at the lowest confidence, so that every occurrence of a key is found. A plan tolerates files that
/// cannot be opened, and lists them; a purge does not.
fn audit(settings: &Settings<'_>, options: &PurgeOptions) -> Result<(Draft, KeysByObject), PurgeError> {
    let settings = Settings { min_confidence: Confidence::Low, key_filter: None, ..*settings };
    let audit = HistoryOptions {
        exclude: options.exclude.clone(),
        progress: options.progress.clone(),
        ..HistoryOptions::everything(options.repo.clone(), options.threads, options.now)
    };
    let (draft, keys_by_object) = scan_history_objects(&settings, &audit)?;
    if settings.stop.is_set() {
        return Err(PurgeError::Stopped);
    }
    let is_unopened_file =
        |skip: &Skip| keys_by_object.unsearched.iter().any(|object| object.skips.contains(skip));
    let is_plan = options.destination.is_none();
    match draft.coverage.skipped.iter().all(|skip| is_plan && is_unopened_file(skip)) {
        true => Ok((draft, keys_by_object)),
        false => Err(PurgeError::Incomplete(draft.coverage.skipped.into_iter().collect())),
    }
}
