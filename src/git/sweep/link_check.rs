//! Checks that the objects which trees, commits and tags name exist, since a missing object cannot have been searched.

use std::collections::HashSet;

use gix::ObjectId;
use gix::hash::{self, oid};
use gix::object::Kind;

use super::object_store::ObjectStore;
use crate::git::commit::Header;
use crate::git::lookup::tag_target;
use crate::git::pack::delta::{Run, RunSource};

/// Number of slots for recent ids. Neighboring trees have nearly all entries in common.
const RECENT_IDS: usize = 1 << 11;

/// Number of ids that are looked up together.
const LOOKUP_BATCH: usize = 1 << 8;

/// The mode, with the space after it, of a tree entry that names a commit of another repository.
const SUBMODULE: &[u8] = b"160000 ";

/// Looks up the objects that other objects name.
pub(super) struct LinkChecker {
    /// Ids that were named and not found.
    pub(super) missing: HashSet<ObjectId>,
    /// Ids that objects in a pack name and that are not in that pack, with the number of the pack. Empty unless
    /// `notes_outward`.
    pub(super) outward_ids: HashSet<(u32, ObjectId)>,
    /// The pack whose objects name the waiting ids.
    pack: Option<usize>,
    notes_outward: bool,
    /// Ids that were named and have not been looked up yet.
    waiting: Vec<ObjectId>,
    /// The first sixteen bytes of recent ids, each in the slot that its first bytes determine.
    recent: Vec<u128>,
    /// Length of an id in bytes.
    id_len: usize,
}

impl LinkChecker {
    /// `notes_outward` asks for [`Self::outward_ids`].
    pub(super) fn new(hash_kind: hash::Kind, notes_outward: bool) -> Self {
        Self {
            missing: HashSet::new(),
            outward_ids: HashSet::new(),
            pack: None,
            notes_outward,
            waiting: Vec::with_capacity(LOOKUP_BATCH),
            recent: vec![0; RECENT_IDS],
            id_len: hash_kind.len_in_bytes(),
        }
    }

    /// Sets the pack that the next objects come from.
    pub(super) fn enter_pack(&mut self, store: &ObjectStore, pack: Option<usize>) {
        if self.notes_outward && self.pack != pack {
            self.flush(store);
            // Ids that another pack named before must be recorded for this one, too.
            self.recent.fill(0);
            self.pack = pack;
        }
    }

    /// Looks up all objects that an object names. For a delta, looks up only those that its base does not name: `runs`
    /// are the runs of the delta, and empty for a whole object.
    pub(super) fn check(&mut self, store: &ObjectStore, kind: Kind, bytes: &[u8], runs: &[Run]) {
        match kind {
            Kind::Blob => {}
            Kind::Tree => self.check_tree(store, bytes, runs),
            Kind::Tag => tag_target(bytes).iter().for_each(|id| self.queue(store, id)),
            Kind::Commit => {
                let header = Header::new(bytes);
                header.tree().into_iter().chain(header.parents()).for_each(|id| self.queue(store, &id));
            }
        }
    }

    /// Looks up the objects that the entries of a tree name, except for entries in copied runs.
    fn check_tree(&mut self, store: &ObjectStore, bytes: &[u8], mut runs: &[Run]) {
        let (id_len, mut at) = (self.id_len, 0);
        // Entries in the last run are not new if that run is copied.
        let end_of_new = match runs.last() {
            Some(Run { source: RunSource::Base(_), at, .. }) => *at as usize,
            _ => bytes.len(),
        };
        // Each entry is a mode, a space, a name, a NUL and an id. Malformed content ends the loop.
        while at < end_of_new
            && let Some(name) = memchr::memchr(0, &bytes[at..])
            && let Some(id) = bytes.get(at + name + 1..at + name + 1 + id_len)
        {
            let (start, end) = (at, at + name + 1 + id_len);
            at = end;
            while let [run, rest @ ..] = runs
                && run.end() as usize <= start
            {
                runs = rest;
            }
            let is_copied = runs.first().is_some_and(|run| {
                matches!(run.source, RunSource::Base(_))
                    && run.at as usize <= start
                    && end <= run.end() as usize
            });
            if !is_copied
                && !bytes[start..].starts_with(SUBMODULE)
                && let Ok(id) = oid::try_from_bytes(id)
            {
                self.queue(store, id);
            }
        }
    }

    /// Queues an id to be looked up, unless it was queued recently.
    fn queue(&mut self, store: &ObjectStore, id: &oid) {
        // Sixteen bytes are enough to distinguish two ids.
        let leading = id.as_bytes().first_chunk().map_or(0, |first| u128::from_be_bytes(*first));
        let slot = &mut self.recent[(leading >> 64) as usize % RECENT_IDS];
        if *slot == leading {
            return;
        }
        *slot = leading;
        self.waiting.push(id.to_owned());
        if self.waiting.len() == LOOKUP_BATCH {
            self.flush(store);
        }
    }

    /// Looks up the waiting ids.
    pub(super) fn flush(&mut self, store: &ObjectStore) {
        let touched = store.packs.iter().flat_map(|pack| self.waiting.iter().map(|id| pack.prefetch(id)));
        std::hint::black_box(touched.fold(0, |all, byte| all ^ byte));
        for id in &self.waiting {
            if let Some(pack) = self.pack.filter(|_| self.notes_outward) {
                if store.packs.get(pack).is_some_and(|pack| pack.contains(id)) {
                    continue;
                }
                if !id.is_empty_tree() {
                    self.outward_ids.insert((pack as u32, *id));
                }
            }
            let is_there = store.packs.iter().any(|pack| pack.contains(id));
            if !is_there && !id.is_empty_tree() && store.copies(id).next().is_none() {
                self.missing.insert(*id);
            }
        }
        self.waiting.clear();
    }
}
