//! Reads objects by id. A sweep needs this for few objects: delta bases in other packs, and other copies of unreadable
//! objects.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use gix::object::Kind;
use gix::{ObjectId, oid};

use crate::git::database::Listing;
use crate::git::inflate::Inflater;
use crate::git::loose::{self, LooseObject};
use crate::git::pack::entry::EntryContent;
use crate::git::pack::{Entry, Pack, delta};

/// The opened packs and the loose objects of all object directories.
#[derive(Default)]
pub(super) struct ObjectStore {
    pub(super) packs: Vec<Pack>,
    pub(super) listing: Listing,
    /// Total size of all objects assembled from deltas so far, in bytes.
    assembled_bytes: AtomicU64,
}

/// One copy of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StoredCopy {
    /// Pack number and entry.
    Packed(usize, Entry),
    /// The number of a loose object in the listing.
    Loose(usize),
}

impl StoredCopy {
    /// Whether both copies are in the same pack.
    fn shares_pack_with(self, other: &Self) -> bool {
        matches!((self, other), (Self::Packed(pack, _), Self::Packed(other_pack, _)) if pack == *other_pack)
    }
}

/// The content of one copy.
enum StoredContent {
    Whole(Kind, Vec<u8>),
    Delta(ObjectId, Vec<u8>),
}

impl ObjectStore {
    /// Every copy of an object, packed copies first.
    pub(super) fn copies<'a>(&'a self, id: &'a oid) -> impl Iterator<Item = StoredCopy> + 'a {
        let packed = self
            .packs
            .iter()
            .enumerate()
            .filter_map(|(number, pack)| Some(StoredCopy::Packed(number, pack.find(id)?)));
        let loose = &self.listing.loose;
        let first = loose.partition_point(|(other, _)| **other < *id);
        let loose = loose[first..].iter().take_while(|(other, _)| **other == *id).enumerate();
        packed.chain(loose.map(move |(index, _)| StoredCopy::Loose(first + index)))
    }

    /// The numbers of the packs that contain an object. Unlike [`Self::copies`], this does not need the offsets of all
    /// entries, which take time to sort.
    pub(super) fn packs_with<'a>(&'a self, id: &'a oid) -> impl Iterator<Item = usize> + 'a {
        let packs = self.packs.iter().enumerate();
        packs.filter(|(_, pack)| pack.position(id).is_some()).map(|(number, _)| number)
    }

    /// Those of these ids, which are sorted, that no pack lists. May include some that an index lists out of order.
    pub(super) fn unpacked(&self, ids: &[ObjectId]) -> Vec<ObjectId> {
        let mut unpacked = ids.to_vec();
        for pack in &self.packs {
            let mut start = 0;
            unpacked.retain(|id| {
                start = pack.first_from(start, id);
                start == pack.num_objects() || pack.id_at(start) != *id
            });
        }
        unpacked
    }

    /// Whether the listing contains an object as a loose one.
    pub(super) fn is_loose(&self, id: &oid) -> bool {
        self.listing.loose.binary_search_by(|(other, _)| (**other).cmp(id)).is_ok()
    }

    /// Reads the object `id` from copies that are not in `unreadable`, and adds those that turn out to be. Assembles no
    /// object of more than `limit` bytes.
    ///
    /// # Errors
    /// If there is no readable copy, with a reason for the report.
    pub(super) fn read(
        &self,
        id: &oid,
        limit: u64,
        inflater: &mut Inflater,
        unreadable: &mut HashSet<StoredCopy>,
    ) -> Result<(Kind, Vec<u8>), String> {
        // Copies whose delta chain is circular. Two packs can form such a circle although each is valid.
        let mut circular = HashSet::new();
        // Each iteration rules out one more copy.
        loop {
            let mut chain: Vec<(StoredCopy, Vec<u8>)> = Vec::new();
            let mut on_chain = HashSet::new();
            let mut delta_bytes = 0u64;
            let mut wanted = id.to_owned();
            let (kind, bytes) = loop {
                let usable = |copy: &StoredCopy| !unreadable.contains(copy) && !circular.contains(copy);
                let last = chain.last().map(|(copy, _)| *copy);
                // A base in the same pack is preferred, since it leads back to an earlier copy only if the pack is
                // damaged.
                let is_in_other_pack =
                    |copy: &StoredCopy| !last.is_some_and(|last| last.shares_pack_with(copy));
                let Some(copy) = self.copies(&wanted).filter(usable).min_by_key(is_in_other_pack) else {
                    let role = if *wanted == *id { "object" } else { "its delta base" };
                    return Err(format!("{role} {wanted} has no readable copy"));
                };
                match self.read_copy(copy, limit - delta_bytes, inflater) {
                    Ok(StoredContent::Whole(kind, bytes)) => break (kind, bytes),
                    Ok(StoredContent::Delta(base, delta)) if on_chain.insert(copy) => {
                        delta_bytes += delta.len() as u64;
                        chain.push((copy, delta));
                        wanted = base;
                    }
                    Ok(StoredContent::Delta(..)) => {
                        circular.extend(last);
                        (wanted, delta_bytes) = (id.to_owned(), 0);
                        chain.clear();
                        on_chain.clear();
                    }
                    Err(_) => {
                        unreadable.insert(copy);
                    }
                }
            };
            match self.apply_chain(bytes, chain, limit - delta_bytes) {
                Ok(bytes) => return Ok((kind, bytes)),
                Err(copy) => unreadable.insert(copy),
            };
        }
    }

    /// Total size of all objects assembled from deltas so far, in bytes.
    pub(super) fn assembled(&self) -> u64 {
        self.assembled_bytes.load(Ordering::Relaxed)
    }

    /// Applies a chain of deltas, last one first, to `bytes`. A base and its result must not exceed `limit` bytes
    /// together. The error is the copy that cannot be applied.
    fn apply_chain(
        &self,
        mut bytes: Vec<u8>,
        chain: Vec<(StoredCopy, Vec<u8>)>,
        limit: u64,
    ) -> Result<Vec<u8>, StoredCopy> {
        let mut runs = Vec::new();
        for (copy, delta) in chain.into_iter().rev() {
            let room = limit.saturating_sub(bytes.len() as u64);
            let len = delta::parse(&delta, bytes.len(), room, &mut runs).map_err(|_| copy)?;
            let mut result = vec![0; len];
            delta::assemble(&runs, &bytes, &delta, &mut result);
            self.assembled_bytes.fetch_add(len as u64, Ordering::Relaxed);
            bytes = result;
        }
        Ok(bytes)
    }

    /// Reads one copy without resolving its delta base.
    fn read_copy(
        &self,
        copy: StoredCopy,
        limit: u64,
        inflater: &mut Inflater,
    ) -> Result<StoredContent, String> {
        match copy {
            StoredCopy::Packed(pack, entry) => self.read_packed(&self.packs[pack], entry, limit, inflater),
            StoredCopy::Loose(number) => self.read_loose(number, limit, inflater),
        }
    }

    fn read_packed(
        &self,
        pack: &Pack,
        entry: Entry,
        limit: u64,
        inflater: &mut Inflater,
    ) -> Result<StoredContent, String> {
        let (header, deflated) = pack.header(entry).map_err(|error| error.to_string())?;
        let size = usize::try_from(header.size).ok().filter(|_| header.size <= limit).ok_or("too large")?;
        let mut bytes = Vec::new();
        inflater
            .inflate(deflated, pack.extent(entry), size, &mut bytes)
            .map_err(|error| error.to_string())?;
        bytes.truncate(size);
        match header.content {
            EntryContent::Whole(kind) => Ok(StoredContent::Whole(kind, bytes)),
            EntryContent::IdDelta(base) => Ok(StoredContent::Delta(base, bytes)),
            EntryContent::OffsetDelta(distance) => {
                let base = pack.offset(entry).checked_sub(distance).and_then(|offset| pack.entry_at(offset));
                let base = base.and_then(|base| pack.id(base)).ok_or("no object begins at its delta base")?;
                Ok(StoredContent::Delta(base, bytes))
            }
        }
    }

    fn read_loose(
        &self,
        number: usize,
        limit: u64,
        inflater: &mut Inflater,
    ) -> Result<StoredContent, String> {
        let (id, dir) = &self.listing.loose[number];
        let path = self.listing.loose_path(id, *dir).ok_or("no such directory")?;
        let (mut file, mut bytes) = (Vec::new(), Vec::new());
        match loose::read(&path, limit, inflater, &mut file, &mut bytes).map_err(|error| error.to_string())? {
            LooseObject::Whole { kind, start, size } => {
                bytes.drain(..start);
                bytes.truncate(size);
                Ok(StoredContent::Whole(kind, bytes))
            }
            LooseObject::Large => Err("too large".to_owned()),
        }
    }
}
