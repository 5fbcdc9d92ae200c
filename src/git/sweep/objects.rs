//! Searching one object: a whole one in a pack, a delta, or a file of its own.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use gix::ObjectId;
use gix::object::Kind;

use super::Searcher;
use super::anchored::Anchors;
use super::collect::{Failure, Located, Place};
use super::plan::Forest;
use super::queue::Node;
use super::stream::{self, keep};
use super::worker::{Worker, sort};
use crate::git::inflate::{InflateError, InflateStream};
use crate::git::loose::{self, Loose, LooseError, LooseStream};
use crate::git::pack::Entry;
use crate::git::pack::entry::Content;

/// What came of an entry: an assembled object if something hangs on it, or words why there is none.
pub(super) type Outcome<H> = Result<Option<Node<H>>, String>;

impl<'a, S: Searcher> Worker<'a, S> {
    /// Searches an object that is no delta.
    pub(super) fn root(&mut self, forest: Forest<'a>, entry: Entry) -> Outcome<S::Hit> {
        let options = self.shared.options;
        let (header, deflated) = forest.pack.header(entry).map_err(in_words)?;
        let Content::Whole(kind) = header.content else { return Err("it is no whole object".to_owned()) };
        if !self.shared.searcher.wants(kind) {
            return Ok(None);
        }
        let (size, is_base) = (header.size, forest.plan.is_base(entry));
        if size > options.max_assembled || (size > options.stream_above && !is_base) {
            let place = Place::Packed(forest.number, entry);
            self.streamed(place, kind, size, &mut InflateStream::new(deflated))?;
            if is_base {
                self.collected.fail_children(forest, entry, &InflateError::TooLarge(size).to_string());
            }
            return Ok(None);
        }
        let len = usize::try_from(size).map_err(|_| in_words(InflateError::TooLarge(size)))?;
        let extent = forest.pack.extent(entry);
        self.inflater.check(extent, len).map_err(in_words)?;
        let mut buffer = self.buffers.take(len);
        if let Err(error) = self.inflater.whole(deflated, extent, len, &mut buffer) {
            self.buffers.give(buffer);
            return Err(in_words(error));
        }

        let node = self.whole(kind, buffer, len);
        Ok(self.settle(forest, entry, node))
    }

    /// Searches an object from end to end.
    fn whole(&mut self, kind: Kind, buffer: Vec<u8>, len: usize) -> Node<S::Hit> {
        let (overfull, anchors) = self.search_plain(kind, &buffer[..len]);
        self.follow(kind, &buffer[..len]);
        let hits = std::mem::take(&mut self.hits);
        Node { kind, buffer, len, held: len as u64, hits, overfull, anchors }
    }

    /// Fills `hits` with the matches of a whole object. Tells whether there are too many, and of the anchors.
    pub(super) fn search_plain(&mut self, kind: Kind, bytes: &[u8]) -> (bool, Anchors) {
        let (searcher, hits, mut overfull) = (self.shared.searcher, &mut self.hits, false);
        let mut anchors = Anchors::none(searcher);
        searcher.search(kind, bytes, &mut self.scratch, &mut |at| anchors.add(at), &mut |range, hit| {
            overfull |= keep(hits, range.start as u64..range.end as u64, hit);
        });
        self.collected.searched += bytes.len() as u64;
        sort(hits);
        anchors.sort();
        (overfull, anchors)
    }

    /// Records a searched object; returns it if it is a base.
    pub(super) fn settle(
        &mut self,
        forest: Forest<'a>,
        entry: Entry,
        mut node: Node<S::Hit>,
    ) -> Option<Node<S::Hit>> {
        let is_base = forest.plan.is_base(entry);
        if forest.plan.is_wanted(entry) {
            let hits = if is_base { node.hits.clone() } else { std::mem::take(&mut node.hits) };
            let place = Place::Packed(forest.number, entry);
            self.record(place, node.kind, node.len as u64, hits, node.overfull);
        }
        if is_base {
            return Some(node);
        }
        self.buffers.give(node.buffer);
        None
    }

    /// Looks for what a whole object names.
    fn follow(&mut self, kind: Kind, bytes: &[u8]) {
        if let Some(links) = &mut self.links {
            links.follow(self.shared.store, kind, bytes, &[]);
        }
    }

    /// Searches a delta whose base is not in its pack.
    pub(super) fn stray(&mut self, forest: Forest<'a>, entry: Entry, base: ObjectId) -> Outcome<S::Hit> {
        let limit = self.shared.options.max_assembled;
        let read = self.shared.store.read(&base, limit, &mut self.inflater, &mut HashSet::new());
        let (kind, bytes) = read.map_err(|reason| format!("its delta base {base}: {reason}"))?;
        if !self.shared.searcher.wants(kind) {
            return Ok(None);
        }
        let len = bytes.len();
        let base = self.whole(kind, bytes, len);
        self.child(forest, entry, &base, true)
    }

    /// Searches the loose object of that number.
    pub(super) fn loose(&mut self, at: usize) {
        let listing = &self.shared.store.listing;
        let Some(&(id, dir)) = listing.loose.get(at) else { return };
        let Some(path) = listing.loose_path(&id, dir) else { return };
        let mut buffer = self.buffers.take(0);
        let outcome = self.loose_file(id, &path, &mut buffer);
        self.buffers.give(buffer);
        self.buffers.trim();
        if let Err(error) = outcome {
            self.collected.failures.push(Failure {
                place: Place::Loose(id),
                reason: format!("{}: {error}", path.display()).into(),
                direct: true,
                vanished: matches!(error, LooseError::Vanished),
            });
        }
    }

    fn loose_file(&mut self, id: ObjectId, path: &Path, buffer: &mut Vec<u8>) -> Result<(), LooseError> {
        let large = self.shared.options.stream_above;
        match loose::read(path, large, &mut self.inflater, &mut self.buffers.input, buffer)? {
            Loose::Whole { kind, start, size } if self.shared.searcher.wants(kind) => {
                let (overfull, _) = self.search_plain(kind, &buffer[start..start + size]);
                self.follow(kind, &buffer[start..start + size]);
                let hits = std::mem::take(&mut self.hits);
                self.record(Place::Loose(id), kind, size as u64, hits, overfull);
            }
            Loose::Whole { .. } => {}
            Loose::Large => {
                let mut object = LooseStream::open(path)?;
                let (kind, size) = (object.kind, object.size);
                if self.shared.searcher.wants(kind) {
                    self.streamed(Place::Loose(id), kind, size, &mut object).map_err(LooseError::Stream)?;
                }
            }
        }
        Ok(())
    }

    /// Searches an object piece by piece. What was found before an error is kept.
    fn streamed(&mut self, place: Place, kind: Kind, size: u64, input: &mut dyn Read) -> Result<(), String> {
        let (searcher, hits, mut overfull) = (self.shared.searcher, &mut self.hits, false);
        let searched = stream::search(searcher, &mut self.scratch, kind, size, input, |range, hit| {
            overfull |= keep(hits, range, hit);
        });
        sort(hits);
        let hits = std::mem::take(hits);
        match searched {
            Ok(searched) => {
                self.collected.searched += searched;
                self.record(place, kind, size, hits, overfull);
                Ok(())
            }
            Err(reason) => {
                if !hits.is_empty() {
                    self.collected.located.push(Located { place, kind, size, hits, overfull });
                }
                Err(reason)
            }
        }
    }
}

/// An error as it stands in a report.
pub(super) fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
