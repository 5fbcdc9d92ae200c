//! What trees, commits and tags name and no pack or file has: objects that nobody can have looked at.

use std::collections::HashSet;

use gix::ObjectId;
use gix::hash::{self, oid};
use gix::object::Kind;

use super::store::Store;
use crate::git::commit::Header;
use crate::git::lookup::tag_target;
use crate::git::pack::delta::{Run, Source};

/// Ids that are remembered: neighbouring trees have nearly all their entries in common.
const KNOWN: usize = 1 << 12;

/// Ids that are looked for at a time.
const BATCH: usize = 1 << 16;

/// How a tree says that an entry is a commit of another repository.
const SUBMODULE: &[u8] = b"160000 ";

/// Follows what objects name, one step far.
pub(super) struct Links {
    /// Named, and not found.
    pub(super) missing: HashSet<ObjectId>,
    /// Named, and not yet looked for.
    waiting: Vec<ObjectId>,
    /// Bytes of an id.
    length: usize,
    known: Vec<Option<ObjectId>>,
}

impl Links {
    pub(super) fn new(ids: hash::Kind) -> Self {
        Self {
            missing: HashSet::new(),
            waiting: Vec::new(),
            length: ids.len_in_bytes(),
            known: vec![None; KNOWN],
        }
    }

    /// Looks for all that an object names. Of a delta only for what its base does not name: `runs` tell what it
    /// copies; a whole object has none.
    pub(super) fn follow(&mut self, store: &Store, kind: Kind, bytes: &[u8], runs: &[Run]) {
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

    fn tree(&mut self, store: &Store, bytes: &[u8], mut runs: &[Run]) {
        let (length, mut at) = (self.length, 0);
        // What is all in the last run, and copied, is none of its business.
        let end_of_new = match runs.last() {
            Some(Run { source: Source::Base(_), at, .. }) => *at as usize,
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
                matches!(run.source, Source::Base(_)) && run.at as usize <= start && end <= run.end() as usize
            });
            if !is_copied
                && !bytes[start..].starts_with(SUBMODULE)
                && let Ok(id) = oid::try_from_bytes(id)
            {
                self.take(store, id);
            }
        }
    }

    fn take(&mut self, store: &Store, id: &oid) {
        let leading = id.as_bytes();
        let slot = &mut self.known[(usize::from(leading[0]) << 8 | usize::from(leading[1])) % KNOWN];
        if slot.as_ref().is_some_and(|known| **known == *id) {
            return;
        }
        *slot = Some(id.to_owned());
        self.waiting.push(id.to_owned());
        if self.waiting.len() >= BATCH {
            self.settle(store);
        }
    }

    /// Looks for what waits, in order: in any other each would be somewhere else in the indexes.
    pub(super) fn settle(&mut self, store: &Store) {
        // Few have the first eight bytes in common, and these may stand in any order.
        self.waiting
            .sort_unstable_by_key(|id| id.as_bytes().first_chunk().map(|first| u64::from_be_bytes(*first)));
        self.waiting.dedup();
        let lacks = |id: &ObjectId| store.copies(id).next().is_none() && !id.is_empty_tree();
        self.missing.extend(self.waiting.drain(..).filter(lacks));
    }
}
