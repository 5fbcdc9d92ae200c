//! Copies reachable objects into a new pack as they are stored. A delta whose base is not copied is stored as a
//! complete object.

use std::io;
use std::sync::atomic::Ordering;

use gix::ObjectId;

use super::entry_compressor::EntryCompressor;
use super::entry_header::{OFFSET_DELTA, distance, entry_header};
use super::graph::CarriedGraph;
use super::pack_writer::PackWriter;
use crate::git::attribution::dense_ids::NumberedPack;
use crate::git::pack::Entry;
use crate::git::pack::entry::EntryContent;

/// Why objects could not be carried over.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The new pack cannot be written.
    #[error("the new pack cannot be written: {0}")]
    Write(#[from] io::Error),
    /// An object cannot be read.
    #[error("object {0} cannot be read; `git fsck` gives details")]
    Unreadable(ObjectId),
    /// The work was stopped.
    #[error("stopped before everything was copied")]
    Stopped,
}

/// An object whose entry was not copied yet.
struct Deferred {
    pack: usize,
    entry: Entry,
    number: u32,
}

/// Copying in progress.
struct EntryCopier<'a, 's> {
    carried: &'a mut CarriedGraph<'s>,
    writer: &'a mut PackWriter,
    /// The offset of each object in the new pack, by number; 0 if it is not in it.
    offsets: Vec<u64>,
    compressor: EntryCompressor,
    copied: u64,
}

impl CarriedGraph<'_> {
    /// Copies all reachable objects that were not left out, except for those that `writer` has. Returns how many.
    ///
    /// # Errors
    /// If an object cannot be read or the pack cannot be written.
    pub fn copy_into(&mut self, writer: &mut PackWriter) -> Result<u64, CarryError> {
        let offsets = vec![0; self.graph.ids.count()];
        let mut copier =
            EntryCopier { carried: self, writer, offsets, compressor: EntryCompressor::default(), copied: 0 };
        for pack in 0..copier.carried.graph.ids.packs().len() {
            copier.pack(pack)?;
        }
        for id in copier.carried.graph.ids.loose.clone() {
            let number = copier.carried.graph.ids.number(&id);
            if copier.is_wanted(number, &id) {
                copier.whole(number, id)?;
            }
        }
        Ok(copier.copied)
    }
}

impl EntryCopier<'_, '_> {
    fn is_wanted(&self, number: u32, id: &ObjectId) -> bool {
        self.carried.marks.has(number)
            && self.offsets.get(number as usize).is_some_and(|&offset| offset == 0)
            && !self.writer.has_added(id)
    }

    fn numbered(&self, pack: usize) -> &NumberedPack {
        &self.carried.graph.ids.packs()[pack]
    }

    /// Copies the entries of a pack in their order, and then those whose base comes after them.
    fn pack(&mut self, pack: usize) -> Result<(), CarryError> {
        let entries = self.numbered(pack).pack.len() as Entry;
        let mut deferred: Vec<Deferred> = Vec::new();
        for entry in 0..entries {
            if self.carried.graph.stop.load(Ordering::Relaxed) {
                return Err(CarryError::Stopped);
            }
            let NumberedPack { pack: numbered, first } = self.numbered(pack);
            let Some(position) = numbered.position_of(entry) else { continue };
            let (number, id) = (first + position, numbered.id_at(position).to_owned());
            if self.is_wanted(number, &id) && !self.entry(pack, entry, number, id)? {
                deferred.push(Deferred { pack, entry, number });
            }
        }
        loop {
            let before = deferred.len();
            let mut waiting = Vec::new();
            for one in deferred {
                let id = self.carried.graph.ids.id(one.number);
                if !self.entry(one.pack, one.entry, one.number, id)? {
                    waiting.push(one);
                }
            }
            deferred = waiting;
            if deferred.is_empty() {
                return Ok(());
            }
            if deferred.len() == before {
                // Bases in other packs, or a cycle of deltas through several of them.
                let first = deferred.remove(0);
                self.whole(first.number, self.carried.graph.ids.id(first.number))?;
            }
        }
    }

    /// Copies an entry. Returns false if it is a delta whose base has not been copied yet.
    fn entry(&mut self, pack: usize, entry: Entry, number: u32, id: ObjectId) -> Result<bool, CarryError> {
        let ids = &self.carried.graph.ids;
        let numbered = &ids.packs()[pack];
        let (header, _) = numbered.pack.header(entry).map_err(|_| CarryError::Unreadable(id))?;
        let start = numbered.pack.offset(entry);
        let length =
            usize::try_from(numbered.pack.entry_end(entry).saturating_sub(start)).unwrap_or(usize::MAX);
        let stored = numbered.pack.bytes(entry).get(..length).ok_or(CarryError::Unreadable(id))?;
        let base = match header.content {
            EntryContent::Whole(_) => None,
            EntryContent::OffsetDelta(back) => {
                let base = start.checked_sub(back).and_then(|at| numbered.pack.entry_at(at));
                let base = base.and_then(|base| numbered.pack.id(base)).ok_or(CarryError::Unreadable(id))?;
                Some(ids.number(&base))
            }
            EntryContent::IdDelta(base) => Some(ids.number(&base)),
        };
        let at = self.writer.offset();
        match base {
            None => self.writer.entry(id, &[stored])?,
            Some(base) => match self.offsets.get(base as usize).copied().unwrap_or(0) {
                0 if self.carried.marks.has(base) && !self.writer.has_added(&ids.id(base)) => {
                    return Ok(false);
                }
                0 => {
                    self.whole(number, id)?;
                    return Ok(true);
                }
                base => {
                    let start = [entry_header(OFFSET_DELTA, header.size), distance(at - base)].concat();
                    self.writer.entry(id, &[&start, &stored[header.len..]])?;
                }
            },
        }
        self.copied(number, at);
        Ok(true)
    }

    /// Writes a complete object.
    fn whole(&mut self, number: u32, id: ObjectId) -> Result<(), CarryError> {
        let at = self.writer.offset();
        let (kind, bytes) =
            self.carried.graph.lookup.object(&id, "object").ok_or(CarryError::Unreadable(id))?;
        self.writer.append(id, &self.compressor.compress(kind, bytes)?)?;
        self.copied(number, at);
        Ok(())
    }

    fn copied(&mut self, number: u32, at: u64) {
        if let Some(slot) = self.offsets.get_mut(number as usize) {
            *slot = at;
        }
        self.copied += 1;
    }
}
