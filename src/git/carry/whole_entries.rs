//! Reads objects that a pack stores complete rather than as deltas, as nearly all commits are. This takes a fraction
//! of the time of a lookup in all places where an object may be.

use std::io::Read;
use std::path::PathBuf;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use super::graph::CarriedGraph;
use crate::git::database::ObjectDatabase;
use crate::git::inflate::{InflateStream, Inflater};
use crate::git::object_id::object_id;
use crate::git::object_reader::ObjectReader;
use crate::git::pack::Pack;
use crate::git::pack::entry::EntryContent;

/// Objects larger than this are looked up instead, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// Reused buffers.
pub struct WholeEntryReader {
    inflater: Inflater,
    buffer: Vec<u8>,
}

impl Default for WholeEntryReader {
    fn default() -> Self {
        Self { inflater: Inflater::new(), buffer: Vec::new() }
    }
}

impl WholeEntryReader {
    /// Kind and bytes of an object, if a pack stores it complete and intact, and it is not too large.
    pub fn read(&mut self, graph: &CarriedGraph<'_>, id: &ObjectId) -> Option<(Kind, &[u8])> {
        let graph = &graph.graph;
        self.read_from(graph.ids.packs().iter().map(|numbered| &numbered.pack), id, graph.lookup.hash())
    }

    fn read_from<'p>(
        &mut self,
        mut packs: impl Iterator<Item = &'p Pack>,
        id: &ObjectId,
        hash: HashKind,
    ) -> Option<(Kind, &[u8])> {
        let (pack, position) = packs.find_map(|pack| Some((pack, pack.position_of_id(id)?)))?;
        let entry = pack.entry_at_position(position)?;
        let (header, compressed) = pack.header(entry).ok()?;
        let EntryContent::Whole(kind) = header.content else { return None };
        let size = usize::try_from(header.size).ok().filter(|_| header.size <= MAX_SIZE)?;
        self.inflater.whole(compressed, pack.extent(entry), size, &mut self.buffer).ok()?;
        let bytes = self.buffer.get(..size)?;
        (object_id(kind, bytes, hash) == Some(*id)).then_some((kind, bytes))
    }
}

/// Large objects are read in parts of this size, in bytes.
const PART: usize = 1 << 16;

/// The content of a large object that a pack has whole.
fn large_parts<'p>(pack: &'p Pack, id: &ObjectId) -> Option<InflateStream<&'p [u8]>> {
    let entry = pack.entry_at_position(pack.position_of_id(id)?)?;
    let (header, compressed) = pack.header(entry).ok()?;
    let is_whole = matches!(header.content, EntryContent::Whole(_));
    (is_whole && header.size > MAX_SIZE).then(|| InflateStream::new(compressed))
}

/// All objects of a repository at the time it was opened: whole entries of packs are read directly, others are looked up.
pub struct RepositoryObjects {
    packs: Vec<Pack>,
    /// Sorted.
    loose: Vec<ObjectId>,
    hash: HashKind,
    whole: WholeEntryReader,
    others: ObjectReader,
}

impl RepositoryObjects {
    /// Lists the objects of `repo`.
    ///
    /// # Errors
    /// When a pack cannot be opened.
    pub fn of(repo: &gix::Repository) -> Result<Self, String> {
        let database = ObjectDatabase::of(repo);
        let listing = database.list();
        let open =
            |index: &PathBuf| Pack::open(index, database.hash_kind()).map_err(|error| error.to_string());
        let packs = listing.packs.iter().map(open).collect::<Result<_, String>>()?;
        let mut loose: Vec<ObjectId> = listing.loose.into_iter().map(|(id, _)| id).collect();
        loose.sort_unstable();
        let (whole, others) = (WholeEntryReader::default(), ObjectReader::of(repo));
        Ok(Self { packs, loose, hash: repo.object_hash(), whole, others })
    }

    /// Whether the object exists, packed or loose, readable or not.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.packs.iter().any(|pack| pack.position_of_id(id).is_some())
            || self.loose.binary_search(id).is_ok()
    }

    /// Calls `with` with the bytes of an object, in parts if a pack has it whole and it is large; then they are not checked
    /// against the id. `None` if it is missing or broken.
    pub fn read_parts(&mut self, id: &ObjectId, mut with: impl FnMut(&[u8])) -> Option<()> {
        let Some(mut parts) = self.packs.iter().find_map(|pack| large_parts(pack, id)) else {
            return self.read(id).map(|(_, bytes)| with(bytes));
        };
        let mut part = vec![0; PART];
        loop {
            match parts.read(&mut part) {
                Ok(0) => return Some(()),
                Ok(read) => with(&part[..read]),
                Err(_) => return None,
            }
        }
    }

    /// Kind and bytes of an object; `None` if it is missing or broken.
    pub fn read(&mut self, id: &ObjectId) -> Option<(Kind, &[u8])> {
        let whole = self.whole.read_from(self.packs.iter(), id, self.hash);
        whole.or_else(|| self.others.read(id, "object"))
    }
}
