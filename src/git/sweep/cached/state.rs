//! Looks up in the cache what need not be searched.

use std::collections::{HashMap, HashSet};

use gix::{ObjectId, oid};

use super::facts::{MemoryLimits, PackFacts, ReadAgain};
use super::families::{Family, families};
use super::first_copies::first_copies;
use super::index_order::is_in_order;
use super::repack_facts::{FamilyFact, RepackFacts};
use super::update::decode_list;
use crate::cache::{Cache, CacheDigest};
use crate::git::ObjectDatabase;
use crate::git::pack::{DeltaTree, Pack};
use crate::git::sweep::SweepOptions;
use crate::git::sweep::outcome::ObjectCounts;

/// The cache during a sweep.
pub(in crate::git::sweep) struct CachedSweep<'c> {
    pub(super) cache: &'c Cache,
    /// The name of the repository in the cache's notes, which `-v` prints.
    pub(super) repository: String,
    /// The subject of the entry that lists the packs of this database.
    pub(super) list_subject: CacheDigest,
    /// The packs for which the last sweep of this database stored facts.
    pub(super) previous: Vec<CacheDigest>,
    /// What is known about each pack, by pack number.
    pub(super) packs: Vec<PackState>,
    /// The facts about packs in `previous` that no longer exist, loaded when first needed.
    gone: Option<Vec<RepackFacts>>,
    /// The memory limits of this sweep. Facts of a sweep with higher ones are not used: it may have read objects that are too
    /// large for this one.
    pub(super) memory: MemoryLimits,
    id_len: usize,
    is_clean: IsClean<'c>,
}

/// Whether an object that would be [read again](crate::git::Searcher::is_read_again) after the sweep, such as a container, need
/// not be: an earlier audit read it, found nothing and skipped nothing. Called with the digest of its pack and the bytes of its
/// id.
pub(super) type IsClean<'a> = &'a dyn Fn(&CacheDigest, &[u8]) -> bool;

/// What is known about one pack of the sweep.
#[derive(Default)]
pub(super) struct PackState {
    /// The digest of the pack; `None` if it was not determined, or if its index is not in order.
    pub(super) digest: Option<CacheDigest>,
    /// The facts, if the pack was swept before.
    pub(super) facts: Option<PackFacts>,
    /// The families in the pack, determined when first needed.
    pub(super) families: Option<Vec<Family>>,
    /// Those families that were in a pack that no longer exists. They are not searched.
    pub(super) known_families: HashMap<CacheDigest, FamilyFact>,
    /// Objects that are only read again after the sweep, which does not search them, with their sizes in bytes.
    read_again: Vec<(ObjectId, u64)>,
}

impl PackState {
    /// The number of objects of those families of the pack that are in [`Self::known_families`].
    pub(super) fn known_objects(&self) -> u64 {
        let families = self.families.iter().flatten();
        families
            .filter_map(|family| self.known_families.get(&family.digest))
            .map(|known| known.count.objects)
            .sum()
    }
}

/// The part of a pack that is searched.
pub(in crate::git::sweep) struct CachedPlan {
    pub(in crate::git::sweep) tree: DeltaTree,
    /// The counts of the objects that are not searched.
    pub(in crate::git::sweep) known: ObjectCounts,
}

/// The subject of the cache entry about `what` in a database, which is identified by its directories.
pub fn cache_subject(database: &ObjectDatabase, what: &str) -> CacheDigest {
    let mut name = blake3::Hasher::new();
    name.update(what.as_bytes());
    for root in database.roots() {
        let real = root.canonicalize().unwrap_or_else(|_| root.clone());
        name.update(b"\0");
        name.update(real.as_os_str().as_encoded_bytes());
    }
    name.finalize().into()
}

impl<'c> CachedSweep<'c> {
    pub(super) fn new(
        (cache, is_clean): (&'c Cache, IsClean<'c>),
        database: &ObjectDatabase,
        options: &SweepOptions<'_>,
    ) -> Self {
        let list_subject = cache_subject(database, "packs");
        let previous = cache.load(&list_subject).and_then(|bytes| decode_list(&bytes)).unwrap_or_default();
        Self {
            cache,
            repository: database.name(),
            list_subject,
            previous,
            packs: Vec::new(),
            gone: None,
            memory: MemoryLimits::from_options(options),
            id_len: database.hash_kind().len_in_bytes(),
            is_clean,
        }
    }

    /// Looks up the packs that this sweep has not looked up yet. Those without facts get a copy of their index in memory.
    pub(in crate::git::sweep) fn look_up(&mut self, packs: &mut [Pack], threads: usize) {
        let first_new = self.packs.len();
        for pack in &packs[first_new..] {
            let digest = pack.identity().map(|identity| identity.digest);
            let facts = digest.and_then(|digest| self.load(&digest, pack.num_objects() as usize));
            let facts = facts.filter(|facts| self.memory.covers(&facts.memory));
            self.packs.push(PackState { digest, facts, ..PackState::default() });
        }
        let mut unknown: Vec<usize> =
            (first_new..packs.len()).filter(|&number| self.packs[number].facts.is_none()).collect();
        loop {
            for number in unknown {
                self.packs[number].facts = None;
                self.packs[number].digest = digest_of_unknown(&mut packs[number], threads);
            }
            // Facts also say that every object that the pack names exists, possibly in one of the packs that it relies on. One
            // of these may have changed meanwhile.
            let present: HashSet<CacheDigest> = self.packs.iter().filter_map(|pack| pack.digest).collect();
            let relies_on_absent =
                |facts: &PackFacts| facts.relies_on.iter().any(|digest| !present.contains(digest));
            unknown = (first_new..packs.len())
                .filter(|&number| self.packs[number].facts.as_ref().is_some_and(relies_on_absent))
                .collect();
            if unknown.is_empty() {
                return;
            }
        }
    }

    /// The facts about the pack with this digest. Facts that name an entry from `max_entries` on are malformed; the number is not
    /// known for a pack that no longer exists.
    fn load(&self, digest: &CacheDigest, max_entries: usize) -> Option<PackFacts> {
        let bytes = self.cache.load(digest)?;
        let facts = PackFacts::decode(&bytes, max_entries, self.id_len);
        if facts.is_none() {
            self.cache.note(format!("cache: {}: an entry is malformed; ignored", self.repository));
        }
        facts
    }

    /// The facts about a pack with this digest that no longer exists.
    fn load_gone(&self, digest: &CacheDigest) -> Option<RepackFacts> {
        let facts = self.load(digest, usize::MAX)?;
        let after_repack = RepackFacts::decode(&self.cache.load(&RepackFacts::subject(digest))?)?;
        let is_covered = self.memory.covers(&facts.memory) && self.memory.covers(&after_repack.memory);
        (is_covered && !after_repack.families.is_empty()).then_some(after_repack)
    }

    /// Determines which part of a pack that was looked up is searched. `duplicates` says for each entry whether its object
    /// is also in an earlier pack, which counts it; it is empty if none is. `is_elsewhere` says whether another copy of an object
    /// exists.
    pub(in crate::git::sweep) fn plan(
        &mut self,
        number: usize,
        (pack, duplicates): (&Pack, &[bool]),
        is_elsewhere: &dyn Fn(&oid) -> bool,
        threads: usize,
    ) -> CachedPlan {
        // Facts that contradict the pack are dropped, so that it is searched like a pack without facts.
        if let Some(facts) = self.packs[number].facts.take()
            && let Some(planned) = self.plan_known(number, (pack, duplicates), &facts, is_elsewhere)
        {
            self.packs[number].facts = Some(facts);
            return planned;
        }
        let mut plan = CachedPlan { tree: DeltaTree::build(pack, threads), known: ObjectCounts::default() };
        // Duplicates are not counted, and the facts about a family do not say which of its objects are duplicates.
        if self.packs[number].digest.is_some() && duplicates.is_empty() && self.has_gone() {
            self.leave_out(number, pack, &mut plan, threads);
        }
        plan
    }

    /// Determines which part of a pack with facts is searched; `None` if the facts contradict the pack.
    fn plan_known(
        &mut self,
        number: usize,
        (pack, duplicates): (&Pack, &[bool]),
        facts: &PackFacts,
        is_elsewhere: &dyn Fn(&oid) -> bool,
    ) -> Option<CachedPlan> {
        if let Some((read_again, objects)) =
            self.only_read_again(number, (pack, duplicates), facts, is_elsewhere)
        {
            let mut known = facts.object_counts;
            known.merge(&read_again.object_counts);
            self.packs[number].read_again = objects;
            return Some(CachedPlan { tree: DeltaTree::for_entries(pack, &[]), known });
        }
        // There may be fewer entries than objects in the index, with which `load` compared. Determining their number takes time,
        // and is necessary only if some of them are searched.
        if facts.matched.last().is_some_and(|&last| last as usize >= pack.len()) {
            return None;
        }
        let known = first_copies(pack, facts, duplicates)?;
        Some(CachedPlan { tree: DeltaTree::for_entries(pack, &facts.matched), known })
    }

    /// If all objects of a known pack with matches are only read again, and most of them need not even be: the facts about them,
    /// which count them and their delta bases, and their ids and sizes in bytes. If most of them are read again, the sweep
    /// searches them, too: it records the digests of their content, by which the next audit recognizes them.
    fn only_read_again<'f>(
        &self,
        number: usize,
        (pack, duplicates): (&Pack, &[bool]),
        facts: &'f PackFacts,
        is_elsewhere: &dyn Fn(&oid) -> bool,
    ) -> Option<(&'f ReadAgain, Vec<(ObjectId, u64)>)> {
        let digest = self.packs[number].digest?;
        let read_again = facts.read_again.as_ref().filter(|_| duplicates.is_empty())?;
        let mut clean = 0;
        let objects = read_again.objects.iter().map(|&(position, size)| {
            let id = (position < pack.num_objects()).then(|| pack.id_at(position))?;
            clean += usize::from((self.is_clean)(&digest, id.as_bytes()));
            // If there are several copies, it is not known which one would be read.
            (!is_elsewhere(id)).then(|| (id.to_owned(), size))
        });
        let objects: Vec<_> = objects.collect::<Option<_>>()?;
        (clean >= objects.len().div_ceil(2)).then_some((read_again, objects))
    }

    /// All objects that are only read again after the sweep, with their sizes in bytes.
    pub(in crate::git::sweep) fn all_read_again(&self) -> impl Iterator<Item = (ObjectId, u64)> {
        self.packs.iter().flat_map(|pack| &pack.read_again).copied()
    }

    /// The digest of each pack, if it is known.
    pub(in crate::git::sweep) fn pack_digests(&self) -> impl Iterator<Item = Option<CacheDigest>> {
        self.packs.iter().map(|pack| pack.digest)
    }

    /// Whether the pack was swept before, so that its plan depends on the facts about it.
    pub(in crate::git::sweep) fn has_facts(&self, number: usize) -> bool {
        self.packs[number].facts.is_some()
    }

    /// Objects that a known pack names, and that are in no pack.
    pub(in crate::git::sweep) fn unpacked(&self, number: usize) -> impl Iterator<Item = ObjectId> {
        self.packs[number].facts.iter().flat_map(|facts| &facts.outside).copied()
    }

    /// Omits families that were in a pack that no longer exists from the plan. The objects that a tree names must
    /// still exist, so trees are omitted only if that pack had all objects that it named, and this one has every object of
    /// that one.
    fn leave_out(&mut self, number: usize, pack: &Pack, plan: &mut CachedPlan, threads: usize) {
        let found = families(pack, &plan.tree, threads);
        let (gone, state) = (self.gone.as_deref().unwrap_or_default(), &mut self.packs[number]);
        let mut known: HashMap<&CacheDigest, &FamilyFact> = HashMap::new();
        for after_repack in gone {
            let is_whole = after_repack.ids.as_ref().is_some_and(|ids| ids.is_within(pack));
            let families = after_repack.families.iter().filter(|family| is_whole || !family.is_trees);
            known.extend(families.map(|family| (&family.digest, family)));
        }
        let mut omitted = HashSet::new();
        for family in &found {
            if let Some(known) = known.get(&family.digest) {
                omitted.insert(family.root);
                plan.known.add_count(known.kind(), known.count);
                state.known_families.insert(family.digest, **known);
            }
        }
        plan.tree.roots.retain(|root| !omitted.contains(root));
        state.families = Some(found);
    }

    /// Whether there are facts about packs that no longer exist. Loads them when first called.
    fn has_gone(&mut self) -> bool {
        let present: HashSet<CacheDigest> = self.packs.iter().filter_map(|pack| pack.digest).collect();
        if self.gone.is_none() {
            let gone = self.previous.iter().filter(|digest| !present.contains(*digest));
            self.gone = Some(gone.filter_map(|digest| self.load_gone(digest)).collect());
        }
        self.gone.as_ref().is_some_and(|gone| !gone.is_empty())
    }
}

/// The digest of a pack without facts, whose index is copied into memory; `None` if the index has changed or is not in order.
/// The index of a pack with facts has the same bytes as when they were recorded, so it was checked then.
fn digest_of_unknown(pack: &mut Pack, threads: usize) -> Option<CacheDigest> {
    pack.copy_index(threads);
    let digest = pack.identity()?.digest;
    is_in_order(pack, threads).then_some(digest)
}
