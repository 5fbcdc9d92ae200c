//! Collects the facts about packs that a sweep searched completely.

use std::collections::{BTreeSet, HashSet};

use gix::ObjectId;
use gix::object::Kind;

use super::facts::{PackFacts, ReadAgain, room};
use super::families::families;
use super::id_set::IdSet;
use super::identified_objects::{IdentifiedObjects, IdentifiedPack};
use super::repack_facts::{FamilyFact, RepackFacts};
use super::state::{CachedSweep, PackState};
use super::update::{CacheUpdate, FreshPack};
use crate::cache::CacheDigest;
use crate::git::pack::{DeltaTree, Entry, Pack};
use crate::git::sweep::Searcher;
use crate::git::sweep::collected::ObjectKey;
use crate::git::sweep::outcome::{KindCount, ObjectCounts};
use crate::git::sweep::plan::Sweep;

/// What a sweep recorded about one pack.
#[derive(Default)]
struct PackNotes {
    /// Kind and size of each entry that was searched.
    searched: Vec<Option<(Kind, u64)>>,
    /// The number of these entries.
    count: u64,
    /// Entries with matches.
    matched: BTreeSet<Entry>,
    /// Whether any match says more than that an object is read again.
    has_findings: bool,
    /// Objects that the pack names and does not contain.
    outward_ids: BTreeSet<ObjectId>,
}

/// Determines the facts about all packs from everything that a sweep collected.
pub(in crate::git::sweep) fn collect<S: Searcher>(
    sweep: &Sweep<'_, S>,
    state: &CachedSweep<'_>,
) -> CacheUpdate {
    if sweep.is_cancelled() {
        return CacheUpdate::default();
    }
    let mut update = CacheUpdate::new(state);
    update.identified_objects = IdentifiedObjects::from_sweep(sweep, state);
    update.identified_packs = IdentifiedPack::all(sweep, state);
    if state.packs.iter().all(|pack| pack.facts.is_some()) {
        return update;
    }
    let flawed = flawed_packs(sweep);
    for (number, notes) in pack_notes(sweep, state.packs.len()).iter().enumerate() {
        let pack = &sweep.store.packs[number];
        let fresh = match &state.packs[number] {
            PackState { facts: Some(_), .. } => continue,
            PackState { digest: Some(digest), .. } => fresh(sweep, state, (number, *digest), &flawed, notes),
            PackState { digest: None, .. } if pack.identity().is_none() => Err(CHANGED),
            PackState { digest: None, .. } => Err("its index does not list every object once and in order"),
        };
        match fresh {
            Ok(entry) => update.fresh.push(entry),
            Err(reason) => update.not_kept.push((pack.path().to_owned(), reason)),
        }
    }
    update
}

/// Why nothing is kept about a pack whose bytes may have changed.
const CHANGED: &str = "its files changed meanwhile, or it is not certain which files were read";

/// The new entries about one pack.
///
/// # Errors
/// The reason why nothing is kept about it.
fn fresh<S: Searcher>(
    sweep: &Sweep<'_, S>,
    state: &CachedSweep<'_>,
    (number, digest): (usize, CacheDigest),
    flawed: &HashSet<usize>,
    notes: &PackNotes,
) -> Result<FreshPack, &'static str> {
    let pack = &sweep.store.packs[number];
    if !is_unchanged(pack) {
        return Err(CHANGED);
    }
    let facts = facts(sweep, state, number, notes).filter(|_| !flawed.contains(&number));
    let (facts, after_repack) =
        facts.ok_or("not all of it could be searched, it has unlisted bytes, or it needs other packs")?;
    let room = room(pack.all_bytes().len() as u64);
    let facts = facts.encode();
    let left = room.checked_sub(facts.len()).ok_or("too much would have to be kept")?;
    Ok(FreshPack { digest, facts, after_repack: after_repack.encode(left) })
}

impl PackNotes {
    /// Kind and size of an entry, if it was searched.
    fn searched(&self, entry: Entry) -> Option<(Kind, u64)> {
        self.searched.get(entry as usize).copied().flatten()
    }

    /// The entries that were searched, with kind and size.
    fn all_searched(&self) -> impl Iterator<Item = (Entry, Kind, u64)> {
        let entries = (0..).zip(&self.searched);
        entries.filter_map(|(entry, searched)| searched.map(|(kind, size)| (entry, kind, size)))
    }
}

/// What the sweep recorded about each pack.
fn pack_notes<S: Searcher>(sweep: &Sweep<'_, S>, packs: usize) -> Vec<PackNotes> {
    let mut notes: Vec<PackNotes> = Vec::new();
    notes.resize_with(packs, PackNotes::default);
    for &(number, entry, kind, size) in &sweep.collected.searched_entries {
        let notes = &mut notes[number];
        if notes.searched.is_empty() {
            notes.searched.resize(sweep.store.packs[number].len(), None);
        }
        if let Some(noted) = notes.searched.get_mut(entry as usize) {
            notes.count += u64::from(noted.replace((kind, size)).is_none());
        }
    }
    for copy in &sweep.collected.matched {
        if let ObjectKey::Packed(number, entry) = copy.key {
            notes[number].matched.insert(entry);
            notes[number].has_findings |=
                !copy.matches.iter().all(|(_, matched)| sweep.searcher.is_read_again(matched));
        }
    }
    for (number, id) in &sweep.collected.outward_ids {
        notes[*number as usize].outward_ids.insert(*id);
    }
    notes
}

/// Whether the bytes that were searched are those from which the digest of the pack was computed.
fn is_unchanged(pack: &Pack) -> bool {
    pack.identity().is_some_and(|identity| identity.is_unchanged(pack.path()))
}

/// Packs of which a part was not read, or which git would not have written. They are searched every time.
fn flawed_packs<S: Searcher>(sweep: &Sweep<'_, S>) -> HashSet<usize> {
    let collected = &sweep.collected;
    let mut flawed: HashSet<usize> = HashSet::new();
    let number = |key: ObjectKey| match key {
        ObjectKey::Packed(number, _) => Some(number),
        ObjectKey::Id(_) => None,
    };
    let failures = collected.failures.iter().chain(&collected.unreadable_duplicates);
    flawed.extend(failures.filter_map(|failure| number(failure.key)));
    flawed.extend(collected.unchecked.iter().filter_map(|(key, _)| number(*key)));
    flawed.extend(collected.postponed.iter().map(|(number, _)| *number));
    flawed.extend(collected.packed_tails.iter().map(|(number, _)| *number));
    flawed.extend(collected.matched.iter().filter(|copy| copy.truncated).filter_map(|copy| number(copy.key)));
    for (number, (pack, plan)) in sweep.store.packs.iter().zip(&sweep.plans).enumerate() {
        let is_sound = plan.is_known
            || pack.mismatch().is_none()
                && pack.bytes_before_first().is_empty()
                && pack.len() == pack.num_objects() as usize
                && plan.tree.external_deltas.is_empty()
                && plan.tree.faults.is_empty();
        if !is_sound {
            flawed.insert(number);
        }
    }
    flawed
}

/// The facts about one pack; `None` if not all of it was searched.
fn facts<S: Searcher>(
    sweep: &Sweep<'_, S>,
    state: &CachedSweep<'_>,
    number: usize,
    notes: &PackNotes,
) -> Option<(PackFacts, RepackFacts)> {
    let (pack, pack_state) = (&sweep.store.packs[number], &state.packs[number]);
    let matched: Vec<Entry> = notes.matched.iter().copied().collect();
    let searched_again: HashSet<Entry> = DeltaTree::with_bases(pack, &matched).into_iter().collect();
    let mut object_counts = ObjectCounts::default();
    let mut omitted = 0;
    for family in pack_state.families.iter().flatten() {
        if let Some(known) = pack_state.known_families.get(&family.digest) {
            object_counts.add_count(known.kind(), known.count);
            omitted += known.count.objects;
        }
    }
    if notes.count + omitted != pack.len() as u64 {
        return None;
    }
    for (entry, kind, size) in notes.all_searched() {
        if !searched_again.contains(&entry) {
            object_counts.add_count(kind, KindCount { objects: 1, bytes: size });
        }
    }
    let (relies_on, outside) = find_elsewhere(sweep, state, number, &notes.outward_ids);
    let after_repack = RepackFacts {
        memory: state.memory,
        ids: notes.outward_ids.is_empty().then(|| IdSet::from_pack(pack)),
        families: clean_families(sweep, state, number, (notes, &searched_again)),
    };
    let read_again = read_again(pack, notes, &searched_again);
    let memory = state.memory;
    Some((PackFacts { memory, object_counts, relies_on, outside, matched, read_again }, after_repack))
}

/// The facts about entries that are only read again, if all entries with matches are. `searched_again` has these entries
/// and their delta bases.
fn read_again(pack: &Pack, notes: &PackNotes, searched_again: &HashSet<Entry>) -> Option<ReadAgain> {
    if notes.has_findings {
        return None;
    }
    let mut object_counts = ObjectCounts::default();
    for entry in searched_again {
        let (kind, size) = notes.searched(*entry)?;
        object_counts.add_count(kind, KindCount { objects: 1, bytes: size });
    }
    let object = |entry: &Entry| Some((pack.position_of(*entry)?, notes.searched(*entry)?.1));
    let objects = notes.matched.iter().map(object).collect::<Option<_>>()?;
    Some(ReadAgain { object_counts, objects })
}

/// Finds the objects in `outward_ids`, which a pack names and does not contain: the other packs that contain some of them,
/// and the ids of those in no pack.
fn find_elsewhere<S: Searcher>(
    sweep: &Sweep<'_, S>,
    state: &CachedSweep<'_>,
    number: usize,
    outward_ids: &BTreeSet<ObjectId>,
) -> (Vec<CacheDigest>, Vec<ObjectId>) {
    let mut left: Vec<ObjectId> = outward_ids.iter().copied().collect();
    let mut relies_on = Vec::new();
    for (other, pack) in sweep.store.packs.iter().enumerate().filter(|(other, _)| *other != number) {
        let Some(digest) = state.packs[other].digest.filter(|_| is_unchanged(pack)) else { continue };
        let before = left.len();
        left.retain(|id| !pack.contains(id));
        if left.len() < before {
            relies_on.push(digest);
        }
    }
    (relies_on, left)
}

/// The families of a pack without matches.
fn clean_families<S: Searcher>(
    sweep: &Sweep<'_, S>,
    state: &CachedSweep<'_>,
    number: usize,
    (notes, searched_again): (&PackNotes, &HashSet<Entry>),
) -> Vec<FamilyFact> {
    let (pack, tree) = (&sweep.store.packs[number], &sweep.plans[number].tree);
    let pack_state = &state.packs[number];
    let computed = match &pack_state.families {
        Some(_) => Vec::new(),
        None => families(pack, tree, sweep.threads),
    };
    let mut clean = Vec::new();
    for family in pack_state.families.as_ref().unwrap_or(&computed) {
        if let Some(known) = pack_state.known_families.get(&family.digest) {
            clean.push(*known);
            continue;
        }
        let entries = tree.with_descendants(family.root);
        let sizes = entries.iter().map(|entry| match notes.searched(*entry) {
            Some((kind, size)) if kind == family.kind && !searched_again.contains(entry) => Some(size),
            _ => None,
        });
        if let Some(bytes) = sizes.sum::<Option<u64>>() {
            let count = KindCount { objects: entries.len() as u64, bytes };
            clean.push(FamilyFact { digest: family.digest, is_trees: family.kind == Kind::Tree, count });
        }
    }
    clean.sort_unstable_by_key(|family| family.digest);
    clean
}
