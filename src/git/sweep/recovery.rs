//! Ends a sweep: searches other copies of unreadable objects, and looks up the ids of objects with matches.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gix::ObjectId;

use super::collected::{MatchedCopy, ObjectKey, ReadFailure};
use super::link_check::{LinkChecker, MALFORMED};
use super::object_store::StoredCopy;
use super::outcome::{MatchedObject, PackedCopy, SweepOutcome};
use super::plan::Sweep;
use super::stream::{MAX_MATCHES, push_bounded};
use super::unlisted;
use super::{Matches, Searcher};
use crate::git::inflate::Inflater;
use crate::git::pack::Entry;
use crate::model::Skip;

/// Maximum number of bytes that are assembled when postponed entries are searched one by one. Otherwise, a pack of a few
/// kilobytes could take any amount of work.
const MAX_RETRIED_BYTES: u64 = 16 << 30;

/// Turns everything that was collected into the outcome.
pub(super) fn finish<S: Searcher>(mut sweep: Sweep<'_, S>) -> SweepOutcome<S::Match> {
    let failures = std::mem::take(&mut sweep.collected.failures);
    if !failures.is_empty() && !sweep.is_cancelled() {
        Recovery::new(&mut sweep, &failures).run(&failures);
    }
    // Every copy is searched, since copies may differ.
    for failure in std::mem::take(&mut sweep.collected.unreadable_duplicates) {
        skip_copy(&mut sweep, &failure);
    }
    let mut postponed = std::mem::take(&mut sweep.collected.postponed);
    if !postponed.is_empty() && !sweep.is_cancelled() {
        postponed.sort_unstable();
        Recovery::new(&mut sweep, &[]).retry_postponed(&postponed);
    }
    let matched = std::mem::take(&mut sweep.collected.matched);
    let ids = ids_of(&sweep, matched.iter().map(|copy| copy.key));
    let with_ids = matched.into_iter().zip(ids);
    let mut found: Vec<_> =
        with_ids.filter_map(|(object, id)| Some(with_id(&mut sweep, object, id?))).collect();
    // Some copies may have been read only in part. The one with the most matches comes first.
    found.sort_by(|left, right| left.id.cmp(&right.id).then(right.matches.len().cmp(&left.matches.len())));
    let found = merge_copies(found, &mut sweep.skipped);
    let only_copies = only_copies(&sweep, &found);
    let skips = std::mem::take(&mut sweep.collected.skips);
    sweep.skipped.extend(skips);
    let unlisted = unlisted::list(&sweep);
    let mut missing: Vec<ObjectId> = std::mem::take(&mut sweep.collected.missing).into_iter().collect();
    // A repack may have moved the object after it was looked up.
    missing.retain(|id| sweep.store.copies(id).next().is_none());
    missing.sort_unstable();
    let unchecked = std::mem::take(&mut sweep.collected.unchecked);
    let ids = ids_of(&sweep, unchecked.iter().map(|(key, _)| *key));
    let unchecked: BTreeMap<ObjectId, &'static str> =
        ids.into_iter().zip(unchecked).filter_map(|(id, (_, reason))| Some((id?, reason))).collect();
    let unpacked_targets = sweep.store.unpacked(sweep.options.targets);
    SweepOutcome {
        found,
        read_again: std::mem::take(&mut sweep.read_again),
        only_copies,
        counts: sweep.collected.counts,
        bytes_searched: sweep.collected.bytes_searched,
        missing,
        unchecked,
        unpacked_targets,
        unlisted,
        cancelled: sweep.is_cancelled(),
        skipped: sweep.skipped.into_iter().collect(),
    }
}

/// The objects that are stored only once, in a pack whose digest the cache knows.
fn only_copies<S: Searcher>(
    sweep: &Sweep<'_, S>,
    found: &[MatchedObject<S::Match>],
) -> HashMap<ObjectId, PackedCopy> {
    if sweep.pack_digests.is_empty() {
        return HashMap::new();
    }
    let only_copy = |id: &ObjectId| {
        let mut copies = sweep.store.copies(id);
        match (copies.next()?, copies.next()) {
            (StoredCopy::Packed(number, entry), None) => Some(PackedCopy {
                pack: (*sweep.pack_digests.get(number)?)?,
                content: sweep.collected.content_digests.get(&(number, entry)).copied(),
            }),
            _ => None,
        }
    };
    // The sweep did not read the objects that are only read again, so it has no digest of their content.
    let only_unread_copy = |id: &ObjectId| {
        let mut packs = sweep.store.packs_with(id);
        match (packs.next()?, packs.next(), sweep.store.is_loose(id)) {
            (number, None, false) => {
                Some(PackedCopy { pack: (*sweep.pack_digests.get(number)?)?, content: None })
            }
            _ => None,
        }
    };
    let found = found.iter().filter_map(|object| Some((object.id, only_copy(&object.id)?)));
    let unread = sweep.read_again.iter().filter_map(|(id, _)| Some((*id, only_unread_copy(id)?)));
    found.chain(unread).collect()
}

/// Merges the copies of each object, which are sorted by id, and reports copies that differ.
fn merge_copies<M: PartialEq>(
    copies: Vec<MatchedObject<M>>,
    skipped: &mut BTreeSet<Skip>,
) -> Vec<MatchedObject<M>> {
    let mut merged: Vec<MatchedObject<M>> = Vec::with_capacity(copies.len());
    for copy in copies {
        match merged.last_mut() {
            Some(first) if first.id == copy.id => {
                let known_len = first.matches.len();
                let differs = (copy.kind, copy.size) != (first.kind, first.size);
                for (range, matched) in copy.matches {
                    let key = (range.start, range.end);
                    let known = &first.matches[..known_len];
                    let at = known.partition_point(|(other, _)| (other.start, other.end) < key);
                    let mut at_range = known[at..].iter().take_while(|(other, _)| *other == range);
                    if !at_range.any(|(_, other)| *other == matched) {
                        first.matches.push((range, matched));
                    }
                }
                if differs || first.matches.len() > known_len {
                    first.matches.sort_by_key(|(range, _)| (range.start, range.end));
                    let reason = "the repository has several copies of it that differ; all were searched, containers \
                                  in only one of them; run `git fsck` for details";
                    skipped.insert(Skip::new(format!("object {}", copy.id), reason));
                }
            }
            _ => merged.push(copy),
        }
    }
    merged
}

/// The ids of objects, in the same order.
fn ids_of<S: Searcher>(
    sweep: &Sweep<'_, S>,
    keys: impl ExactSizeIterator<Item = ObjectKey>,
) -> Vec<Option<ObjectId>> {
    let mut ids = vec![None; keys.len()];
    let mut packed: BTreeMap<usize, Vec<(Entry, usize)>> = BTreeMap::new();
    for (at, key) in keys.enumerate() {
        match key {
            ObjectKey::Id(id) => ids[at] = Some(id),
            ObjectKey::Packed(pack, entry) => packed.entry(pack).or_default().push((entry, at)),
        }
    }
    for (pack, copies) in packed {
        let Some(pack) = sweep.store.packs.get(pack) else { continue };
        let entries: Vec<Entry> = copies.iter().map(|(entry, _)| *entry).collect();
        for ((_, at), id) in copies.into_iter().zip(pack.ids_of(&entries)) {
            ids[at] = id;
        }
    }
    ids
}

/// An object with matches and its id. Reports it if there were too many matches.
fn with_id<S: Searcher>(
    sweep: &mut Sweep<'_, S>,
    object: MatchedCopy<S::Match>,
    id: ObjectId,
) -> MatchedObject<S::Match> {
    if object.truncated {
        let reason = format!("has more than {MAX_MATCHES} matches; the rest are not reported");
        sweep.skipped.insert(Skip::new(format!("object {id}"), reason));
    }
    MatchedObject { id, kind: object.kind, size: object.size, matches: object.matches }
}

fn id_of<S: Searcher>(sweep: &Sweep<'_, S>, key: ObjectKey) -> Option<ObjectId> {
    match key {
        ObjectKey::Id(id) => Some(id),
        ObjectKey::Packed(pack, entry) => sweep.store.packs.get(pack)?.id(entry),
    }
}

/// Why an object could not be read, and where it is.
fn located_reason<S: Searcher>(sweep: &Sweep<'_, S>, failure: &ReadFailure) -> String {
    match failure.key {
        ObjectKey::Id(_) => failure.reason.to_string(),
        ObjectKey::Packed(pack, entry) => {
            format!("{}: {}", place_in_pack(sweep, pack, entry), failure.reason)
        }
    }
}

/// The file of a pack and the offset of an entry in it, for people.
fn place_in_pack<S: Searcher>(sweep: &Sweep<'_, S>, pack: usize, entry: Entry) -> String {
    let pack = &sweep.store.packs[pack];
    format!("{} at offset {}", pack.path().display(), pack.offset(entry))
}

/// Reports an unreadable copy, in a pack, of an object of which another copy may have been read.
fn skip_copy<S: Searcher>(sweep: &mut Sweep<'_, S>, failure: &ReadFailure) {
    if let (ObjectKey::Packed(..), Some(id)) = (failure.key, id_of(sweep, failure.key)) {
        let reason = format!("{}; this copy was not scanned", located_reason(sweep, failure));
        sweep.skipped.insert(Skip::new(format!("object {id}"), reason));
    }
}

/// Searches other copies of unreadable objects.
struct Recovery<'s, 'a, S: Searcher> {
    sweep: &'s mut Sweep<'a, S>,
    /// Entries that were not searched, because of a fault of their own or in their delta chain.
    unsearched: HashSet<StoredCopy>,
    /// Copies that are known to be unreadable.
    unreadable: HashSet<StoredCopy>,
    inflater: Inflater,
    scratch: S::Scratch,
}

impl<'s, 'a, S: Searcher> Recovery<'s, 'a, S> {
    fn new(sweep: &'s mut Sweep<'a, S>, failures: &[ReadFailure]) -> Self {
        let packed = |failure: &ReadFailure| match failure.key {
            ObjectKey::Packed(pack, entry) => Some(StoredCopy::Packed(pack, entry)),
            ObjectKey::Id(_) => None,
        };
        let scratch = sweep.searcher.scratch();
        Self {
            sweep,
            unsearched: failures.iter().filter_map(packed).collect(),
            unreadable: failures.iter().filter(|failure| failure.is_root_cause).filter_map(packed).collect(),
            inflater: Inflater::new(),
            scratch,
        }
    }

    fn run(mut self, failures: &[ReadFailure]) {
        // One reason for each object is enough.
        let mut reasons: HashMap<ObjectId, &ReadFailure> = HashMap::new();
        for failure in failures {
            if let Some(id) = id_of(self.sweep, failure.key) {
                reasons.entry(id).or_insert(failure);
            }
        }
        let mut ids: Vec<_> = reasons.keys().copied().collect();
        ids.sort_unstable();
        // If there is no other copy of any of these objects, there is none of their delta bases either.
        let hopeless =
            !ids.iter().any(|id| self.sweep.store.copies(id).any(|copy| !self.unsearched.contains(&copy)));
        for id in ids {
            let failure = reasons[&id];
            if self.was_searched(&id) || (!hopeless && self.search(&id)) {
                skip_copy(self.sweep, failure);
                continue;
            }
            let reason = located_reason(self.sweep, failure);
            self.sweep.skipped.insert(Skip::new(format!("object {id}"), reason));
        }
    }

    /// Searches entries for which there was not enough memory while other threads used it. Now all of it is available.
    fn retry_postponed(mut self, entries: &[(usize, Entry)]) {
        for &(pack, entry) in entries {
            let is_counted = self.sweep.plans.get(pack).is_some_and(|plan| plan.is_first_copy(entry));
            let Some(id) = id_of(self.sweep, ObjectKey::Packed(pack, entry)) else { continue };
            let in_time = self.sweep.store.assembled() < MAX_RETRIED_BYTES && !self.sweep.is_cancelled();
            if is_counted && in_time && self.search(&id) {
                continue;
            }
            let cause = match is_counted {
                true => "too large: its delta chain exceeds the limit on memory or time",
                false => {
                    "not enough memory for this copy while other objects were searched; the object has other copies"
                }
            };
            let reason = format!("{}: {cause}", place_in_pack(self.sweep, pack, entry));
            self.sweep.skipped.insert(Skip::new(format!("object {id}"), reason));
        }
    }

    /// Whether the object was searched in any pack.
    fn was_searched(&self, id: &ObjectId) -> bool {
        self.sweep.store.copies(id).any(|copy| match copy {
            // It is searched again, so that it is counted.
            StoredCopy::Loose(_) => false,
            StoredCopy::Packed(pack, entry) => {
                let plan = self.sweep.plans.get(pack);
                plan.is_some_and(|plan| plan.is_first_copy(entry)) && !self.unsearched.contains(&copy)
            }
        })
    }

    /// Searches another copy of an object. Returns `false` if there is no readable one.
    fn search(&mut self, id: &ObjectId) -> bool {
        let limit = self.sweep.options.max_memory.min(2 * self.sweep.options.max_assembled);
        let Ok((kind, bytes)) = self.sweep.store.read(id, limit, &mut self.inflater, &mut self.unreadable)
        else {
            return false;
        };
        if !self.sweep.searcher.wants(kind) {
            return true;
        }
        if self.sweep.options.check_links {
            let mut links = LinkChecker::new(self.sweep.hash_kind, false);
            if links.check(&self.sweep.store, kind, &bytes, None).is_malformed {
                self.sweep.collected.unchecked.push((ObjectKey::Id(*id), MALFORMED));
            }
            links.flush(&self.sweep.store);
            self.sweep.collected.missing.extend(links.missing);
        }
        let (mut matches, mut truncated): (Matches<S::Match>, bool) = (Vec::new(), false);
        self.sweep.searcher.search(kind, &bytes, &mut self.scratch, &mut |_| {}, &mut |range, matched| {
            truncated |= push_bounded(&mut matches, range.start as u64..range.end as u64, matched);
        });
        matches.sort_by_key(|(range, _)| (range.start, range.end));
        let size = bytes.len() as u64;
        let collected = &mut self.sweep.collected;
        collected.counts.add(kind, size);
        collected.bytes_searched += size;
        if !matches.is_empty() {
            collected.matched.push(MatchedCopy { key: ObjectKey::Id(*id), kind, size, matches, truncated });
        }
        true
    }
}
