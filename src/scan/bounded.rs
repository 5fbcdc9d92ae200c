//! Keeps as many findings as a report can hold and counts the rest, so that memory does not grow with hostile
//! input.
//!
//! What is kept depends on the findings alone and not on the order in which threads deliver them: the first
//! keys by acceptance, confidence and fingerprint, and the first places of each.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::suppression;
use crate::model::{Confidence, DetectedKey, Finding, Fingerprint};
use crate::suppress::Policy;

/// Maximum number of keys that are kept.
pub(super) const MAX_KEYS: usize = 10_000;
/// Maximum number of findings that are kept. Each key may have an equal share of them.
pub(super) const MAX_FINDINGS: usize = 50_000;

/// An item that can be kept or dropped by rank.
pub(super) trait Rankable {
    fn detected_key(&mut self) -> &mut Arc<DetectedKey>;
    /// Whether it is accepted. Accepted findings are dropped first.
    fn is_accepted(&self) -> bool;
    /// Compares by place, in report order.
    fn cmp_place(&self, other: &Self) -> Ordering;
}

/// How many findings were dropped, by confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DroppedFindings([u64; Confidence::ALL.len()]);

impl DroppedFindings {
    /// Counts one more.
    pub(super) fn increment(&mut self, confidence: Confidence) {
        self.0[confidence as usize] += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, other_count)| *count += other_count);
    }

    /// The number of dropped findings of at least this confidence. Accepted ones are never counted.
    pub(super) fn open_count(&self, least: Confidence) -> u64 {
        self.0[least as usize..].iter().sum()
    }
}

/// Whether the findings are accepted, their confidence, their key: the first in order are kept.
type Rank = (bool, Reverse<Confidence>, Fingerprint);

/// Findings by key, as many as a report can hold.
#[derive(Clone, Debug)]
pub(super) struct BoundedFindings<T> {
    /// The findings of each key, with their numbers in order of arrival.
    keys: BTreeMap<Rank, Vec<(u64, T)>>,
    total: usize,
    next_number: u64,
    dropped: DroppedFindings,
    max_keys: usize,
    max_findings: usize,
}

impl<T> Default for BoundedFindings<T> {
    fn default() -> Self {
        Self::with_limits(MAX_KEYS, MAX_FINDINGS)
    }
}

impl<T> BoundedFindings<T> {
    fn with_limits(max_keys: usize, max_findings: usize) -> Self {
        let dropped = DroppedFindings::default();
        Self { keys: BTreeMap::new(), total: 0, next_number: 0, dropped, max_keys, max_findings }
    }

    /// Adds what another part of the scan dropped.
    pub(super) fn add_dropped(&mut self, dropped: DroppedFindings) {
        self.dropped.add(dropped);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that are kept.
    pub(super) fn fingerprints(&self) -> HashSet<Fingerprint> {
        self.keys.keys().map(|rank| rank.2).collect()
    }

    /// Removes items for which `keep` is false, without counting them as dropped.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.keys.values_mut().for_each(|items| items.retain(|(_, item)| keep(item)));
        self.keys.retain(|_, items| !items.is_empty());
        self.total = self.keys.values().map(Vec::len).sum();
    }

    /// Whether a finding that is not accepted was dropped.
    pub(super) fn has_dropped_open(&self) -> bool {
        self.dropped.open_count(Confidence::Low) > 0
    }
}

impl<T: Rankable> BoundedFindings<T> {
    /// Adds `item`, which may displace another one.
    pub(super) fn push(&mut self, mut item: T) {
        let accepted = item.is_accepted();
        let detected_key = item.detected_key();
        let rank = (accepted, Reverse(detected_key.confidence), detected_key.fingerprint);
        let number = self.next_number;
        self.next_number += 1;
        if !self.keys.contains_key(&rank) && self.keys.len() >= self.max_keys {
            if self.keys.last_key_value().is_some_and(|(last, _)| *last < rank) {
                return self.count_as_dropped(rank, 1);
            }
            if let Some((last, items)) = self.keys.pop_last() {
                self.total -= items.len();
                self.count_as_dropped(last, items.len());
            }
        }
        let items = self.keys.entry(rank).or_default();
        if let Some((_, first)) = items.first_mut() {
            // Thousands of items usually share one value.
            let first_key = first.detected_key();
            if **first_key == **item.detected_key() {
                *item.detected_key() = Arc::clone(first_key);
            }
        }
        items.push((number, item));
        let is_long = items.len() >= 2 * self.max_findings / self.keys.len().max(1);
        self.total += 1;
        if is_long || self.total >= 2 * self.max_findings {
            self.trim(is_long.then_some(rank));
        }
    }

    /// Adds what another part of the same scan kept and dropped.
    pub(super) fn append(&mut self, other: Self) {
        let (items, dropped) = other.into_parts();
        self.add_dropped(dropped);
        items.into_iter().for_each(|item| self.push(item));
    }

    /// The items that were kept, in order of arrival, and what was dropped.
    pub(super) fn into_parts(mut self) -> (Vec<T>, DroppedFindings) {
        self.trim(None);
        let mut items: Vec<_> = self.keys.into_values().flatten().collect();
        items.sort_by_key(|(number, _)| *number);
        (items.into_iter().map(|(_, item)| item).collect(), self.dropped)
    }

    /// Drops the places beyond the share of a key: of one key, or of all.
    fn trim(&mut self, only: Option<Rank>) {
        // The share only ever shrinks, so nothing is dropped now that would be kept later.
        let share = (self.max_findings / self.keys.len().max(1)).max(1);
        let Self { keys, total, dropped, .. } = self;
        let trim = |rank: &Rank, items: &mut Vec<(u64, T)>| {
            if items.len() <= share {
                return;
            }
            items.select_nth_unstable_by(share, |(_, a), (_, b)| a.cmp_place(b));
            let excess = items.len() - share;
            items.truncate(share);
            *total -= excess;
            if !rank.0 {
                (0..excess).for_each(|_| dropped.increment(rank.1.0));
            }
        };
        match only {
            Some(rank) => {
                if let Some(items) = keys.get_mut(&rank) {
                    let mut trim = trim;
                    trim(&rank, items);
                }
            }
            None => {
                let mut trim = trim;
                keys.iter_mut().for_each(|(rank, items)| trim(rank, items));
            }
        }
    }

    /// Counts as many dropped findings of this rank.
    fn count_as_dropped(&mut self, rank: Rank, count: usize) {
        if !rank.0 {
            (0..count).for_each(|_| self.dropped.increment(rank.1.0));
        }
    }
}

/// Keeps as many of `findings` as a report can hold.
pub(super) fn limit_findings(policy: &Policy, findings: Vec<Finding>) -> (Vec<Finding>, DroppedFindings) {
    if findings.len() <= MAX_KEYS.min(MAX_FINDINGS) {
        return (findings, DroppedFindings::default());
    }
    let mut bounded = BoundedFindings::default();
    for mut finding in findings {
        suppression::mark_if_in_baseline(policy, &mut finding);
        bounded.push(finding);
    }
    bounded.into_parts()
}

impl Rankable for Finding {
    fn detected_key(&mut self) -> &mut Arc<DetectedKey> {
        &mut self.detected_key
    }

    fn is_accepted(&self) -> bool {
        self.suppressed.is_some()
    }

    fn cmp_place(&self, other: &Self) -> Ordering {
        let place = |one: &Self| (one.span.start.offset, one.span.end.offset);
        self.origin.cmp(&other.origin).then_with(|| place(self).cmp(&place(other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Position, Span, Suppression, Surface};

    fn finding(key: usize, place: u64, confidence: Confidence) -> Finding {
        let position = Position { offset: place, line: 1, column: 1 };
        Finding {
            detected_key: Arc::new(DetectedKey { confidence, ..DetectedKey::sample(&format!("key {key}")) }),
            origin: Origin::at_path(Surface::Worktree, format!("f{}", place % 3)),
            encoding: "utf-8",
            span: Span { start: position, end: position },
            occurrence: 0,
            versions: 1,
            excerpt: None,
            suppressed: None,
        }
    }

    fn sorted_parts(bounded: BoundedFindings<Finding>) -> (Vec<(Fingerprint, Origin, u64)>, DroppedFindings) {
        let (findings, dropped) = bounded.into_parts();
        let key = |f: Finding| (f.detected_key.fingerprint, f.origin, f.span.start.offset);
        let mut kept: Vec<_> = findings.into_iter().map(key).collect();
        kept.sort();
        (kept, dropped)
    }

    /// Findings of 40 keys, some with many places, in an order that depends on `step`.
    fn many_findings(step: usize) -> Vec<Finding> {
        let all: Vec<_> = (0..997usize)
            .map(|n| finding(if n < 500 { n % 40 } else { 3 }, n as u64, Confidence::ALL[n % 3]))
            .collect();
        (0..all.len()).map(|n| all[n * step % all.len()].clone()).collect()
    }

    #[test]
    fn the_kept_findings_do_not_depend_on_the_order() {
        let mut expected = None;
        for step in [1, 2, 5, 100, 996] {
            for parts in [1, 4] {
                let all = many_findings(step);
                let mut whole = BoundedFindings::with_limits(20, 100);
                for part in all.chunks(all.len().div_ceil(parts)) {
                    let mut part_bounded = BoundedFindings::with_limits(20, 100);
                    part.iter().for_each(|one| part_bounded.push(one.clone()));
                    whole.append(part_bounded);
                }
                assert!(whole.total <= 200);
                let outcome = sorted_parts(whole);
                assert!(outcome.0.len() <= 100);
                assert_eq!(outcome.0.len() as u64 + outcome.1.open_count(Confidence::Low), 997);
                assert_eq!(*expected.get_or_insert_with(|| outcome.clone()), outcome, "{step} {parts}");
            }
        }
    }

    #[test]
    fn accepted_findings_and_those_of_low_confidence_are_dropped_first() {
        let mut bounded = BoundedFindings::with_limits(2, 100);
        for (key, confidence) in [(1, Confidence::Low), (2, Confidence::High), (3, Confidence::Medium)] {
            bounded.push(finding(key, 0, confidence));
        }
        let mut accepted = finding(4, 0, Confidence::High);
        accepted.suppressed = Some(Suppression { by: "inline", source: String::new(), reason: None });
        bounded.push(accepted);
        let (kept, dropped) = bounded.into_parts();
        let kept: Vec<_> = kept.iter().map(|one| one.detected_key.confidence).collect();
        assert_eq!(kept, [Confidence::High, Confidence::Medium]);
        assert_eq!((dropped.open_count(Confidence::Low), dropped.open_count(Confidence::Medium)), (1, 0));
    }

    #[test]
    fn a_few_findings_are_all_kept() {
        let mut bounded = BoundedFindings::default();
        many_findings(7).into_iter().for_each(|one| bounded.push(one));
        assert!(!bounded.has_dropped_open() && !bounded.is_empty());
        assert_eq!(bounded.into_parts().0.len(), 997);
    }
}
