//! Numbers for objects: 32 bits in place of an id, dense, so that what is known of an object is a
//! place in a vector.
//!
//! An object in a pack has the pack's first number and its place in the pack's index, which costs no
//! memory; any other that something names is numbered when it is first met.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;

use super::super::database::Database;
use super::super::pack::Pack;

/// A pack that could be opened.
pub(super) struct Numbered {
    pub(super) pack: Pack,
    /// The number of the first object in its index.
    pub(super) first: u32,
}

#[derive(Default)]
struct Others {
    numbers: HashMap<ObjectId, u32>,
    ids: Vec<ObjectId>,
}

/// The numbering of one repository's objects.
pub(super) struct Numbers {
    packs: Vec<Numbered>,
    /// The first number of those in no pack.
    first_other: u32,
    others: Mutex<Others>,
}

impl Numbers {
    /// Numbers what the packs of a database hold. A pack that cannot be opened is left out: its
    /// objects, if they can be had at all, are then looked up one by one.
    pub(super) fn new(database: &Database) -> Self {
        let listing = database.list();
        let mut opened: Vec<_> =
            listing.packs.iter().filter_map(|index| Pack::open(index, database.ids()).ok()).collect();
        // Most lookups then end at the first pack.
        opened.sort_by_key(|pack| std::cmp::Reverse(pack.num_objects()));
        let mut packs = Vec::new();
        let mut next = 0u32;
        for pack in opened {
            // Numbers of others need room above; beyond two billion objects they are looked up.
            let Some(end) = next.checked_add(pack.num_objects()).filter(|&end| end < u32::MAX / 2) else {
                break;
            };
            packs.push(Numbered { pack, first: next });
            next = end;
        }
        Self { packs, first_other: next, others: Mutex::default() }
    }

    pub(super) fn packs(&self) -> &[Numbered] {
        &self.packs
    }

    /// How many numbers have been given; all are below this.
    pub(super) fn count(&self) -> usize {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        self.first_other as usize + others.ids.len()
    }

    /// The object's number, given now if it had none.
    pub(super) fn number(&self, id: &oid) -> u32 {
        for Numbered { pack, first } in &self.packs {
            if let Some(position) = pack.position(id) {
                return first + position;
            }
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = others.numbers.get(id) {
            return known;
        }
        let number = self.first_other.saturating_add(u32::try_from(others.ids.len()).unwrap_or(u32::MAX));
        others.numbers.insert(id.to_owned(), number);
        others.ids.push(id.to_owned());
        number
    }

    /// The id that has this number.
    pub(super) fn id(&self, number: u32) -> ObjectId {
        if let Some(nth) = number.checked_sub(self.first_other) {
            let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            return others.ids.get(nth as usize).copied().unwrap_or(ObjectId::null(gix::hash::Kind::Sha1));
        }
        let after = self.packs.partition_point(|pack| pack.first <= number);
        let Numbered { pack, first } = &self.packs[after.saturating_sub(1)];
        pack.id_at(number - first).to_owned()
    }
}
