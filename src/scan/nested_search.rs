//! Searches a container and everything in it.

use std::collections::HashSet;
use std::ops::Range;

use super::bounded::Bounded;
use super::located::Located;
use super::search_context::SearchContext;
use super::searched::Searched;
use crate::container::{ContentVisitor, RunProbe};
use crate::detect::{RedactionCache, Stream};

/// Searches nested content while it is read.
pub(super) struct NestedSearch<'c, 'd> {
    pub(super) context: &'c SearchContext<'d>,
    pub(super) levels: Vec<Level>,
    pub(super) spare: &'c mut Vec<Stream>,
    /// Receives the keywords in the outermost content.
    pub(super) probe: Option<&'c mut RunProbe>,
    pub(super) searched: &'c mut Searched,
}

/// Content that is being read.
#[derive(Default)]
pub(super) struct Level {
    path: Vec<Vec<u8>>,
    stream: Stream,
    cache: RedactionCache,
    found: Bounded<Located>,
}

impl ContentVisitor for NestedSearch<'_, '_> {
    fn begin(&mut self, path: &[Vec<u8>]) {
        let stream = self.spare.pop().unwrap_or_default();
        self.levels.push(Level { path: path.to_vec(), stream, ..Level::default() });
    }

    fn push(&mut self, level: usize, bytes: &[u8]) {
        let Some(Level { path, stream, cache, found }) = self.levels.get_mut(level) else { return };
        let keyword = examine_with(self.probe.as_deref_mut().filter(|_| level == 0));
        stream.push(self.context.detector, bytes, keyword, |chunk, place| {
            found.push(self.context.located(path, cache, chunk, place));
        });
    }

    fn end(&mut self, delegated: &[Range<u64>]) {
        let Some(Level { path, mut stream, mut cache, mut found }) = self.levels.pop() else { return };
        let keyword = examine_with(self.probe.as_deref_mut().filter(|_| self.levels.is_empty()));
        let length = stream.finish(self.context.detector, keyword, |chunk, place| {
            found.push(self.context.located(&path, &mut cache, chunk, place));
        });
        self.searched.skipped.extend(stream.passed_over().reason().map(|reason| (path.clone(), reason)));
        self.spare.push(stream);
        let delegated = merge_ranges(delegated, length);
        let twice: u64 = delegated.iter().map(|range| range.end - range.start).sum();
        self.searched.bytes += length - twice;
        let known = match found.is_empty() || delegated.is_empty() {
            true => HashSet::new(),
            false => self.searched.found.fingerprints(),
        };
        // If an entry contains it, too, its position there is more precise.
        found.retain(|one| {
            let after = delegated.partition_point(|range| range.start <= one.span.start.offset);
            let is_elsewhere =
                after.checked_sub(1).is_some_and(|at| one.span.end.offset <= delegated[at].end);
            !(is_elsewhere && known.contains(&one.identified.fingerprint))
        });
        self.searched.found.append(found);
    }

    fn skip(&mut self, path: &[Vec<u8>], reason: String) {
        self.searched.skipped.push((path.to_vec(), reason));
    }

    fn is_stopped(&self) -> bool {
        self.context.stop.is_set()
    }
}

/// Shows keywords to `probe`, if there is one.
fn examine_with(mut probe: Option<&mut RunProbe>) -> impl FnMut(&[u8], usize) -> bool {
    move |chunk, at| {
        if let Some(probe) = &mut probe {
            probe.examine(chunk, at);
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
