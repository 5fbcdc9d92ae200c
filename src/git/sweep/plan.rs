//! Runs the phases of a sweep: opens the packs, distributes the work, and searches objects that moved in the
//! meantime.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gix::{ObjectId, hash, oid};

use super::cached::{self, CacheUpdate, CachedSweep};
use super::collected::{Collected, ObjectKey};
use super::memory_budget::MemoryBudget;
use super::object_store::ObjectStore;
use super::outcome::{KindCount, SweepOutcome};
use super::recovery;
use super::work_queue::WorkQueue;
use super::worker::{SweepContext, SweepWorker};
use super::{Searcher, SweepOptions, duplicates};
use crate::cache::CacheDigest;
use crate::git::ObjectDatabase;
use crate::git::database::Listing;
use crate::git::pack::{DeltaTree, Entry, EntryFault, Pack, PackError};
use crate::model::Skip;
use crate::threads;

/// The delta tree of a pack, and which of its entries are duplicates.
pub(super) struct PackPlan {
    pub(super) tree: DeltaTree,
    /// For each entry, whether its object is also in an earlier pack; empty if none is. Such entries are not counted, but
    /// searched, because the copy may have other content.
    pub(super) duplicates: Vec<bool>,
    /// Whether the cache has facts about the pack, which it has only if all of its entries could be read.
    pub(super) is_known: bool,
    /// The number of objects that need not be searched according to the cache.
    known_objects: u64,
}

impl PackPlan {
    /// Whether an entry is the first copy of its object, which is the one that counts.
    #[inline]
    pub(super) fn is_first_copy(&self, entry: Entry) -> bool {
        !self.duplicates.get(entry as usize).copied().unwrap_or(false)
    }

    /// Whether other entries are deltas against this one.
    #[inline]
    pub(super) fn is_base(&self, entry: Entry) -> bool {
        !self.tree.children(entry).is_empty()
    }
}

/// Minimum number of objects for which another thread is started.
const MIN_OBJECTS_PER_THREAD: u64 = 32;

/// A pack, its number, and its plan.
#[derive(Clone, Copy)]
pub(super) struct PlannedPack<'a> {
    pub(super) number: usize,
    pub(super) pack: &'a Pack,
    pub(super) plan: &'a PackPlan,
}

/// A unit of work.
#[derive(Clone, Copy)]
pub(super) enum WorkItem {
    /// An entry that is not a delta: pack number and entry.
    Root(u32, Entry),
    /// A delta whose base is loose or in another pack: pack number, entry, and id of the base.
    ExternalDelta(u32, Entry, ObjectId),
    /// A loose object: its number in the listing, and whether this is the first copy of the object.
    Loose(u32, bool),
}

/// The state of a sweep between its phases.
pub(super) struct Sweep<'a, S: Searcher> {
    pub(super) searcher: &'a S,
    pub(super) options: &'a SweepOptions<'a>,
    pub(super) threads: usize,
    pub(super) hash_kind: hash::Kind,
    pub(super) store: ObjectStore,
    pub(super) plans: Vec<PackPlan>,
    pub(super) collected: Collected<S::Match>,
    pub(super) skipped: BTreeSet<Skip>,
    /// Loose objects that were searched, sorted.
    loose_swept: Vec<ObjectId>,
    /// Whether the facts about packs that a cache keeps are recorded.
    notes_facts: bool,
    /// The digest of each pack, if the cache knows it; empty without a cache.
    pub(super) pack_digests: Vec<Option<CacheDigest>>,
    /// Objects that are only read again after the sweep, with their sizes in bytes.
    pub(super) read_again: Vec<(ObjectId, u64)>,
    /// Whether to list and search the database a second time, because a listed file has disappeared, or a file may have been
    /// listed before it was complete.
    look_again: bool,
}

/// Adds objects that need not be searched to the progress.
fn report_known(options: &SweepOptions<'_>, known: KindCount) {
    if let Some(progress) = options.progress {
        progress.done.fetch_add(known.objects, Ordering::Relaxed);
        progress.bytes.fetch_add(known.bytes, Ordering::Relaxed);
    }
}

/// Searches every object of `database` once. There is no error: objects that could not be read are part of the
/// outcome.
pub fn sweep<S: Searcher>(
    database: &ObjectDatabase,
    searcher: &S,
    options: &SweepOptions<'_>,
) -> SweepOutcome<S::Match> {
    sweep_listing(database, database.list(), searcher, options)
}

/// Like [`sweep`], with an existing `listing`.
pub(super) fn sweep_listing<S: Searcher>(
    database: &ObjectDatabase,
    listing: Listing,
    searcher: &S,
    options: &SweepOptions<'_>,
) -> SweepOutcome<S::Match> {
    sweep_listing_cached(database, listing, searcher, options, None).0
}

/// Like [`sweep_listing`], but does not search objects that `cache` has facts about.
pub(super) fn sweep_listing_cached<S: Searcher>(
    database: &ObjectDatabase,
    listing: Listing,
    searcher: &S,
    options: &SweepOptions<'_>,
    mut cache: Option<CachedSweep<'_>>,
) -> (SweepOutcome<S::Match>, CacheUpdate) {
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        threads => threads,
    };
    let mut sweep = Sweep {
        searcher,
        options,
        threads,
        hash_kind: database.hash_kind(),
        store: ObjectStore::default(),
        plans: Vec::new(),
        collected: Collected::default(),
        skipped: BTreeSet::new(),
        loose_swept: Vec::new(),
        notes_facts: cache.is_some(),
        pack_digests: Vec::new(),
        read_again: Vec::new(),
        look_again: false,
    };
    sweep.round(database.hash_kind(), listing, false, &mut cache);
    if sweep.look_again && !sweep.is_cancelled() {
        // A repack moves listed objects to new packs, and a pack is created shortly before its index.
        sweep.round(database.hash_kind(), database.list(), true, &mut cache);
    }
    sweep.pack_digests = cache.iter().flat_map(CachedSweep::pack_digests).collect();
    sweep.read_again = cache.iter().flat_map(CachedSweep::all_read_again).collect();
    let update = cache.map(|cache| cached::collect(&sweep, &cache)).unwrap_or_default();
    (recovery::finish(sweep), update)
}

impl<S: Searcher> Sweep<'_, S> {
    pub(super) fn is_cancelled(&self) -> bool {
        self.options.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }

    /// Searches everything in `listing` that was not searched before.
    fn round(
        &mut self,
        hash_kind: hash::Kind,
        mut listing: Listing,
        is_second: bool,
        cache: &mut Option<CachedSweep<'_>>,
    ) {
        if is_second {
            self.skipped.extend(listing.skipped.drain(..));
        }
        self.look_again = !listing.skipped.is_empty();
        let known: BTreeSet<PathBuf> =
            self.store.packs.iter().map(|pack| pack.path().with_extension("idx")).collect();
        let first_new = self.store.packs.len();
        for path in listing.packs.difference(&known) {
            let opened = match cache {
                Some(_) => Pack::open_with_identity(path, hash_kind, self.threads),
                None => Pack::open(path, hash_kind),
            };
            match opened {
                Ok(pack) => self.store.packs.push(pack),
                Err(PackError::Vanished(_)) if !is_second => self.look_again = true,
                Err(error) => {
                    self.skipped.insert(Skip::new(
                        path.with_extension("pack").display().to_string(),
                        error.to_string(),
                    ));
                }
            }
        }
        // An object in several packs is counted in the first. The largest pack is first, so that no entry of it is a
        // duplicate.
        self.store.packs[first_new..].sort_by_key(|pack| Reverse(pack.num_objects()));
        self.store.listing = listing;
        self.plan_packs(first_new, cache);
        let (items, total) = self.items(first_new);
        self.run(&items, total);
        self.loose_swept.extend(items.iter().filter_map(|item| match item {
            WorkItem::Loose(number, _) => Some(self.store.listing.loose[*number as usize].0),
            _ => None,
        }));
        self.loose_swept.dedup();
        self.look_again |= self.collected.failures.iter().any(|failure| failure.vanished);
    }

    /// Reads the entry headers of the packs from number `first_new` on.
    fn plan_packs(&mut self, first_new: usize, cache: &mut Option<CachedSweep<'_>>) {
        if let Some(cache) = cache {
            cache.look_up(&mut self.store.packs, self.threads);
        }
        let mut failed: Vec<ObjectId> = Vec::new();
        failed.extend(self.collected.failures.iter().filter_map(|failure| match failure.key {
            ObjectKey::Id(id) => Some(id),
            ObjectKey::Packed(..) => None,
        }));
        let (loose, packs) = (&self.loose_swept, &self.store.packs);
        // Whether the object was searched as a loose one in the first round.
        let was_searched = |id: &oid| {
            loose.binary_search_by(|other| (**other).cmp(id)).is_ok()
                && !failed.iter().any(|other| **other == *id)
        };
        let mut duplicates = vec![Vec::new(); packs.len() - first_new];
        if packs.len() > 1 || !loose.is_empty() {
            let was_searched: Option<&(dyn Fn(&oid) -> bool + Sync)> =
                (!loose.is_empty()).then_some(&was_searched);
            duplicates = duplicates::find(packs, first_new, was_searched, self.threads);
        }
        for ((number, pack), duplicates) in packs.iter().enumerate().skip(first_new).zip(duplicates) {
            if let Some(reason) = pack.mismatch() {
                self.skipped.insert(Skip::new(pack.path().display().to_string(), reason));
            }
            let plan = match cache {
                Some(cache) => {
                    let is_elsewhere = |id: &oid| {
                        self.store.packs_with(id).any(|other| other != number) || self.store.is_loose(id)
                    };
                    let planned = cache.plan(number, (pack, &duplicates), &is_elsewhere, self.threads);
                    self.collected.missing.extend(cache.unpacked(number));
                    self.collected.counts.merge(&planned.known);
                    let (known, is_known) = (planned.known.total(), cache.has_facts(number));
                    report_known(self.options, known);
                    PackPlan { tree: planned.tree, duplicates, is_known, known_objects: known.objects }
                }
                None => {
                    let tree = DeltaTree::build(pack, self.threads);
                    PackPlan { tree, duplicates, is_known: false, known_objects: 0 }
                }
            };
            self.plans.push(plan);
        }
        for (number, plan) in self.plans.iter().enumerate().skip(first_new) {
            let planned = PlannedPack { number, pack: &self.store.packs[number], plan };
            for (entry, fault) in &plan.tree.faults {
                let reason = fault.to_string();
                match fault {
                    // The descendants of a circular entry are faults of their own.
                    EntryFault::Circular => {
                        self.collected.fail_entry(planned, *entry, reason.into(), true);
                    }
                    _ => self.collected.fail_with_descendants(planned, *entry, &reason),
                }
            }
        }
    }

    /// The work for the packs from number `first_new` on and for loose objects, and the number of objects to
    /// search.
    fn items(&self, first_new: usize) -> (Vec<WorkItem>, u64) {
        let mut items = Vec::new();
        let (mut total, mut known) = (0u64, 0u64);
        for (number, plan) in self.plans.iter().enumerate().skip(first_new) {
            let number = number as u32;
            total += plan.duplicates.iter().filter(|is_duplicate| !**is_duplicate).count() as u64;
            if plan.duplicates.is_empty() {
                total += u64::from(self.store.packs[number as usize].num_objects());
            }
            known += plan.known_objects;
            items.extend(plan.tree.roots.iter().map(|entry| WorkItem::Root(number, *entry)));
            let external = plan.tree.external_deltas.iter();
            items.extend(external.map(|(entry, base)| WorkItem::ExternalDelta(number, *entry, *base)));
        }
        let mut last = None;
        for (number, (id, _)) in self.store.listing.loose.iter().enumerate() {
            if self.loose_swept.binary_search(id).is_err() {
                let is_first =
                    last != Some(id) && !self.store.packs.iter().any(|pack| pack.find(id).is_some());
                items.push(WorkItem::Loose(number as u32, is_first));
                total += u64::from(is_first);
            }
            last = Some(id);
        }
        if let Some(progress) = self.options.progress {
            progress.total.fetch_add(total, Ordering::Relaxed);
        }
        (items, total.saturating_sub(known))
    }

    /// Searches `items` and all deltas below them, on all threads.
    fn run(&mut self, items: &[WorkItem], total: u64) {
        // Even a single item may be the root of a delta tree that is worth sharing.
        let threads =
            self.threads.min(usize::try_from(total / MIN_OBJECTS_PER_THREAD).unwrap_or(usize::MAX) + 1);
        let shared = SweepContext {
            searcher: self.searcher,
            options: self.options,
            notes_facts: self.notes_facts,
            store: &self.store,
            plans: &self.plans,
            items,
            hash_kind: self.hash_kind,
            queue: WorkQueue::new(threads, items.len()),
            budget: Arc::new(MemoryBudget::new(self.options.max_memory)),
        };
        let parts = threads::run_with_count(
            threads,
            |count| shared.queue.set_threads(count),
            || SweepWorker::new(&shared).run(),
        );
        for part in parts {
            self.collected.merge(part);
        }
    }
}
