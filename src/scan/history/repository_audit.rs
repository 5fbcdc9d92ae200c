//! Scans one object database and the git directory around it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::history_facts::FactsBySecret;
use super::{HistoryOptions, HistoryOutcome};
use crate::git::attribution::{Options, change_in_commit};
use crate::git::refs;
use crate::git::{LfsStore, ObjectId, ObjectReader, Repository};
use crate::model::{DetectedKey, Origin, Surface};
use crate::scan::Settings;
use crate::scan::located::LocatedSecret;
use crate::scan::objects::SecretLocator;
use crate::source::NestedDir;

/// Scans `repo`. Paths and refs are reported with `prefix`, which names a submodule.
pub(super) fn audit(
    settings: &Settings<'_>,
    audit: &HistoryOptions,
    repo: &Repository,
    prefix: &[u8],
) -> RepositoryOutcome {
    let refs = refs::read(repo);
    let mut run = RepositoryAudit::new(settings, audit, repo, prefix);
    run.record_coverage(&refs);
    run.search_ref_names(&refs);
    run.scan_side_files(&refs);
    run.sweep(&refs);
    run.search_index_names();
    let nested = std::mem::take(&mut run.nested);
    let submodules = std::mem::take(&mut run.submodules);
    let mut outcome = run.finish();
    outcome.coverage.skipped.extend(refs.gaps.into_skips());
    RepositoryOutcome { outcome, nested, submodules }
}

/// The result of scanning one repository, and further repositories to scan.
pub(super) struct RepositoryOutcome {
    pub(super) outcome: HistoryOutcome,
    /// Nested git directories, not scanned yet.
    pub(super) nested: Vec<NestedDir>,
    /// Paths of submodules in HEAD or an index.
    pub(super) submodules: BTreeSet<Vec<u8>>,
}

/// The scan of one repository in progress.
pub(super) struct RepositoryAudit<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) audit: &'a HistoryOptions,
    pub(super) repo: &'a Repository,
    pub(super) prefix: &'a [u8],
    pub(super) objects: ObjectReader,
    pub(super) places: SecretLocator<'a>,
    /// Paths of files in object directories that were scanned as plain files.
    pub(super) scanned_as_files: HashSet<String>,
    pub(super) nested: Vec<NestedDir>,
    pub(super) submodules: BTreeSet<Vec<u8>>,
    /// Blobs of a range to which a ref leads without a commit, and their paths in its tree.
    pub(super) commitless_blobs: HashMap<ObjectId, Vec<u8>>,
    pub(super) outcome: HistoryOutcome,
}

impl<'a> RepositoryAudit<'a> {
    pub(super) fn new(
        settings: &'a Settings<'a>,
        audit: &'a HistoryOptions,
        repo: &'a Repository,
        prefix: &'a [u8],
    ) -> Self {
        Self {
            settings,
            audit,
            repo,
            prefix,
            objects: ObjectReader::new(repo),
            places: SecretLocator::new(settings, lfs(audit, repo)),
            scanned_as_files: HashSet::new(),
            nested: Vec::new(),
            submodules: BTreeSet::new(),
            commitless_blobs: HashMap::new(),
            outcome: HistoryOutcome::default(),
        }
    }

    /// Finishes the scan.
    pub(super) fn finish(self) -> HistoryOutcome {
        let Self { objects, mut outcome, .. } = self;
        outcome.coverage.skipped.extend(objects.into_gaps().into_skips());
        outcome
    }
}

/// The store of LFS files, unless they are excluded.
fn lfs(audit: &HistoryOptions, repo: &Repository) -> Option<LfsStore> {
    audit.surfaces.contains(&Surface::Lfs).then(|| LfsStore::new(repo))
}

impl RepositoryAudit<'_> {
    /// The store of LFS files, unless they are excluded.
    pub(super) fn lfs(&self) -> Option<LfsStore> {
        lfs(self.audit, self.repo)
    }

    pub(super) fn wants(&self, surface: Surface) -> bool {
        self.audit.surfaces.contains(&surface)
    }

    /// Whether the scan was interrupted or its time is up.
    pub(super) fn is_stopped(&self) -> bool {
        self.settings.stop.is_set()
    }

    /// How to attribute the findings.
    pub(super) fn attribution(&self, include_unreachable: bool) -> Options<'_> {
        Options { threads: self.audit.threads, stop: self.settings.stop.flag(), include_unreachable }
    }

    /// The committer date of a commit, in seconds since 1970.
    pub(super) fn committed(&mut self, commit: &ObjectId) -> Option<i64> {
        Some(change_in_commit(commit, self.objects.read(commit, "commit")?.1).seconds)
    }

    pub(super) fn push(
        &mut self,
        detected_key: &Arc<DetectedKey>,
        origin: Origin,
        located: LocatedSecret,
        versions: u64,
    ) {
        if !self.wants(origin.surface) {
            return;
        }
        let located = LocatedSecret { detected_key: Arc::clone(detected_key), ..located };
        self.outcome.findings.push(located.into_finding(origin, versions, &mut self.outcome.notes));
    }
}

/// Adds the facts from another repository.
pub(super) fn merge(into: &mut FactsBySecret, from: FactsBySecret) {
    for (fingerprint, facts) in from {
        into.entry(fingerprint).or_default().merge(facts);
    }
}
