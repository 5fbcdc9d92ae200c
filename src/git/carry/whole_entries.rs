//! Reads objects that a pack stores completely rather than as deltas, as it does nearly all commits.
//!
//! This takes a fraction of the time of an [`ObjectReader`], which looks in every place where an object may be.

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

/// Maximum size of an object that is read here, in bytes. Larger ones are looked up or read in parts.
const MAX_SIZE: u64 = 1 << 20;

/// Reads whole entries of packs, and reuses its buffers.
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
    /// The kind and bytes of an object; `None` if no pack stores it completely, or if it is damaged or too large.
    pub fn read(&mut self, graph: &CarriedGraph<'_>, id: &ObjectId) -> Option<(Kind, &[u8])> {
        let graph = &graph.graph;
        self.read_from(graph.ids.packs().iter().map(|numbered| &numbered.pack), id, graph.lookup.hash_kind())
    }

    fn read_from<'p>(
        &mut self,
        mut packs: impl Iterator<Item = &'p Pack>,
        id: &ObjectId,
        hash_kind: HashKind,
    ) -> Option<(Kind, &[u8])> {
        let (pack, position) = packs.find_map(|pack| Some((pack, pack.position_by_table(id)?)))?;
        let entry = pack.entry_at_position(position)?;
        let (header, compressed) = pack.header(entry).ok()?;
        let EntryContent::Whole(kind) = header.content else { return None };
        let size = usize::try_from(header.size).ok().filter(|_| header.size <= MAX_SIZE)?;
        self.inflater.inflate(compressed, pack.extent(entry), size, &mut self.buffer).ok()?;
        let bytes = self.buffer.get(..size)?;
        (object_id(kind, bytes, hash_kind) == Some(*id)).then_some((kind, bytes))
    }
}

/// Size of the parts in which large objects are read, in bytes.
const PART_SIZE: usize = 1 << 16;

/// The content of an object larger than [`MAX_SIZE`] that a pack stores completely.
fn large_content<'p>(pack: &'p Pack, id: &ObjectId) -> Option<InflateStream<&'p [u8]>> {
    let entry = pack.entry_at_position(pack.position_by_table(id)?)?;
    let (header, compressed) = pack.header(entry).ok()?;
    let is_whole = matches!(header.content, EntryContent::Whole(_));
    (is_whole && header.size > MAX_SIZE).then(|| InflateStream::new(compressed))
}

/// All objects of a repository at the time when this was created. Whole entries of packs are read directly, other objects
/// are looked up.
pub struct RepositoryObjects {
    packs: Vec<Pack>,
    /// The ids of loose objects, sorted.
    loose: Vec<ObjectId>,
    hash_kind: HashKind,
    whole_entries: WholeEntryReader,
    reader: ObjectReader,
}

impl RepositoryObjects {
    /// Lists the objects of `repo`.
    ///
    /// # Errors
    /// When a pack cannot be opened.
    pub fn new(repo: &gix::Repository) -> Result<Self, String> {
        let database = ObjectDatabase::from_repo(repo);
        let listing = database.list();
        let open =
            |index: &PathBuf| Pack::open(index, database.hash_kind()).map_err(|error| error.to_string());
        let packs = listing.packs.iter().map(open).collect::<Result<_, String>>()?;
        let mut loose: Vec<ObjectId> = listing.loose.into_iter().map(|(id, _)| id).collect();
        loose.sort_unstable();
        let (whole_entries, reader) = (WholeEntryReader::default(), ObjectReader::new(repo));
        Ok(Self { packs, loose, hash_kind: repo.object_hash(), whole_entries, reader })
    }

    /// Whether the object exists, packed or loose, readable or not.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.packs.iter().any(|pack| pack.position_by_table(id).is_some())
            || self.loose.binary_search(id).is_ok()
    }

    /// Calls `use_bytes` with the bytes of an object; `None` if it is missing or damaged. A large object that a pack stores
    /// completely is passed in parts, and is not checked against the id.
    pub fn read_parts(&mut self, id: &ObjectId, mut use_bytes: impl FnMut(&[u8])) -> Option<()> {
        let Some(mut parts) = self.packs.iter().find_map(|pack| large_content(pack, id)) else {
            return self.read(id).map(|(_, bytes)| use_bytes(bytes));
        };
        let mut part = vec![0; PART_SIZE];
        loop {
            match parts.read(&mut part) {
                Ok(0) => return Some(()),
                Ok(read) => use_bytes(&part[..read]),
                Err(_) => return None,
            }
        }
    }

    /// The kind and bytes of an object; `None` if it is missing or damaged.
    pub fn read(&mut self, id: &ObjectId) -> Option<(Kind, &[u8])> {
        let whole = self.whole_entries.read_from(self.packs.iter(), id, self.hash_kind);
        whole.or_else(|| self.reader.read(id, "object"))
    }
}
