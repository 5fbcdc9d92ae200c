//! Copies reachable objects into a new pack as they are stored. A delta whose base is not copied becomes a complete object.

use std::io;
use std::sync::atomic::Ordering;

use gix::ObjectId;

use super::entry_compressor::EntryCompressor;
use super::entry_header::{OFFSET_DELTA, encode_distance, entry_header};
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

/// A delta whose base has not been copied yet.
struct DeferredDelta {
    pack_number: usize,
    entry: Entry,
    /// The number of the object.
    number: u32,
}

/// Copies entries into one new pack.
struct EntryCopier<'a, 's> {
    carried: &'a mut CarriedGraph<'s>,
    writer: &'a mut PackWriter,
    /// The offset of each object in the new pack, by number; 0 for an object that has not been copied.
    offsets: Vec<u64>,
    compressor: EntryCompressor,
    /// The number of objects copied so far.
    copied: u64,
}

impl CarriedGraph<'_> {
    /// Copies all reachable objects that were not left out, except for those that `writer` already has. Returns their number.
    ///
    /// # Errors
    /// If an object cannot be read or the pack cannot be written.
    pub fn copy_into(&mut self, writer: &mut PackWriter) -> Result<u64, CarryError> {
        let offsets = vec![0; self.graph.ids.count()];
        let mut copier =
            EntryCopier { carried: self, writer, offsets, compressor: EntryCompressor::default(), copied: 0 };
        for pack_number in 0..copier.carried.graph.ids.packs().len() {
            copier.copy_pack(pack_number)?;
        }
        for id in copier.carried.graph.ids.loose.clone() {
            let number = copier.carried.graph.ids.number(&id);
            if copier.is_wanted(number, &id) {
                copier.write_whole(number, id)?;
            }
        }
        Ok(copier.copied)
    }
}

impl EntryCopier<'_, '_> {
    /// Whether an object is to be copied and has not been.
    fn is_wanted(&self, number: u32, id: &ObjectId) -> bool {
        self.carried.marks.has(number)
            && self.offsets.get(number as usize).is_some_and(|&offset| offset == 0)
            && !self.writer.is_reserved(id)
    }

    fn numbered_pack(&self, pack_number: usize) -> &NumberedPack {
        &self.carried.graph.ids.packs()[pack_number]
    }

    /// Copies the entries of a pack in their order, and then those whose base comes after them.
    fn copy_pack(&mut self, pack_number: usize) -> Result<(), CarryError> {
        let entries = self.numbered_pack(pack_number).pack.len() as Entry;
        let mut deferred: Vec<DeferredDelta> = Vec::new();
        for entry in 0..entries {
            if self.carried.graph.stop.load(Ordering::Relaxed) {
                return Err(CarryError::Stopped);
            }
            let NumberedPack { pack, first_number } = self.numbered_pack(pack_number);
            let Some(position) = pack.position_of(entry) else { continue };
            let (number, id) = (first_number + position, pack.id_at(position).to_owned());
            if self.is_wanted(number, &id) && !self.copy_entry(pack_number, entry, number, id)? {
                deferred.push(DeferredDelta { pack_number, entry, number });
            }
        }
        loop {
            let deferred_before = deferred.len();
            let mut waiting = Vec::new();
            for delta in deferred {
                let id = self.carried.graph.ids.id(delta.number);
                if !self.copy_entry(delta.pack_number, delta.entry, delta.number, id)? {
                    waiting.push(delta);
                }
            }
            deferred = waiting;
            if deferred.is_empty() {
                return Ok(());
            }
            if deferred.len() == deferred_before {
                // The bases are in packs that have not been copied yet, or deltas of several packs form a cycle.
                let delta = deferred.remove(0);
                self.write_whole(delta.number, self.carried.graph.ids.id(delta.number))?;
            }
        }
    }

    /// Copies an entry. Returns false if it is a delta whose base has not been copied yet.
    fn copy_entry(
        &mut self,
        pack_number: usize,
        entry: Entry,
        number: u32,
        id: ObjectId,
    ) -> Result<bool, CarryError> {
        let ids = &self.carried.graph.ids;
        let NumberedPack { pack, .. } = &ids.packs()[pack_number];
        let (header, _) = pack.header(entry).map_err(|_| CarryError::Unreadable(id))?;
        let start = pack.offset(entry);
        let length = usize::try_from(pack.entry_end(entry).saturating_sub(start)).unwrap_or(usize::MAX);
        let stored = pack.bytes(entry).get(..length).ok_or(CarryError::Unreadable(id))?;
        let base = match header.content {
            EntryContent::Whole(_) => None,
            EntryContent::OffsetDelta(distance) => {
                let base = start.checked_sub(distance).and_then(|offset| pack.entry_at(offset));
                let base = base.and_then(|base| pack.id(base)).ok_or(CarryError::Unreadable(id))?;
                Some(ids.number(&base))
            }
            EntryContent::IdDelta(base) => Some(ids.number(&base)),
        };
        let offset = self.writer.offset();
        match base {
            None => self.writer.write_entry(id, &[stored])?,
            Some(base) => match self.offsets.get(base as usize).copied().unwrap_or(0) {
                0 if self.carried.marks.has(base) && !self.writer.is_reserved(&ids.id(base)) => {
                    return Ok(false);
                }
                0 => {
                    self.write_whole(number, id)?;
                    return Ok(true);
                }
                base_offset => {
                    let distance = encode_distance(offset - base_offset);
                    let header_bytes = [entry_header(OFFSET_DELTA, header.size), distance].concat();
                    self.writer.write_entry(id, &[&header_bytes, &stored[header.len..]])?;
                }
            },
        }
        self.record_copy(number, offset);
        Ok(true)
    }

    /// Looks up an object and writes it completely.
    fn write_whole(&mut self, number: u32, id: ObjectId) -> Result<(), CarryError> {
        let offset = self.writer.offset();
        let (kind, bytes) =
            self.carried.graph.lookup.read(&id, "object").ok_or(CarryError::Unreadable(id))?;
        self.writer.append(id, &self.compressor.compress(kind, bytes)?)?;
        self.record_copy(number, offset);
        Ok(())
    }

    fn record_copy(&mut self, number: u32, offset: u64) {
        if let Some(slot) = self.offsets.get_mut(number as usize) {
            *slot = offset;
        }
        self.copied += 1;
    }
}
