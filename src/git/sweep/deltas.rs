//! Searches the results of deltas: only what they do not copy, and hardly anything around it where no keyword is near.

use gix::object::Kind;

use super::Searcher;
use super::assembled_object::AssembledObject;
use super::buffers::Buffers;
use super::change_edges::ChangeEdges;
use super::delta_inheritance::{DeltaShape, Region};
use super::entries::{EntryError, EntryResult, to_message};
use super::keyword_positions::KeywordPositions;
use super::link_check::{CheckedDelta, LinkFacts};
use super::plan::PlannedPack;
use super::stream::push_bounded;
use super::worker::{SweepWorker, sort_matches};
use crate::git::inflate::InflateError;
use crate::git::pack::Entry;
use crate::git::pack::delta::{self, Run};

impl<'a, S: Searcher> SweepWorker<'a, S> {
    /// Searches the result of a delta against `base`. `is_last` says whether this is the last child of the base, which is
    /// then freed.
    pub(super) fn search_delta(
        &mut self,
        planned: PlannedPack<'a>,
        entry: Entry,
        base: &AssembledObject<S::Match>,
        is_last: bool,
    ) -> EntryResult<S::Match> {
        let limit = self.shared.options.max_assembled;
        let (header, deflated) = planned.pack.header(entry).map_err(to_message)?;
        let too_large = || to_message(InflateError::TooLarge(header.size));
        let delta_len =
            usize::try_from(header.size).ok().filter(|_| header.size <= limit).ok_or_else(too_large)?;
        // Reserved until the delta has been applied, since a delta can be as large as its result.
        let budget = &self.shared.budget;
        let _input = budget.reserve(header.size, header.size).ok_or(EntryError::NoMemory)?;
        let mut input = std::mem::take(&mut self.buffers.input);
        let inflated = self.inflate(planned, entry, deflated, delta_len, &mut input);
        self.buffers.input = input;
        inflated.map_err(to_message)?;
        let delta = &self.buffers.input[..delta_len];
        let len = delta::parse(delta, base.len, limit, &mut self.buffers.runs).map_err(to_message)?;
        // The bases that stay in memory: the last delta of a base frees it.
        let above = if is_last { base.held - base.len as u64 } else { base.held };
        let held = above + len as u64;
        let mut buffer = Vec::new();
        // Even if the result is not assembled, it may have to be gathered completely.
        let reservation = budget.reserve(len as u64, held).ok_or(EntryError::NoMemory)?;
        let is_assembled = planned.plan.is_base(entry) || self.shared.options.full_objects;
        if is_assembled {
            buffer = self.buffers.take(len);
            let delta = &self.buffers.input[..delta_len];
            delta::assemble(&self.buffers.runs, base.bytes(), delta, &mut buffer[..len]);
        }
        let assembled = is_assembled.then(|| &buffer[..len]);
        let (truncated, keywords) = match assembled {
            Some(bytes) if self.shared.options.full_objects => self.search_bytes(base.kind, bytes),
            _ => self.search_changes(base, delta_len, len, assembled),
        };
        let links = self.check_delta_links(base, delta_len, len, assembled);
        let matches = std::mem::take(&mut self.matches);
        self.note_content(planned, entry, &matches, |worker| {
            let Buffers { input, runs, gathered, .. } = &mut worker.buffers;
            let result = DeltaResult { runs, base: base.bytes(), delta: &input[..delta_len], assembled };
            blake3::hash(result.region((0, len as u32), &mut 0, gathered)).into()
        });
        self.buffers.trim();
        let truncated = truncated || base.truncated;
        let node = AssembledObject {
            kind: base.kind,
            buffer,
            len,
            held,
            matches,
            truncated,
            keywords,
            links,
            _reservation: reservation,
        };
        Ok(self.finish_entry(planned, entry, node))
    }

    /// Fills `matches` with the matches in the result of the delta in the buffers; `assembled` is the result, if it was
    /// assembled. Returns whether there were too many to keep, and the keywords.
    fn search_changes(
        &mut self,
        base: &AssembledObject<S::Match>,
        delta_len: usize,
        len: usize,
        assembled: Option<&[u8]>,
    ) -> (bool, KeywordPositions) {
        let Buffers { input, runs, regions, gathered, .. } = &mut self.buffers;
        let (searcher, margin, reach) = (self.shared.searcher, self.margin, self.reach);
        let shape = DeltaShape { runs, base_len: base.len as u32, result_len: len as u32 };
        let result = DeltaResult { runs, base: base.bytes(), delta: &input[..delta_len], assembled };
        let (all, mut searched) = ((0, len as u32), 0);
        let mut keywords = KeywordPositions::empty(searcher);
        if len <= self.shared.options.small_result.max(searcher.head_len(base.kind)) {
            regions.clear();
            regions.push(all);
        } else {
            let edges = ChangeEdges::new(searcher, base.kind, &shape);
            // The result of a delta against a base without keywords rarely has one, so the regions around the changes
            // are not computed yet.
            let is_bare = base.keywords.is_empty();
            if is_bare {
                regions.clear();
                regions.push(all);
            } else {
                shape.changed_regions(reach, regions);
            }
            keywords = match &base.keywords {
                KeywordPositions::Known(known) if edges.is_worthwhile(regions) => {
                    edges.gather((result.base, result.delta), gathered);
                    searched += gathered.len();
                    let mut new = KeywordPositions::empty(searcher);
                    searcher.keywords(base.kind, gathered, edges.head != 0, &mut |at| new.add(at));
                    let mut keywords = shape.inherit_keywords(known, edges.max_unsplit_run());
                    keywords.merge(new, &edges);
                    if is_bare && !keywords.is_empty() {
                        shape.changed_regions(reach, regions);
                    }
                    keywords.retain_near(reach, regions);
                    keywords
                }
                KeywordPositions::Known(known) => shape.inherit_keywords(known, reach),
                KeywordPositions::Unknown => KeywordPositions::Unknown,
            };
        }
        let inherits = *regions != [all];
        let (matches, mut truncated, mut first) = (&mut self.matches, false, 0);
        for &(start, end) in regions.iter() {
            let bytes = result.region((start, end), &mut first, gathered);
            searched += bytes.len();
            let keyword = &mut |at| keywords.add(start as usize + at);
            searcher.search(base.kind, bytes, &mut self.scratch, keyword, &mut |range, matched| {
                let shift = u64::from(start);
                let range = shift + range.start as u64..shift + range.end as u64;
                if !inherits
                    || !(shape.crosses_edge(&range, (start, end), margin)
                        || shape.is_inherited(&range, margin))
                {
                    truncated |= push_bounded(matches, range, matched);
                }
            });
        }
        if inherits {
            truncated |= shape.inherit_matches(&base.matches, margin, matches);
        }
        sort_matches(matches);
        keywords.sort();
        self.collected.bytes_searched += searched as u64;
        (truncated, keywords)
    }

    /// Checks the objects that the result of the delta in the buffers names and its base does not; `assembled` is
    /// the result, if it was assembled.
    fn check_delta_links(
        &mut self,
        base: &AssembledObject<S::Match>,
        delta_len: usize,
        len: usize,
        assembled: Option<&[u8]>,
    ) -> LinkFacts {
        let Some(links) = self.links.as_mut().filter(|_| base.kind != Kind::Blob) else {
            return LinkFacts::default();
        };
        let Buffers { input, runs, regions, gathered, .. } = &mut self.buffers;
        let result = DeltaResult { runs, base: base.bytes(), delta: &input[..delta_len], assembled };
        let all = (0, len as u32);
        let bytes = match assembled {
            // `search_changes` has gathered it.
            None if *regions == [all] => &gathered[..],
            _ => result.region(all, &mut 0, gathered),
        };
        let delta = CheckedDelta { runs, base_len: base.len, base: base.links };
        links.check(self.shared.store, base.kind, bytes, Some(delta))
    }
}

/// The result of a delta, as runs or assembled.
#[derive(Clone, Copy)]
struct DeltaResult<'b> {
    runs: &'b [Run],
    base: &'b [u8],
    delta: &'b [u8],
    assembled: Option<&'b [u8]>,
}

impl<'b> DeltaResult<'b> {
    /// The bytes of a region; fills `gathered` with them unless the result is assembled. `first` is the index
    /// of a run at or before the region, and is updated to the first run in it.
    fn region<'g>(&self, region: Region, first: &mut usize, gathered: &'g mut Vec<u8>) -> &'g [u8]
    where
        'b: 'g,
    {
        if let Some(bytes) = self.assembled {
            return &bytes[region.0 as usize..region.1 as usize];
        }
        gathered.clear();
        *first = delta::append_range(self.runs, region, *first, (self.base, self.delta), gathered);
        gathered
    }
}
