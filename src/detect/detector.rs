//! The detector: searches bytes for matches of all variants of all rules.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::candidate::Candidate;
use super::decoded::{self, DecodedMatch, decoded_matches};
use super::effort::{EffortLimit, EffortReserve, PassedOver};
use super::encoding::DecodeChain;
use super::limits::{CONTEXT_REACH, MAX_ENCODED_SPAN, MAX_REGULAR_SPAN};
use super::match_rank::{MatchRank, strongest_matches};
use super::plausibility::is_plausible;
use super::prefilter::Prefilter;
use super::variant::{CompiledVariant, compile_all};
use crate::model::{DetectedKey, Secret};
use crate::rules::{Rule, RuleError, RuleSet};

/// A secret and its position in the bytes that were searched.
#[derive(Clone, Debug)]
pub struct Match {
    /// The range of the secret in the searched bytes, encoded or not.
    pub span: Range<usize>,
    /// What it is.
    pub detected_key: Arc<DetectedKey>,
    /// How the bytes at `span` are encoded.
    pub encoding: &'static str,
    /// For each byte of the secret, where the bytes that encode it begin and end; empty if it is not encoded.
    pub source_map: Vec<(usize, usize)>,
}

/// Maximum memory for the compiled patterns of all custom rules together, in bytes.
const MAX_COMPILED_BYTES: usize = 64 << 20;

/// Finds the secrets in bytes. Shared between threads; searching allocates nothing until a keyword
/// hits.
#[derive(Debug)]
pub struct Detector {
    pub(super) rules: Arc<[Rule]>,
    pub(super) variants: Vec<CompiledVariant>,
    /// How to decode around each encoded keyword. The prefilter numbers what a keyword belongs to: first the variants, then
    /// these, then the extra keywords.
    chains: Vec<DecodeChain>,
    prefilter: Prefilter,
    max_match_len: usize,
    margin: usize,
}

impl Detector {
    /// A detector for `rules`.
    ///
    /// # Errors
    /// A pattern that is too large to compile, or patterns that are too large together.
    pub fn new(rules: &RuleSet) -> Result<Self, RuleError> {
        Self::with_extra_keywords(rules, &[])
    }

    /// Like [`new`](Self::new), with `extra` added to the prefilter. They belong to no rule and cause no match,
    /// but [`find_with_keywords`](Self::find_with_keywords) reports them like keywords, which saves a second search.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn with_extra_keywords(rules: &RuleSet, extra: &[&[u8]]) -> Result<Self, RuleError> {
        let variants = compile_all(rules.rules());
        compile_custom(rules, &variants)?;
        let (encoded, chains): (Vec<_>, Vec<_>) = decoded::chains_for_variants(&variants).into_iter().unzip();
        let plain_keywords = variants.iter().enumerate().flat_map(|(index, variant)| {
            variant.variant.keywords.iter().map(move |keyword| (keyword.as_slice(), index))
        });
        let encoded_pairs =
            encoded.iter().enumerate().map(|(index, keyword)| (keyword.as_slice(), variants.len() + index));
        let first_extra = variants.len() + encoded.len();
        let extra = extra.iter().enumerate().map(|(index, keyword)| (*keyword, first_extra + index));
        let pairs = plain_keywords.chain(encoded_pairs).chain(extra);
        let prefilter = Prefilter::new(pairs).map_err(|error| {
            // Those of the built-in rules are not too many.
            let custom = rules.rules().iter().find(|rule| !rule.built_in).unwrap_or(&rules.rules()[0]);
            invalid(custom, &format!("the keywords of all rules are too many together: {error}"))
        })?;
        let max_plain_len = variants.iter().map(|variant| variant.variant.facts.max_len).max().unwrap_or(0);
        // A match longer than that yields to every overlapping one, so the margin need not reach over it.
        let (max_match_len, max_regular_len) = match chains.is_empty() {
            true => (max_plain_len, max_plain_len),
            false => (max_plain_len.max(MAX_ENCODED_SPAN), max_plain_len.max(MAX_REGULAR_SPAN)),
        };
        let margin = max_regular_len + CONTEXT_REACH;
        Ok(Self { rules: rules.shared_rules(), variants, chains, prefilter, max_match_len, margin })
    }

    /// Maximum length of a match in the searched bytes.
    pub fn max_match_len(&self) -> usize {
        self.max_match_len
    }

    /// Bytes on each side of a match on which it can depend whether the match is reported: its context, its boundaries, and overlapping
    /// matches, unless these are so long that they yield to it.
    pub fn margin(&self) -> usize {
        self.margin
    }

    /// The rules in force.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every match in `bytes`, sorted by position, without overlaps. Does not return what was passed over, so this is only
    /// for text that is too short for that, such as a name, or that is searched again with the other methods.
    pub fn find(&self, bytes: &[u8], found: impl FnMut(Match)) {
        let _ = self.find_with_keywords(bytes, &mut EffortReserve::default(), |_| true, found);
    }

    /// Like [`find`](Self::find), for text of any length. Calls `keyword` with the offset of each keyword, once for each
    /// variant that it belongs to; every match, with the margin on each side, contains at least one. Once `keyword` returned
    /// false, no further matches are searched for.
    ///
    /// Hostile text could make the search very slow. Therefore the effort per byte is limited, and keywords beyond that
    /// limit are passed over. `reserve` is that of the thread.
    pub fn find_with_keywords(
        &self,
        bytes: &[u8],
        reserve: &mut EffortReserve,
        mut keyword: impl FnMut(usize) -> bool,
        mut found: impl FnMut(Match),
    ) -> PassedOver {
        let mut kept = ConfirmedMatches::default();
        let mut is_stopped = false;
        let mut waiting = Vec::new();
        let mut effort = SearchEffort { limit: reserve.begin(), passed_over: PassedOver::new(bytes) };
        self.prefilter.find(bytes, |number, at| {
            is_stopped |= !keyword(at.start);
            if is_stopped {
                return;
            }
            match self.target(number) {
                Target::Variant(..) if !effort.limit.allows_plain_search(at.start) => {
                    effort.passed_over.add(at.start)
                }
                Target::Variant(index, variant) => {
                    variant.matches(bytes, at, &mut |candidate| kept.assess(index, variant, candidate));
                }
                Target::DecodeChain(chain) => {
                    waiting.push((chain, at.start));
                    if waiting.len() >= WAITING_BATCH {
                        self.decode(bytes, &mut waiting, at.start, &mut effort, &mut kept);
                    }
                }
                Target::Extra => {}
            }
        });
        if !is_stopped && !waiting.is_empty() {
            self.decode(bytes, &mut waiting, usize::MAX, &mut effort, &mut kept);
        }
        reserve.settle(&effort.limit, bytes.len(), !kept.found.is_empty());
        self.report(&kept, &mut found);
        effort.passed_over
    }

    /// Decodes around those keywords in `waiting` for which all plain matches are known, because the search has
    /// reached `here`. A complete plain key is not decoded as another one.
    fn decode<'a>(
        &self,
        bytes: &'a [u8],
        waiting: &mut Vec<(&DecodeChain, usize)>,
        here: usize,
        effort: &mut SearchEffort,
        kept: &mut ConfirmedMatches<'a>,
    ) {
        let decided_until = here.saturating_sub(self.max_match_len);
        let ready = waiting.partition_point(|&(_, at)| at < decided_until);
        for (chain, at) in waiting.drain(..ready) {
            if kept.is_complete_at(at) {
                continue;
            }
            match is_plausible(&self.variants, chain, bytes, at, &effort.limit) {
                Some(true) if effort.limit.allows_decoding(at) => {
                    self.search_decoded(chain, bytes, at, kept);
                }
                Some(true) | None => effort.passed_over.add(at),
                Some(false) => {}
            }
        }
    }

    /// Where keywords begin in `bytes`.
    pub fn keywords(&self, bytes: &[u8], mut keyword: impl FnMut(usize)) {
        self.prefilter.find(bytes, |_, at| keyword(at.start));
    }

    /// Maximum length of a keyword, in bytes.
    pub fn max_keyword_len(&self) -> usize {
        self.prefilter.max_keyword_len()
    }

    /// Like [`find`](Self::find), but tries every pattern at every offset, and looks for every encoded keyword there. This is slow and serves as the oracle of tests. Encoded text is decoded in the same way, but without checking
    /// first whether that is plausible.
    #[doc(hidden)]
    pub fn find_plainly(&self, bytes: &[u8], mut found: impl FnMut(Match)) {
        let mut kept = ConfirmedMatches::default();
        for (index, variant) in self.variants.iter().enumerate() {
            variant.matches_plainly(bytes, &mut |candidate| kept.assess(index, variant, candidate));
        }
        self.prefilter.find_plainly(bytes, |number, at| {
            if let Target::DecodeChain(chain) = self.target(number)
                && !kept.is_complete_at(at.start)
            {
                self.search_decoded(chain, bytes, at.start, &mut kept);
            }
        });
        self.report(&kept, &mut found);
    }

    /// Calls `found` with every match of a pattern, and `found_decoded` with every match in decoded text, as far as
    /// `limit` allows. No check has run on them.
    pub(super) fn find_unchecked<'a>(
        &'a self,
        bytes: &'a [u8],
        limit: EffortLimit,
        mut found: impl FnMut(&'a CompiledVariant, Candidate<'a>),
        mut found_decoded: impl FnMut(&'a CompiledVariant, DecodedMatch<'_>),
    ) -> PassedOver {
        let mut passed_over = PassedOver::new(bytes);
        self.prefilter.find(bytes, |number, at| match self.target(number) {
            Target::Variant(..) | Target::DecodeChain(_) if !limit.allows_decoding(at.start) => {
                passed_over.add(at.start)
            }
            Target::Variant(_, variant) => {
                variant.matches_anywhere(bytes, at, &mut |candidate| found(variant, candidate))
            }
            Target::DecodeChain(chain)
                if is_plausible(&self.variants, chain, bytes, at.start, &limit) != Some(false) =>
            {
                decoded_matches(&self.variants, chain, bytes, at.start, &mut |matched| {
                    found_decoded(&self.variants[matched.variant], matched);
                });
            }
            Target::DecodeChain(_) | Target::Extra => {}
        });
        passed_over
    }

    /// What a keyword belongs to, by the number that the prefilter reports.
    fn target(&self, number: usize) -> Target<'_> {
        match self.variants.get(number) {
            Some(variant) => Target::Variant(number, variant),
            None => self.chains.get(number - self.variants.len()).map_or(Target::Extra, Target::DecodeChain),
        }
    }

    /// Keeps the strongest match in the text that can be decoded around the keyword at `at`. All matches there contain the keyword,
    /// so they overlap and only one can stay.
    fn search_decoded(&self, chain: &DecodeChain, bytes: &[u8], at: usize, kept: &mut ConfirmedMatches<'_>) {
        let mut best: Option<(MatchRank, Match)> = None;
        decoded_matches(&self.variants, chain, bytes, at, &mut |mut decoded| {
            let variant = &self.variants[decoded.variant];
            if variant.assess(&mut decoded.candidate).is_err() || decoded.also_plain() {
                return;
            }
            let Some((span, encoding)) = decoded.accept() else { return };
            let long = span.len() > MAX_REGULAR_SPAN;
            let candidate = &decoded.candidate;
            let rank = MatchRank {
                secret: span.clone(),
                long,
                encoding,
                ..rank(decoded.variant, variant, candidate)
            };
            if best.as_ref().is_none_or(|(known, _)| rank.cmp_strength(known).is_lt()) {
                let found = into_match(&self.rules[variant.rule], candidate);
                let source_map = decoded.source_map();
                best = Some((rank, Match { span, encoding, source_map, ..found }));
            }
        });
        if let Some((rank, matched)) = best {
            kept.push(rank, ConfirmedMatch::Decoded(matched));
        }
    }

    fn report(&self, kept: &ConfirmedMatches<'_>, found: &mut impl FnMut(Match)) {
        if kept.ranks.is_empty() {
            return;
        }
        for index in strongest_matches(&kept.ranks) {
            let rule = &self.rules[self.variants[kept.ranks[index].variant].rule];
            found(match &kept.found[index] {
                ConfirmedMatch::Plain(candidate) => into_match(rule, candidate),
                ConfirmedMatch::Decoded(matched) => matched.clone(),
            });
        }
    }
}

/// What a keyword belongs to.
enum Target<'a> {
    /// A variant, and its index in the list.
    Variant(usize, &'a CompiledVariant),
    DecodeChain(&'a DecodeChain),
    /// No rule: it is one of the extra keywords.
    Extra,
}

/// When this many encoded keywords wait, those around which all plain matches are known are decoded, to limit memory.
const WAITING_BATCH: usize = 1 << 12;

/// The remaining effort of a search, and the keywords that it passed over.
struct SearchEffort {
    limit: EffortLimit,
    passed_over: PassedOver,
}

/// The matches that no check rejected, with their ranks, which decide between overlapping ones.
#[derive(Default)]
struct ConfirmedMatches<'a> {
    ranks: Vec<MatchRank>,
    found: Vec<ConfirmedMatch<'a>>,
    /// The end of each [complete](MatchRank::is_complete) match, by its start; `None` until there is one.
    complete: Option<BTreeMap<usize, usize>>,
}

/// A match that no check rejected.
enum ConfirmedMatch<'a> {
    Plain(Candidate<'a>),
    Decoded(Match),
}

impl<'a> ConfirmedMatches<'a> {
    /// Keeps `candidate` unless one of its checks rejects it.
    fn assess(&mut self, index: usize, variant: &CompiledVariant, mut candidate: Candidate<'a>) {
        if variant.assess(&mut candidate).is_ok() {
            self.push(rank(index, variant, &candidate), ConfirmedMatch::Plain(candidate));
        }
    }

    fn push(&mut self, rank: MatchRank, found: ConfirmedMatch<'a>) {
        if rank.is_complete() {
            let end = self.complete.get_or_insert_default().entry(rank.secret.start).or_default();
            *end = rank.secret.end.max(*end);
        }
        self.ranks.push(rank);
        self.found.push(found);
    }

    /// Whether the byte at `at` is part of a complete match.
    fn is_complete_at(&self, at: usize) -> bool {
        let last = self.complete.as_ref().and_then(|complete| complete.range(..=at).next_back());
        last.is_some_and(|(_, &end)| at < end)
    }
}

fn rank(index: usize, variant: &CompiledVariant, candidate: &Candidate<'_>) -> MatchRank {
    MatchRank {
        secret: candidate.secret.clone(),
        long: false,
        confidence: candidate.confidence,
        bare: variant.finds_bare_keys,
        weight: candidate.weight,
        boundary: candidate.has_boundary(candidate.secret.start),
        prefix: candidate.prefix_len(),
        variant: index,
        encoding: "utf-8",
    }
}

/// The match that a candidate becomes if no check rejected it.
fn into_match(rule: &Rule, candidate: &Candidate<'_>) -> Match {
    let bytes = candidate.bytes[candidate.secret.clone()].to_vec();
    let secret = Secret::new(bytes, candidate.prefix_len());
    let detected_key = DetectedKey {
        fingerprint: secret.fingerprint(),
        secret,
        rule: Arc::clone(&rule.id),
        kind: Arc::clone(&rule.kind),
        confidence: candidate.confidence,
        evidence: candidate.evidence.clone(),
    };
    Match {
        span: candidate.secret.clone(),
        detected_key: Arc::new(detected_key),
        encoding: "utf-8",
        source_map: Vec::new(),
    }
}

/// Compiles the variants of custom rules, within the memory limit. The built-in ones are known to compile, and are
/// compiled when first needed.
///
/// # Errors
/// A pattern that cannot be compiled, or with which all patterns take too much memory.
fn compile_custom(rules: &RuleSet, variants: &[CompiledVariant]) -> Result<(), RuleError> {
    let mut size = 0;
    for variant in variants {
        let rule = &rules.rules()[variant.rule];
        if rule.built_in {
            continue;
        }
        size += variant.try_compile().map_err(|error| {
            let reason = match error.size_limit() {
                Some(limit) => format!(
                    "its pattern takes more than {} MiB of memory; shorten what it repeats",
                    limit >> 20
                ),
                None => error.to_string(),
            };
            invalid(rule, &reason)
        })?;
        if size > MAX_COMPILED_BYTES {
            let limit = MAX_COMPILED_BYTES >> 20;
            let reason = format!(
                "with its pattern, all patterns take more than {limit} MiB of memory; shorten what they repeat"
            );
            return Err(invalid(rule, &reason));
        }
    }
    Ok(())
}

fn invalid(rule: &Rule, reason: &str) -> RuleError {
    RuleError::Invalid {
        path: rule.source.to_string(),
        line: rule.line,
        reason: format!("rule `{}`: {reason}", rule.id),
    }
}
