//! Searches a container and everything nested in it while it is read.

use std::collections::HashSet;
use std::ops::Range;

use super::bounded::BoundedFindings;
use super::located::LocatedSecret;
use super::search_context::SearchContext;
use super::searched::SearchResult;
use crate::container::{ContentVisitor, RunProbe};
use crate::detect::{RedactionCache, Stream};

/// Searches nested content while it is read.
pub(super) struct NestedSearch<'c, 'd> {
    pub(super) context: &'c SearchContext<'d>,
    pub(super) levels: Vec<Level>,
    pub(super) spare_streams: &'c mut Vec<Stream>,
    /// Receives the keywords in the outermost content.
    pub(super) probe: Option<&'c mut RunProbe>,
    pub(super) searched: &'c mut SearchResult,
}

/// One level of nesting: content that is being read.
#[derive(Default)]
pub(super) struct Level {
    path: Vec<Vec<u8>>,
    stream: Stream,
    cache: RedactionCache,
    secrets: BoundedFindings<LocatedSecret>,
}

impl ContentVisitor for NestedSearch<'_, '_> {
    fn begin(&mut self, path: &[Vec<u8>]) {
        let stream = self.spare_streams.pop().unwrap_or_default();
        self.levels.push(Level { path: path.to_vec(), stream, ..Level::default() });
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        let Some(Level { path, stream, cache, secrets }) = self.levels.get_mut(level) else { return };
        let keyword = probe_keywords(self.probe.as_deref_mut().filter(|_| level == 0));
        stream.push(self.context.detector, bytes, keyword, |chunk, place| {
            secrets.push(self.context.locate(path, cache, chunk, place));
        });
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let Some(Level { path, mut stream, mut cache, mut secrets }) = self.levels.pop() else { return };
        let keyword = probe_keywords(self.probe.as_deref_mut().filter(|_| self.levels.is_empty()));
        let length = stream.finish(self.context.detector, keyword, |chunk, place| {
            secrets.push(self.context.locate(&path, &mut cache, chunk, place));
        });
        self.searched.skipped.extend(stream.passed_over().reason().map(|reason| (path.clone(), reason)));
        self.spare_streams.push(stream);
        let delegated = merge_ranges(delegated, length);
        let delegated_bytes: u64 = delegated.iter().map(|range| range.end - range.start).sum();
        self.searched.bytes += length - delegated_bytes;
        let in_entries = match secrets.is_empty() || delegated.is_empty() {
            true => HashSet::new(),
            false => self.searched.secrets.fingerprints(),
        };
        // If an entry contains the same secret, its position there is more precise.
        secrets.retain(|secret| {
            let next = delegated.partition_point(|range| range.start <= secret.span.start.offset);
            let is_delegated =
                next.checked_sub(1).is_some_and(|index| secret.span.end.offset <= delegated[index].end);
            !(is_delegated && in_entries.contains(&secret.detected_key.fingerprint))
        });
        self.searched.secrets.append(secrets);
    }

    fn skip(&mut self, path: &[Vec<u8>], reason: String) {
        self.searched.skipped.push((path.to_vec(), reason));
    }

    fn is_stopped(&self) -> bool {
        self.context.stop.is_set()
    }
}

/// A callback that passes keywords to `probe`, if there is one.
fn probe_keywords(mut probe: Option<&mut RunProbe>) -> impl FnMut(&[u8], usize) -> bool {
    move |chunk, offset| {
        if let Some(probe) = &mut probe {
            probe.examine(chunk, offset);
        }
        true
    }
}

/// Ranges in order without overlaps, within `length`.
fn merge_ranges(ranges: &[Range<u64>], length: u64) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.to_vec();
    sorted.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        let start = range.start.max(merged.last().map_or(0, |last| last.end)).min(length);
        let end = range.end.min(length);
        if start < end {
            merged.push(start..end);
        }
    }
    merged
}
