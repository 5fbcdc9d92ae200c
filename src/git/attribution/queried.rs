//! The blobs and trees of a query, numbered in the order of their ids.

use std::collections::HashMap;

use gix::ObjectId;
use gix::hash::oid;

use super::Query;

pub(super) struct QueriedObjects {
    /// With the numbers of the secrets in each.
    objects: Vec<(ObjectId, Vec<u32>)>,
    numbers: HashMap<ObjectId, u32>,
    /// A bit for the first 16 bits of each id. Hardly any entry of a tree is a queried object, and the bit says so
    /// without hashing.
    filter: Box<[u64; 1024]>,
}

impl QueriedObjects {
    pub(super) fn new(query: &Query) -> Self {
        let mut objects: Vec<_> = query.objects.iter().map(|(id, held)| (*id, held.clone())).collect();
        objects.sort();
        let mut filter = Box::new([0u64; 1024]);
        for (id, _) in &objects {
            let bit = first_16_bits(id);
            filter[bit / 64] |= 1 << (bit % 64);
        }
        let numbers = objects.iter().map(|(id, _)| *id).zip(0u32..).collect();
        Self { objects, numbers, filter }
    }

    /// The object's number, if it is one of them.
    pub(super) fn find(&self, id: &oid) -> Option<u32> {
        let bit = first_16_bits(id);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.numbers.get(id).copied()
    }

    /// The object with that number, and the secrets in it.
    pub(super) fn get(&self, number: u32) -> &(ObjectId, Vec<u32>) {
        &self.objects[number as usize]
    }

    /// All of them, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &(ObjectId, Vec<u32>))> {
        (0u32..).zip(&self.objects)
    }
}

/// The first two bytes of an id, which are as good as random.
pub(super) fn first_16_bits(id: &oid) -> usize {
    let bytes = id.as_bytes();
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}
