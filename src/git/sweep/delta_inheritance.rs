//! Determines which matches of its base a delta preserves, and where it changes the object.
//!
//! A match *depends* on its own bytes and on `margin` more bytes on each side; for this purpose, the object extends
//! indefinitely beyond both ends. A match is inherited through each copied run that contains everything that the match
//! depends on. A run that copies the start of the base to the start of the result also contains everything
//! before it, and in the same way at the end. Every other match touches a change: an inserted byte, or a join
//! between two copied runs.

use std::ops::Range;

use super::Matches;
use super::stream::push_bounded;
use crate::git::pack::delta::{Run, RunSource};

/// How a delta maps its base to its result.
#[derive(Clone, Copy)]
pub(super) struct DeltaShape<'a> {
    pub(super) runs: &'a [Run],
    pub(super) base_len: u32,
    pub(super) result_len: u32,
}

/// A range of offsets in the result: the start, and the offset after the last byte.
pub(super) type Region = (u32, u32);

impl DeltaShape<'_> {
    /// Fills `regions` with the changes, each widened by `reach` bytes on both sides and merged with its
    /// neighbors, in order.
    pub(super) fn changed_regions(&self, reach: u32, regions: &mut Vec<Region>) {
        regions.clear();
        let mut change = |start: u32, end: u32| {
            let (start, end) = (start.saturating_sub(reach), end.saturating_add(reach).min(self.result_len));
            match regions.last_mut() {
                Some(last) if start <= last.1 => last.1 = end,
                _ => regions.push((start, end)),
            }
        };
        // Whether the run follows the start of the object or a copied run, and the offset in the base at which a copied
        // run would continue it.
        let mut after_copy = true;
        let mut expected = Some(0);
        for run in self.runs {
            match run.source {
                RunSource::Delta(_) => {
                    change(run.at, run.end());
                    (after_copy, expected) = (false, None);
                }
                RunSource::Base(from) => {
                    if after_copy && expected != Some(from) {
                        change(run.at, run.at);
                    }
                    (after_copy, expected) = (true, from.checked_add(run.len));
                }
            }
        }
        if after_copy && self.result_len != 0 && expected != Some(self.base_len) {
            change(self.result_len, self.result_len);
        }
    }

    /// The range in the base such that the result inherits a match through `run` if the range contains everything that
    /// the match depends on; `None` for inserted bytes.
    fn inheritable_range(&self, run: &Run) -> Option<Range<i64>> {
        let RunSource::Base(from) = run.source else { return None };
        let to = from + run.len;
        let start = if from == 0 && run.at == 0 { i64::MIN } else { i64::from(from) };
        let at_ends = to == self.base_len && run.end() == self.result_len;
        Some(start..if at_ends { i64::MAX } else { i64::from(to) })
    }

    /// Whether the match at `range` depends on something beyond an edge of `region` that is not an edge of the object.
    pub(super) fn crosses_edge(&self, range: &Range<u64>, region: Region, margin: u64) -> bool {
        let (start, end) = (u64::from(region.0), u64::from(region.1));
        (start != 0 && range.start < start + margin)
            || (end < u64::from(self.result_len) && range.end + margin > end)
    }

    /// Whether the match at `range` of the result also exists in the base.
    pub(super) fn is_inherited(&self, range: &Range<u64>, margin: u64) -> bool {
        let after = self.runs.partition_point(|run| u64::from(run.at) <= range.start);
        let Some(run) = after.checked_sub(1).and_then(|at| self.runs.get(at)) else { return false };
        let (Some(inheritable), RunSource::Base(from)) = (self.inheritable_range(run), run.source) else {
            return false;
        };
        let shift = i64::from(from) - i64::from(run.at);
        let start = range.start as i64 + shift - margin as i64;
        let end = range.end as i64 + shift + margin as i64;
        inheritable.start <= start && end <= inheritable.end
    }

    /// Adds to `matches` the matches of the base that the result preserves, at their new offsets. Returns
    /// whether there were too many to keep.
    pub(super) fn inherit_matches<M: Clone>(
        &self,
        base: &Matches<M>,
        margin: u64,
        matches: &mut Matches<M>,
    ) -> bool {
        let mut truncated = false;
        if base.is_empty() {
            return truncated;
        }
        let margin = margin as i64;
        for run in self.runs {
            let (Some(inheritable), RunSource::Base(from)) = (self.inheritable_range(run), run.source) else {
                continue;
            };
            let shift = i64::from(run.at) - i64::from(from);
            let first = base.partition_point(|(range, _)| (range.start as i64 - margin) < inheritable.start);
            let inside = base[first..].iter().take_while(|(range, _)| (range.start as i64) < inheritable.end);
            for (range, matched) in inside.filter(|(range, _)| range.end as i64 + margin <= inheritable.end) {
                let start = (range.start as i64 + shift) as u64;
                truncated |= push_bounded(matches, start..start + (range.end - range.start), matched.clone());
                if truncated {
                    return truncated;
                }
            }
        }
        truncated
    }
}
