//! Finds families of blobs and trees, and computes the digests that identify them in any pack.

use gix::object::Kind;

use crate::cache::CacheDigest;
use crate::git::pack::entry::{EntryContent, Header};
use crate::git::pack::{DeltaTree, Entry, Pack};
use crate::threads;

/// Number of families that a thread hashes at a time.
const BATCH: usize = 64;
/// How many bytes of a family are collected before they are hashed.
const HASHED_AT_ONCE: usize = 1 << 16;

/// A blob or tree that is stored completely, and all deltas in its pack that build on it.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// The kind of all of its objects.
    pub(super) kind: Kind,
    /// The object that is stored completely.
    pub(super) root: Entry,
    /// The digest of all stored bytes of the family, and of which delta builds on which object.
    pub(super) digest: CacheDigest,
}

/// The families of the blobs and trees among the roots of `tree`. Families with an entry that cannot be read are omitted.
pub(super) fn families(pack: &Pack, tree: &DeltaTree, threads: usize) -> Vec<Family> {
    let found = threads::map(threads, tree.roots.chunks(BATCH), |roots| {
        let mut text = Vec::new();
        roots.iter().filter_map(|&root| family(pack, tree, root, &mut text)).collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

/// The family of a root; `None` if it is neither a blob nor a tree, or cannot be read.
fn family(pack: &Pack, tree: &DeltaTree, root: Entry, text: &mut Vec<u8>) -> Option<Family> {
    let stored = StoredEntry::read(pack, root)?;
    let kind = match stored.header.content {
        EntryContent::Whole(kind @ (Kind::Blob | Kind::Tree)) => kind,
        _ => return None,
    };
    let mut digest = blake3::Hasher::new();
    text.clear();
    let mut waiting = vec![(0u32, root, stored)];
    while let Some((depth, entry, stored)) = waiting.pop() {
        stored.describe(depth, text);
        // Long texts are hashed several times as fast as many short ones.
        if text.len() >= HASHED_AT_ONCE {
            digest.update(text);
            text.clear();
        }
        let first = waiting.len();
        for position in tree.children(entry) {
            let child = tree.child(position);
            waiting.push((depth + 1, child, StoredEntry::read(pack, child)?));
        }
        // Their order in the pack does not matter.
        let siblings = &mut waiting[first..];
        siblings.sort_unstable_by_key(|(_, _, stored)| stored.key());
        // Git does not store one object twice. It could not be determined which of the two an entry builds on.
        if siblings.windows(2).any(|pair| pair[0].2.key() == pair[1].2.key()) {
            return None;
        }
    }
    digest.update(text);
    Some(Family { kind, root, digest: digest.finalize().into() })
}

/// An entry of a pack as it is stored.
struct StoredEntry<'p> {
    header: Header,
    deflated: &'p [u8],
}

impl<'p> StoredEntry<'p> {
    fn read(pack: &'p Pack, entry: Entry) -> Option<Self> {
        let (header, rest) = pack.header(entry).ok()?;
        let length = pack.entry_end(entry).checked_sub(pack.offset(entry) + header.len as u64)?;
        Some(Self { header, deflated: rest.get(..usize::try_from(length).ok()?)? })
    }

    /// What distinguishes it from other deltas with the same base.
    fn key(&self) -> (u64, usize, &'p [u8]) {
        (self.header.size, self.deflated.len(), self.deflated)
    }

    /// Appends the entry and its distance from the root. If the entries of a family are in the order of a walk, the distances
    /// determine which builds on which.
    fn describe(&self, depth: u32, text: &mut Vec<u8>) {
        text.push(match self.header.content {
            EntryContent::Whole(Kind::Blob) => b'b',
            EntryContent::Whole(Kind::Tree) => b't',
            EntryContent::Whole(_) => b'o',
            _ => b'd',
        });
        text.extend_from_slice(&depth.to_le_bytes());
        text.extend_from_slice(&self.header.size.to_le_bytes());
        text.extend_from_slice(&(self.deflated.len() as u64).to_le_bytes());
        text.extend_from_slice(self.deflated);
    }
}
