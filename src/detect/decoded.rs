//! Applies the rules to text that was decoded around the keyword of an encoded key.

use std::ops::Range;

use super::candidate::{Candidate, WEIGHT_EQUAL};
use super::effort::spend;
use super::encoding::{self, DecodeChain, DecodeExtent, DecodedText, EncodingName, Literal};
use super::limits::{CONTEXT_REACH, MAX_ENCODED_SPAN, MIN_HALF_LEN};
use super::variant::CompiledVariant;
use crate::rules::{MARKER, Variant};

/// Minimum length of a literal from inside a key that is searched for in encoded form, in bytes.
const MIN_INNER_LITERAL_LEN: usize = 8;

/// A match of a variant's pattern in decoded text.
pub(super) struct DecodedMatch<'a> {
    /// Index of the variant in the detector's list.
    pub(super) variant: usize,
    /// The match, with as much of the decoded text as its checks may depend on.
    pub(super) candidate: Candidate<'a>,
    /// Offset of the candidate's bytes in the decoded text.
    offset: usize,
    decoded: &'a DecodedText,
    chain: &'a DecodeChain,
}

impl DecodedMatch<'_> {
    /// The range of the secret in the searched bytes, and its encoding; `None` if the encoding rejects the match. Called
    /// after the checks.
    pub(super) fn accept(&mut self) -> Option<(Range<usize>, EncodingName)> {
        let secret = self.candidate.secret.start + self.offset..self.candidate.secret.end + self.offset;
        let span = self.span(self.candidate.secret.clone());
        if span.is_empty() || span.len() > MAX_ENCODED_SPAN {
            return None;
        }
        // The body of one key in several thousand contains the start of a key by chance. If each character takes many bytes,
        // the match of the whole key may exceed `MAX_REGULAR_SPAN` and so yield to that one.
        let candidate = &self.candidate;
        let is_within_word = !candidate.has_boundary(candidate.secret.start);
        if is_within_word && candidate.weight < WEIGHT_EQUAL && span.len() >= 2 * candidate.secret.len() {
            return None;
        }
        let name = self.chain.accept(self.decoded, &mut self.candidate, secret)?;
        Some((span, name))
    }

    /// For each byte of the secret, where the bytes that encode it begin and end in the bytes that were searched.
    pub(super) fn source_map(&self) -> Vec<(usize, usize)> {
        let secret = &self.candidate.secret;
        let range = secret.start + self.offset..secret.end + self.offset;
        self.decoded.source_map.get(range).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// Whether the text also contains the secret in plain form, in which it is found as well.
    pub(super) fn also_plain(&self) -> bool {
        let secret = &self.candidate.secret;
        self.chain.also_plain(self.decoded, &(secret.start + self.offset..secret.end + self.offset))
    }

    /// The range to mask for a range of the candidate's bytes, including the text column of a hex dump, which repeats the bytes as
    /// characters.
    pub(super) fn span_with_text_column(&self, range: Range<usize>) -> Range<usize> {
        self.decoded.span_with_text_column(&(range.start + self.offset..range.end + self.offset))
    }

    /// The range in the searched bytes for a range of the candidate's bytes.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        self.decoded.span(&(range.start + self.offset..range.end + self.offset))
    }
}

/// The keywords of encoded keys, and how to decode around their hits.
pub(super) fn chains_for_variants(variants: &[CompiledVariant]) -> Vec<(Vec<u8>, DecodeChain)> {
    let mut literals: Vec<Literal> = Vec::new();
    let mut add = |bytes: &[u8], starts_key, max_key_len: Option<usize>, spacing: usize| {
        let is_same = |known: &&mut Literal| known.bytes == bytes && known.starts_key == starts_key;
        match literals.iter_mut().find(is_same) {
            Some(known) => {
                known.max_key_len = known.max_key_len.zip(max_key_len).map(|(known, new)| known.max(new));
                known.literal_spacing = known.literal_spacing.min(spacing);
            }
            None => literals.push(Literal {
                bytes: bytes.to_vec(),
                starts_key,
                max_key_len,
                literal_spacing: spacing,
            }),
        }
    };
    for variant in
        variants.iter().map(|variant| &variant.variant).filter(|variant| !variant.encoded_starts.is_empty())
    {
        let facts = &variant.facts;
        let max_key_len = facts.has_only_key_chars.then_some(facts.max_len);
        // These checks reject a key in which its start or the marker recurs. If every variant of a literal has one of them,
        // `plausibility` may reject such text before all of it is decoded. The marker counts once half a key precedes it.
        let rejects_repeats = variant.checks.iter().any(|check| check == "unmarked")
            || (variant.checks.iter().any(|check| check == "marker-symmetry")
                && variant.keywords == [MARKER.as_bytes()]);
        let spacing = if rejects_repeats { MIN_HALF_LEN } else { 0 };
        variant.encoded_starts.iter().for_each(|literal| add(literal, true, max_key_len, spacing));
        let has_marker_check = variant.checks.iter().any(|check| check == "marker-symmetry");
        let is_inner = |keyword: &Vec<u8>| {
            keyword.len() >= MIN_INNER_LITERAL_LEN
                && !variant.encoded_starts.iter().any(|start| keyword.starts_with(start))
        };
        for (index, keyword) in variant.keywords.iter().enumerate().filter(|(_, keyword)| is_inner(keyword)) {
            let before = facts.key_chars_before.get(index).filter(|_| has_marker_check);
            add(keyword, false, max_key_len, before.map_or(0, |&before| before.min(MIN_HALF_LEN)));
        }
    }
    encoding::decode_chains(&literals)
}

/// Steps (see `effort`) of assessing a match, in addition to those for each annotation of the decoded text.
const MATCH_STEPS: usize = 64;

/// Calls `found` with every match in the text that can be decoded around the keyword at `at`.
/// [`is_plausible`](super::plausibility::is_plausible) is a cheaper test whether there can be one.
pub(super) fn decoded_matches(
    variants: &[CompiledVariant],
    chain: &DecodeChain,
    bytes: &[u8],
    at: usize,
    found: &mut dyn FnMut(DecodedMatch<'_>),
) {
    chain.decode(bytes, at, DecodeExtent::Full, &mut |decoded| {
        let text = &decoded.text[..];
        let hit = decoded.literal_start..decoded.literal_start + chain.literal().len();
        spend(variants.len());
        for (index, variant) in variants.iter().enumerate() {
            let mut matched = as_candidate_closure(|mut candidate| {
                if !chain.may_accept(&decoded, &candidate.without_suffix()) {
                    return;
                }
                spend(MATCH_STEPS + decoded.annotations_len());
                // Where parts of a split literal were joined, the key may end.
                (candidate.join_offsets, candidate.hard_ends) = (decoded.join_offsets(), decoded.hard_ends());
                candidate.encoded_text = Some((bytes, decoded.span(&candidate.secret)));
                // A key without a marker has no length of its own: what was joined to it last is cut off, if the pattern
                // still matches then.
                if let Some(end) = candidate.truncation_offset() {
                    let mut is_match = false;
                    variant.matches_at(&text[..end], candidate.matched.start, &mut |shorter| {
                        is_match = shorter.secret == (candidate.secret.start..end);
                    });
                    if !is_match {
                        return;
                    }
                    (candidate.secret.end, candidate.matched.end) = (end, end);
                }
                let part = surroundings(&decoded, &candidate);
                let offset = part.start;
                let candidate = candidate.narrow_to(part);
                found(DecodedMatch { variant: index, candidate, offset, decoded: &decoded, chain });
            });
            let Variant { encoded_starts, keywords, .. } = &*variant.variant;
            if chain.starts_key {
                if encoded_starts.iter().any(|literal| literal == chain.literal()) {
                    variant.matches_at(text, hit.start, &mut matched);
                }
            } else if !encoded_starts.is_empty() && keywords.iter().any(|keyword| keyword == chain.literal())
            {
                variant.matches(text, hit.clone(), &mut matched);
            }
        }
    });
}

/// Makes the compiler infer a closure that may keep references from the candidates it receives.
fn as_candidate_closure<'t, F: FnMut(Candidate<'t>)>(matched: F) -> F {
    matched
}

/// The part of the decoded text that the checks of `candidate` may depend on: as many bytes as for a plain
/// match.
fn surroundings(decoded: &DecodedText, candidate: &Candidate<'_>) -> Range<usize> {
    let span = decoded.span(&candidate.matched);
    let (low, high) = (span.start.saturating_sub(CONTEXT_REACH), span.end + CONTEXT_REACH);
    let start = decoded.source_map.partition_point(|place| place.0 < low);
    let end = decoded.source_map.partition_point(|place| place.1 <= high);
    start.min(candidate.matched.start)..end.max(candidate.matched.end)
}
