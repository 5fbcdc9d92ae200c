//! Gives objects dense numbers of 32 bits in place of ids, so that facts about objects can be stored in vectors.
//!
//! The number of a packed object is the first number of its pack plus the object's position in the index of the pack, which
//! takes no memory. Any other object gets a number when its id is first encountered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;

use crate::git::database::ObjectDatabase;
use crate::git::pack::Pack;

/// A pack whose objects have numbers.
pub(in crate::git) struct NumberedPack {
    pub(in crate::git) pack: Pack,
    /// The number of the first object in the index of the pack.
    pub(in crate::git) first_number: u32,
}

/// Objects outside the packs, in the order of their numbers.
#[derive(Default)]
struct UnpackedObjects {
    numbers: HashMap<ObjectId, u32>,
    ids: Vec<ObjectId>,
}

/// The numbers of the objects of one repository.
pub(in crate::git) struct DenseIds {
    packs: Vec<NumberedPack>,
    /// Loose objects that no pack has, sorted.
    pub(in crate::git) loose: Vec<ObjectId>,
    /// The number of the first object outside the packs.
    first_unpacked: u32,
    unpacked: Mutex<UnpackedObjects>,
}

impl DenseIds {
    /// Numbers the objects in the packs of a database. A pack that cannot be opened is omitted. Its objects, if they
    /// can be read at all, are looked up one by one.
    pub(super) fn new(database: &ObjectDatabase) -> Self {
        let listing = database.list();
        let mut opened: Vec<_> =
            listing.packs.iter().filter_map(|index| Pack::open(index, database.hash_kind()).ok()).collect();
        // Largest first, since most lookups then end at the first pack.
        opened.sort_by_key(|pack| std::cmp::Reverse(pack.num_objects()));
        let mut packs: Vec<NumberedPack> = Vec::new();
        let mut next = 0u32;
        for pack in opened {
            // Half of the numbers are for unpacked objects.
            let end = next.checked_add(pack.num_objects());
            let Some(end) = end.filter(|&end| end < u32::MAX / 2) else { break };
            packs.push(NumberedPack { pack, first_number: next });
            next = end;
        }
        let is_packed = |id: &ObjectId| packs.iter().any(|numbered| numbered.pack.position(id).is_some());
        let mut loose: Vec<_> =
            listing.loose.into_iter().map(|(id, _)| id).filter(|id| !is_packed(id)).collect();
        loose.dedup();
        Self { packs, loose, first_unpacked: next, unpacked: Mutex::default() }
    }

    /// The packs, largest first.
    pub(in crate::git) fn packs(&self) -> &[NumberedPack] {
        &self.packs
    }

    /// How many numbers are in use. All of them are less than this.
    pub(in crate::git) fn count(&self) -> usize {
        let unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        self.first_unpacked as usize + unpacked.ids.len()
    }

    /// The number of an object. A new object outside the packs gets the next number.
    pub(in crate::git) fn number(&self, id: &oid) -> u32 {
        for NumberedPack { pack, first_number } in &self.packs {
            if let Some(position) = pack.position_by_table(id) {
                return first_number + position;
            }
        }
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = unpacked.numbers.get(id) {
            return known;
        }
        let index = u32::try_from(unpacked.ids.len()).unwrap_or(u32::MAX);
        let number = self.first_unpacked.saturating_add(index);
        unpacked.numbers.insert(id.to_owned(), number);
        unpacked.ids.push(id.to_owned());
        number
    }

    /// The id of the object that has this number.
    pub(in crate::git) fn id(&self, number: u32) -> ObjectId {
        if let Some(index) = number.checked_sub(self.first_unpacked) {
            let unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
            return unpacked
                .ids
                .get(index as usize)
                .copied()
                .unwrap_or(ObjectId::null(gix::hash::Kind::Sha1));
        }
        let next_pack = self.packs.partition_point(|pack| pack.first_number <= number);
        let NumberedPack { pack, first_number } = &self.packs[next_pack.saturating_sub(1)];
        pack.id_at(number - first_number).to_owned()
    }

    /// Whether this is the number that [`Self::number`] returns for the object: an object in several packs has one in each.
    pub(super) fn is_canonical(&self, number: u32) -> bool {
        self.number(&self.id(number)) == number
    }
}
