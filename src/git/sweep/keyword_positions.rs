//! Where an object contains keywords, so that little around a change needs to be searched.
//!
//! Every match has a keyword nearby. Copied bytes have the keywords they have in the base, and any other
//! keyword touches a change, so a few bytes decide whether there is anything to search for at all.

use super::Searcher;
use super::change_edges::ChangeEdges;
use super::delta_inheritance::{DeltaShape, Region};
use crate::git::pack::delta::RunSource;

/// Maximum number of keyword positions kept for one object.
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
    /// No keywords; unknown if the searcher does not have any.
    pub(super) fn empty(searcher: &impl Searcher) -> Self {
        if searcher.longest_keyword().is_some() { Self::Known(Vec::new()) } else { Self::Unknown }
    }

    /// Whether the object is known to contain no keyword.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Known(places) if places.is_empty())
    }

    /// Adds an offset.
    pub(super) fn add(&mut self, at: usize) {
        match (self, u32::try_from(at)) {
            (Self::Known(places), Ok(at)) if places.len() < MAX_POSITIONS => places.push(at),
            (keywords, _) => *keywords = Self::Unknown,
        }
    }

    /// Adds the `new` offsets, which refer to the gathered bytes of `edges`.
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

    /// Reduces `regions`, which are in order and do not touch, to what lies within `reach` bytes of a
    /// keyword.
    pub(super) fn retain_near(&self, reach: u32, regions: &mut Vec<Region>) {
        let Self::Known(places) = self else { return };
        if places.is_empty() {
            regions.clear();
            return;
        }
        for (start, end) in std::mem::take(regions) {
            let first = places.partition_point(|&at| at < start);
            for at in places[first..].iter().take_while(|&&at| at < end) {
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
        if let Self::Known(places) = self {
            places.sort_unstable();
            places.dedup();
        }
    }
}

impl DeltaShape<'_> {
    /// Maps the keyword offsets of the base, `known`, to the result. Some may be keywords of which only the
    /// beginning was copied. Skips runs of at most `covered` bytes, whose keywords the caller looks for
    /// itself.
    pub(super) fn inherit_keywords(&self, known: &[u32], covered: u32) -> KeywordPositions {
        let mut keywords = KeywordPositions::Known(Vec::new());
        if known.is_empty() {
            return keywords;
        }
        // A delta that changes nothing has no edges that cover anything.
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
