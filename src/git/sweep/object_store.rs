//! Random access by id, for the few objects that need it: bases outside their pack, and other copies of
//! objects that could not be read.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use gix::object::Kind;
use gix::{ObjectId, oid};

use crate::git::database::Listing;
use crate::git::inflate::Inflater;
use crate::git::loose::{self, Loose};
use crate::git::pack::entry::EntryContent;
use crate::git::pack::{Entry, Pack, delta};

/// All that was found in the object directories, opened.
#[derive(Default)]
pub(super) struct ObjectStore {
    pub(super) packs: Vec<Pack>,
    pub(super) listing: Listing,
    assembled: AtomicU64,
}

/// One copy of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StoredCopy {
    /// An entry of the pack with that number.
    Packed(usize, Entry),
    /// The loose object with that number in the listing.
    Loose(usize),
}

impl StoredCopy {
    /// Whether both stand in the same pack.
    fn shares_pack_with(self, other: &Self) -> bool {
        matches!((self, other), (Self::Packed(pack, _), Self::Packed(there, _)) if pack == *there)
    }
}

/// What one copy holds.
enum StoredContent {
    Whole(Kind, Vec<u8>),
    Delta(ObjectId, Vec<u8>),
}

impl ObjectStore {
    /// Every copy of an object, packed ones first.
    pub(super) fn copies<'a>(&'a self, id: &'a oid) -> impl Iterator<Item = StoredCopy> + 'a {
        let packed = self
            .packs
            .iter()
            .enumerate()
            .filter_map(|(at, pack)| Some(StoredCopy::Packed(at, pack.find(id)?)));
        let loose = &self.listing.loose;
        let first = loose.partition_point(|(other, _)| **other < *id);
        let loose = loose[first..].iter().take_while(|(other, _)| **other == *id).enumerate();
        packed.chain(loose.map(move |(at, _)| StoredCopy::Loose(first + at)))
    }

    /// Reads the object `id` whole, from copies that are not in `bad`, to which those are added that turn
    /// out to be unreadable. No object of more than `limit` bytes is made.
    ///
    /// Returns words for the reader if there is no good copy.
    pub(super) fn read(
        &self,
        id: &oid,
        limit: u64,
        inflater: &mut Inflater,
        bad: &mut HashSet<StoredCopy>,
    ) -> Result<(Kind, Vec<u8>), String> {
        // Copies that lead in a circle, which two packs can do that are sound by themselves.
        let mut circular = HashSet::new();
        // Each round finds one more copy that is of no use.
        loop {
            let mut chain: Vec<(StoredCopy, Vec<u8>)> = Vec::new();
            let mut on_chain = HashSet::new();
            let mut held = 0u64;
            let mut wanted = id.to_owned();
            let (kind, bytes) = loop {
                let usable = |copy: &StoredCopy| !bad.contains(copy) && !circular.contains(copy);
                let last = chain.last().map(|(copy, _)| *copy);
                // A base in the same pack leads back to where we are only in a pack that is unsound.
                let beside = |copy: &StoredCopy| !last.is_some_and(|last| last.shares_pack_with(copy));
                let Some(copy) = self.copies(&wanted).filter(usable).min_by_key(beside) else {
                    let base = if *wanted == *id { "" } else { "its delta base " };
                    return Err(format!("{base}object {wanted} has no readable copy"));
                };
                match self.read_copy(copy, limit - held, inflater) {
                    Ok(StoredContent::Whole(kind, bytes)) => break (kind, bytes),
                    Ok(StoredContent::Delta(base, delta)) if on_chain.insert(copy) => {
                        held += delta.len() as u64;
                        chain.push((copy, delta));
                        wanted = base;
                    }
                    Ok(StoredContent::Delta(..)) => {
                        circular.extend(last);
                        (wanted, held) = (id.to_owned(), 0);
                        chain.clear();
                        on_chain.clear();
                    }
                    Err(_) => {
                        bad.insert(copy);
                    }
                }
            };
            match self.apply_chain(bytes, chain, limit - held) {
                Ok(bytes) => return Ok((kind, bytes)),
                Err(copy) => bad.insert(copy),
            };
        }
    }

    /// Bytes of all objects made of deltas so far.
    pub(super) fn assembled(&self) -> u64 {
        self.assembled.load(Ordering::Relaxed)
    }

    /// Applies a chain of deltas, the last one first; a base and what is made of it have at most `limit` bytes
    /// together. Names the copy that did not fit.
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
            self.assembled.fetch_add(len as u64, Ordering::Relaxed);
            bytes = result;
        }
        Ok(bytes)
    }

    /// Reads one copy, without following its base.
    fn read_copy(
        &self,
        copy: StoredCopy,
        limit: u64,
        inflater: &mut Inflater,
    ) -> Result<StoredContent, String> {
        match copy {
            StoredCopy::Packed(pack, entry) => self.read_packed(&self.packs[pack], entry, limit, inflater),
            StoredCopy::Loose(at) => self.read_loose(at, limit, inflater),
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
        inflater.whole(deflated, pack.extent(entry), size, &mut bytes).map_err(|error| error.to_string())?;
        bytes.truncate(size);
        match header.content {
            EntryContent::Whole(kind) => Ok(StoredContent::Whole(kind, bytes)),
            EntryContent::IdDelta(base) => Ok(StoredContent::Delta(base, bytes)),
            EntryContent::OffsetDelta(distance) => {
                let base = pack.offset(entry).checked_sub(distance).and_then(|offset| pack.entry_at(offset));
                let base = base.and_then(|base| pack.id(base)).ok_or("its delta base is no object")?;
                Ok(StoredContent::Delta(base, bytes))
            }
        }
    }

    fn read_loose(&self, at: usize, limit: u64, inflater: &mut Inflater) -> Result<StoredContent, String> {
        let (id, dir) = &self.listing.loose[at];
        let path = self.listing.loose_path(id, *dir).ok_or("no such directory")?;
        let (mut file, mut bytes) = (Vec::new(), Vec::new());
        match loose::read(&path, limit, inflater, &mut file, &mut bytes).map_err(|error| error.to_string())? {
            Loose::Whole { kind, start, size } => {
                bytes.drain(..start);
                bytes.truncate(size);
                Ok(StoredContent::Whole(kind, bytes))
            }
            Loose::Large => Err("too large".to_owned()),
        }
    }
}
