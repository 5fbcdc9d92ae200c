//! A match of a pattern while its checks run.

use std::borrow::Cow;
use std::ops::Range;

use super::boundary::has_boundary;
use crate::model::Confidence;
use crate::rules::Variant;

/// Why a match is not a key.
pub type Rejection = Cow<'static, str>;

/// Weight of a complete key with equal halves of a known length.
pub(super) const WEIGHT_EXACT: u8 = 6;

/// Weight of a key with equal halves of an unknown length.
pub(super) const WEIGHT_EQUAL: u8 = 4;

/// Weight of a key with halves of a known length that is followed by more characters of its alphabet.
pub(super) const WEIGHT_KNOWN_LENGTH: u8 = 5;

/// A match of a variant's pattern, with the results of its checks so far.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// All available bytes; the match is part of them.
    pub(super) bytes: &'a [u8],
    /// The range that the pattern matched.
    pub(super) matched: Range<usize>,
    /// The secret; a check may shorten it.
    pub(super) secret: Range<usize>,
    /// The prefix, at the start of the secret; empty if the pattern has none.
    pub(super) prefix: Range<usize>,
    /// The parts between prefix and marker, and after the marker, if the pattern has these groups.
    pub(super) halves: Option<(Range<usize>, Range<usize>)>,
    /// Offsets at which decoding joined two parts that may not belong together, or at which another key begins; the key may
    /// end there.
    pub(super) join_offsets: Vec<usize>,
    /// Those of them at which the key ends unless it has a marker.
    pub(super) hard_ends: Vec<usize>,
    /// If `bytes` are decoded text, the encoded text and the range of the secret in it.
    pub(super) encoded_text: Option<(&'a [u8], Range<usize>)>,
    /// Confidence so far.
    pub(super) confidence: Confidence,
    /// Strength compared to overlapping matches; higher is stronger.
    pub(super) weight: u8,
    /// Evidence for the confidence.
    pub(super) evidence: Vec<String>,
}

impl<'a> Candidate<'a> {
    /// No check has run yet.
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
            encoded_text: None,
            confidence: variant.confidence,
            weight: variant.weight,
            evidence: Vec::new(),
        }
    }

    /// The same candidate with only `part` of the available bytes, which must contain the match.
    pub(super) fn narrow_to(mut self, part: Range<usize>) -> Self {
        let shift = |range: &Range<usize>| range.start - part.start..range.end - part.start;
        self.matched = shift(&self.matched);
        self.secret = shift(&self.secret);
        self.prefix = shift(&self.prefix);
        self.halves = self.halves.map(|(left, right)| (shift(&left), shift(&right)));
        for offsets in [&mut self.join_offsets, &mut self.hard_ends] {
            *offsets = offsets.iter().filter_map(|join| join.checked_sub(part.start)).collect();
        }
        self.bytes = &self.bytes[part];
        self
    }

    /// Length of the secret's prefix, in bytes.
    pub(super) fn prefix_len(&self) -> usize {
        self.prefix.end.saturating_sub(self.secret.start)
    }

    /// The random part: both halves without the marker, or everything after the prefix.
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

    /// The secret, cut so that no more characters follow the marker than precede it.
    pub(super) fn without_suffix(&self) -> Range<usize> {
        let end = self.halves.as_ref().map_or(self.secret.end, |(left, right)| right.start + left.len());
        self.secret.start..end.min(self.secret.end)
    }

    /// Offset to truncate at before checks. A joined key without a marker has no inherent length, so a last
    /// fragment that does not end at a line or literal boundary is dropped.
    pub(super) fn truncation_offset(&self) -> Option<usize> {
        let after = self.bytes.get(self.secret.end);
        let is_quote_or_line_end = after.is_none_or(|byte| b"\r\n\"'`\\,;)]}<".contains(byte));
        let is_inside = |join: &&usize| self.secret.start < **join && **join < self.secret.end;
        if let Some(end) = self.hard_ends.iter().find(is_inside).filter(|_| self.halves.is_none()) {
            return Some(*end);
        }
        self.join_offsets
            .iter()
            .rfind(is_inside)
            .filter(|_| self.halves.is_none() && !is_quote_or_line_end)
            .copied()
    }

    /// Adds evidence for or against the match.
    pub(super) fn note(&mut self, evidence: impl Into<String>) {
        self.evidence.push(evidence.into());
    }

    /// Lowers the confidence to `level`, if it is higher.
    pub(super) fn cap(&mut self, level: Confidence) {
        self.confidence = self.confidence.min(level);
    }
}
