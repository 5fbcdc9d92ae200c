//! Scans bytes of packs and of loose object files that belong to no object: both raw and inflated.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::repository_audit::RepositoryAudit;
use crate::container::Input;
use crate::git::{UnlistedBytes, unlisted_streams};
use crate::model::{LeakStatus, Origin, Skip, Surface};
use crate::scan::collect::Collector;
use crate::source::Sink as _;
use crate::untrusted;

/// Maximum size of a range in which deflated streams are searched for and inflated, in bytes; larger ones are searched only raw.
const MAX_INFLATED_RANGE: u64 = 64 << 20;

impl RepositoryAudit<'_> {
    /// Searches `ranges`, and reports each.
    pub(super) fn search_unlisted_bytes(&mut self, ranges: &[UnlistedBytes]) {
        if ranges.is_empty() || !self.wants(Surface::Unreachable) {
            return;
        }
        let collector = Collector::new(self.settings);
        for range in ranges {
            let searched = match self.search_unlisted_range(range, &collector) {
                Ok(extent) => extent.to_owned(),
                Err(error) => format!("they cannot be read: {error}"),
            };
            let (start, last) = (range.start, range.end.saturating_sub(1));
            let (what, reason) = match range.is_loose {
                true => (
                    format!("object {}", path_in_object_dir(&range.path).replace('/', "")),
                    format!(
                        "bytes {start} to {last} follow it in its file; {searched}; git never writes such a file, \
                         `git repack -ad` packs the object without them"
                    ),
                ),
                false => (
                    range.path.display().to_string(),
                    format!(
                        "bytes {start} to {last} belong to no object that its index lists; {searched}; git never \
                         writes such a pack, `git repack -adf` makes one without"
                    ),
                ),
            };
            self.outcome.coverage.skipped.insert(Skip::new(what, reason));
        }
        let outcome = collector.finish();
        for finding in &outcome.findings {
            let facts = self.outcome.history_facts.entry(finding.detected_key.fingerprint).or_default();
            facts.add_status(LeakStatus::Unreachable);
        }
        self.outcome.findings.extend(outcome.findings);
        self.outcome.dropped_findings.add(outcome.dropped_findings);
        self.outcome.skips_beyond_limit += outcome.skips_beyond_limit;
        // No files or blobs of the repository.
        self.outcome.coverage.bytes += outcome.coverage.bytes;
        self.outcome.coverage.skipped.extend(outcome.coverage.skipped);
        self.outcome.notes.extend(outcome.notes);
    }

    /// Searches one range. Returns how far it was searched.
    fn search_unlisted_range(
        &self,
        range: &UnlistedBytes,
        collector: &Collector<'_>,
    ) -> std::io::Result<&'static str> {
        if self.is_stopped() {
            return Ok("they were not searched, because the scan ended early");
        }
        // As git does, packs are read through links.
        let (mut file, _) = untrusted::open_through_link(&range.path)?;
        file.seek(SeekFrom::Start(range.start))?;
        let length = range.end - range.start;
        let relative_path = path_in_object_dir(&range.path);
        let path = [&self.reported_git_dir(), &b"objects/"[..], relative_path.as_bytes()].concat();
        let origin = Origin::at_path(Surface::Unreachable, path);
        let mut worker = collector.worker();
        let mut input = file.take(length);
        if length > MAX_INFLATED_RANGE {
            worker.blob(&origin, Input::Stream(&mut input))?;
            return Ok("they were searched raw; they are too large to be inflated");
        }
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        worker.blob(&origin, Input::Bytes(&bytes))?;
        let is_limit_reached = unlisted_streams(&bytes, self.repo.object_hash(), &mut |_, plain| {
            // Reading from memory cannot fail.
            let _ = worker.blob(&origin, Input::Bytes(plain));
        });
        Ok(match is_limit_reached {
            true => "they were searched raw, and inflated only in part",
            false => "they were searched, raw and inflated",
        })
    }
}

/// The path of a pack or loose object within the object directory.
fn path_in_object_dir(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let dir = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    format!("{dir}/{name}")
}
