//! Finds families of blobs and trees, and computes the digests that identify them in any pack.

use gix::object::Kind;

use crate::cache::CacheDigest;
use crate::git::pack::entry::EntryContent;
use crate::git::pack::{DeltaTree, Entry, Pack};
use crate::threads;

/// Number of families that a thread hashes at a time.
const BATCH: usize = 64;

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
        roots.iter().filter_map(|&root| family(pack, tree, root)).collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

/// The family of a root; `None` if it is neither a blob nor a tree, or cannot be read.
fn family(pack: &Pack, tree: &DeltaTree, root: Entry) -> Option<Family> {
    let kind = match pack.header(root).ok()?.0.content {
        EntryContent::Whole(kind @ (Kind::Blob | Kind::Tree)) => kind,
        _ => return None,
    };
    // Each entry comes after its base.
    let entries = tree.with_descendants(root);
    let mut children: Vec<Vec<CacheDigest>> = vec![Vec::new(); entries.len()];
    let mut parents = vec![0; entries.len()];
    let mut next = 1;
    for (parent, &entry) in entries.iter().enumerate() {
        for _ in tree.children(entry) {
            *parents.get_mut(next)? = parent;
            next += 1;
        }
    }
    for index in (1..entries.len()).rev() {
        let digest = entry_digest(pack, entries[index], &mut children[index])?;
        children[parents[index]].push(digest);
    }
    let digest = entry_digest(pack, root, &mut children[0])?;
    Some(Family { kind, root, digest })
}

/// The digest of an entry as it is stored, and of the digests of its `children`, whose order in the pack does not matter.
fn entry_digest(pack: &Pack, entry: Entry, children: &mut [CacheDigest]) -> Option<CacheDigest> {
    let (header, deflated) = pack.header(entry).ok()?;
    let length = pack.entry_end(entry).checked_sub(pack.offset(entry) + header.len as u64)?;
    let mut digest = blake3::Hasher::new();
    digest.update(match header.content {
        EntryContent::Whole(Kind::Blob) => b"b",
        EntryContent::Whole(Kind::Tree) => b"t",
        EntryContent::Whole(_) => b"o",
        _ => b"d",
    });
    digest.update(&header.size.to_le_bytes());
    digest.update(&length.to_le_bytes());
    digest.update(deflated.get(..usize::try_from(length).ok()?)?);
    children.sort_unstable();
    for child in children {
        digest.update(child);
    }
    Some(digest.finalize().into())
}
