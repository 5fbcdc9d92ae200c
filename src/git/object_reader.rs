//! Reads single objects by id, and finds entry names in trees.

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::object::Kind;
use gix::objs::TreeRefIter;

use super::commit::Header;
use super::lookup::{Gaps, Lookup, tag_target};

/// Reads objects one at a time, and ignores replace refs.
pub struct ObjectReader(Lookup);

impl ObjectReader {
    /// Reads the objects of `repo`.
    pub fn new(repo: &gix::Repository) -> Self {
        Self(Lookup::new(repo))
    }

    /// The kind and bytes of an object. If it is missing or damaged, records a gap that names it by `role` (`commit`,
    /// `tree`, …) and id.
    pub fn read(&mut self, id: &ObjectId, role: &str) -> Option<(Kind, &[u8])> {
        self.0.read(id, role)
    }

    /// Frees the memory of the object that was read last, if it is large.
    pub fn release(&mut self) {
        self.0.release();
    }

    /// Whether the object exists, readable or not.
    pub fn has(&mut self, id: &ObjectId) -> bool {
        self.0.has(id)
    }

    /// The parents of the commit `id`, in order. A commit that cannot be read has none and is recorded as a gap.
    pub fn parents(&mut self, id: &ObjectId) -> Vec<ObjectId> {
        match self.read(id, "commit") {
            Some((Kind::Commit, bytes)) => Header::new(bytes).parents().collect(),
            _ => Vec::new(),
        }
    }

    /// The chain of annotated tags that starts at `id`: `id` itself if it is a tag, then the tag that it points to,
    /// and so on. A chain beyond the limit is recorded as a gap.
    pub fn tags_from(&mut self, id: ObjectId) -> Vec<ObjectId> {
        const MAX_TAGS: usize = 10_000;
        let mut tags = Vec::new();
        let mut next = id;
        while self.0.kind(&next) == Some(Kind::Tag)
            && let Some((Kind::Tag, bytes)) = self.read(&next, "tag")
        {
            let target = tag_target(bytes);
            if tags.len() == MAX_TAGS {
                self.0.gaps.push(format!("tag {next}"), format!("nested in more than {MAX_TAGS} tags"));
                break;
            }
            tags.push(next);
            match target {
                Some(target) => next = target,
                None => break,
            }
        }
        tags
    }

    /// Whether every object that was asked for could be read.
    pub fn has_no_gaps(&self) -> bool {
        self.0.gaps.is_empty()
    }

    /// The objects that could not be read.
    pub fn into_gaps(self) -> Gaps {
        self.0.gaps
    }
}

/// The names of the entries in a raw tree, by offset.
pub struct TreeNames<'t> {
    /// The offset at which each name starts, in ascending order, and the name.
    names: Vec<(usize, &'t [u8])>,
}

impl<'t> TreeNames<'t> {
    /// Reads a raw tree. Malformed entries have no names.
    pub fn new(tree: &'t [u8], hash_kind: gix::hash::Kind) -> Self {
        let tree_start = tree.as_ptr() as usize;
        let entries = TreeRefIter::from_bytes(tree, hash_kind).filter_map(Result::ok);
        let names =
            entries.map(|entry| (entry.filename.as_ptr() as usize - tree_start, entry.filename.as_bytes()));
        Self { names: names.collect() }
    }

    /// The name that contains the byte at `offset` of the tree, and the offset at which it starts.
    pub fn at(&self, offset: usize) -> Option<(&'t [u8], usize)> {
        let end = self.names.partition_point(|(start, _)| *start <= offset);
        let (start, name) = self.names[..end].last()?;
        (offset - start < name.len()).then_some((name, *start))
    }
}
