//! Single objects by id, and the names in trees.

use std::path::PathBuf;

use gix::ObjectId;
use gix::object::Kind;
use gix::objs::TreeRefIter;

use super::inflate::Inflater;
use super::lookup::{Gaps, Lookup};
use super::loose::{self, Loose};

/// Larger loose objects are left to the object database.
const LARGE: u64 = 1 << 28;

/// Reads objects one at a time; replace refs are not obeyed.
pub struct Objects {
    lookup: Lookup,
    loose: PathBuf,
    inflater: Inflater,
    file: Vec<u8>,
    object: Vec<u8>,
}

impl Objects {
    /// The objects of `repo`.
    pub fn of(repo: &gix::Repository) -> Self {
        Self {
            lookup: Lookup::new(repo),
            loose: repo.common_dir().join("objects"),
            inflater: Inflater::new(),
            file: Vec::new(),
            object: Vec::new(),
        }
    }

    /// Kind and bytes of an object; a missing or broken one is noted, as what `role` says it is for.
    pub fn read(&mut self, id: &ObjectId, role: &str) -> Option<(Kind, &[u8])> {
        // What was staged just now is loose, and inflated whole in half the time.
        let hex = id.to_string();
        let path = self.loose.join(&hex[..2]).join(&hex[2..]);
        match loose::read(&path, LARGE, &mut self.inflater, &mut self.file, &mut self.object) {
            Ok(Loose::Whole { kind, start, size }) => Some((kind, &self.object[start..start + size])),
            // Packed, elsewhere, too large or broken: the object database knows, or says what is wrong.
            _ => self.lookup.object(id, role),
        }
    }

    /// What could not be read.
    pub fn into_gaps(self) -> Gaps {
        self.lookup.gaps
    }
}

/// Name of the entry of a raw tree that the byte at `offset` belongs to, and where that name begins.
pub fn entry_name(tree: &[u8], offset: usize, hash: gix::hash::Kind) -> Option<(Vec<u8>, usize)> {
    let base = tree.as_ptr() as usize;
    TreeRefIter::from_bytes(tree, hash).filter_map(Result::ok).find_map(|entry| {
        let start = entry.filename.as_ptr() as usize - base;
        (start..start + entry.filename.len()).contains(&offset).then(|| (entry.filename.to_vec(), start))
    })
}
