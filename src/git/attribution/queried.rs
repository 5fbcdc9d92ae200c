//! Numbers the blobs and trees of a query in the order of their ids, and finds them by id.

use std::collections::HashMap;

use gix::ObjectId;
use gix::hash::oid;

use super::Query;

/// The blobs and trees of a query.
pub(super) struct QueriedObjects {
    /// Ids and the numbers of the secrets in each object, sorted.
    objects: Vec<(ObjectId, Vec<u32>)>,
    numbers: HashMap<ObjectId, u32>,
    /// A bit for each value of the first 16 bits of an id, set if a queried object has them. Hardly any entry of a tree
    /// is a queried object, and the bit shows that without hashing.
    filter: Box<[u64; 1024]>,
}

impl QueriedObjects {
    /// Numbers the objects of `query`.
    pub(super) fn new(query: &Query) -> Self {
        let mut objects: Vec<_> = query.objects.iter().map(|(id, secrets)| (*id, secrets.clone())).collect();
        objects.sort();
        let mut filter = Box::new([0u64; 1024]);
        for (id, _) in &objects {
            let bit = first_16_bits(id);
            filter[bit / 64] |= 1 << (bit % 64);
        }
        let numbers = objects.iter().map(|(id, _)| *id).zip(0u32..).collect();
        Self { objects, numbers, filter }
    }

    /// The number of an object; `None` if it was not queried.
    pub(super) fn find(&self, id: &oid) -> Option<u32> {
        let bit = first_16_bits(id);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.numbers.get(id).copied()
    }

    /// The id of the object with this number, and the numbers of the secrets in it.
    pub(super) fn get(&self, number: u32) -> &(ObjectId, Vec<u32>) {
        &self.objects[number as usize]
    }

    /// All objects, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &(ObjectId, Vec<u32>))> {
        (0u32..).zip(&self.objects)
    }
}

/// The first two bytes of an id, which are evenly distributed.
pub(super) fn first_16_bits(id: &oid) -> usize {
    let bytes = id.as_bytes();
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}
