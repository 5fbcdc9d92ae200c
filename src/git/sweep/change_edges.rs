//! Finds the edges of changes: the few bytes of a delta's result where a keyword that the base does not have can begin or
//! end.

use gix::object::Kind;

use super::Searcher;
use super::delta_inheritance::{DeltaShape, Region};
use crate::git::pack::delta::{Run, RunSource, append_range};

/// Searching the edges for keywords first saves time only if at least this many times as many bytes would have to be
/// searched otherwise. With two, fewer bytes of tokio are searched, but in a sixth more time: gathering many short runs
/// takes longer than searching them. Eight and sixteen make no measurable difference.
const MIN_SAVING: u64 = 4;

/// Everything that a delta inserts, and the ends of every run that it copies.
pub(super) struct ChangeEdges<'a> {
    runs: &'a [Run],
    /// The number of bytes at each end of a copied run that can belong to a keyword extending beyond the run.
    width: u32,
    /// The number of bytes at the start of the object that are gathered before everything else, if one of them changed;
    /// otherwise 0.
    pub(super) head: u32,
}

impl<'a> ChangeEdges<'a> {
    pub(super) fn new(searcher: &impl Searcher, kind: Kind, shape: &DeltaShape<'a>) -> Self {
        let width = searcher.longest_keyword().unwrap_or(0).saturating_sub(1);
        let head = u32::try_from(searcher.head_len(kind)).unwrap_or(u32::MAX);
        let keeps_head = shape.runs.first().is_some_and(|run| {
            run.source == RunSource::Base(0)
                && (run.len >= head || run.len == shape.base_len.max(shape.result_len))
        });
        let head = if keeps_head { 0 } else { head.min(shape.result_len) };
        Self { runs: shape.runs, width: u32::try_from(width).unwrap_or(u32::MAX), head }
    }

    /// Whether the edges are considerably smaller than `regions`.
    pub(super) fn is_worthwhile(&self, regions: &[Region]) -> bool {
        let edges = self.runs.len() as u64 * 2 * u64::from(self.width);
        let wide: u64 = regions.iter().map(|(start, end)| u64::from(end - start)).sum();
        edges < wide / MIN_SAVING
    }

    /// Maximum length of a copied run that is gathered completely, in bytes.
    pub(super) fn max_unsplit_run(&self) -> u32 {
        self.width.saturating_mul(2).saturating_add(1)
    }

    /// The one or two pieces of a run that are gathered.
    fn split(&self, run: &Run) -> (Region, Option<Region>) {
        match run.source {
            RunSource::Base(_) if run.len > self.max_unsplit_run() => {
                let (after, before) = (run.at + self.width, run.end() - self.width);
                ((run.at, after), Some((before, run.end())))
            }
            _ => ((run.at, run.end()), None),
        }
    }

    /// Fills `out` with the bytes of all pieces, one after the other.
    pub(super) fn gather(&self, (base, delta): (&[u8], &[u8]), out: &mut Vec<u8>) {
        out.clear();
        append_range(self.runs, (0, self.head), 0, (base, delta), out);
        for run in self.runs {
            let (first, last) = self.split(run);
            run.append(first.0, first.1, (base, delta), out);
            if let Some(last) = last {
                run.append(last.0, last.1, (base, delta), out);
            }
        }
    }

    /// The pieces in the order in which they are gathered.
    fn pieces(&self) -> impl Iterator<Item = Region> + '_ {
        let edges = self.runs.iter().flat_map(|run| {
            let (first, last) = self.split(run);
            [first].into_iter().chain(last)
        });
        [(0, self.head)].into_iter().chain(edges)
    }

    /// Maps ascending offsets in the gathered bytes to offsets in the result.
    pub(super) fn result_offsets(&self, gathered: &[u32]) -> impl Iterator<Item = u32> {
        let (mut pieces, mut before) = (self.pieces(), 0u64);
        let mut piece = pieces.next();
        gathered.iter().map_while(move |&offset| {
            while let Some((start, end)) = piece
                && before + u64::from(end - start) <= u64::from(offset)
            {
                before += u64::from(end - start);
                piece = pieces.next();
            }
            piece.map(|(start, _)| start + (u64::from(offset) - before) as u32)
        })
    }
}
