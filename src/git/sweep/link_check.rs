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

/// What nearly all other entries begin with: the modes that git writes, with the space after them.
const USUAL_MODES: [u64; 3] = [leading(b"100644 "), leading(b"100755 "), leading(b"120000 ")];

/// The mode of a subtree, with the space after it.
const SUBTREE: u64 = leading(b"40000 ");

/// The longest mode that attribution reads, in digits.
const MAX_MODE_DIGITS: usize = 7;

/// Why not all objects that another names may have been looked up: its content ends, or is not as git writes it.
pub(super) const MALFORMED: &str = "malformed; run `git fsck` for details";

/// Why the objects that another names were not looked up: it was searched in windows.
pub(super) const TOO_LARGE: &str =
    "too large to check whether the objects that it names exist; everything else in it was scanned";

/// A delta whose result is checked.
#[derive(Clone, Copy)]
pub(super) struct CheckedDelta<'a> {
    pub(super) runs: &'a [Run],
    /// Length of the base in bytes.
    pub(super) base_len: usize,
    /// What checking the base showed.
    pub(super) base: LinkFacts,
}

/// What checking the objects that an object names showed about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkFacts {
    /// Whether it is malformed, so that it may name objects that were not looked up.
    pub(super) is_malformed: bool,
    /// Whether it is a tree that names commits of other repositories, which are not looked up.
    has_submodules: bool,
}

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

    /// Looks up all objects that an object names. For the result of a `delta`, looks up only those that its base does not
    /// name.
    pub(super) fn check(
        &mut self,
        store: &ObjectStore,
        kind: Kind,
        bytes: &[u8],
        delta: Option<CheckedDelta<'_>>,
    ) -> LinkFacts {
        match kind {
            Kind::Blob => LinkFacts::default(),
            Kind::Tree => self.check_tree(store, bytes, delta),
            Kind::Tag => {
                let target = tag_target(bytes);
                target.iter().for_each(|id| self.queue(store, id));
                LinkFacts { is_malformed: target.is_none(), ..LinkFacts::default() }
            }
            Kind::Commit => {
                let header = Header::new(bytes);
                header.tree().into_iter().chain(header.parents()).for_each(|id| self.queue(store, &id));
                LinkFacts { is_malformed: header.is_malformed(), ..LinkFacts::default() }
            }
        }
    }

    /// Looks up the objects that the entries of a tree name, except for entries that are copied from the base.
    ///
    /// The bytes of an entry may also be copied from within another entry of the base. If they begin with a usual mode, they
    /// can begin only in a name there, not in an id, which is a digest. Both entries then name the same object, which was
    /// looked up for the base, unless it was that of a submodule. What follows them are entries of the base, too.
    fn check_tree(
        &mut self,
        store: &ObjectStore,
        bytes: &[u8],
        delta: Option<CheckedDelta<'_>>,
    ) -> LinkFacts {
        let delta = delta.filter(|delta| !delta.base.is_malformed);
        let mut facts = delta.map_or(LinkFacts::default(), |delta| delta.base);
        let may_copy_submodule = facts.has_submodules;
        let mut runs = delta.map_or(&[][..], |delta| delta.runs);
        let mut end_of_new = delta.map_or(bytes.len(), |delta| delta.end_of_new(bytes.len()));
        // The offset of the run from which an entry was copied.
        let (mut at, mut copied_from) = (0, None);
        loop {
            while at < end_of_new {
                // Each entry is a mode, a space, a name, a NUL and an id.
                let Some(end) = self.entry_end(bytes, at) else {
                    return LinkFacts { is_malformed: true, ..facts };
                };
                while let [run, rest @ ..] = runs
                    && run.end() as usize <= at
                {
                    runs = rest;
                }
                let is_usual = has_usual_mode(&bytes[at..end]);
                let mut is_copied = is_usual && runs.first().is_some_and(|run| run.copies(at, end));
                if is_copied && may_copy_submodule {
                    let run = runs.first().map(|run| run.at);
                    is_copied = copied_from == run;
                    copied_from = run;
                }
                if !is_copied {
                    let is_submodule = bytes[at..end].starts_with(SUBMODULE);
                    facts.has_submodules |= is_submodule;
                    facts.is_malformed |= !is_usual && !has_mode(&bytes[at..end]);
                    if !is_submodule {
                        self.queue_entry(store, &bytes[..end]);
                    }
                }
                at = end;
            }
            if at == bytes.len() {
                return facts;
            }
            match self.entry_end(bytes, at).filter(|end| has_usual_mode(&bytes[at..*end])) {
                Some(end) => {
                    if may_copy_submodule {
                        self.queue_entry(store, &bytes[..end]);
                    }
                    return facts;
                }
                None => end_of_new = bytes.len(),
            }
        }
    }

    /// Queues the id at the end of a tree entry.
    fn queue_entry(&mut self, store: &ObjectStore, entry: &[u8]) {
        if let Ok(id) = oid::try_from_bytes(&entry[entry.len() - self.id_len..]) {
            self.queue(store, id);
        }
    }

    /// The offset after the tree entry at the offset `at`; `None` if there is no complete one.
    fn entry_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = at + memchr::memchr(0, bytes.get(at..)?)? + 1 + self.id_len;
        (end <= bytes.len()).then_some(end)
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

impl CheckedDelta<'_> {
    /// The offset in the result, which is `len` bytes long, from which on everything is copied from the end of the base.
    fn end_of_new(&self, len: usize) -> usize {
        match self.runs.last() {
            Some(Run { source: RunSource::Base(from), at, len })
                if (*from + *len) as usize == self.base_len =>
            {
                *at as usize
            }
            _ => len,
        }
    }
}

/// A few bytes as a number.
const fn leading(bytes: &[u8]) -> u64 {
    let (mut number, mut at) = (0, 0);
    while at < bytes.len() {
        number = number << 8 | bytes[at] as u64;
        at += 1;
    }
    number
}

/// Whether a tree entry begins with one of the modes that git writes, other than that of a submodule.
#[inline]
fn has_usual_mode(entry: &[u8]) -> bool {
    entry.first_chunk::<8>().is_some_and(|first| {
        let first = u64::from_be_bytes(*first);
        first >> 16 == SUBTREE || USUAL_MODES.contains(&(first >> 8))
    })
}

/// Whether a tree entry begins with a mode.
fn has_mode(entry: &[u8]) -> bool {
    let digits = entry.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    (1..=MAX_MODE_DIGITS).contains(&digits) && entry[digits..].starts_with(b" ")
}
