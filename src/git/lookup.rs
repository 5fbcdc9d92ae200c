//! Reads single objects by id, and records those that cannot be read.
//!
//! This is for a few objects; a sweep reads all of them faster. Replace refs are ignored, since the content of the
//! replaced object still exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::{Exists, Find, Kind};
use gix::odb::Header;
use gix::odb::store::init::Options as StoreOptions;

use super::delta_base_cache::DeltaBaseCache;
use super::gate;
use super::large_objects::{Lease, MAX_ALLOCATION};
use super::loose_lookup::{LooseFault, LooseReader};
use super::object_id::object_id;
use crate::model::Skip;

/// Maximum number of skips listed one by one; further ones are counted. A partial clone lacks hundreds of thousands
/// of objects, all for the same reason.
const MAX_LISTED: usize = 1000;

/// Objects and files that could not be read.
#[derive(Debug, Default, Clone)]
pub struct Gaps {
    /// At most [`MAX_LISTED`].
    skips: BTreeSet<Skip>,
    /// The number of further ones. One that is recorded repeatedly counts each time.
    unlisted_count: u64,
}

impl Gaps {
    /// Records that `what` was not read because of `reason`.
    pub fn push(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        let skip = Skip::new(what, reason);
        if self.skips.len() < MAX_LISTED {
            self.skips.insert(skip);
        } else if !self.skips.contains(&skip) {
            self.unlisted_count += 1;
        }
    }

    /// All recorded skips. Those beyond the limit are summed up in one.
    pub fn into_skips(mut self) -> BTreeSet<Skip> {
        if self.unlisted_count > 0 {
            let what = format!("{} more objects", self.unlisted_count);
            self.skips
                .insert(Skip::new(what, "not listed one by one: too many, with reasons like those listed"));
        }
        self.skips
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.skips.is_empty()
    }

    /// Adds the skips of `other`.
    pub fn merge(&mut self, other: Self) {
        self.unlisted_count += other.unlisted_count;
        for skip in other.skips {
            self.push(skip.what, skip.reason);
        }
    }
}

/// The reason of a gap where the stored bytes belong to another object.
const OTHER_ID: &str = "the stored bytes are another object: they do not hash to that id";

/// Maximum number of missing objects for which the packs are listed again, since a concurrent repack may have moved the
/// object. A partial clone lacks so many that listing them for each would take long.
const MAX_REFRESHES: u32 = 16;

/// Reads objects by id, one at a time.
pub(super) struct Lookup {
    odb: gix::OdbHandle,
    /// The same database, which may allocate [`MAX_ALLOCATION`] bytes for an object. Opened for the first one that needs it.
    large_odb: Option<gix::OdbHandle>,
    /// The object directories, in which loose objects are looked up.
    dirs: Vec<PathBuf>,
    loose: LooseReader,
    hash_kind: gix::hash::Kind,
    buffer: Vec<u8>,
    /// The part of the allowance for large objects that `buffer` uses.
    lease: Lease,
    is_shallow: bool,
    /// How many objects were not found. From [`MAX_REFRESHES`] on, the packs are no longer listed again.
    missing_count: u32,
    /// The objects that could not be read.
    pub(super) gaps: Gaps,
}

impl Lookup {
    pub(super) fn new(repo: &gix::Repository) -> Self {
        let mut odb = repo.objects.clone();
        odb.ignore_replacements = true;
        odb.set_pack_cache(|| Box::<DeltaBaseCache>::default());
        let is_shallow = repo.is_shallow().unwrap_or(false);
        let objects_dir = odb.store_ref().path();
        Self {
            // The gate has accepted these files when the repository was opened. If one was changed since, loose objects of
            // alternates are not found, which are then gaps.
            dirs: gate::check_object_dirs(objects_dir).unwrap_or_else(|_| vec![objects_dir.to_owned()]),
            odb,
            large_odb: None,
            loose: LooseReader::default(),
            hash_kind: repo.object_hash(),
            buffer: Vec::new(),
            lease: Lease::default(),
            is_shallow,
            missing_count: 0,
            gaps: Gaps::default(),
        }
    }

    /// The hash function of the object ids.
    pub(super) fn hash_kind(&self) -> gix::hash::Kind {
        self.hash_kind
    }

    /// Reads an object. If it is missing or damaged, records a gap that names it by `role` (`commit`, `tree`, …) and id.
    pub(super) fn read(&mut self, id: &ObjectId, role: &str) -> Option<(Kind, &[u8])> {
        if let Some(kind) = self.kind_if_empty(id) {
            return Some((kind, &[]));
        }
        match self.read_into_buffer(id) {
            Ok(Some(kind)) => Some((kind, &self.buffer)),
            Ok(None) => {
                let reason = if self.is_shallow && role == "commit" {
                    "beyond the shallow boundary of this clone; fetch it whole with `git fetch --unshallow` \
                     (`fetch-depth: 0` in a workflow)"
                } else {
                    "missing from the object database; `git fsck` gives details, a partial clone fetches it with \
                     `git fetch --refetch --no-filter`"
                };
                self.gaps.push(format!("{role} {id}"), reason);
                None
            }
            Err(error) => {
                self.gaps.push(
                    format!("{role} {id}"),
                    format!("cannot be read: {error}; `git fsck` gives details"),
                );
                None
            }
        }
    }

    /// Reads the object into the buffer; `None` if it is missing. The bytes must hash to the id, since an index may point to
    /// another entry of its pack, and a loose object's file may contain anything.
    fn read_into_buffer(&mut self, id: &ObjectId) -> Result<Option<Kind>, String> {
        self.release();
        if self.loose.lacks_dir_for(&self.dirs, id) {
            match self.read_packed(id) {
                Ok(Some(kind)) if object_id(kind, &self.buffer, self.hash_kind) == Some(*id) => {
                    return Ok(Some(kind));
                }
                // The directory of its loose file may have been created in the meantime.
                _ => self.release(),
            }
        }
        self.read_loose_first(id)
    }

    /// Frees the memory of the object in the buffer if it is large.
    pub(super) fn release(&mut self) {
        if self.lease.is_held() {
            self.buffer = Vec::new();
            self.lease = Lease::default();
        }
    }

    /// Like [`Self::read_into_buffer`], but looks for a loose object before a packed one.
    fn read_loose_first(&mut self, id: &ObjectId) -> Result<Option<Kind>, String> {
        let mut loose_fault = None;
        match self.loose.read(&self.dirs, id, &mut self.buffer, &mut self.lease) {
            Ok(Some(kind)) if object_id(kind, &self.buffer, self.hash_kind) == Some(*id) => {
                return Ok(Some(kind));
            }
            Ok(Some(_)) => loose_fault = Some(OTHER_ID.to_owned()),
            Ok(None) => {}
            // `gix` must not read this file, as it might block forever.
            Err(LooseFault { reason, is_trap: true }) => return Err(reason),
            Err(LooseFault { reason, .. }) => loose_fault = Some(reason),
        }
        match self.read_packed(id) {
            Ok(Some(kind)) if object_id(kind, &self.buffer, self.hash_kind) == Some(*id) => Ok(Some(kind)),
            Ok(Some(_)) => Err(loose_fault.unwrap_or_else(|| OTHER_ID.to_owned())),
            Ok(None) => {
                self.missing_count += 1;
                if self.missing_count == MAX_REFRESHES {
                    self.odb.refresh_never();
                }
                loose_fault.map_or(Ok(None), Err)
            }
            Err(error) => Err(loose_fault.unwrap_or(error)),
        }
    }

    /// Reads a packed object into the buffer.
    fn read_packed(&mut self, id: &ObjectId) -> Result<Option<Kind>, String> {
        match self.odb.try_find(id, &mut self.buffer).map(|object| object.map(|object| object.kind)) {
            Ok(kind) => Ok(kind),
            // The object may be intact, but need more memory than `odb` may allocate.
            Err(_) => self.read_large_packed(id),
        }
    }

    /// Reads a packed object into the buffer under a lease of [`MAX_ALLOCATION`], and keeps as much of the lease as the
    /// object needs.
    fn read_large_packed(&mut self, id: &ObjectId) -> Result<Option<Kind>, String> {
        (self.buffer, self.lease) = (Vec::new(), Lease::default());
        let mut lease = Lease::take(MAX_ALLOCATION as u64)
            .ok_or("too large: other large objects use the memory that reconstructing it would need")?;
        let odb = match &mut self.large_odb {
            Some(odb) => odb,
            None => self.large_odb.insert(open_large(self.odb.store_ref().path(), self.hash_kind)?),
        };
        let kind = odb.try_find(id, &mut self.buffer).map(|object| object.map(|object| object.kind));
        if !matches!(kind, Ok(Some(_))) {
            self.buffer = Vec::new();
        }
        self.buffer.shrink_to_fit();
        lease.shrink_to(self.buffer.len() as u64);
        self.lease = lease;
        kind.map_err(|error| error.to_string())
    }

    /// The bytes of an object of this kind. If it is missing, damaged or of another kind, records a gap.
    pub(super) fn read_as(&mut self, id: &ObjectId, kind: Kind) -> Option<&[u8]> {
        let role = match kind {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        };
        match self.read(id, role).map(|(actual_kind, _)| actual_kind) {
            Some(actual_kind) if actual_kind == kind => {
                // `read` left the object in the buffer, unless it is empty.
                Some(if self.kind_if_empty(id).is_some() { &[] } else { &self.buffer })
            }
            Some(actual_kind) => {
                self.gaps.push(format!("{role} {id}"), format!("is a {actual_kind}"));
                None
            }
            None => None,
        }
    }

    /// The kind of the empty tree and of the empty blob, `None` for other objects. These two are never missing: the tree is
    /// built into git, and the content of the blob is known.
    fn kind_if_empty(&self, id: &ObjectId) -> Option<Kind> {
        if *id == ObjectId::empty_tree(self.hash_kind) {
            Some(Kind::Tree)
        } else if *id == ObjectId::empty_blob(self.hash_kind) {
            Some(Kind::Blob)
        } else {
            None
        }
    }

    /// Whether the object exists. One in a pack may be damaged; the kind of a loose one must be readable.
    pub(super) fn has(&mut self, id: &ObjectId) -> bool {
        // Looking up an id in the pack indexes is much faster than determining the kind of a delta, which is that of its base.
        (self.loose.lacks_dir_for(&self.dirs, id) && self.odb.exists(id)) || self.kind(id).is_some()
    }

    /// The kind of an object, without reading all of it; `None` if it is missing or cannot be read.
    pub(super) fn kind(&mut self, id: &ObjectId) -> Option<Kind> {
        if let Some(kind) = self.kind_if_empty(id) {
            return Some(kind);
        }
        let packs_first = self.loose.lacks_dir_for(&self.dirs, id);
        if packs_first && let Some(kind) = self.packed_kind(id) {
            return Some(kind);
        }
        // Even with `packs_first`: the directory of its loose file may have been created in the meantime.
        if let Some(kind) = self.loose.kind(&self.dirs, id)? {
            return Some(kind);
        }
        if packs_first { None } else { self.packed_kind(id) }
    }

    /// Like [`Self::kind`], but reads the whole object if necessary, and records a gap if there is no kind.
    pub(super) fn kind_or_gap(&mut self, id: &ObjectId) -> Option<Kind> {
        let kind = self.kind(id);
        kind.or_else(|| self.read(id, "object").map(|(kind, _)| kind))
    }

    /// The id of the object that the tag `id` points to. Records a gap if the tag cannot be read or names no object.
    pub(super) fn target_of_tag(&mut self, id: &ObjectId) -> Option<ObjectId> {
        let target = tag_target(self.read_as(id, Kind::Tag)?);
        if target.is_none() {
            self.gaps.push(format!("tag {id}"), "cannot be read: it names no object");
        }
        target
    }

    fn packed_kind(&self, id: &ObjectId) -> Option<Kind> {
        self.odb.try_header(id).ok().flatten().map(|header| header.kind())
    }

    /// The object that the tag `id` leads to through any number of further tags, and its kind; `id` itself if it is not a
    /// tag. Returns `None` and records a gap if an object on the way is missing or damaged.
    pub(super) fn peel(&mut self, id: ObjectId) -> Option<(Kind, ObjectId)> {
        /// Hostile chains of tags may be very long; genuine ones have one or two.
        const MAX_DEPTH: usize = 64;
        let mut next = id;
        for _ in 0..MAX_DEPTH {
            match self.kind_or_gap(&next)? {
                Kind::Tag => next = self.target_of_tag(&next)?,
                kind => return Some((kind, next)),
            }
        }
        self.gaps.push(format!("tag {id}"), format!("a chain of more than {MAX_DEPTH} tags"));
        None
    }
}

/// Opens the object database in `dir` once more, with [`MAX_ALLOCATION`] as the limit.
fn open_large(dir: &Path, hash_kind: gix::hash::Kind) -> Result<gix::OdbHandle, String> {
    let options = StoreOptions {
        // A hostile multi-pack index could hide packs.
        use_multi_pack_index: false,
        alloc_limit_bytes: Some(MAX_ALLOCATION),
        ..StoreOptions::default()
    };
    let store = gix::odb::at_opts(dir, hash_kind, None, options).map_err(|error| error.to_string())?;
    Ok(gix::odb::memory::Proxy::from(store))
}

/// The id of the object that a tag points to, from the first line of the tag.
pub(super) fn tag_target(bytes: &[u8]) -> Option<ObjectId> {
    let line = bytes.split(|&byte| byte == b'\n').next()?;
    ObjectId::from_hex(line.strip_prefix(b"object ")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::large_objects::UNLEASED_BYTES;
    use crate::git::open;
    use crate::git::scratch::Scratch;

    #[test]
    fn a_tag_that_cannot_be_peeled_is_one_gap() {
        let scratch = Scratch::new(&[]);
        scratch.write("file", "content");
        scratch.commit("first");
        scratch.git(&["tag", "-a", "-m", &(0..900).map(|n| format!("{n} ")).collect::<String>(), "cut"]);
        let cut = scratch.id("cut");
        let path =
            scratch.path().join(format!(".git/objects/{}/{}", &cut.to_string()[..2], &cut.to_string()[2..]));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
        let mut lookup = Lookup::new(&open(scratch.path()).unwrap().to_thread_local());
        assert_eq!(lookup.kind(&cut), Some(Kind::Tag));
        assert_eq!(lookup.peel(cut), None);
        let skips = lookup.gaps.into_skips();
        assert_eq!(skips.len(), 1, "{skips:?}");
        assert!(skips.iter().all(|skip| !skip.reason.contains("names no object")), "{skips:?}");
    }

    #[test]
    fn the_empty_objects_are_never_missing() {
        let scratch = Scratch::new(&[]);
        let mut lookup = Lookup::new(&open(scratch.path()).unwrap().to_thread_local());
        for (id, kind) in [
            (ObjectId::empty_blob(lookup.hash_kind()), Kind::Blob),
            (ObjectId::empty_tree(lookup.hash_kind()), Kind::Tree),
        ] {
            assert!(lookup.has(&id));
            assert_eq!((lookup.peel(id), lookup.read_as(&id, kind)), (Some((kind, id)), Some(&b""[..])));
        }
        assert!(lookup.gaps.is_empty());
    }

    #[test]
    fn a_gap_that_is_listed_is_not_counted_again() {
        let mut gaps = Gaps::default();
        for _ in 0..2 {
            (0..MAX_LISTED).for_each(|number| gaps.push(format!("blob {number}"), "missing"));
        }
        assert_eq!(gaps.into_skips().len(), MAX_LISTED);
    }

    #[test]
    fn large_packed_objects_are_read_under_a_lease() {
        let scratch = Scratch::new(&[]);
        let size = UNLEASED_BYTES + 1;
        scratch.write("large", &"a".repeat(size));
        scratch.write("small", "small");
        scratch.commit("first");
        scratch.git(&["-c", "core.bigFileThreshold=1g", "repack", "-q", "-adf"]);
        let (large, small) = (scratch.id("HEAD:large"), scratch.id("HEAD:small"));
        let mut lookup = Lookup::new(&open(scratch.path()).unwrap().to_thread_local());
        assert_eq!(lookup.read_as(&large, Kind::Blob).map(<[u8]>::len), Some(size));
        assert!(lookup.lease.is_held());
        assert_eq!(lookup.read_as(&small, Kind::Blob), Some(&b"small"[..]));
        assert!(!lookup.lease.is_held() && lookup.buffer.capacity() < size);
        assert!(lookup.gaps.is_empty());
    }
}
