//! Searching deltas: what they do not copy, and of that hardly more than the changed bytes where no anchor is near.

use gix::object::Kind;

use super::Searcher;
use super::anchored::Anchors;
use super::buffers::Buffers;
use super::edges::Edges;
use super::inherit::{Region, Shape};
use super::objects::{Fault, Outcome, in_words};
use super::plan::Forest;
use super::queue::Node;
use super::stream::keep;
use super::worker::{Worker, sort};
use crate::git::inflate::InflateError;
use crate::git::pack::Entry;
use crate::git::pack::delta::{self, Run};

impl<'a, S: Searcher> Worker<'a, S> {
    /// Searches a delta against `base`, which is given up after it if it `is_last`.
    pub(super) fn child(
        &mut self,
        forest: Forest<'a>,
        entry: Entry,
        base: &Node<S::Hit>,
        is_last: bool,
    ) -> Outcome<S::Hit> {
        let limit = self.shared.options.max_assembled;
        let (header, deflated) = forest.pack.header(entry).map_err(in_words)?;
        let too_large = || in_words(InflateError::TooLarge(header.size));
        let delta_len =
            usize::try_from(header.size).ok().filter(|_| header.size <= limit).ok_or_else(too_large)?;
        // Until it is done with: both may be as large as what they make.
        let budget = &self.shared.budget;
        let _input = budget.take(header.size, header.size).ok_or(Fault::NoMemory)?;
        let mut input = std::mem::take(&mut self.buffers.input);
        let inflated = self.inflate(forest, entry, deflated, delta_len, &mut input);
        self.buffers.input = input;
        inflated.map_err(in_words)?;
        let delta = &self.buffers.input[..delta_len];
        let len = delta::parse(delta, base.len, limit, &mut self.buffers.runs).map_err(in_words)?;
        let above = if is_last { base.held - base.len as u64 } else { base.held };
        let held = above + len as u64;
        let mut buffer = Vec::new();
        // One that is not assembled may have to be gathered whole.
        let lease = budget.take(len as u64, held).ok_or(Fault::NoMemory)?;
        let is_assembled = forest.plan.is_base(entry) || self.shared.options.whole;
        if is_assembled {
            buffer = self.buffers.take(len);
            let delta = &self.buffers.input[..delta_len];
            delta::assemble(&self.buffers.runs, base.bytes(), delta, &mut buffer[..len]);
        }
        let assembled = is_assembled.then(|| &buffer[..len]);
        let (overfull, anchors) = match assembled {
            Some(bytes) if self.shared.options.whole => self.search_plain(base.kind, bytes),
            _ => self.search_delta(base, delta_len, len, assembled),
        };
        self.follow_delta(base, delta_len, len, assembled);
        self.buffers.trim();
        let hits = std::mem::take(&mut self.hits);
        let overfull = overfull || base.overfull;
        let node = Node { kind: base.kind, buffer, len, held, hits, overfull, anchors, _lease: lease };
        Ok(self.settle(forest, entry, node))
    }

    /// Fills `hits` with those of the delta that was just read; `assembled` is its result, if it was made.
    /// Tells whether there are too many, and of the anchors.
    fn search_delta(
        &mut self,
        base: &Node<S::Hit>,
        delta_len: usize,
        len: usize,
        assembled: Option<&[u8]>,
    ) -> (bool, Anchors) {
        let Buffers { input, runs, regions, gathered, .. } = &mut self.buffers;
        let (searcher, margin, reach) = (self.shared.searcher, self.margin, self.reach);
        let shape = Shape { runs, base_len: base.len as u32, result_len: len as u32 };
        let result = Pieces { runs, base: base.bytes(), delta: &input[..delta_len], assembled };
        let (all, mut searched) = ((0, len as u32), 0);
        let mut anchors = Anchors::none(searcher);
        if len <= self.shared.options.small.max(searcher.head(base.kind)) {
            regions.clear();
            regions.push(all);
        } else {
            let edges = Edges::new(searcher, base.kind, &shape);
            // Where no anchor was there is hardly ever one, and nobody asks what lies around the changes.
            let is_bare = base.anchors.is_none();
            if is_bare {
                regions.clear();
                regions.push(all);
            } else {
                shape.changed(reach, regions);
            }
            anchors = match &base.anchors {
                Anchors::At(known) if edges.are_few(regions) => {
                    edges.gather((result.base, result.delta), gathered);
                    searched += gathered.len();
                    let mut new = Anchors::none(searcher);
                    searcher.anchors(base.kind, gathered, edges.head != 0, &mut |at| new.add(at));
                    let mut anchors = shape.inherit_anchors(known, edges.shortest_cut());
                    anchors.join(new, &edges);
                    if is_bare && !anchors.is_none() {
                        shape.changed(reach, regions);
                    }
                    anchors.near(reach, regions);
                    anchors
                }
                Anchors::At(known) => shape.inherit_anchors(known, reach),
                Anchors::Anywhere => Anchors::Anywhere,
            };
        }
        let inherits = *regions != [all];
        let (hits, mut overfull, mut first) = (&mut self.hits, false, 0);
        for &(start, end) in regions.iter() {
            let bytes = result.region((start, end), &mut first, gathered);
            searched += bytes.len();
            let anchor = &mut |at| anchors.add(start as usize + at);
            searcher.search(base.kind, bytes, &mut self.scratch, anchor, &mut |range, hit| {
                let shift = u64::from(start);
                let range = shift + range.start as u64..shift + range.end as u64;
                if !inherits
                    || !(shape.is_cut(&range, (start, end), margin) || shape.is_inherited(&range, margin))
                {
                    overfull |= keep(hits, range, hit);
                }
            });
        }
        if inherits {
            overfull |= shape.inherit(&base.hits, margin, hits);
        }
        sort(hits);
        anchors.sort();
        self.collected.searched += searched as u64;
        (overfull, anchors)
    }

    /// Looks for what the object names of which the delta was just read, and its base does not; `assembled` is its
    /// result, if it was made.
    fn follow_delta(&mut self, base: &Node<S::Hit>, delta_len: usize, len: usize, assembled: Option<&[u8]>) {
        let Some(links) = self.links.as_mut().filter(|_| base.kind != Kind::Blob) else { return };
        let Buffers { input, runs, regions, gathered, .. } = &mut self.buffers;
        let result = Pieces { runs, base: base.bytes(), delta: &input[..delta_len], assembled };
        let all = (0, len as u32);
        let bytes = match assembled {
            // It was just gathered.
            None if *regions == [all] => &gathered[..],
            _ => result.region(all, &mut 0, gathered),
        };
        // A commit is short, and what of it is new is not worth telling.
        let runs = if base.kind == Kind::Tree { &runs[..] } else { &[] };
        links.follow(self.shared.store, base.kind, bytes, runs);
    }
}

/// What a delta makes, in pieces or in one.
#[derive(Clone, Copy)]
struct Pieces<'b> {
    runs: &'b [Run],
    base: &'b [u8],
    delta: &'b [u8],
    assembled: Option<&'b [u8]>,
}

impl<'b> Pieces<'b> {
    /// Its bytes of a region, which `gathered` is filled with if they stand nowhere else. `first`: a run at or before
    /// the region's first, which it becomes.
    fn region<'g>(&self, region: Region, first: &mut usize, gathered: &'g mut Vec<u8>) -> &'g [u8]
    where
        'b: 'g,
    {
        if let Some(bytes) = self.assembled {
            return &bytes[region.0 as usize..region.1 as usize];
        }
        gathered.clear();
        *first = delta::gather(self.runs, region, *first, (self.base, self.delta), gathered);
        gathered
    }
}
