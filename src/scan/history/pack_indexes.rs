//! Searches the index files of packs, in which text may be hidden. That takes as long as hashing them, which happens anyway: the
//! digest of a pack covers its index, too. So the cache can tell that nothing was found in it before, and it is not searched again.

use std::collections::HashMap;
use std::path::PathBuf;

use super::repository_audit::RepositoryAudit;
use crate::cache::{CleanContents, SearchedContent};
use crate::git::{IdentifiedPack, ObjectDatabase};
use crate::scan::bounded::DroppedFindings;
use crate::scan::collect::{Collector, ScanOutcome};
use crate::source::scan_file_list;

impl RepositoryAudit<'_> {
    /// Searches the index files that [`Self::scan_side_files`] has listed, except those of `packs` in which, according to
    /// `clean`, there is nothing to find.
    pub(super) fn scan_pack_indexes(&mut self, packs: &[IdentifiedPack], clean: Option<&CleanContents<'_>>) {
        let packs: HashMap<PathBuf, &IdentifiedPack> =
            packs.iter().map(|pack| (pack.path.with_extension("idx"), pack)).collect();
        let mut known = 0;
        for (path, origin) in std::mem::take(&mut self.pack_indexes) {
            let (surface, pack) = (origin.surface, packs.get(&path));
            let cacheable =
                clean.zip(pack).map(|(clean, pack)| (clean, pack, CleanContents::index_digest(&pack.digest)));
            if let Some(bytes) =
                cacheable.as_ref().and_then(|(clean, _, index_digest)| clean.known_index(index_digest))
            {
                let coverage = &mut self.outcome.coverage;
                coverage.files += 1;
                coverage.bytes += bytes;
                coverage.surfaces.insert(surface);
                known += 1;
                continue;
            }
            let collector = Collector::new(self.settings);
            scan_file_list([(path, origin)], &collector);
            let outcome = collector.finish();
            if let Some((clean, pack, index_digest)) = cacheable
                && is_clean(&outcome)
                && !self.is_stopped()
                && pack.is_unchanged()
            {
                clean.add(index_digest, SearchedContent::complete(outcome.coverage.bytes));
            }
            self.add_side_files(outcome, Vec::new());
        }
        if let Some(cache) = self.cache().filter(|_| known > 0) {
            let repository = ObjectDatabase::from_repo(self.repo).name();
            cache.note(format!(
                "cache: {repository}: index files of packs, searched by an earlier audit: {known}"
            ));
        }
    }
}

/// Whether a single file was searched, and nothing was found, skipped or left out.
fn is_clean(outcome: &ScanOutcome) -> bool {
    let ScanOutcome { findings, coverage, notes, dropped_findings, skips_beyond_limit } = outcome;
    let is_complete = coverage.files == 1 && coverage.is_complete() && coverage.ignored.is_empty();
    let has_nothing =
        findings.is_empty() && notes.is_empty() && *dropped_findings == DroppedFindings::default();
    is_complete && has_nothing && *skips_beyond_limit == 0
}
