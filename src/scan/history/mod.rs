//! The audit of everything that git holds.
//!
//! A sweep of the object database says which objects hold which secrets; attribution says which
//! commits, paths and refs that means; the plain files of the git folder and the names of refs are
//! looked at beside it. Only what is reported is read a second time, for its line and column.

mod containers;
mod gaps;
mod history_facts;
mod lfs;
mod message;
mod range;
mod repository_audit;
mod search;
#[cfg(test)]
mod search_tests;
mod secret_index;
mod submodules;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Clock, Settings, draft, narrowing};
use crate::git::range::RangeError;
use crate::git::{self, ObjectKind, OpenError, Progress, Repository};
use crate::model::{Coverage, Draft, Finding, Origin, Skip, Surface, native_path};
use crate::scan::bounded::Dropped;
use crate::scan::collect::ScanOutcome;
use crate::source::Excludes;
use history_facts::FactsBySecret;

/// What `friskey history` looks at.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// A path in or of the repository.
    pub repo: PathBuf,
    /// Object directories beside the repository's own: a quarantine.
    pub objects: Vec<PathBuf>,
    /// The command that asks for it: `history` or `trace`.
    pub command: &'static str,
    /// Revisions that select commits; none for everything.
    pub range: Vec<String>,
    /// Full names of the refs that a range is pushed to; when they are not known, those that end in it.
    pub names: Option<Vec<String>>,
    /// The surfaces to look at.
    pub surfaces: BTreeSet<Surface>,
    /// Paths at which nothing is reported.
    pub exclude: Option<Excludes>,
    /// Assembles every object and searches it whole: slower, and finds the same.
    pub whole: bool,
    /// Threads; 0 for one a processor.
    pub threads: usize,
    /// Seconds since 1970, the end of an exposure that lasts.
    pub now: i64,
    /// Told how far the sweep is.
    pub progress: Option<Arc<Progress>>,
}

/// The surfaces that an audit can look at, all of which it does by default.
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
    /// The kinds of object in which the surfaces lie.
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

/// What the audit of one repository brings.
#[derive(Debug, Default)]
struct HistoryOutcome {
    findings: Vec<Finding>,
    facts: FactsBySecret,
    coverage: Coverage,
    /// Secrets too unsure to be reported.
    below_threshold: u64,
    /// Markers that do not count.
    notes: BTreeSet<String>,
    /// Findings that there was no room for.
    dropped: Dropped,
    /// Skips beside those in the coverage.
    more_skipped: u64,
}

/// Why an audit cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no repository.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The range cannot be resolved.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// Audits a repository, and those of its submodules; or what the commits of a range introduce.
///
/// # Errors
/// When there is no repository, or a range that makes no sense. What cannot be read is in the report,
/// and so is a range that cannot be resolved.
pub fn scan_history(settings: &Settings<'_>, audit: &HistoryOptions) -> Result<Draft, HistoryError> {
    let clock = Clock::start();
    let (repo, _joined) = match audit.objects.is_empty() {
        true => (git::open(&audit.repo)?.to_thread_local(), None),
        false => {
            let (repo, joined) = git::open_with_objects(&audit.repo, &audit.objects)?;
            (repo, Some(joined))
        }
    };
    let outcome = match audit.range.is_empty() {
        true => whole(settings, audit, &repo),
        false => match range::audit(settings, audit, &repo, &audit.range) {
            Err(HistoryError::Range(error)) if error.is_unresolved() => unresolved(audit, &error),
            outcome => outcome?,
        },
    };
    let HistoryOutcome {
        mut findings,
        mut facts,
        mut coverage,
        below_threshold,
        notes,
        dropped,
        more_skipped,
    } = outcome;
    if let Some(excludes) = &audit.exclude {
        findings.retain(|finding| !is_excluded(excludes, &finding.origin));
    }
    coverage.ignored.extend(narrowing::globs(audit.exclude.as_ref()));
    coverage.ignored.extend(narrowing::surfaces(HISTORY_SURFACES, &audit.surfaces));
    let gathered = ScanOutcome { findings, coverage, notes, dropped, more_skipped };
    let mut draft = draft(audit.command, settings, gathered, &clock);
    if settings.only.is_none() {
        draft.below_threshold += below_threshold;
    }
    draft.version_control = git::version_control(&repo);
    for leak in &mut draft.leaks {
        if let Some(facts) = facts.remove(&leak.identified.fingerprint) {
            facts.apply(leak);
        }
    }
    Ok(draft)
}

fn whole(settings: &Settings<'_>, audit: &HistoryOptions, repo: &Repository) -> HistoryOutcome {
    let audited = repository_audit::audit(settings, audit, repo, b"");
    submodules::audit(settings, audit, repo, audited)
}

/// Whether a place is left out. Other surfaces have names of their own, which are no paths in a tree.
fn is_excluded(excludes: &Excludes, origin: &Origin) -> bool {
    use Surface as S;
    let in_tree = [S::Blob, S::Index, S::FileName, S::Stash, S::Unreachable, S::Submodule, S::Lfs];
    let path = origin.path.as_deref().filter(|_| in_tree.contains(&origin.surface));
    path.is_some_and(|path| excludes.covers(&native_path(path)))
}

/// Nothing was looked at, and the report says so.
fn unresolved(audit: &HistoryOptions, error: &RangeError) -> HistoryOutcome {
    let mut outcome = HistoryOutcome::default();
    let what = format!("range {}", audit.range.join(" "));
    outcome.coverage.skipped.insert(Skip::new(what, error.to_string()));
    outcome
}
