//! Records where an object contains keywords, so that little around a change needs to be searched.
//!
//! Every match has a keyword nearby. Copied bytes have the same keywords as in the base, and any other
//! keyword touches a change, so a few bytes determine whether anything needs to be searched at all.

use super::Searcher;
use super::change_edges::ChangeEdges;
use super::delta_inheritance::{DeltaShape, Region};
use crate::git::pack::delta::RunSource;

/// Maximum number of keyword positions that are kept for one object.
const MAX_POSITIONS: usize = 1 << 12;

/// Where an object contains keywords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeywordPositions {
    /// At these offsets and nowhere else, in order; some may be false positives.
    Known(Vec<u32>),
    /// Unknown, because there are too many or the searcher has no keywords.
    Unknown,
}

impl KeywordPositions {
    /// The positions in an empty object: none, or unknown if the searcher has no keywords.
    pub(super) fn empty(searcher: &impl Searcher) -> Self {
        if searcher.longest_keyword().is_some() { Self::Known(Vec::new()) } else { Self::Unknown }
    }

    /// Whether the object is known to contain no keyword.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Known(offsets) if offsets.is_empty())
    }

    /// Adds an offset.
    pub(super) fn add(&mut self, at: usize) {
        match (self, u32::try_from(at)) {
            (Self::Known(offsets), Ok(at)) if offsets.len() < MAX_POSITIONS => offsets.push(at),
            (keywords, _) => *keywords = Self::Unknown,
        }
    }

    /// Adds `new` offsets, which are offsets in the gathered bytes of `edges`.
    pub(super) fn merge(&mut self, mut new: Self, edges: &ChangeEdges<'_>) {
        new.sort();
        match &new {
            Self::Known(new) if new.is_empty() => {}
            Self::Known(new) => {
                edges.result_offsets(new).for_each(|at| self.add(at as usize));
                self.sort();
            }
            Self::Unknown => *self = Self::Unknown,
        }
    }

    /// Reduces `regions`, which must be in order and not adjacent, to the parts within `reach` bytes of a
    /// keyword.
    pub(super) fn retain_near(&self, reach: u32, regions: &mut Vec<Region>) {
        let Self::Known(offsets) = self else { return };
        if offsets.is_empty() {
            regions.clear();
            return;
        }
        for (start, end) in std::mem::take(regions) {
            let first = offsets.partition_point(|&at| at < start);
            for at in offsets[first..].iter().take_while(|&&at| at < end) {
                let (low, high) = (at.saturating_sub(reach).max(start), at.saturating_add(reach).min(end));
                match regions.last_mut() {
                    Some(last) if low <= last.1 && start <= last.0 => last.1 = high,
                    _ => regions.push((low, high)),
                }
            }
        }
    }

    /// Restores the order after offsets were added.
    pub(super) fn sort(&mut self) {
        if let Self::Known(offsets) = self {
            offsets.sort_unstable();
            offsets.dedup();
        }
    }
}

impl DeltaShape<'_> {
    /// Maps the keyword offsets of the base, `known`, to the result. Some may be those of keywords of which only the
    /// beginning was copied. Skips runs of at most `covered` bytes, which the caller searches for keywords
    /// itself.
    pub(super) fn inherit_keywords(&self, known: &[u32], covered: u32) -> KeywordPositions {
        let mut keywords = KeywordPositions::Known(Vec::new());
        if known.is_empty() {
            return keywords;
        }
        // If there is a single run, nothing changes, and the caller does not search that run.
        let covered = if self.runs.len() == 1 { 0 } else { covered };
        for run in self.runs.iter().filter(|run| run.len > covered) {
            let RunSource::Base(from) = run.source else { continue };
            let first = known.partition_point(|&at| at < from);
            let inside = known[first..].iter().take_while(|&&at| at - from < run.len);
            inside.for_each(|at| keywords.add((at - from + run.at) as usize));
        }
        keywords
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::pack::delta::Run;

    #[test]
    fn a_full_copy_keeps_all_keywords() {
        let runs = [Run { at: 0, len: 50, source: RunSource::Base(0) }];
        let shape = DeltaShape { runs: &runs, base_len: 50, result_len: 50 };
        assert_eq!(shape.inherit_keywords(&[3, 40], 1000), KeywordPositions::Known(vec![3, 40]));
        let runs = [
            Run { at: 0, len: 50, source: RunSource::Base(0) },
            Run { at: 50, len: 20, source: RunSource::Base(30) },
        ];
        let shape = DeltaShape { runs: &runs, base_len: 50, result_len: 70 };
        assert_eq!(shape.inherit_keywords(&[3, 40], 10), KeywordPositions::Known(vec![3, 40, 60]));
        assert_eq!(shape.inherit_keywords(&[3, 40], 20), KeywordPositions::Known(vec![3, 40]));
    }

    #[test]
    fn only_regions_near_a_keyword_are_kept() {
        let near = |keywords: &[u32]| {
            let mut regions = vec![(0, 100), (150, 400)];
            KeywordPositions::Known(keywords.to_vec()).retain_near(20, &mut regions);
            regions
        };
        assert_eq!(near(&[]), []);
        assert_eq!(near(&[120, 149, 400]), []);
        assert_eq!(near(&[10, 99, 150]), [(0, 30), (79, 100), (150, 170)]);
        assert_eq!(near(&[200, 230, 240, 300]), [(180, 260), (280, 320)]);
    }
}
