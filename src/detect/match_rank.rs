//! Ranks matches, so that of overlapping ones only the strongest is kept.

use std::cmp::Ordering;
use std::ops::Range;

use super::candidate::WEIGHT_EXACT;
use crate::model::Confidence;

/// Criteria for choosing between overlapping matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MatchRank {
    pub(super) secret: Range<usize>,
    pub(super) confidence: Confidence,
    /// Whether it is the random part of a key, recognized only by its length: every overlapping match has more
    /// evidence.
    pub(super) bare: bool,
    /// Whether it takes so many bytes, more than [`MAX_REGULAR_SPAN`](super::limits::MAX_REGULAR_SPAN), that it yields to every
    /// overlapping match.
    pub(super) long: bool,
    /// Weight assigned by the checks.
    pub(super) weight: u8,
    /// Whether nothing that could belong to the secret precedes it.
    pub(super) boundary: bool,
    /// Length of the prefix: a longer one is stronger evidence.
    pub(super) prefix: usize,
    /// Index of the variant in the list.
    pub(super) variant: usize,
    /// Name of the encoding, since two encodings may decode to the same text.
    pub(super) encoding: &'static str,
}

impl MatchRank {
    /// Whether it is a whole key beyond doubt, so that nothing that overlaps it is worth more.
    pub(super) fn is_complete(&self) -> bool {
        let Self { bare, long, weight, confidence, boundary, .. } = *self;
        !bare && !long && boundary && weight == WEIGHT_EXACT && confidence == Confidence::High
    }

    /// Orders stronger matches first. The order is total, so the result does not depend on the order in which matches were
    /// found.
    fn cmp_rank(&self, other: &Self) -> Ordering {
        // A search whose margin does not reach to the start of a long match would keep the other match, so a long match must
        // not displace it.
        self.long.cmp(&other.long).then(self.cmp_strength(other))
    }

    /// Like [`cmp_rank`](Self::cmp_rank), regardless of `long`.
    pub(super) fn cmp_strength(&self, other: &Self) -> Ordering {
        // Part of a key must not hide the whole key, which may be longer or shorter, plain or decoded.
        let by_bare = self.bare.cmp(&other.bare);
        // A check may lower the confidence of the whole key, but not of a part of it, so weight precedes confidence.
        by_bare
            .then(other.weight.cmp(&self.weight))
            .then(other.confidence.cmp(&self.confidence))
            .then(other.boundary.cmp(&self.boundary))
            .then(other.prefix.cmp(&self.prefix))
            .then(self.variant.cmp(&other.variant))
            .then(self.secret.start.cmp(&other.secret.start))
            .then(other.secret.end.cmp(&self.secret.end))
            .then(self.encoding.cmp(other.encoding))
    }
}

/// The indexes of the matches in `all` to keep, in order of position. A secret that was found in several ways is kept once.
pub(super) fn strongest_matches(all: &[MatchRank]) -> Vec<usize> {
    let mut by_rank: Vec<usize> = (0..all.len()).collect();
    by_rank.sort_by(|&a, &b| all[a].cmp_rank(&all[b]));
    // Kept spans do not overlap, so it is enough to look them up by their start.
    let mut kept: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    for index in by_rank {
        let span = &all[index].secret;
        let overlaps =
            kept.range(..span.end).next_back().is_some_and(|(_, &k)| all[k].secret.end > span.start);
        if !overlaps {
            kept.insert(span.start, index);
        }
    }
    kept.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(secret: Range<usize>, weight: u8) -> MatchRank {
        MatchRank {
            secret,
            long: false,
            confidence: Confidence::High,
            bare: false,
            weight,
            boundary: true,
            prefix: 3,
            variant: 0,
            encoding: "utf-8",
        }
    }

    #[test]
    fn the_strongest_match_is_kept_and_neighbors_do_not_conflict() {
        let all = [rank(0..10, 1), rank(5..15, 6), rank(15..20, 1), rank(5..15, 6)];
        assert_eq!(strongest_matches(&all), [1, 2]);
    }

    #[test]
    fn a_match_without_a_prefix_gives_way_to_any_other() {
        let bare = MatchRank { bare: true, ..rank(0..20, 6) };
        let low = MatchRank { confidence: Confidence::Low, ..rank(5..15, 0) };
        assert_eq!(strongest_matches(&[bare.clone(), low]), [1]);
        assert_eq!(strongest_matches(&[bare, rank(20..30, 6)]), [0, 1]);
    }

    #[test]
    fn the_choice_does_not_depend_on_the_order() {
        let mut all = vec![rank(0..10, 3), rank(2..8, 3), rank(9..12, 2), rank(12..13, 1)];
        let spans = |all: &[MatchRank]| -> Vec<_> {
            strongest_matches(all).iter().map(|&i| all[i].secret.clone()).collect()
        };
        let first = spans(&all);
        all.reverse();
        assert_eq!(spans(&all), first);
    }
}
