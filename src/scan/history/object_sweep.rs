//! Sweeps all objects of a repository, opens the containers among them, and has the matches attributed.

use super::receipt::targets;
use super::repository_audit::RepositoryAudit;
use super::search::{ObjectSearch, SweepMatches, partition};
use super::secret_index::SecretIndex;
use crate::git::refs::Refs;
use crate::git::{IdentifiedObjects, ObjectDatabase, ObjectKind, SweepOptions};

impl RepositoryAudit<'_> {
    pub(super) fn sweep(&mut self, refs: &Refs) {
        let kinds = self.options.object_kinds();
        if kinds.is_empty() {
            self.check_head_tree(None);
            return self.scan_pack_indexes(&[], None);
        }
        let database = ObjectDatabase::from_repo(self.repo);
        let search = ObjectSearch { detector: self.settings.detector, stop: self.settings.stop, kinds };
        let defaults = SweepOptions::default();
        let max_memory = self.options.max_memory.unwrap_or(defaults.max_memory).min(defaults.max_memory);
        let targets = targets(refs);
        let options = SweepOptions {
            max_memory,
            max_assembled: defaults.max_assembled.min(max_memory),
            threads: self.options.threads,
            full_objects: self.options.full_objects,
            check_links: true,
            find_unlisted: true,
            targets: &targets,
            cancel: Some(self.settings.stop.flag()),
            progress: self.options.progress.as_deref(),
            ..defaults
        };
        let clean = self.clean_containers();
        let (outcome, identified_objects, identified_packs) =
            self.run_sweep(&database, &search, &options, clean.as_ref());
        self.check_head_tree(identified_objects.as_ref());
        self.scan_pack_indexes(&identified_packs, clean.as_ref());
        let coverage = &mut self.outcome.coverage;
        coverage.commits += outcome.counts.of(ObjectKind::Commit).objects;
        coverage.blobs += outcome.counts.of(ObjectKind::Blob).objects;
        coverage.bytes += outcome.counts.total().bytes;
        // The sweep skips packs without an index, but they were scanned as plain files.
        coverage
            .skipped
            .extend(outcome.skipped.into_iter().filter(|skip| !self.scanned_as_files.contains(&skip.what)));
        self.search_unlisted_bytes(&outcome.unlisted);
        self.report_unchecked_objects(&outcome.unchecked);
        self.report_missing_objects(&outcome.missing);
        self.report_broken_refs(refs, &outcome.unpacked_targets);
        let SweepMatches { mut secret_objects, mut containers, pointers, passed_over } =
            partition(outcome.found);
        containers.extend(outcome.read_again);
        let mut unopened =
            self.unpack((&containers, &outcome.only_copies), clean, &passed_over, &mut secret_objects);
        if let Some(store) = self.lfs() {
            self.add_lfs_pointers(&store, &pointers, &mut secret_objects, &mut unopened);
        }
        let (secrets, below_threshold) = SecretIndex::gather(&secret_objects, self.settings);
        drop(secret_objects);
        self.outcome.below_threshold += below_threshold;
        self.outcome.dropped_findings.add(secrets.dropped_findings);
        if self.is_stopped() {
            self.add_unattributed_findings(&secrets);
        } else if !secrets.keys.is_empty() || !unopened.is_empty() {
            let objects = identified_objects.filter(IdentifiedObjects::are_unique);
            self.attribute(refs, &secrets, &unopened, objects.as_ref());
        }
        let unsearched = std::mem::take(&mut self.outcome.key_objects.unsearched);
        self.outcome.key_objects = secrets.into_keys_by_object(unsearched);
    }
}
