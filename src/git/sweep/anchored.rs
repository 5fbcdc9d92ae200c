//! Where the anchors of an object stand, so that hardly anything around a change need be searched.
//!
//! No match is without an anchor near by. What a delta copies has the anchors that it has in the base, and any
//! other touches a changed place: so these few bytes tell whether there is anything to search for at all.

use super::Searcher;
use super::edges::Edges;
use super::inherit::{Region, Shape};
use crate::git::pack::delta::Source;

/// The most anchors of one object that are kept.
const MOST_ANCHORS: usize = 1 << 12;

/// Where an object has anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Anchors {
    /// They begin at these places and no others, in order; some may be none after all.
    At(Vec<u32>),
    /// In more places than are kept, or nobody knows.
    Anywhere,
}

impl Anchors {
    /// None, or of a searcher that has none, anywhere.
    pub(super) fn none(searcher: &impl Searcher) -> Self {
        if searcher.longest_anchor().is_some() { Self::At(Vec::new()) } else { Self::Anywhere }
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::At(places) if places.is_empty())
    }

    /// Adds one.
    pub(super) fn add(&mut self, at: usize) {
        match (self, u32::try_from(at)) {
            (Self::At(places), Ok(at)) if places.len() < MOST_ANCHORS => places.push(at),
            (anchors, _) => *anchors = Self::Anywhere,
        }
    }

    /// Adds those at the `new` places in what was gathered of `edges`.
    pub(super) fn join(&mut self, mut new: Self, edges: &Edges<'_>) {
        new.sort();
        match &new {
            Self::At(new) if new.is_empty() => {}
            Self::At(new) => {
                edges.places(new).for_each(|at| self.add(at as usize));
                self.sort();
            }
            Self::Anywhere => *self = Self::Anywhere,
        }
    }

    /// Leaves of `regions`, which are in order and do not meet, what lies within `reach` bytes of an anchor.
    pub(super) fn near(&self, reach: u32, regions: &mut Vec<Region>) {
        let Self::At(places) = self else { return };
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

    /// Puts them in order after some were added.
    pub(super) fn sort(&mut self) {
        if let Self::At(places) = self {
            places.sort_unstable();
            places.dedup();
        }
    }
}

impl Shape<'_> {
    /// The anchors of the base, `known`, which the result has too, at their new places; of some only the beginning.
    /// Runs of no more than `covered` bytes beside a changed place are left out.
    pub(super) fn inherit_anchors(&self, known: &[u32], covered: u32) -> Anchors {
        let mut anchors = Anchors::At(Vec::new());
        if known.is_empty() {
            return anchors;
        }
        // What changes nothing is covered by nothing.
        let covered = if self.runs.len() == 1 { 0 } else { covered };
        for run in self.runs.iter().filter(|run| run.len > covered) {
            let Source::Base(from) = run.source else { continue };
            let first = known.partition_point(|&at| at < from);
            let inside = known[first..].iter().take_while(|&&at| at - from < run.len);
            inside.for_each(|at| anchors.add((at - from + run.at) as usize));
        }
        anchors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::pack::delta::Run;

    #[test]
    fn a_copy_of_all_keeps_all() {
        let runs = [Run { at: 0, len: 50, source: Source::Base(0) }];
        let shape = Shape { runs: &runs, base_len: 50, result_len: 50 };
        assert_eq!(shape.inherit_anchors(&[3, 40], 1000), Anchors::At(vec![3, 40]));
        let runs = [
            Run { at: 0, len: 50, source: Source::Base(0) },
            Run { at: 50, len: 20, source: Source::Base(30) },
        ];
        let shape = Shape { runs: &runs, base_len: 50, result_len: 70 };
        assert_eq!(shape.inherit_anchors(&[3, 40], 10), Anchors::At(vec![3, 40, 60]));
        assert_eq!(shape.inherit_anchors(&[3, 40], 20), Anchors::At(vec![3, 40]));
    }

    #[test]
    fn of_regions_only_what_is_near_an_anchor_is_left() {
        let near = |anchors: &[u32]| {
            let mut regions = vec![(0, 100), (150, 400)];
            Anchors::At(anchors.to_vec()).near(20, &mut regions);
            regions
        };
        assert_eq!(near(&[]), []);
        assert_eq!(near(&[120, 149, 400]), []);
        assert_eq!(near(&[10, 99, 150]), [(0, 30), (79, 100), (150, 170)]);
        assert_eq!(near(&[200, 230, 240, 300]), [(180, 260), (280, 320)]);
    }
}
