//! Numbers for objects: 32 bits in place of an id, dense, so that what is known of an object is a
//! place in a vector.
//!
//! An object in a pack has the pack's first number and its place in the pack's index, which costs no
//! memory; any other that something names is numbered when it is first met.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::hash::oid;
use gix::odb::pack;

/// One pack whose index could be read.
pub(super) struct Pack {
    /// Where the pack's data should be.
    pub(super) path: PathBuf,
    /// Its index.
    pub(super) index: pack::index::File,
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
    packs: Vec<Pack>,
    /// The first number of those in no pack.
    first_other: u32,
    others: Mutex<Others>,
}

impl Numbers {
    /// Numbers what the packs in these object directories hold. A pack whose index cannot be read is
    /// left out: its objects, if they can be had at all, are then looked up one by one.
    pub(super) fn new(directories: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let mut indices: Vec<_> = directories
            .iter()
            .flat_map(|directory| index_files(&directory.join("pack")))
            .filter_map(|path| Some((pack::index::File::at(&path, hash).ok()?, path)))
            .collect();
        // Most lookups then end at the first pack.
        indices.sort_by_key(|(index, path)| (std::cmp::Reverse(index.num_objects()), path.clone()));
        let mut packs = Vec::new();
        let mut next = 0u32;
        for (index, path) in indices {
            // Numbers of others need room above; a repository of two billion objects is looked up.
            let Some(end) = next.checked_add(index.num_objects()).filter(|&end| end < u32::MAX / 2) else {
                break;
            };
            packs.push(Pack { path: path.with_extension("pack"), index, first: next });
            next = end;
        }
        Self { packs, first_other: next, others: Mutex::default() }
    }

    pub(super) fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// How many numbers have been given; all are below this.
    pub(super) fn count(&self) -> usize {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        self.first_other as usize + others.ids.len()
    }

    /// The object's number, given now if it had none.
    pub(super) fn number(&self, id: &oid) -> u32 {
        for pack in &self.packs {
            if let Some(at) = pack.index.lookup(id) {
                return pack.first + at;
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
        let pack = &self.packs[after.saturating_sub(1)];
        pack.index.oid_at_index(number - pack.first).to_owned()
    }
}

fn index_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "idx"))
        .collect()
}
