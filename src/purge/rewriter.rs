//! Rewrites the objects that contain a key, the trees that contain those, and all later commits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::Path;

use super::PurgeOptions;
use super::error::PurgeError;
use super::fill::Treatment;
use super::message_ids::{CommitIds, NewCommitIds};
use super::names::Names;
use super::purged_keys::PurgedKeys;
use super::sink::ObjectSink;
use crate::git::{
    CarriedGraph, HashKind, ObjectId, ObjectKind, ObjectReader, Pointer, Repository, WholeEntryReader,
};
use crate::model::{Fingerprint, Surface};
use crate::scan::{KeysByObject, Settings};

/// An occurrence of a key in an object or name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) surface: Surface,
    /// The object; `None` for the name of a ref.
    pub(super) object: Option<ObjectId>,
    pub(super) fingerprint: Fingerprint,
    pub(super) treatment: Treatment,
}

/// The old and the new name of an entry.
pub(super) type RenamedEntry = (Vec<u8>, Vec<u8>);

/// What was rewritten.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    /// The new id of every object whose id changed.
    pub(super) new: HashMap<ObjectId, ObjectId>,
    pub(super) new_commits: NewCommitIds,
    /// Those that are commits, parents before children.
    pub(super) commits: Vec<(ObjectId, ObjectId)>,
    pub(super) trees: Vec<(ObjectId, ObjectId)>,
    pub(super) tags: Vec<(ObjectId, ObjectId)>,
    pub(super) blobs: Vec<(ObjectId, ObjectId)>,
    /// Rewritten commits without a rewritten parent.
    pub(super) first_commits: Vec<ObjectId>,
    pub(super) places: Vec<Place>,
    /// What was overwritten in each blob; empty for one that became a stub.
    pub(super) spans: HashMap<ObjectId, Vec<Range<usize>>>,
    /// By tree, entries whose name changed: old and new.
    pub(super) renamed: HashMap<ObjectId, Vec<RenamedEntry>>,
    pub(super) commit_signatures: u64,
    pub(super) tag_signatures: u64,
    pub(super) merge_tags: u64,
    pub(super) message_ids: u64,
    /// Git LFS files with keys in them.
    pub(super) lfs: BTreeMap<Pointer, Vec<Fingerprint>>,
}

impl Rewritten {
    /// The id of an object in the new repository.
    pub(super) fn id(&self, old: &ObjectId) -> ObjectId {
        self.new.get(old).copied().unwrap_or(*old)
    }
}

/// The objects of one repository being rewritten.
pub(super) struct HistoryRewriter<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) options: &'a PurgeOptions,
    pub(super) repo: &'a Repository,
    pub(super) hash: HashKind,
    pub(super) keys: &'a PurgedKeys,
    /// What the audit found.
    pub(super) found: &'a KeysByObject,
    /// Objects with purged keys.
    pub(super) flagged: HashMap<ObjectId, ObjectKind>,
    /// Paths of blobs, for messages and stubs.
    pub(super) paths: &'a HashMap<ObjectId, Vec<u8>>,
    pub(super) objects: ObjectReader,
    /// For objects that a pack has whole, such as most commits.
    pub(super) whole: WholeEntryReader,
    pub(super) graph: CarriedGraph<'a>,
    pub(super) sink: &'a ObjectSink,
    pub(super) names: Names,
    pub(super) commit_ids: Option<CommitIds>,
    pub(super) affected: HashSet<ObjectId>,
    pub(super) done: Rewritten,
}

impl HistoryRewriter<'_> {
    /// Rewrites everything.
    ///
    /// # Errors
    /// An object that cannot be read or purged, or a pack that cannot be written.
    pub(super) fn run(&mut self) -> Result<(), PurgeError> {
        self.blobs()?;
        self.reserve_sibling_names()?;
        for tree in self.graph.root_trees().to_vec() {
            self.tree(tree)?;
        }
        self.commits()?;
        // Notes may be about tags, and tags may name commits of notes.
        self.tags(false)?;
        self.notes()?;
        self.tags(true)?;
        for old in self.done.new.keys() {
            self.graph.leave_out(old);
        }
        self.done.places.sort();
        self.done.places.dedup();
        self.done.blobs.sort_unstable();
        Ok(())
    }

    pub(super) fn check_stop(&self) -> Result<(), PurgeError> {
        if self.settings.stop.is_set() { Err(PurgeError::Stopped) } else { Ok(()) }
    }

    /// Records the new id of an object, unless it is the old one. Returns it.
    pub(super) fn record(&mut self, kind: ObjectKind, old: ObjectId, new: ObjectId) -> ObjectId {
        if old != new && self.done.new.insert(old, new).is_none() {
            match kind {
                ObjectKind::Commit => {
                    self.done.commits.push((old, new));
                    self.done.new_commits.add(new);
                }
                ObjectKind::Tree => self.done.trees.push((old, new)),
                ObjectKind::Blob => self.done.blobs.push((old, new)),
                ObjectKind::Tag => self.done.tags.push((old, new)),
            }
        }
        new
    }

    /// The bytes of an object, which must be of that kind.
    pub(super) fn read(&mut self, id: &ObjectId, kind: ObjectKind) -> Result<Vec<u8>, PurgeError> {
        if kind == ObjectKind::Commit
            && let Some(bytes) = self.graph.commit_bytes(id)
        {
            return Ok(bytes.to_vec());
        }
        let whole = self.whole.read(&self.graph, id);
        match whole.or_else(|| self.objects.read(id, "object")) {
            Some((found, bytes)) if found == kind => Ok(bytes.to_vec()),
            _ => Err(PurgeError::Malformed(*id)),
        }
    }

    pub(super) fn add(&self, kind: ObjectKind, bytes: Vec<u8>) -> Result<ObjectId, PurgeError> {
        self.sink.add_later(kind, bytes).map_err(|error| self.unwritable(error))
    }

    pub(super) fn unwritable(&self, error: io::Error) -> PurgeError {
        let path = self.options.into.as_deref().unwrap_or(Path::new(""));
        PurgeError::Write { path: path.to_owned(), error }
    }
}
