//! What a sweep knows from the cache, and what it adds to it.

use std::collections::{BTreeSet, HashMap, HashSet};

use gix::ObjectId;
use gix::object::Kind;

use super::digest::pack_digest;
use super::facts::PackFacts;
use super::families::{Family, families};
use super::first_copies::first_copies;
use crate::cache::{Cache, CacheDigest, CacheReader, put_number};
use crate::git::Database;
use crate::git::pack::{DeltaTree, Pack};
use crate::git::sweep::SweepOptions;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};

/// The cache during a sweep.
pub(in crate::git::sweep) struct CachedSweep<'c> {
    pub(super) cache: &'c Cache,
    /// The subject of the entry that lists the packs of this database.
    list: CacheDigest,
    /// The packs that the last sweep of this database left facts about.
    previous: Vec<CacheDigest>,
    /// By pack number.
    pub(super) packs: Vec<PackState>,
    /// The families of packs that are gone, once they were needed.
    gone: Option<HashMap<CacheDigest, KindCount>>,
    pub(super) max_memory: u64,
    pub(super) max_assembled: u64,
    id_len: usize,
}

/// What is known about one pack of the sweep.
#[derive(Default)]
pub(super) struct PackState {
    /// `None` if its index is not as git writes it.
    pub(super) digest: Option<CacheDigest>,
    /// The facts, if it was swept before.
    pub(super) facts: Option<PackFacts>,
    /// The blob families in it, if they were needed.
    pub(super) families: Option<Vec<Family>>,
    /// Families that were in a pack that is gone, and so are not searched, with the number of their objects.
    pub(super) known_families: HashMap<CacheDigest, KindCount>,
}

impl PackState {
    /// How many blobs are not searched because of the families that they belong to.
    fn known_blobs(&self) -> u64 {
        let families = self.families.iter().flatten();
        families.filter_map(|family| self.known_families.get(&family.digest)).map(|count| count.objects).sum()
    }
}

/// What of a pack is searched.
pub(in crate::git::sweep) struct CachedPlan {
    pub(in crate::git::sweep) tree: DeltaTree,
    /// The objects that are not searched.
    pub(in crate::git::sweep) known: ObjectCounts,
}

impl<'c> CachedSweep<'c> {
    pub(super) fn new(cache: &'c Cache, database: &Database, options: &SweepOptions<'_>) -> Self {
        let mut name = blake3::Hasher::new();
        name.update(b"packs of ");
        for root in database.roots() {
            let real = root.canonicalize().unwrap_or_else(|_| root.clone());
            name.update(real.as_os_str().as_encoded_bytes());
            name.update(b"\0");
        }
        let list = name.finalize().into();
        let previous = cache.load(&list).and_then(|bytes| decode_list(&bytes)).unwrap_or_default();
        Self {
            cache,
            list,
            previous,
            packs: Vec::new(),
            gone: None,
            max_memory: options.max_memory,
            max_assembled: options.max_assembled,
            id_len: database.ids().len_in_bytes(),
        }
    }

    /// Looks up the packs that are new to this sweep.
    pub(in crate::git::sweep) fn look_up(&mut self, packs: &[Pack], threads: usize) {
        let first_new = self.packs.len();
        let digests = packs[first_new..].iter().map(|pack| pack_digest(pack, threads));
        self.packs.extend(digests.map(|digest| PackState { digest, ..PackState::default() }));
        let present: HashSet<CacheDigest> = self.packs.iter().filter_map(|pack| pack.digest).collect();
        for (number, pack) in packs.iter().enumerate().skip(first_new) {
            let facts = self.packs[number].digest.and_then(|digest| self.load(&digest, pack.len()));
            let facts = facts.filter(|facts| {
                self.had_no_more_memory(facts)
                    && facts.relies_on.iter().all(|digest| present.contains(digest))
            });
            self.packs[number].facts = facts;
        }
    }

    /// The facts about the pack of that digest.
    fn load(&self, digest: &CacheDigest, entries: usize) -> Option<PackFacts> {
        let bytes = self.cache.load(digest)?;
        let facts = PackFacts::decode(&bytes, entries, self.id_len);
        if facts.is_none() {
            self.cache.note("cache: an entry makes no sense; ignored".to_owned());
        }
        facts
    }

    fn had_no_more_memory(&self, facts: &PackFacts) -> bool {
        facts.max_memory <= self.max_memory && facts.max_assembled <= self.max_assembled
    }

    /// Decides what of a pack that was looked up is searched.
    pub(in crate::git::sweep) fn plan(
        &mut self,
        number: usize,
        pack: &Pack,
        duplicates: &[bool],
        threads: usize,
    ) -> CachedPlan {
        // Without a count, nothing is known.
        let facts = self.packs[number].facts.take();
        if let Some((known, facts)) =
            facts.and_then(|facts| Some((first_copies(pack, &facts, duplicates)?, facts)))
        {
            let tree = DeltaTree::of_entries(pack, &facts.matched);
            self.packs[number].facts = Some(facts);
            return CachedPlan { tree, known };
        }
        let mut plan = CachedPlan { tree: DeltaTree::build(pack, threads), known: ObjectCounts::default() };
        // Of which blobs a family counts only some is not known.
        if self.packs[number].digest.is_some() && duplicates.is_empty() && self.has_gone() {
            self.leave_out(number, pack, &mut plan, threads);
        }
        plan
    }

    /// The objects that a known pack names and that were in no pack.
    pub(in crate::git::sweep) fn outside(&self, number: usize) -> impl Iterator<Item = ObjectId> {
        self.packs[number].facts.iter().flat_map(|facts| facts.outside.iter().copied())
    }

    /// Leaves out the families that were in a pack that is gone.
    fn leave_out(&mut self, number: usize, pack: &Pack, plan: &mut CachedPlan, threads: usize) {
        let found = families(pack, &plan.tree, threads);
        let (gone, state) = (&self.gone, &mut self.packs[number]);
        let mut left_out = HashSet::new();
        for family in &found {
            if let Some(count) = gone.as_ref().and_then(|gone| gone.get(&family.digest)) {
                left_out.insert(family.root);
                plan.known.add_count(Kind::Blob, *count);
                state.known_families.insert(family.digest, *count);
            }
        }
        plan.tree.roots.retain(|root| !left_out.contains(root));
        state.families = Some(found);
    }

    /// Whether there are families of packs that are gone. Loads them when first called.
    fn has_gone(&mut self) -> bool {
        let present: HashSet<CacheDigest> = self.packs.iter().filter_map(|pack| pack.digest).collect();
        if self.gone.is_none() {
            let gone = self.previous.iter().filter(|digest| !present.contains(*digest));
            let facts = gone.filter_map(|digest| self.load(digest, usize::MAX));
            let facts = facts.filter(|facts| self.had_no_more_memory(facts));
            self.gone = Some(facts.flat_map(|facts| facts.families).collect());
        }
        self.gone.as_ref().is_some_and(|gone| !gone.is_empty())
    }
}

fn decode_list(bytes: &[u8]) -> Option<Vec<CacheDigest>> {
    let mut reader = CacheReader::new(bytes);
    let list =
        (0..reader.count(size_of::<CacheDigest>())?).map(|_| reader.array()).collect::<Option<Vec<_>>>()?;
    reader.is_at_end().then_some(list)
}

/// What a sweep adds to the cache.
#[derive(Debug, Default)]
pub struct CacheUpdate {
    list: CacheDigest,
    previous: Vec<CacheDigest>,
    /// Packs with facts that the cache has already.
    known: Vec<CacheDigest>,
    /// New entries about packs.
    fresh: Vec<(CacheDigest, Vec<u8>)>,
    /// How many packs there are.
    packs: usize,
    /// How many blobs of other packs were not searched.
    known_blobs: u64,
}

impl CacheUpdate {
    pub(super) fn new(state: &CachedSweep<'_>, fresh: Vec<(CacheDigest, Vec<u8>)>) -> Self {
        let known = state.packs.iter().filter(|pack| pack.facts.is_some());
        Self {
            list: state.list,
            previous: state.previous.clone(),
            known: known.filter_map(|pack| pack.digest).collect(),
            fresh,
            packs: state.packs.len(),
            known_blobs: state.packs.iter().map(PackState::known_blobs).sum(),
        }
    }

    /// Writes the update to the cache, and removes what was there about packs that are gone.
    pub fn keep(self, cache: &Cache) {
        let all = self.known.iter().chain(self.fresh.iter().map(|(digest, _)| digest));
        let all: BTreeSet<CacheDigest> = all.copied().collect();
        self.fresh.iter().for_each(|(digest, facts)| cache.store(digest, facts));
        let kept: Vec<CacheDigest> = all.iter().copied().collect();
        if kept != self.previous {
            let mut bytes = Vec::new();
            put_number(&mut bytes, kept.len() as u64);
            kept.iter().for_each(|digest| bytes.extend_from_slice(digest));
            cache.store(&self.list, &bytes);
            self.previous.iter().filter(|digest| !all.contains(*digest)).for_each(|gone| cache.remove(gone));
        }
        let (known, packs) = (self.known.len(), self.packs);
        let blobs = match self.known_blobs {
            0 => String::new(),
            blobs => format!(", and {blobs} blobs that were in other packs"),
        };
        cache.note(format!("cache: {known} of {packs} packs were searched by an earlier audit{blobs}"));
    }
}
