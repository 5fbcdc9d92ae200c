//! The end of a sweep: objects that could not be read are looked for elsewhere, and everything gets its id.

use std::collections::{BTreeSet, HashMap, HashSet};

use gix::ObjectId;

use super::collect::{Failure, Located, Place};
use super::gaps;
use super::links::Links;
use super::outcome::{Found, SweepOutcome};
use super::plan::Sweep;
use super::store::Copy;
use super::stream::{MOST_HITS, keep};
use super::{Hits, Searcher};
use crate::git::inflate::Inflater;
use crate::git::pack::Entry;
use crate::model::Skip;

/// Bytes that are assembled of objects one by one, before it is given up: a pack of a few kilobytes can ask for any
/// number.
const MOST_ASSEMBLED: u64 = 16 << 30;

/// Makes the outcome of all that was collected.
pub(super) fn finish<S: Searcher>(mut sweep: Sweep<'_, S>) -> SweepOutcome<S::Hit> {
    let failures = std::mem::take(&mut sweep.collected.failures);
    if !failures.is_empty() && !sweep.is_cancelled() {
        Rescue::new(&mut sweep, &failures).run(&failures);
    }
    let mut postponed = std::mem::take(&mut sweep.collected.postponed);
    if !postponed.is_empty() && !sweep.is_cancelled() {
        postponed.sort_unstable();
        Rescue::new(&mut sweep, &[]).one_by_one(&postponed);
    }
    let located = std::mem::take(&mut sweep.collected.located);
    let mut found: Vec<_> = located.into_iter().filter_map(|object| name(&mut sweep, object)).collect();
    // The same object may have been read in part first; the fuller account stands first then.
    found.sort_by(|left, right| left.id.cmp(&right.id).then(right.hits.len().cmp(&left.hits.len())));
    let found = join_copies(found, &mut sweep.skipped);
    let skips = std::mem::take(&mut sweep.collected.skips);
    sweep.skipped.extend(skips);
    let gaps = gaps::list(&sweep);
    let mut missing: Vec<ObjectId> = std::mem::take(&mut sweep.collected.missing).into_iter().collect();
    // A repack may have moved it to where it was not seen yet.
    missing.retain(|id| sweep.store.copies(id).next().is_none());
    missing.sort_unstable();
    SweepOutcome {
        found,
        counts: sweep.collected.counts,
        searched: sweep.collected.searched,
        missing,
        gaps,
        cancelled: sweep.is_cancelled(),
        skipped: sweep.skipped.into_iter().collect(),
    }
}

/// Makes one of all copies of each object, which are sorted by id; and tells of those that do not hold the same.
fn join_copies<H: PartialEq>(copies: Vec<Found<H>>, skipped: &mut BTreeSet<Skip>) -> Vec<Found<H>> {
    let mut joined: Vec<Found<H>> = Vec::with_capacity(copies.len());
    for copy in copies {
        match joined.last_mut() {
            Some(first) if first.id == copy.id => {
                let known = first.hits.len();
                let differs = (copy.kind, copy.size) != (first.kind, first.size);
                for (range, hit) in copy.hits {
                    let key = (range.start, range.end);
                    let same = &first.hits[..known];
                    let at = same.partition_point(|(other, _)| (other.start, other.end) < key);
                    let mut same = same[at..].iter().take_while(|(other, _)| *other == range);
                    if !same.any(|(_, other)| *other == hit) {
                        first.hits.push((range, hit));
                    }
                }
                if differs || first.hits.len() > known {
                    first.hits.sort_by_key(|(range, _)| (range.start, range.end));
                    let reason = "several copies of it are stored, and they differ; all were searched, what is packed \
                                  in them only in one; `git fsck` tells more";
                    skipped.insert(Skip::new(format!("object {}", copy.id), reason));
                }
            }
            _ => joined.push(copy),
        }
    }
    joined
}

/// Gives an object with matches its id.
fn name<S: Searcher>(sweep: &mut Sweep<'_, S>, object: Located<S::Hit>) -> Option<Found<S::Hit>> {
    let id = id_of(sweep, object.place)?;
    if object.overfull {
        let reason = format!("it has more than {MOST_HITS} matches; the others are not reported");
        sweep.skipped.insert(Skip::new(format!("object {id}"), reason));
    }
    Some(Found { id, kind: object.kind, size: object.size, hits: object.hits })
}

fn id_of<S: Searcher>(sweep: &Sweep<'_, S>, place: Place) -> Option<ObjectId> {
    match place {
        Place::Loose(id) => Some(id),
        Place::Packed(pack, entry) => sweep.store.packs.get(pack)?.id(entry),
    }
}

/// Looks for other copies of what could not be read.
struct Rescue<'s, 'a, S: Searcher> {
    sweep: &'s mut Sweep<'a, S>,
    /// Packed entries that were not searched.
    unsearched: HashSet<Copy>,
    /// Copies that are known to be unreadable.
    bad: HashSet<Copy>,
    inflater: Inflater,
    scratch: S::Scratch,
}

impl<'s, 'a, S: Searcher> Rescue<'s, 'a, S> {
    fn new(sweep: &'s mut Sweep<'a, S>, failures: &[Failure]) -> Self {
        let packed = |failure: &Failure| match failure.place {
            Place::Packed(pack, entry) => Some(Copy::Packed(pack, entry)),
            Place::Loose(_) => None,
        };
        let scratch = sweep.searcher.scratch();
        Self {
            sweep,
            unsearched: failures.iter().filter_map(packed).collect(),
            bad: failures.iter().filter(|failure| failure.direct).filter_map(packed).collect(),
            inflater: Inflater::new(),
            scratch,
        }
    }

    fn run(mut self, failures: &[Failure]) {
        // One reason for each object is enough.
        let mut reasons: HashMap<ObjectId, &Failure> = HashMap::new();
        for failure in failures {
            if let Some(id) = id_of(self.sweep, failure.place) {
                reasons.entry(id).or_insert(failure);
            }
        }
        let mut ids: Vec<_> = reasons.keys().copied().collect();
        ids.sort_unstable();
        // An object that hangs on another can only be read if there is some other copy of something.
        let hopeless =
            !ids.iter().any(|id| self.sweep.store.copies(id).any(|copy| !self.unsearched.contains(&copy)));
        for id in ids {
            if self.was_searched(&id) || (!hopeless && self.search(&id)) {
                continue;
            }
            let failure = reasons[&id];
            let place = match failure.place {
                Place::Loose(_) => String::new(),
                Place::Packed(pack, entry) => {
                    let pack = &self.sweep.store.packs[pack];
                    format!("{} at offset {}: ", pack.path().display(), pack.offset(entry))
                }
            };
            self.sweep
                .skipped
                .insert(Skip::new(format!("object {id}"), format!("{place}{}", failure.reason)));
        }
    }

    /// Searches what found no memory while others took it, now that it has all of it for itself.
    fn one_by_one(mut self, entries: &[(usize, Entry)]) {
        for &(pack, entry) in entries {
            let is_counted = self.sweep.plans.get(pack).is_some_and(|plan| plan.is_wanted(entry));
            let Some(id) = id_of(self.sweep, Place::Packed(pack, entry)) else { continue };
            let in_time = self.sweep.store.assembled() < MOST_ASSEMBLED && !self.sweep.is_cancelled();
            if is_counted && in_time && self.search(&id) {
                continue;
            }
            let at = &self.sweep.store.packs[pack];
            let reason = format!(
                "{} at offset {}: too large: the objects that its deltas are made of take more memory or time \
                 than is given to them",
                at.path().display(),
                at.offset(entry)
            );
            self.sweep.skipped.insert(Skip::new(format!("object {id}"), reason));
        }
    }

    /// Whether some pack holds the object in an entry that was searched.
    fn was_searched(&self, id: &ObjectId) -> bool {
        self.sweep.store.copies(id).any(|copy| match copy {
            Copy::Loose(_) => false,
            Copy::Packed(pack, entry) => {
                let plan = self.sweep.plans.get(pack);
                plan.is_some_and(|plan| plan.is_wanted(entry)) && !self.unsearched.contains(&copy)
            }
        })
    }

    /// Searches another copy of an object; false if there is none that can be read.
    fn search(&mut self, id: &ObjectId) -> bool {
        let limit = self.sweep.options.memory.min(2 * self.sweep.options.max_assembled);
        let Ok((kind, bytes)) = self.sweep.store.read(id, limit, &mut self.inflater, &mut self.bad) else {
            return false;
        };
        if !self.sweep.searcher.wants(kind) {
            return true;
        }
        if self.sweep.options.links {
            let mut links = Links::new(self.sweep.ids);
            links.follow(&self.sweep.store, kind, &bytes, &[]);
            links.settle(&self.sweep.store);
            self.sweep.collected.missing.extend(links.missing);
        }
        let (mut hits, mut overfull): (Hits<S::Hit>, bool) = (Vec::new(), false);
        self.sweep.searcher.search(kind, &bytes, &mut self.scratch, &mut |_| {}, &mut |range, hit| {
            overfull |= keep(&mut hits, range.start as u64..range.end as u64, hit);
        });
        hits.sort_by_key(|(range, _)| (range.start, range.end));
        let size = bytes.len() as u64;
        let collected = &mut self.sweep.collected;
        collected.counts.add(kind, size);
        collected.searched += size;
        if !hits.is_empty() {
            collected.located.push(Located { place: Place::Loose(*id), kind, size, hits, overfull });
        }
        true
    }
}
