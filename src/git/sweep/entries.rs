//! Searches one object: a whole pack entry, a delta whose base is outside the pack, or a loose object.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use gix::ObjectId;
use gix::object::Kind;

use super::Searcher;
use super::assembled_object::AssembledObject;
use super::collected::{MatchedCopy, ObjectKey, ReadFailure};
use super::keyword_positions::KeywordPositions;
use super::link_check::{LinkFacts, MALFORMED, TOO_LARGE};
use super::memory_budget::Reservation;
use super::plan::PlannedPack;
use super::stream::{self, push_bounded};
use super::worker::{SweepWorker, sort_matches};
use crate::git::inflate::{InflateError, InflateStream};
use crate::git::loose::{self, LooseError, LooseObject, LooseStream};
use crate::git::pack::Entry;
use crate::git::pack::entry::EntryContent;
use crate::git::stream_end::ends_with_stream;
use crate::model::Skip;

/// The assembled object if other entries are deltas against it, or why there is none.
pub(super) type EntryResult<M> = Result<Option<AssembledObject<M>>, EntryError>;

/// Why an entry was not searched.
pub(super) enum EntryError {
    /// The entry cannot be read, for this reason.
    Unreadable(String),
    /// There is not enough memory for the entry besides the objects that are in memory now.
    NoMemory,
}

impl From<String> for EntryError {
    fn from(reason: String) -> Self {
        Self::Unreadable(reason)
    }
}

impl<'a, S: Searcher> SweepWorker<'a, S> {
    /// Searches an entry that is not a delta.
    pub(super) fn search_root(&mut self, planned: PlannedPack<'a>, entry: Entry) -> EntryResult<S::Match> {
        let options = self.shared.options;
        let (header, deflated) = planned.pack.header(entry).map_err(to_message)?;
        let EntryContent::Whole(kind) = header.content else {
            return Err("the entry is not a whole object".to_owned().into());
        };
        if !self.shared.searcher.wants(kind) {
            return Ok(None);
        }
        let (size, is_base) = (header.size, planned.plan.is_base(entry));
        // The links of an object can be checked only in memory. A blob has none.
        let may_stream = kind == Kind::Blob && !is_base;
        if size > options.max_assembled || (size > options.stream_above && may_stream) {
            let key = ObjectKey::Packed(planned.number, entry);
            let mut stream = InflateStream::new(deflated);
            self.search_stream(key, kind, size, &mut stream)?;
            let start = planned.pack.offset(entry) + header.len as u64;
            if options.find_unlisted && start + stream.consumed() < planned.pack.entry_end(entry) {
                self.collected.packed_tails.push((planned.number, entry));
            }
            if is_base {
                self.collected.fail_descendants(planned, entry, &InflateError::TooLarge(size).to_string());
            }
            return Ok(None);
        }
        let len = usize::try_from(size).map_err(|_| to_message(InflateError::TooLarge(size)))?;
        let extent = planned.pack.extent(entry);
        self.inflater.check_size(extent, len).map_err(to_message)?;
        let reservation = self.shared.budget.reserve(size, size).ok_or(EntryError::NoMemory)?;
        let mut buffer = self.buffers.take(len);
        if let Err(error) = self.inflate(planned, entry, deflated, len, &mut buffer) {
            self.buffers.give_back(buffer);
            return Err(to_message(error).into());
        }
        let node = self.search_whole(kind, buffer, len, reservation);
        self.note_content(planned, entry, &node.matches, |_| blake3::hash(&node.buffer[..len]).into());
        Ok(self.finish_entry(planned, entry, node))
    }

    /// Searches a complete object, and checks the objects that it names.
    fn search_whole(
        &mut self,
        kind: Kind,
        buffer: Vec<u8>,
        len: usize,
        reservation: Reservation,
    ) -> AssembledObject<S::Match> {
        let (truncated, keywords) = self.search_bytes(kind, &buffer[..len]);
        let links = self.check_links(kind, &buffer[..len]);
        let matches = std::mem::take(&mut self.matches);
        AssembledObject {
            kind,
            buffer,
            len,
            held: len as u64,
            matches,
            truncated,
            keywords,
            links,
            _reservation: reservation,
        }
    }

    /// Fills `matches` with the matches of a complete object. Returns whether there were too many to keep, and the keywords.
    pub(super) fn search_bytes(&mut self, kind: Kind, bytes: &[u8]) -> (bool, KeywordPositions) {
        let (searcher, matches, mut truncated) = (self.shared.searcher, &mut self.matches, false);
        let mut keywords = KeywordPositions::empty(searcher);
        searcher.search(kind, bytes, &mut self.scratch, &mut |at| keywords.add(at), &mut |range, matched| {
            truncated |= push_bounded(matches, range.start as u64..range.end as u64, matched);
        });
        self.collected.bytes_searched += bytes.len() as u64;
        sort_matches(matches);
        keywords.sort();
        (truncated, keywords)
    }

    /// Records a searched object, and returns it if it is a delta base.
    pub(super) fn finish_entry(
        &mut self,
        planned: PlannedPack<'a>,
        entry: Entry,
        mut node: AssembledObject<S::Match>,
    ) -> Option<AssembledObject<S::Match>> {
        let is_base = planned.plan.is_base(entry);
        self.note_size(ObjectKey::Packed(planned.number, entry), node.kind, node.len as u64);
        if node.links.is_malformed {
            self.collected.unchecked.push((ObjectKey::Packed(planned.number, entry), MALFORMED));
        }
        if planned.plan.is_first_copy(entry) {
            let matches = if is_base { node.matches.clone() } else { std::mem::take(&mut node.matches) };
            let key = ObjectKey::Packed(planned.number, entry);
            self.record(key, node.kind, node.len as u64, matches, node.truncated);
        } else if !node.matches.is_empty() {
            self.record_duplicate(ObjectKey::Packed(planned.number, entry), &mut node, is_base);
        }
        if is_base {
            return Some(node);
        }
        self.buffers.give_back(node.buffer);
        None
    }

    /// Records the matches of a further copy of an object.
    fn record_duplicate(&mut self, key: ObjectKey, node: &mut AssembledObject<S::Match>, is_base: bool) {
        let matches = if is_base { node.matches.clone() } else { std::mem::take(&mut node.matches) };
        let (kind, size, truncated) = (node.kind, node.len as u64, node.truncated);
        self.collected.matched.push(MatchedCopy { key, kind, size, matches, truncated });
    }

    /// Inflates an entry; `deflated` is the rest of the pack after the header of the entry. Records the entry if
    /// unlisted bytes may follow it.
    pub(super) fn inflate(
        &mut self,
        planned: PlannedPack<'a>,
        entry: Entry,
        deflated: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateError> {
        let pack = planned.pack;
        if !self.shared.options.find_unlisted {
            return self.inflater.inflate(deflated, pack.extent(entry), size, out);
        }
        let header = pack.bytes(entry).len() - deflated.len();
        let extent = (pack.entry_end(entry) - pack.offset(entry)).saturating_sub(header as u64);
        let entry_bytes = deflated.get(..usize::try_from(extent).unwrap_or(usize::MAX)).unwrap_or(deflated);
        if self.inflater.inflate_exactly(entry_bytes, size, out) {
            return Ok(());
        }
        self.inflater.inflate(deflated, pack.extent(entry), size, out)?;
        if !ends_with_stream(entry_bytes, &out[..size]) {
            // At the end of the sweep, `unlisted::list` determines whether there are such bytes.
            self.collected.packed_tails.push((planned.number, entry));
        }
        Ok(())
    }

    /// Checks the objects that a complete object names.
    fn check_links(&mut self, kind: Kind, bytes: &[u8]) -> LinkFacts {
        let links = self.links.as_mut();
        links.map_or(LinkFacts::default(), |links| links.check(self.shared.store, kind, bytes, None))
    }

    /// Searches a delta whose base is not in its pack.
    pub(super) fn search_external_delta(
        &mut self,
        planned: PlannedPack<'a>,
        entry: Entry,
        base: ObjectId,
    ) -> EntryResult<S::Match> {
        let limit = self.shared.options.max_assembled;
        let read = self.shared.store.read(&base, limit, &mut self.inflater, &mut HashSet::new());
        let (kind, bytes) =
            read.map_err(|reason| format!("its delta base {base} cannot be read: {reason}"))?;
        if !self.shared.searcher.wants(kind) {
            return Ok(None);
        }
        let len = bytes.len();
        let reservation = self.shared.budget.reserve(len as u64, len as u64).ok_or(EntryError::NoMemory)?;
        let base = self.search_whole(kind, bytes, len, reservation);
        self.search_delta(planned, entry, &base, true)
    }

    /// Searches the loose object with this number in the listing. `is_first` says whether it is the first copy of the object.
    pub(super) fn search_loose(&mut self, number: usize, is_first: bool) {
        let listing = &self.shared.store.listing;
        let Some(&(id, dir)) = listing.loose.get(number) else { return };
        let Some(path) = listing.loose_path(&id, dir) else { return };
        let mut buffer = self.buffers.take(0);
        let outcome = self.search_loose_file((id, is_first), &path, &mut buffer);
        self.buffers.give_back(buffer);
        self.buffers.trim();
        if let Err(error) = outcome {
            if !is_first {
                if !matches!(error, LooseError::Vanished) {
                    let reason = format!("{}: {error}; the object has another copy", path.display());
                    self.collected.skips.push(Skip::new(format!("object {id}"), reason));
                }
                return;
            }
            self.collected.failures.push(ReadFailure {
                key: ObjectKey::Id(id),
                reason: format!("{}: {error}", path.display()).into(),
                is_root_cause: true,
                vanished: matches!(error, LooseError::Vanished),
            });
        }
    }

    /// Reads and searches the file of a loose object; `buffer` is for its content.
    fn search_loose_file(
        &mut self,
        (id, is_first): (ObjectId, bool),
        path: &Path,
        buffer: &mut Vec<u8>,
    ) -> Result<(), LooseError> {
        let large = self.shared.options.stream_above;
        let read = loose::read(path, large, &mut self.inflater, &mut self.buffers.input, buffer)?;
        let finds_unlisted = self.shared.options.find_unlisted;
        if let LooseObject::Whole { start, size, .. } = read
            && finds_unlisted
            && !ends_with_stream(&self.buffers.input, &buffer[..start + size])
        {
            // At the end of the sweep, `unlisted::list` determines whether there are such bytes.
            self.collected.loose_tails.push(path.to_owned());
        }
        match read {
            LooseObject::Whole { kind, start, size } if self.shared.searcher.wants(kind) => {
                let (truncated, _) = self.search_bytes(kind, &buffer[start..start + size]);
                if self.check_links(kind, &buffer[start..start + size]).is_malformed {
                    self.collected.unchecked.push((ObjectKey::Id(id), MALFORMED));
                }
                let matches = std::mem::take(&mut self.matches);
                let (key, size) = (ObjectKey::Id(id), size as u64);
                if is_first {
                    self.record(key, kind, size, matches, truncated);
                } else if !matches.is_empty() {
                    self.collected.matched.push(MatchedCopy { key, kind, size, matches, truncated });
                }
            }
            LooseObject::Whole { .. } => {}
            LooseObject::Large => {
                let mut object = LooseStream::open(path)?;
                let (kind, size) = (object.kind, object.size);
                if self.shared.searcher.wants(kind) {
                    self.search_stream(ObjectKey::Id(id), kind, size, &mut object)
                        .map_err(LooseError::Stream)?;
                }
                if finds_unlisted && !object.is_file_consumed() {
                    self.collected.loose_tails.push(path.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Searches an object in windows. Matches before an error are kept.
    fn search_stream(
        &mut self,
        key: ObjectKey,
        kind: Kind,
        size: u64,
        input: &mut dyn Read,
    ) -> Result<(), String> {
        if kind != Kind::Blob && self.links.is_some() {
            self.collected.unchecked.push((key, TOO_LARGE));
        }
        let (searcher, matches, mut truncated) = (self.shared.searcher, &mut self.matches, false);
        let searched = stream::search(searcher, &mut self.scratch, kind, size, input, |range, matched| {
            truncated |= push_bounded(matches, range, matched);
        });
        sort_matches(matches);
        let matches = std::mem::take(matches);
        match searched {
            Ok(searched) => {
                self.collected.bytes_searched += searched;
                self.note_size(key, kind, size);
                self.record(key, kind, size, matches, truncated);
                Ok(())
            }
            Err(reason) => {
                if !matches.is_empty() {
                    self.collected.matched.push(MatchedCopy { key, kind, size, matches, truncated });
                }
                Err(reason)
            }
        }
    }
}

/// An error as it appears in a report.
pub(super) fn to_message(error: impl std::fmt::Display) -> String {
    error.to_string()
}
