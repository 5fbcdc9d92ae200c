//! `friskey history`: scans everything that a git repository stores.
//!
//! The sweep of the object database finds out which objects contain which secrets; attribution finds the
//! commits, paths and refs that lead to them. The plain files of the git directory and the names of refs are
//! scanned separately. Only what is reported is read a second time, for its line and column.

mod cached;
mod containers;
mod findings_at_paths;
mod findings_in_messages;
mod head_tree;
mod history_facts;
mod key_places;
mod lfs;
mod names;
mod object_parts;
mod object_sweep;
mod pack_indexes;
mod range;
mod receipt;
mod repository_audit;
mod search;
#[cfg(test)]
mod search_tests;
mod secret_index;
mod side_files;
mod submodules;
mod unlisted_bytes;
mod unopened_paths;
mod unopened_places;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Clock, Settings, draft, narrowing};
use crate::cache::{Cache, CacheError};
use crate::git::range::RangeError;
use crate::git::{self, ObjectKind, OpenError, Progress, Repository};
use crate::model::{Coverage, Draft, Finding, Origin, Skip, Surface, native_path};
use crate::scan::bounded::DroppedFindings;
use crate::scan::collect::ScanOutcome;
use crate::source::Excludes;
use history_facts::FactsBySecret;
pub use secret_index::{KeysByObject, PartlySearchedObject};

/// What `friskey history` scans.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// A path in the repository, or its git directory.
    pub repo: PathBuf,
    /// Object directories in addition to the repository's own, such as a quarantine.
    pub objects: Vec<PathBuf>,
    /// The command: `history`, `trace` or `ci`.
    pub command: &'static str,
    /// Ranges, of which each is a list of revisions that selects commits; empty for everything.
    pub ranges: Vec<Vec<String>>,
    /// Full names of the refs to which a range is pushed; if unknown, those whose tip is in the range.
    pub names: Option<Vec<String>>,
    /// The surfaces to scan.
    pub surfaces: BTreeSet<Surface>,
    /// Paths to leave out.
    pub exclude: Option<Excludes>,
    /// Whether to assemble and search every object in full: slower, with the same result.
    pub full_objects: bool,
    /// The number of threads; 0 for one per processor.
    pub threads: usize,
    /// Memory for assembled objects, in bytes; by default the amount for a single audit.
    pub max_memory: Option<u64>,
    /// The current time in seconds since 1970, at which the exposure of a key that is still present ends.
    pub now: i64,
    /// Whether `repo` may be what `friskey purge` is still writing.
    pub unfinished: bool,
    /// What earlier audits learned about packs. Not used for a range.
    pub cache: Option<Arc<Cache>>,
    /// Reports the progress of the sweep.
    pub progress: Option<Arc<Progress>>,
}

/// The surfaces that `friskey history` can scan; by default it scans all of them.
pub const HISTORY_SURFACES: &[Surface] = &[
    Surface::FileName,
    Surface::Index,
    Surface::Blob,
    Surface::CommitMessage,
    Surface::Identity,
    Surface::CommitHeader,
    Surface::TagMessage,
    Surface::Note,
    Surface::Stash,
    Surface::Reflog,
    Surface::Unreachable,
    Surface::RefName,
    Surface::Config,
    Surface::Hook,
    Surface::GitFile,
    Surface::Submodule,
    Surface::Lfs,
];

impl HistoryOptions {
    /// An audit of everything in `repo`, as `friskey history` does without options.
    pub fn everything(repo: PathBuf, threads: usize, now: i64) -> Self {
        Self {
            repo,
            objects: Vec::new(),
            command: "history",
            ranges: Vec::new(),
            names: None,
            surfaces: HISTORY_SURFACES.iter().copied().collect(),
            exclude: None,
            full_objects: false,
            threads,
            max_memory: None,
            now,
            unfinished: false,
            cache: None,
            progress: None,
        }
    }

    /// The kinds of object that contain the surfaces.
    fn object_kinds(&self) -> Vec<ObjectKind> {
        use Surface as S;
        let any = |surfaces: &[Surface]| surfaces.iter().any(|surface| self.surfaces.contains(surface));
        let mut kinds = Vec::new();
        if any(&[S::Blob, S::Index, S::Note, S::Stash, S::Unreachable, S::Lfs]) {
            kinds.push(ObjectKind::Blob);
        }
        if any(&[S::FileName]) {
            kinds.push(ObjectKind::Tree);
        }
        if any(&[S::CommitMessage, S::Identity, S::CommitHeader]) {
            kinds.push(ObjectKind::Commit);
        }
        if any(&[S::TagMessage, S::Identity, S::RefName]) {
            kinds.push(ObjectKind::Tag);
        }
        kinds
    }
}

/// The result of scanning one repository.
#[derive(Debug, Default)]
struct HistoryOutcome {
    findings: Vec<Finding>,
    history_facts: FactsBySecret,
    coverage: Coverage,
    /// The number of secrets below the threshold.
    below_threshold: u64,
    /// Notes about markers that are ignored.
    notes: BTreeSet<String>,
    /// Findings beyond the limit of a report.
    dropped_findings: DroppedFindings,
    /// The number of skips beyond those in the coverage.
    skips_beyond_limit: u64,
    /// The objects of the repository itself that contain keys.
    key_objects: KeysByObject,
}

/// Why a history cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no repository.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The cache is within the repository, or within an object directory that it reads from.
    #[error(
        "the cache {} is within {}, which is audited; name a directory elsewhere with --cache",
        cache.display(),
        audited.display()
    )]
    CacheInside {
        /// The directory of the cache.
        cache: PathBuf,
        /// The directory that it is in.
        audited: PathBuf,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The range cannot be resolved.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// Scans a repository and its submodules, or what the commits of a range introduce.
///
/// # Errors
/// If there is no repository, or a range is invalid. Objects that cannot be read and ranges that cannot be
/// resolved are skips in the report.
pub fn scan_history(settings: &Settings<'_>, options: &HistoryOptions) -> Result<Draft, HistoryError> {
    scan_history_objects(settings, options).map(|(draft, _)| draft)
}

/// Like [`scan_history`], and also returns the objects that contain keys, reachable or not. Objects of submodules are
/// not included, and for a range there are none.
///
/// # Errors
/// Those of [`scan_history`].
pub fn scan_history_objects(
    settings: &Settings<'_>,
    options: &HistoryOptions,
) -> Result<(Draft, KeysByObject), HistoryError> {
    let clock = Clock::start();
    let (repo, _joined) = match options.objects.is_empty() && options.unfinished {
        true => (git::open_unfinished(&options.repo)?.to_thread_local(), None),
        false => git::open_joined(&options.repo, &options.objects)?,
    };
    cached::prepare(options, &repo)?;
    let outcome = match options.ranges.is_empty() {
        true => whole(settings, options, &repo),
        false => match range::audit(settings, options, &repo, &options.ranges) {
            Err(HistoryError::Range(error)) if error.is_unresolved() => unresolved(options, &error),
            outcome => outcome?,
        },
    };
    let HistoryOutcome {
        mut findings,
        mut history_facts,
        mut coverage,
        below_threshold,
        notes,
        dropped_findings,
        skips_beyond_limit,
        key_objects,
    } = outcome;
    if let Some(excludes) = &options.exclude {
        findings.retain(|finding| !is_excluded(excludes, &finding.origin));
    }
    coverage.ignored.extend(narrowing::globs(options.exclude.as_ref()));
    coverage.ignored.extend(narrowing::surfaces(HISTORY_SURFACES, &options.surfaces));
    let outcome = ScanOutcome { findings, coverage, notes, dropped_findings, skips_beyond_limit };
    let mut draft = draft(options.command, settings, outcome, &clock);
    if settings.key_filter.is_none() {
        draft.below_threshold += below_threshold;
    }
    draft.version_control = git::version_control(&repo);
    draft.repository = Some(git::repository_info(&repo, &options.repo));
    for leak in &mut draft.leaks {
        if let Some(facts) = history_facts.remove(&leak.detected_key.fingerprint) {
            facts.apply(leak);
        }
    }
    Ok((draft, key_objects))
}

fn whole(settings: &Settings<'_>, options: &HistoryOptions, repo: &Repository) -> HistoryOutcome {
    let audited = repository_audit::audit(settings, options, repo, b"");
    submodules::audit(settings, options, repo, audited)
}

/// Whether the place is excluded. Names on other surfaces are not paths of files.
fn is_excluded(excludes: &Excludes, origin: &Origin) -> bool {
    use Surface as S;
    let in_tree = [S::Blob, S::Index, S::FileName, S::Stash, S::Unreachable, S::Submodule, S::Lfs];
    let path = origin.path.as_deref().filter(|_| in_tree.contains(&origin.surface));
    path.is_some_and(|path| excludes.covers(&native_path(path)))
}

/// The result if a range cannot be resolved: nothing was scanned.
fn unresolved(options: &HistoryOptions, error: &RangeError) -> HistoryOutcome {
    let mut outcome = HistoryOutcome::default();
    let what = format!("range {}", options.ranges.concat().join(" "));
    outcome.coverage.skipped.insert(Skip::new(what, error.to_string()));
    outcome
}
