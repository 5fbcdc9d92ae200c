//! Rewrites the objects that contain a key, the trees that contain those, and all later commits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::Path;

use super::PurgeOptions;
use super::error::PurgeError;
use super::fill::Treatment;
use super::message_ids::{CommitIds, NewCommitIds};
use super::names::NewNames;
use super::purged_keys::PurgedKeys;
use super::sink::ObjectSink;
use crate::git::{
    CarriedGraph, HashKind, ObjectId, ObjectKind, ObjectReader, Pointer, Repository, WholeEntryReader,
};
use crate::model::{Fingerprint, Surface};
use crate::scan::{KeysByObject, Settings};

/// A purged key in an object or name, and how it was treated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PurgedPlace {
    pub(super) surface: Surface,
    /// The object; `None` for the name of a ref.
    pub(super) object: Option<ObjectId>,
    pub(super) fingerprint: Fingerprint,
    pub(super) treatment: Treatment,
}

/// The old and the new name of an entry.
pub(super) type RenamedEntry = (Vec<u8>, Vec<u8>);

/// What was rewritten so far, and into what.
#[derive(Debug, Default)]
pub(super) struct Rewrites {
    /// The new id of every object whose id changed.
    pub(super) new_ids: HashMap<ObjectId, ObjectId>,
    pub(super) new_commit_ids: NewCommitIds,
    /// Old and new ids of rewritten commits, parents before children.
    pub(super) commits: Vec<(ObjectId, ObjectId)>,
    /// Old and new ids of rewritten trees; those of tags and blobs are below.
    pub(super) trees: Vec<(ObjectId, ObjectId)>,
    pub(super) tags: Vec<(ObjectId, ObjectId)>,
    pub(super) blobs: Vec<(ObjectId, ObjectId)>,
    /// Rewritten commits without a rewritten parent.
    pub(super) first_commits: Vec<ObjectId>,
    pub(super) places: Vec<PurgedPlace>,
    /// What was overwritten in each blob; empty for one that became a stub.
    pub(super) overwritten_spans: HashMap<ObjectId, Vec<Range<usize>>>,
    /// The entries of each tree whose name changed.
    pub(super) renamed_entries: HashMap<ObjectId, Vec<RenamedEntry>>,
    /// Signed commits and tags that lost their signatures.
    pub(super) dropped_commit_signatures: u64,
    pub(super) dropped_tag_signatures: u64,
    /// Dropped `mergetag` headers.
    pub(super) dropped_merge_tags: u64,
    /// Ids of commits in messages that were replaced by the new ids.
    pub(super) replaced_message_ids: u64,
    /// Git LFS files that contain keys. They are not part of the repository, so nothing replaces them.
    pub(super) lfs_files: BTreeMap<Pointer, Vec<Fingerprint>>,
}

impl Rewrites {
    /// The id of an object in the new repository.
    pub(super) fn new_id(&self, old: &ObjectId) -> ObjectId {
        self.new_ids.get(old).copied().unwrap_or(*old)
    }
}

/// Rewrites the history of one repository.
pub(super) struct HistoryRewriter<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) options: &'a PurgeOptions,
    pub(super) repo: &'a Repository,
    pub(super) hash: HashKind,
    pub(super) keys: &'a PurgedKeys,
    /// The objects in which the audit found keys, purged or not.
    pub(super) keys_by_object: &'a KeysByObject,
    /// The objects that contain purged keys.
    pub(super) objects_with_keys: HashMap<ObjectId, ObjectKind>,
    /// Paths of blobs, for messages and stubs.
    pub(super) paths: &'a HashMap<ObjectId, Vec<u8>>,
    pub(super) objects: ObjectReader,
    /// Reads objects that are stored whole, such as most commits, faster than `objects`.
    pub(super) whole_entries: WholeEntryReader,
    pub(super) graph: CarriedGraph<'a>,
    pub(super) sink: &'a ObjectSink,
    pub(super) names: NewNames,
    /// All commits; `None` if ids in messages are not replaced.
    pub(super) commit_ids: Option<CommitIds>,
    /// Commits that are or will be rewritten, except for those of notes.
    pub(super) affected: HashSet<ObjectId>,
    pub(super) rewrites: Rewrites,
}

impl HistoryRewriter<'_> {
    /// Rewrites everything.
    ///
    /// # Errors
    /// An object that cannot be read or purged, or a pack that cannot be written.
    pub(super) fn run(&mut self) -> Result<(), PurgeError> {
        self.rewrite_blobs()?;
        self.reserve_sibling_names()?;
        for tree in self.graph.root_trees().to_vec() {
            self.rewrite_tree(tree)?;
        }
        self.rewrite_commits()?;
        // Notes may annotate tags, so these come first, except for tags of the commits of notes.
        self.rewrite_tags(false)?;
        self.rewrite_notes()?;
        self.rewrite_tags(true)?;
        for old in self.rewrites.new_ids.keys() {
            self.graph.leave_out(old);
        }
        self.rewrites.places.sort();
        self.rewrites.places.dedup();
        self.rewrites.blobs.sort_unstable();
        Ok(())
    }

    pub(super) fn check_stop(&self) -> Result<(), PurgeError> {
        if self.settings.stop.is_set() { Err(PurgeError::Stopped) } else { Ok(()) }
    }

    /// Records the new id of an object, unless it is the same as the old one. Returns the new id.
    pub(super) fn record(&mut self, kind: ObjectKind, old: ObjectId, new: ObjectId) -> ObjectId {
        if old != new && self.rewrites.new_ids.insert(old, new).is_none() {
            match kind {
                ObjectKind::Commit => {
                    self.rewrites.commits.push((old, new));
                    self.rewrites.new_commit_ids.add(new);
                }
                ObjectKind::Tree => self.rewrites.trees.push((old, new)),
                ObjectKind::Blob => self.rewrites.blobs.push((old, new)),
                ObjectKind::Tag => self.rewrites.tags.push((old, new)),
            }
        }
        new
    }

    /// The content of the old object `id`.
    ///
    /// # Errors
    /// If the object is missing, damaged or not of that kind.
    pub(super) fn read(&mut self, id: &ObjectId, kind: ObjectKind) -> Result<Vec<u8>, PurgeError> {
        if kind == ObjectKind::Commit
            && let Some(bytes) = self.graph.commit_bytes(id)
        {
            return Ok(bytes.to_vec());
        }
        let whole = self.whole_entries.read(&self.graph, id);
        match whole.or_else(|| self.objects.read(id, "object")) {
            Some((stored_kind, bytes)) if stored_kind == kind => Ok(bytes.to_vec()),
            _ => Err(PurgeError::Malformed(*id)),
        }
    }

    /// Adds a new object to the new repository and returns its id.
    pub(super) fn add(&self, kind: ObjectKind, bytes: Vec<u8>) -> Result<ObjectId, PurgeError> {
        self.sink.add_later(kind, bytes).map_err(|error| self.unwritable(error))
    }

    pub(super) fn unwritable(&self, error: io::Error) -> PurgeError {
        let path = self.options.destination.as_deref().unwrap_or(Path::new(""));
        PurgeError::Write { path: path.to_owned(), error }
    }
}
