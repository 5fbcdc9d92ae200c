//! Searching one object: a whole one in a pack, a delta, or a file of its own.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use gix::ObjectId;
use gix::object::Kind;

use super::Searcher;
use super::anchored::Anchors;
use super::budget::Lease;
use super::collect::{Failure, Located, Place};
use super::plan::Forest;
use super::queue::Node;
use super::stream::{self, keep};
use super::worker::{Worker, sort};
use crate::git::inflate::{InflateError, InflateStream, ends_with_stream};
use crate::git::loose::{self, Loose, LooseError, LooseStream};
use crate::git::pack::Entry;
use crate::git::pack::entry::Content;
use crate::model::Skip;

/// What came of an entry: an assembled object if something hangs on it, or words why there is none.
pub(super) type Outcome<H> = Result<Option<Node<H>>, Fault>;

/// Why an entry was not searched.
pub(super) enum Fault {
    /// It cannot be read, in words.
    Unreadable(String),
    /// The objects that are held at the moment leave no room for it.
    NoMemory,
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Unreadable(reason)
    }
}

impl<'a, S: Searcher> Worker<'a, S> {
    /// Searches an object that is no delta.
    pub(super) fn root(&mut self, forest: Forest<'a>, entry: Entry) -> Outcome<S::Hit> {
        let options = self.shared.options;
        let (header, deflated) = forest.pack.header(entry).map_err(in_words)?;
        let Content::Whole(kind) = header.content else {
            return Err("it is no whole object".to_owned().into());
        };
        if !self.shared.searcher.wants(kind) {
            return Ok(None);
        }
        let (size, is_base) = (header.size, forest.plan.is_base(entry));
        if size > options.max_assembled || (size > options.stream_above && !is_base) {
            let place = Place::Packed(forest.number, entry);
            let mut stream = InflateStream::new(deflated);
            self.streamed(place, kind, size, &mut stream)?;
            let start = forest.pack.offset(entry) + header.len as u64;
            if options.gaps && start + stream.taken() < forest.pack.end_of(entry) {
                self.collected.gaps.push((forest.number, entry));
            }
            if is_base {
                self.collected.fail_children(forest, entry, &InflateError::TooLarge(size).to_string());
            }
            return Ok(None);
        }
        let len = usize::try_from(size).map_err(|_| in_words(InflateError::TooLarge(size)))?;
        let extent = forest.pack.extent(entry);
        self.inflater.check(extent, len).map_err(in_words)?;
        let lease = self.shared.budget.take(size, size).ok_or(Fault::NoMemory)?;
        let mut buffer = self.buffers.take(len);
        if let Err(error) = self.inflate(forest, entry, deflated, len, &mut buffer) {
            self.buffers.give(buffer);
            return Err(in_words(error).into());
        }

        let node = self.whole(kind, buffer, len, lease);
        Ok(self.settle(forest, entry, node))
    }

    /// Searches an object from end to end.
    fn whole(&mut self, kind: Kind, buffer: Vec<u8>, len: usize, lease: Lease) -> Node<S::Hit> {
        let (overfull, anchors) = self.search_plain(kind, &buffer[..len]);
        self.follow(kind, &buffer[..len]);
        let hits = std::mem::take(&mut self.hits);
        Node { kind, buffer, len, held: len as u64, hits, overfull, anchors, _lease: lease }
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
        } else if !node.hits.is_empty() {
            self.copy(Place::Packed(forest.number, entry), &mut node, is_base);
        }
        if is_base {
            return Some(node);
        }
        self.buffers.give(node.buffer);
        None
    }

    /// Notes what a further copy of an object holds.
    fn copy(&mut self, place: Place, node: &mut Node<S::Hit>, is_base: bool) {
        let hits = if is_base { node.hits.clone() } else { std::mem::take(&mut node.hits) };
        let (kind, size, overfull) = (node.kind, node.len as u64, node.overfull);
        self.collected.located.push(Located { place, kind, size, hits, overfull });
    }

    /// Inflates an entry, of which `deflated` are the bytes behind its header, and those of all that follow. Notes
    /// when bytes follow that belong to no entry.
    pub(super) fn inflate(
        &mut self,
        forest: Forest<'a>,
        entry: Entry,
        deflated: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateError> {
        let pack = forest.pack;
        self.inflater.whole(deflated, pack.extent(entry), size, out)?;
        if self.shared.options.gaps {
            let header = pack.bytes(entry).len() - deflated.len();
            let extent = (pack.end_of(entry) - pack.offset(entry)).saturating_sub(header as u64);
            let own = deflated.get(..usize::try_from(extent).unwrap_or(usize::MAX)).unwrap_or(deflated);
            // Whether there is a gap after all is found out at the end.
            if !ends_with_stream(own, &out[..size]) {
                self.collected.gaps.push((forest.number, entry));
            }
        }
        Ok(())
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
        let lease = self.shared.budget.take(len as u64, len as u64).ok_or(Fault::NoMemory)?;
        let base = self.whole(kind, bytes, len, lease);
        self.child(forest, entry, &base, true)
    }

    /// Searches the loose object of that number.
    pub(super) fn loose(&mut self, at: usize, is_first: bool) {
        let listing = &self.shared.store.listing;
        let Some(&(id, dir)) = listing.loose.get(at) else { return };
        let Some(path) = listing.loose_path(&id, dir) else { return };
        let mut buffer = self.buffers.take(0);
        let outcome = self.loose_file((id, is_first), &path, &mut buffer);
        self.buffers.give(buffer);
        self.buffers.trim();
        if let Err(error) = outcome {
            if !is_first {
                if !matches!(error, LooseError::Vanished) {
                    let reason = format!("{}: {error}; another copy of it was scanned", path.display());
                    self.collected.skips.push(Skip::new(format!("object {id}"), reason));
                }
                return;
            }
            self.collected.failures.push(Failure {
                place: Place::Loose(id),
                reason: format!("{}: {error}", path.display()).into(),
                direct: true,
                vanished: matches!(error, LooseError::Vanished),
            });
        }
    }

    fn loose_file(
        &mut self,
        (id, is_first): (ObjectId, bool),
        path: &Path,
        buffer: &mut Vec<u8>,
    ) -> Result<(), LooseError> {
        let large = self.shared.options.stream_above;
        let read = loose::read(path, large, &mut self.inflater, &mut self.buffers.input, buffer)?;
        let gaps = self.shared.options.gaps;
        if let Loose::Whole { start, size, .. } = read
            && gaps
            && !ends_with_stream(&self.buffers.input, &buffer[..start + size])
        {
            // Whether more stands behind the stream after all is found out at the end.
            self.collected.tails.push(path.to_owned());
        }
        match read {
            Loose::Whole { kind, start, size } if self.shared.searcher.wants(kind) => {
                let (overfull, _) = self.search_plain(kind, &buffer[start..start + size]);
                self.follow(kind, &buffer[start..start + size]);
                let hits = std::mem::take(&mut self.hits);
                let (place, size) = (Place::Loose(id), size as u64);
                if is_first {
                    self.record(place, kind, size, hits, overfull);
                } else if !hits.is_empty() {
                    self.collected.located.push(Located { place, kind, size, hits, overfull });
                }
            }
            Loose::Whole { .. } => {}
            Loose::Large => {
                let mut object = LooseStream::open(path)?;
                let (kind, size) = (object.kind, object.size);
                if self.shared.searcher.wants(kind) {
                    self.streamed(Place::Loose(id), kind, size, &mut object).map_err(LooseError::Stream)?;
                }
                if gaps && !object.took_all() {
                    self.collected.tails.push(path.to_owned());
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
