//! A match of a pattern while its checks weigh it.

use std::borrow::Cow;
use std::ops::Range;

use super::checks::has_boundary;
use crate::model::Confidence;
use crate::rules::Variant;

/// Why a match is not a key.
pub type Rejection = Cow<'static, str>;

/// The weight of a complete key with equal halves of a known length.
pub(super) const WEIGHT_EXACT: u8 = 6;

/// The weight of a key with equal halves of a length that was never seen.
pub(super) const WEIGHT_EQUAL: u8 = 4;

/// The weight of a key with halves of a known length that is followed by more characters of its alphabet.
pub(super) const WEIGHT_KNOWN_LENGTH: u8 = 5;

/// A match of a variant's pattern, with what its checks have found so far.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// All bytes at hand, of which the match is a part.
    pub(super) bytes: &'a [u8],
    /// What the pattern matched.
    pub(super) matched: Range<usize>,
    /// The secret; a check may shorten it.
    pub(super) secret: Range<usize>,
    /// The typed prefix, at the start of the secret; empty when the pattern names none.
    pub(super) prefix: Range<usize>,
    /// What stands between the prefix and the marker, and behind the marker, when the pattern says.
    pub(super) halves: Option<(Range<usize>, Range<usize>)>,
    /// Where parts were joined that may not belong together: the key may end there.
    pub(super) join_offsets: Vec<usize>,
    /// Those of them where it does, unless its halves say otherwise.
    pub(super) hard_ends: Vec<usize>,
    /// Of decoded text: what it was decoded from, and where the secret stands there.
    pub(super) around: Option<(&'a [u8], Range<usize>)>,
    /// How sure we are.
    pub(super) confidence: Confidence,
    /// How strong it is compared to others that overlap it; more is stronger.
    pub(super) weight: u8,
    /// What that rests on.
    pub(super) evidence: Vec<String>,
}

impl<'a> Candidate<'a> {
    /// Nothing has been weighed yet.
    pub(super) fn new(
        variant: &Variant,
        bytes: &'a [u8],
        matched: Range<usize>,
        secret: Range<usize>,
    ) -> Self {
        let prefix = secret.start..secret.start;
        Self {
            bytes,
            matched,
            secret,
            prefix,
            halves: None,
            join_offsets: Vec::new(),
            hard_ends: Vec::new(),
            around: None,
            confidence: variant.confidence,
            weight: variant.weight,
            evidence: Vec::new(),
        }
    }

    /// The same with `part` of the bytes at hand, which holds the match.
    pub(super) fn within(mut self, part: Range<usize>) -> Self {
        let shift = |range: &Range<usize>| range.start - part.start..range.end - part.start;
        self.matched = shift(&self.matched);
        self.secret = shift(&self.secret);
        self.prefix = shift(&self.prefix);
        self.halves = self.halves.map(|(left, right)| (shift(&left), shift(&right)));
        for join_offsets in [&mut self.join_offsets, &mut self.hard_ends] {
            *join_offsets = join_offsets.iter().filter_map(|seam| seam.checked_sub(part.start)).collect();
        }
        self.bytes = &self.bytes[part];
        self
    }

    /// The random part: the two halves without the marker, or all behind the prefix.
    pub(super) fn body(&self) -> Cow<'a, [u8]> {
        match &self.halves {
            Some((left, right)) => {
                Cow::Owned([&self.bytes[left.clone()], &self.bytes[right.clone()]].concat())
            }
            None => Cow::Borrowed(&self.bytes[self.prefix.end..self.secret.end]),
        }
    }

    /// Whether a key could begin at `at`.
    pub(super) fn has_boundary(&self, at: usize) -> bool {
        self.join_offsets.contains(&at) || has_boundary(self.bytes, at)
    }

    /// The secret without what stands behind as many characters as are before the marker.
    pub(super) fn without_suffix(&self) -> Range<usize> {
        let end = self.halves.as_ref().map_or(self.secret.end, |(left, right)| right.start + left.len());
        self.secret.start..end.min(self.secret.end)
    }

    /// Where the secret must be cut before its checks: without a marker in its middle nothing tells where a key
    /// ends whose parts stand in lines or literals of their own, so that the last of them must end with its line
    /// or literal, or is none of them.
    pub(super) fn truncation_offset(&self) -> Option<usize> {
        let after = self.bytes.get(self.secret.end);
        let ends = after.is_none_or(|byte| b"\r\n\"'`\\,;)]}<".contains(byte));
        let inside = |seam: &&usize| self.secret.start < **seam && **seam < self.secret.end;
        if let Some(end) = self.hard_ends.iter().find(inside).filter(|_| self.halves.is_none()) {
            return Some(*end);
        }
        self.join_offsets.iter().rfind(inside).filter(|_| self.halves.is_none() && !ends).copied()
    }

    /// Adds a reason to believe, or to doubt.
    pub(super) fn note(&mut self, evidence: impl Into<String>) {
        self.evidence.push(evidence.into());
    }

    /// Lowers the confidence to `level`, if it is higher.
    pub(super) fn cap(&mut self, level: Confidence) {
        self.confidence = self.confidence.min(level);
    }
}
