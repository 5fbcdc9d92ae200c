//! Keys in disguise: what the rules say of text that was decoded around a hit.

use std::ops::Range;

use super::backtracker::{matches_only_key_chars, min_key_chars_before};
use super::candidate::{Candidate, WEIGHT_EQUAL};
use super::checks::{CONTEXT_REACH, MIN_HALF_LEN};
use super::detector::Detector;
use super::encoding::{
    self, DecodeChain, DecodeExtent, DecodedText, EncodingName, Literal, MAX_ENCODED_SPAN,
};
use super::variant::CompiledVariant;
use crate::rules::{MARKER, Variant};

/// A literal from inside a key that is shorter than this is not searched for in encoded variant.
const SHORTEST_INNER: usize = 8;

/// A match of a variant's pattern in decoded text.
pub(super) struct DecodedMatch<'a> {
    /// The variant's place in the detector's list.
    pub(super) variant: usize,
    /// With as much of the decoded text as the verdict may depend on.
    pub(super) candidate: Candidate<'a>,
    /// Where in the decoded text the candidate's bytes begin.
    offset: usize,
    decoded: &'a DecodedText,
    chain: &'a DecodeChain,
}

impl DecodedMatch<'_> {
    /// Where the secret stands in the bytes that were searched, and in what encoding. `None` when the
    /// match does not deserve to be called encoded. To be asked after the checks.
    pub(super) fn accept(&mut self) -> Option<(Range<usize>, EncodingName)> {
        let secret = self.candidate.secret.start + self.offset..self.candidate.secret.end + self.offset;
        let span = self.span(self.candidate.secret.clone());
        if span.is_empty() || span.len() > MAX_ENCODED_SPAN {
            return None;
        }
        // A body holds what begins keys by accident, once in some thousand. Where each character takes many bytes the
        // whole key may be too long to keep out what is found in it.
        let candidate = &self.candidate;
        let glued = !candidate.has_boundary(candidate.secret.start);
        if glued && candidate.weight < WEIGHT_EQUAL && span.len() >= 2 * candidate.secret.len() {
            return None;
        }
        let name = self.chain.accept(self.decoded, &mut self.candidate, secret)?;
        Some((span, name))
    }

    /// Whether the secret also stands there as it is, and is found so.
    pub(super) fn also_plain(&self) -> bool {
        let secret = &self.candidate.secret;
        self.chain.also_plain(self.decoded, &(secret.start + self.offset..secret.end + self.offset))
    }

    /// Where a range of the candidate's bytes is to be masked: with what shows them once more.
    pub(super) fn span_with_text_column(&self, range: Range<usize>) -> Range<usize> {
        self.decoded.span_with_text_column(&(range.start + self.offset..range.end + self.offset))
    }

    /// Where a range of the candidate's bytes stands in the bytes that were searched.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        self.decoded.span(&(range.start + self.offset..range.end + self.offset))
    }
}

/// The keywords of keys in disguise, and how to decode what they hit.
pub(super) fn decode_chains(variants: &[CompiledVariant]) -> Vec<(Vec<u8>, DecodeChain)> {
    let mut literals: Vec<Literal> = Vec::new();
    let mut add = |bytes: &[u8], starts_key, keys: Option<usize>, apart: usize| {
        let is_it = |known: &&mut Literal| known.bytes == bytes && known.starts_key == starts_key;
        match literals.iter_mut().find(is_it) {
            Some(known) => {
                known.keys = known.keys.zip(keys).map(|(known, keys)| known.max(keys));
                known.apart = known.apart.min(apart);
            }
            None => literals.push(Literal { bytes: bytes.to_vec(), starts_key, keys, apart }),
        }
    };
    for variant in variants.iter().map(|variant| &variant.variant) {
        let is_key = !variant.encoded.is_empty() && matches_only_key_chars(&variant.pattern);
        let keys = is_key.then_some(variant.max_len);
        // What `repeats` says rests on these.
        let is_guarded = variant.checks.iter().any(|check| check == "unmarked")
            || (variant.checks.iter().any(|check| check == "marker-symmetry")
                && variant.keywords == [MARKER.as_bytes()]);
        let guard = if is_guarded { MIN_HALF_LEN } else { 0 };
        variant.encoded.iter().for_each(|literal| add(literal, true, keys, guard));
        let compares = variant.checks.iter().any(|check| check == "marker-symmetry");
        let apart = |keyword: &[u8]| {
            if compares { min_key_chars_before(&variant.pattern, keyword).min(MIN_HALF_LEN) } else { 0 }
        };
        let is_inner = |keyword: &&Vec<u8>| {
            keyword.len() >= SHORTEST_INNER && !variant.encoded.iter().any(|start| keyword.starts_with(start))
        };
        if !variant.encoded.is_empty() {
            variant
                .keywords
                .iter()
                .filter(is_inner)
                .for_each(|keyword| add(keyword, false, keys, apart(keyword)));
        }
    }
    encoding::decode_chains(&literals)
}

impl Detector {
    /// Calls `found` with every match in the text that can be decoded around the keyword at `at`.
    /// [`is_plausible`](Self::is_plausible) says at less cost whether there can be one.
    pub(super) fn disguised(
        &self,
        chain: &DecodeChain,
        bytes: &[u8],
        at: usize,
        found: &mut dyn FnMut(DecodedMatch<'_>),
    ) {
        chain.decode(bytes, at, DecodeExtent::Full, &mut |decoded| {
            let text = &decoded.text[..];
            let hit = decoded.literal_start..decoded.literal_start + chain.literal().len();
            for (index, variant) in self.variants.iter().enumerate() {
                let mut matched = with_candidates(|mut candidate| {
                    if !chain.may_accept(&decoded, &candidate.without_suffix()) {
                        return;
                    }
                    (candidate.join_offsets, candidate.hard_ends) =
                        (decoded.join_offsets(), decoded.hard_ends());
                    candidate.around = Some((bytes, decoded.span(&candidate.secret)));
                    if let Some(end) = candidate.truncation_offset() {
                        let mut fits = false;
                        variant.matches_at(&text[..end], candidate.matched.start, &mut |shorter| {
                            fits = shorter.secret == (candidate.secret.start..end);
                        });
                        if !fits {
                            return;
                        }
                        (candidate.secret.end, candidate.matched.end) = (end, end);
                    }
                    let near = surroundings(&decoded, &candidate);
                    let offset = near.start;
                    let candidate = candidate.within(near);
                    found(DecodedMatch { variant: index, candidate, offset, decoded: &decoded, chain });
                });
                let Variant { encoded, keywords, .. } = &variant.variant;
                if chain.starts_key {
                    if encoded.iter().any(|literal| literal == chain.literal()) {
                        variant.matches_at(text, hit.start, &mut matched);
                    }
                } else if !encoded.is_empty() && keywords.iter().any(|keyword| keyword == chain.literal()) {
                    variant.matches(text, hit.clone(), &mut matched);
                }
            }
        });
    }
}

/// Lets a closure take candidates of one lifetime, and keep in them what lives as long.
fn with_candidates<'t, F: FnMut(Candidate<'t>)>(matched: F) -> F {
    matched
}

/// The part of the decoded text on which the verdict on `candidate` may depend, so that it depends on as many
/// bytes as that of a plain match.
fn surroundings(decoded: &DecodedText, candidate: &Candidate<'_>) -> Range<usize> {
    let span = decoded.span(&candidate.matched);
    let (low, high) = (span.start.saturating_sub(CONTEXT_REACH), span.end + CONTEXT_REACH);
    let start = decoded.source_map.partition_point(|place| place.0 < low);
    let end = decoded.source_map.partition_point(|place| place.1 <= high);
    start.min(candidate.matched.start)..end.max(candidate.matched.end)
}
