//! What trees, commits and tags name and no pack or file has: objects that nobody can have looked at.

use std::collections::HashSet;

use gix::ObjectId;
use gix::hash::{self, oid};
use gix::object::Kind;

use super::object_store::ObjectStore;
use crate::git::commit::Header;
use crate::git::lookup::tag_target;
use crate::git::pack::delta::{Run, RunSource};

/// Ids that are remembered: neighbouring trees have nearly all their entries in common.
const RECENT_IDS: usize = 1 << 11;

/// Ids that are looked for at a time.
const LOOKUP_BATCH: usize = 1 << 8;

/// How a tree says that an entry is a commit of another repository.
const SUBMODULE: &[u8] = b"160000 ";

/// Follows what objects name, one step far.
pub(super) struct LinkChecker {
    /// Named, and not found.
    pub(super) missing: HashSet<ObjectId>,
    /// Named, and not yet looked for.
    waiting: Vec<ObjectId>,
    known: Vec<u128>,
    /// Bytes of an id.
    length: usize,
}

impl LinkChecker {
    pub(super) fn new(ids: hash::Kind) -> Self {
        Self {
            missing: HashSet::new(),
            waiting: Vec::with_capacity(LOOKUP_BATCH),
            known: vec![0; RECENT_IDS],
            length: ids.len_in_bytes(),
        }
    }

    /// Looks for all that an object names. Of a delta only for what its base does not name: `runs` tell what it
    /// copies; a whole object has none.
    pub(super) fn check(&mut self, store: &ObjectStore, kind: Kind, bytes: &[u8], runs: &[Run]) {
        match kind {
            Kind::Blob => {}
            Kind::Tree => self.tree(store, bytes, runs),
            Kind::Tag => tag_target(bytes).iter().for_each(|id| self.take(store, id)),
            Kind::Commit => {
                let header = Header::new(bytes);
                header.tree().into_iter().chain(header.parents()).for_each(|id| self.take(store, &id));
            }
        }
    }

    fn tree(&mut self, store: &ObjectStore, bytes: &[u8], mut runs: &[Run]) {
        let (length, mut at) = (self.length, 0);
        // What is all in the last run, and copied, is none of its business.
        let end_of_new = match runs.last() {
            Some(Run { source: RunSource::Base(_), at, .. }) => *at as usize,
            _ => bytes.len(),
        };
        // A mode, a blank, a name, a zero, an id. What is no such thing says nothing more.
        while at < end_of_new
            && let Some(name) = memchr::memchr(0, &bytes[at..])
            && let Some(id) = bytes.get(at + name + 1..at + name + 1 + length)
        {
            let (start, end) = (at, at + name + 1 + length);
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
                self.take(store, id);
            }
        }
    }

    fn take(&mut self, store: &ObjectStore, id: &oid) {
        // So many bytes tell any two ids apart.
        let leading = id.as_bytes().first_chunk().map_or(0, |first| u128::from_be_bytes(*first));
        let slot = &mut self.known[(leading >> 64) as usize % RECENT_IDS];
        if *slot == leading {
            return;
        }
        *slot = leading;
        self.waiting.push(id.to_owned());
        if self.waiting.len() == LOOKUP_BATCH {
            self.flush(store);
        }
    }

    /// Looks for what waits.
    pub(super) fn flush(&mut self, store: &ObjectStore) {
        let touched = store.packs.iter().flat_map(|pack| self.waiting.iter().map(|id| pack.prefetch(id)));
        std::hint::black_box(touched.fold(0, |all, byte| all ^ byte));
        for id in &self.waiting {
            let is_there = store.packs.iter().any(|pack| pack.contains(id));
            if !is_there && !id.is_empty_tree() && store.copies(id).next().is_none() {
                self.missing.insert(*id);
            }
        }
        self.waiting.clear();
    }
}
