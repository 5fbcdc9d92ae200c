//! Dense numbers for objects: 32 bits in place of an id, so that facts about objects are kept in vectors.
//!
//! The number of a packed object is its pack's first number plus its position in the pack's index, which takes no
//! memory. Any other object gets a number when something first names it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;

use crate::git::database::ObjectDatabase;
use crate::git::pack::Pack;

/// A pack whose objects have numbers.
pub(in crate::git) struct NumberedPack {
    pub(in crate::git) pack: Pack,
    /// The number of the first object in its index.
    pub(in crate::git) first: u32,
}

/// Objects outside the packs.
#[derive(Default)]
struct Unpacked {
    numbers: HashMap<ObjectId, u32>,
    ids: Vec<ObjectId>,
}

/// The numbers of one repository's objects.
pub(in crate::git) struct DenseIds {
    packs: Vec<NumberedPack>,
    /// Loose objects that no pack has, sorted.
    pub(in crate::git) loose: Vec<ObjectId>,
    first_unpacked: u32,
    unpacked: Mutex<Unpacked>,
}

impl DenseIds {
    /// Numbers the objects in the packs of a database. A pack that cannot be opened is left out; if its objects can
    /// be read at all, they are looked up one by one.
    pub(super) fn new(database: &ObjectDatabase) -> Self {
        let listing = database.list();
        let mut opened: Vec<_> =
            listing.packs.iter().filter_map(|index| Pack::open(index, database.hash_kind()).ok()).collect();
        // Largest first: most lookups then end at the first pack.
        opened.sort_by_key(|pack| std::cmp::Reverse(pack.num_objects()));
        let mut packs: Vec<NumberedPack> = Vec::new();
        let mut next = 0u32;
        for pack in opened {
            // Leaves half of the numbers to unpacked objects.
            let end = next.checked_add(pack.num_objects());
            let Some(end) = end.filter(|&end| end < u32::MAX / 2) else { break };
            packs.push(NumberedPack { pack, first: next });
            next = end;
        }
        let is_packed = |id: &ObjectId| packs.iter().any(|numbered| numbered.pack.position(id).is_some());
        let mut loose: Vec<_> =
            listing.loose.into_iter().map(|(id, _)| id).filter(|id| !is_packed(id)).collect();
        loose.dedup();
        Self { packs, loose, first_unpacked: next, unpacked: Mutex::default() }
    }

    pub(in crate::git) fn packs(&self) -> &[NumberedPack] {
        &self.packs
    }

    /// The number of numbers in use; all are below this.
    pub(in crate::git) fn count(&self) -> usize {
        let unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        self.first_unpacked as usize + unpacked.ids.len()
    }

    /// The object's number, assigned now if it is new.
    pub(in crate::git) fn number(&self, id: &oid) -> u32 {
        for NumberedPack { pack, first } in &self.packs {
            if let Some(position) = pack.position_of_id(id) {
                return first + position;
            }
        }
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = unpacked.numbers.get(id) {
            return known;
        }
        let nth = u32::try_from(unpacked.ids.len()).unwrap_or(u32::MAX);
        let number = self.first_unpacked.saturating_add(nth);
        unpacked.numbers.insert(id.to_owned(), number);
        unpacked.ids.push(id.to_owned());
        number
    }

    /// The id of the object that has this number.
    pub(in crate::git) fn id(&self, number: u32) -> ObjectId {
        if let Some(nth) = number.checked_sub(self.first_unpacked) {
            let unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
            return unpacked.ids.get(nth as usize).copied().unwrap_or(ObjectId::null(gix::hash::Kind::Sha1));
        }
        let after = self.packs.partition_point(|pack| pack.first <= number);
        let NumberedPack { pack, first } = &self.packs[after.saturating_sub(1)];
        pack.id_at(number - first).to_owned()
    }

    /// Whether this is the number that [`Self::number`] returns: an object in several packs has one in each.
    pub(super) fn is_canonical(&self, number: u32) -> bool {
        self.number(&self.id(number)) == number
    }
}
