//! Scans one object database and the git directory around it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
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
    options: &HistoryOptions,
    repo: &Repository,
    prefix: &[u8],
) -> RepositoryOutcome {
    let refs = refs::read(repo);
    let mut run = RepositoryAudit::new(settings, options, repo, prefix);
    run.record_coverage(&refs);
    run.search_ref_names(&refs);
    run.scan_side_files(&refs);
    run.sweep(&refs);
    run.search_index_names();
    let nested_dirs = std::mem::take(&mut run.nested_dirs);
    let submodules = std::mem::take(&mut run.submodules);
    let mut outcome = run.finish();
    outcome.coverage.skipped.extend(refs.gaps.into_skips());
    RepositoryOutcome { outcome, nested_dirs, submodules }
}

/// The result of scanning one repository, and further repositories to scan.
pub(super) struct RepositoryOutcome {
    pub(super) outcome: HistoryOutcome,
    /// Nested git directories, not scanned yet.
    pub(super) nested_dirs: Vec<NestedDir>,
    /// Paths of submodules in HEAD or an index.
    pub(super) submodules: BTreeSet<Vec<u8>>,
}

/// The scan of one repository in progress.
pub(super) struct RepositoryAudit<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) options: &'a HistoryOptions,
    pub(super) repo: &'a Repository,
    /// Begins reported paths and names of refs: names the submodule, and is empty for the repository itself.
    pub(super) prefix: &'a [u8],
    pub(super) objects: ObjectReader,
    pub(super) locator: SecretLocator<'a>,
    /// Paths of files in object directories that were scanned as plain files.
    pub(super) scanned_as_files: HashSet<String>,
    /// The index files of packs, which are scanned after the sweep.
    pub(super) pack_indexes: Vec<(PathBuf, Origin)>,
    pub(super) nested_dirs: Vec<NestedDir>,
    pub(super) submodules: BTreeSet<Vec<u8>>,
    /// Blobs of a range to which a ref leads without a commit, and their paths in its tree.
    pub(super) commitless_blobs: HashMap<ObjectId, Vec<u8>>,
    pub(super) outcome: HistoryOutcome,
}

impl<'a> RepositoryAudit<'a> {
    pub(super) fn new(
        settings: &'a Settings<'a>,
        options: &'a HistoryOptions,
        repo: &'a Repository,
        prefix: &'a [u8],
    ) -> Self {
        Self {
            settings,
            options,
            repo,
            prefix,
            objects: ObjectReader::new(repo),
            locator: SecretLocator::new(settings, lfs(options, repo)),
            scanned_as_files: HashSet::new(),
            pack_indexes: Vec::new(),
            nested_dirs: Vec::new(),
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
fn lfs(options: &HistoryOptions, repo: &Repository) -> Option<LfsStore> {
    options.surfaces.contains(&Surface::Lfs).then(|| LfsStore::new(repo))
}

impl RepositoryAudit<'_> {
    /// The store of LFS files, unless they are excluded.
    pub(super) fn lfs(&self) -> Option<LfsStore> {
        lfs(self.options, self.repo)
    }

    pub(super) fn wants(&self, surface: Surface) -> bool {
        self.options.surfaces.contains(&surface)
    }

    /// Whether the scan was interrupted or its time is up.
    pub(super) fn is_stopped(&self) -> bool {
        self.settings.stop.is_set()
    }

    /// What the reported paths of files in the git directory begin with.
    pub(super) fn reported_git_dir(&self) -> Vec<u8> {
        let name = self.repo.common_dir().file_name().filter(|name| *name == ".git");
        [self.prefix, name.map_or(&b""[..], |_| b".git/")].concat()
    }

    /// How to attribute the findings.
    pub(super) fn attribution(&self, include_unreachable: bool) -> Options<'_> {
        Options { threads: self.options.threads, stop: self.settings.stop.flag(), include_unreachable }
    }

    /// The committer date of a commit, in seconds since 1970.
    pub(super) fn commit_seconds(&mut self, commit: &ObjectId) -> Option<i64> {
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
pub(super) fn merge(facts_by_secret: &mut FactsBySecret, other: FactsBySecret) {
    for (fingerprint, facts) in other {
        facts_by_secret.entry(fingerprint).or_default().merge(facts);
    }
}
