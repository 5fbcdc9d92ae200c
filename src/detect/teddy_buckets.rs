//! The order of the windows in the prefilter, which determines its speed.
//!
//! The vectorized search (Teddy, of `aho-corasick`) sorts patterns into buckets. For each bucket and each of
//! the first bytes it checks the set of low and of high nybbles, so patterns that share a bucket let every
//! combination of them through as a false candidate, and each candidate is compared with every pattern of its
//! bucket. Patterns are assigned to buckets round-robin, so their order determines which ones share a bucket. A
//! bad order costs four times as much as a good one. Only the speed depends on it.

use std::collections::BTreeMap;

use super::byte_frequency::{ByteFrequencies, ClassProbabilities, TRIGRAM_LEN, joint_probability};
use super::measured_trigrams::measured_bucket;

/// With up to this many patterns, the search uses eight buckets. Sixteen buckets take half as long again per
/// byte, and more patterns in eight buckets cause too many false candidates.
pub(super) const MAX_SLIM_PATTERNS: usize = 52;

/// Maximum number of patterns of the vectorized search.
const MAX_PATTERNS: usize = 128;

/// Cost of a false candidate, in units of a comparison with one pattern.
const CANDIDATE_COST: f64 = 4.0;

/// Patterns with the same low nybbles. They always share a bucket, that of the first one.
type Group<'a> = Vec<&'a [u8]>;

/// `windows` in a good order, in which the first one may be repeated as padding. Either all have
/// [`TRIGRAM_LEN`] bytes, or their order does not matter.
pub(super) fn order_for_buckets(windows: Vec<&[u8]>) -> Vec<&[u8]> {
    if windows.iter().any(|window| window.len() != TRIGRAM_LEN) {
        return windows;
    }
    let count = if windows.len() > MAX_SLIM_PATTERNS && cfg!(target_arch = "x86_64") { 16 } else { 8 };
    let mut buckets = vec![Bucket::default(); count];
    let (measured, unmeasured): (Vec<_>, Vec<_>) = group(windows)
        .into_iter()
        .map(|group| (group.iter().find_map(|window| measured_bucket(window)), group))
        .partition(|(bucket, _)| bucket.is_some());
    for (bucket, group) in measured {
        buckets[bucket.unwrap_or_default()].add(group);
    }
    let frequencies = ByteFrequencies::new();
    for (_, group) in unmeasured {
        let added =
            |bucket: &Bucket<'_>| bucket.with_group(&group).cost(&frequencies) - bucket.cost(&frequencies);
        let cheapest = buckets.iter_mut().min_by(|a, b| added(a).total_cmp(&added(b)));
        if let Some(bucket) = cheapest {
            bucket.add(group);
        }
    }
    interleave(buckets, &frequencies)
}

/// The windows grouped by their low nybbles.
fn group(windows: Vec<&[u8]>) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<[u8; TRIGRAM_LEN], Group<'_>> = BTreeMap::new();
    for window in windows {
        let low = std::array::from_fn(|index| window[index] & 15);
        groups.entry(low).or_default().push(window);
    }
    groups.into_values().collect()
}

/// The order that makes the search assign its patterns to `buckets`.
fn interleave<'a>(mut buckets: Vec<Bucket<'a>>, frequencies: &ByteFrequencies) -> Vec<&'a [u8]> {
    // Repetitions of the first pattern pad shorter buckets. They end up in the bucket of the first pattern,
    // which should have few candidates.
    let cost =
        |bucket: &Bucket<'_>| if bucket.groups.is_empty() { f64::MAX } else { bucket.cost(frequencies) };
    buckets.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    let Some(&first) =
        buckets.first().and_then(|bucket| bucket.groups.first()).and_then(|group| group.first())
    else {
        return Vec::new();
    };
    let rows = buckets.iter().map(|bucket| bucket.groups.len()).max().unwrap_or(0);
    let place = |row: usize, bucket: &Bucket<'a>| bucket.groups.get(row).map(|group| group[0]);
    let mut order: Vec<Option<&[u8]>> =
        (0..rows).flat_map(|row| buckets.iter().map(move |bucket| place(row, bucket))).collect();
    order.truncate(order.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
    let rest: Vec<&[u8]> =
        buckets.iter().flat_map(|bucket| &bucket.groups).flat_map(|group| &group[1..]).copied().collect();
    if order.len() + rest.len() > MAX_PATTERNS {
        order.retain(Option::is_some);
    }
    order.into_iter().map(|window| window.unwrap_or(first)).chain(rest).collect()
}

/// Patterns that are searched for together.
#[derive(Clone, Default)]
struct Bucket<'a> {
    groups: Vec<Group<'a>>,
    nybbles: NybbleSets,
    len: usize,
}

impl<'a> Bucket<'a> {
    fn add(&mut self, group: Group<'a>) {
        self.nybbles.add(&NybbleSets::from_patterns(&group));
        self.len += group.len();
        self.groups.push(group);
    }

    /// The same bucket with `group` added, to calculate its cost.
    fn with_group(&self, group: &Group<'a>) -> Self {
        let mut nybbles = self.nybbles;
        nybbles.add(&NybbleSets::from_patterns(group));
        Self { groups: Vec::new(), nybbles, len: self.len + group.len() }
    }

    /// Cost of the bucket per byte of text.
    fn cost(&self, frequencies: &ByteFrequencies) -> f64 {
        self.nybbles.expected_candidates(frequencies) * (CANDIDATE_COST + self.len as f64)
    }
}

/// For each byte of a window, the low and high nybbles of all patterns.
#[derive(Clone, Copy, Default)]
struct NybbleSets([(u16, u16); TRIGRAM_LEN]);

impl NybbleSets {
    fn from_patterns(patterns: &[&[u8]]) -> Self {
        let mut all = Self::default();
        for pattern in patterns {
            for (set, byte) in all.0.iter_mut().zip(*pattern) {
                *set = (set.0 | 1 << (byte & 15), set.1 | 1 << (byte >> 4));
            }
        }
        all
    }

    fn add(&mut self, other: &Self) {
        for (set, more) in self.0.iter_mut().zip(&other.0) {
            *set = (set.0 | more.0, set.1 | more.1);
        }
    }

    /// Expected occurrences of any combination of these nybbles per byte of text.
    fn expected_candidates(&self, frequencies: &ByteFrequencies) -> f64 {
        let mut probabilities = ClassProbabilities::default();
        for (place, &(low, high)) in probabilities.iter_mut().zip(&self.0) {
            for high in bits(high) {
                bits(low).for_each(|low| frequencies.add(high << 4 | low, place));
            }
        }
        joint_probability(&probabilities)
    }
}

/// The indexes of the bits that are set.
fn bits(mut set: u16) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let lowest = u8::try_from(set.trailing_zeros()).ok().filter(|_| set != 0)?;
        set &= set - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::measured_trigrams::MEASURED_BUCKETS;
    use super::*;

    #[test]
    fn no_window_is_lost_or_added() {
        for count in [1_u8, 9, 50, 90] {
            let windows: Vec<Vec<u8>> = (0..count).map(|n| vec![b'a' + n % 7, b'0' + n % 9, n]).collect();
            let ordered = order_for_buckets(windows.iter().map(Vec::as_slice).collect());
            assert!(ordered.len() <= MAX_PATTERNS);
            let ordered: BTreeSet<&[u8]> = ordered.into_iter().collect();
            assert_eq!(ordered, windows.iter().map(Vec::as_slice).collect());
        }
        assert!(order_for_buckets(Vec::new()).is_empty());
        assert_eq!(order_for_buckets(vec![b"ab", b"cde"]), [&b"ab"[..], b"cde"]);
    }

    #[test]
    fn measured_windows_share_the_buckets_they_were_measured_in() {
        let mut windows: Vec<&[u8]> =
            MEASURED_BUCKETS.iter().flat_map(|bucket| *bucket).map(|w| &w[..]).collect();
        windows.sort();
        let mut places: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let mut by_bucket: BTreeMap<usize, BTreeSet<&[u8]>> = BTreeMap::new();
        for (at, window) in order_for_buckets(windows).into_iter().enumerate() {
            // As implemented in `aho-corasick`.
            let low = window.iter().map(|byte| byte & 15).collect();
            let bucket = *places.entry(low).or_insert(at % 8);
            by_bucket.entry(bucket).or_default().insert(window);
        }
        let assigned: BTreeSet<_> = by_bucket.into_values().collect();
        let measured = MEASURED_BUCKETS.iter().map(|bucket| bucket.iter().map(|w| &w[..]).collect());
        assert_eq!(assigned, measured.collect());
    }
}
