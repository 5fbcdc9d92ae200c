//! A compiled variant of a rule: finds where its pattern matches around a keyword.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::meta::BuildError;
use regex_automata::{Anchored, Input};

use super::backtracker::Backtracker;
use super::boundary::{begins_without_prefix, has_boundary};
use super::candidate::{Candidate, Rejection};
use super::check_settings::CheckSettings;
use super::checks::{self, Check};
use super::effort::spend;
use super::lazy_regex::LazyRegex;
use super::secret_run::SecretRun;
use crate::rules::{Rule, Variant};

/// Steps (see `effort`) of a regex search in addition to those for each byte, of each byte of its match, and of a check.
const REGEX_STEPS: usize = 32;
const GROUP_STEPS: usize = 6;
const CHECK_STEPS: usize = 32;

/// Steps that it takes to compare the bytes before a match with everything that a prefix may leave.
const BOUNDARY_STEPS: usize = 4;

/// A variant with its checks and its pattern, which is compiled when first needed.
#[derive(Debug)]
pub(super) struct CompiledVariant {
    /// Index of the rule in the rule set.
    pub(super) rule: usize,
    pub(super) variant: Arc<Variant>,
    checks: Vec<&'static dyn Check>,
    check_settings: CheckSettings,
    /// Compiled on first use: most runs need few of the variants, and start-up time matters.
    pattern: OnceLock<CompiledPattern>,
    /// Whether the bytes before a keyword can reject a match, which is cheaper than trying the pattern.
    precheck_boundary: bool,
    /// Whether it finds keys without their prefix, by the check `whole`. These, too, are rejected by the bytes before.
    pub(super) finds_bare_keys: bool,
}

#[derive(Debug)]
struct CompiledPattern {
    /// For simple patterns, so that the regex is rarely needed.
    backtracker: Option<Backtracker>,
    regex: LazyRegex,
    /// The run of characters that every match of the regex contains.
    run: Option<SecretRun>,
    groups: Groups,
}

/// Indexes of the named groups of a pattern.
#[derive(Clone, Copy, Debug)]
struct Groups {
    secret: Option<usize>,
    prefix: Option<usize>,
    left: Option<usize>,
    right: Option<usize>,
}

impl CompiledVariant {
    pub(super) fn new(rule: usize, variant: &Arc<Variant>) -> Self {
        let checks: Vec<_> = variant.checks.iter().filter_map(|name| checks::by_name(name)).collect();
        let precheck_boundary =
            variant.facts.starts_with_keyword && variant.checks.iter().any(|name| name == "boundary");
        Self {
            rule,
            variant: Arc::clone(variant),
            checks,
            check_settings: CheckSettings::new(variant),
            pattern: OnceLock::new(),
            precheck_boundary,
            finds_bare_keys: variant.checks.iter().any(|name| name == "whole"),
        }
    }

    /// Calls `found` with every match that contains the keyword at `keyword`, one for each possible start.
    pub(super) fn matches<'a>(
        &self,
        bytes: &'a [u8],
        keyword: Range<usize>,
        found: &mut dyn FnMut(Candidate<'a>),
    ) {
        spend(1);
        if self.precheck_boundary && !has_boundary(bytes, keyword.start) {
            return;
        }
        self.matches_anywhere(bytes, keyword, found);
    }

    /// Like [`matches`](Self::matches), but includes matches that a check rejects for the bytes before them.
    pub(super) fn matches_anywhere<'a>(
        &self,
        bytes: &'a [u8],
        keyword: Range<usize>,
        found: &mut dyn FnMut(Candidate<'a>),
    ) {
        if keyword.len() > self.variant.facts.max_len {
            // A keyword that no match can contain: only the rule's examples show that a keyword is in the matches.
            return;
        }
        let end = bytes.len().min(keyword.start + self.variant.facts.max_len);
        let low = keyword.end.saturating_sub(self.variant.facts.max_len);
        let mut if_it_has_keyword = |candidate: Candidate<'a>| {
            if candidate.matched.end >= keyword.end {
                found(candidate);
            }
        };
        if self.variant.facts.starts_with_keyword {
            self.match_at(bytes, keyword.start, end, &mut if_it_has_keyword);
            return;
        }
        let backtracker = self.pattern().backtracker.as_ref();
        let index = self.keyword_index(&bytes[keyword.clone()]);
        if let Some((backtracker, offset)) =
            backtracker.and_then(|backtracker| Some((backtracker, backtracker.keyword_offset(index)?)))
        {
            // What precedes the keyword rejects most hits, at less cost than the bytes before the start.
            let start = backtracker
                .earliest_start(bytes, index, keyword.start)
                .and_then(|_| keyword.start.checked_sub(offset));
            if let Some(start) =
                start.filter(|&start| !self.finds_bare_keys || self.begins_whole(bytes, start))
            {
                self.match_at(bytes, start, end, &mut if_it_has_keyword);
            }
            return;
        }
        if let Some((backtracker, first)) =
            backtracker.and_then(|backtracker| Some((backtracker, backtracker.first_literal()?)))
        {
            let earliest = backtracker.earliest_start(bytes, index, keyword.start);
            let Some(low) = earliest.map(|earliest| earliest.max(low)) else { return };
            let text = &bytes[low..end.min(keyword.start + first.needle().len())];
            let mut from = 0;
            while let Some(at) = first.find(&text[from..]) {
                self.match_at(bytes, low + from + at, end, &mut if_it_has_keyword);
                from += at + 1;
            }
            return;
        }
        self.matches_by_regex(bytes, low..end, keyword.start, &mut if_it_has_keyword);
    }

    /// The index of `keyword`, which is one of the variant's.
    fn keyword_index(&self, keyword: &[u8]) -> usize {
        match &self.variant.keywords[..] {
            // Most variants have only one, and text can be full of it.
            [_] => 0,
            keywords => keywords.iter().position(|known| known == keyword).unwrap_or(keywords.len()),
        }
    }

    /// Whether a key without its prefix can begin at `start`.
    fn begins_whole(&self, bytes: &[u8], start: usize) -> bool {
        spend(BOUNDARY_STEPS);
        begins_without_prefix(bytes, start, &self.variant.prefix_tails)
    }

    /// Calls `found` with the match that begins at `start`, if there is one.
    pub(super) fn matches_at<'a>(&self, bytes: &'a [u8], start: usize, found: &mut dyn FnMut(Candidate<'a>)) {
        self.match_at(bytes, start, bytes.len().min(start + self.variant.facts.max_len), found);
    }

    /// Like [`matches_at`](Self::matches_at), limited to matches that end at or before `end`.
    fn match_at<'a>(&self, bytes: &'a [u8], start: usize, end: usize, found: &mut dyn FnMut(Candidate<'a>)) {
        let pattern = self.pattern();
        let mut slots = [None; 16];
        match pattern
            .backtracker
            .as_ref()
            .and_then(|backtracker| backtracker.matches(&bytes[..end], start, &mut slots))
        {
            Some(true) => {
                if let (Some(start), Some(end)) = (slots[0], slots[1]) {
                    found(self.candidate(pattern, bytes, start..end, |slot| slots[slot]));
                }
            }
            Some(false) => {}
            None => {
                let input = Input::new(bytes).span(start..end).anchored(Anchored::Yes);
                self.search(bytes, &input, found);
            }
        }
    }

    /// Calls `found` with a match for each possible start in `range`, up to `last`.
    fn matches_by_regex<'a>(
        &self,
        bytes: &'a [u8],
        range: Range<usize>,
        last: usize,
        found: &mut dyn FnMut(Candidate<'a>),
    ) {
        if self.pattern().run.as_ref().is_some_and(|run| !run.is_in(&bytes[range.clone()])) {
            return;
        }
        let mut from = range.start;
        while from <= last {
            let mut next = None;
            self.search(bytes, &Input::new(bytes).span(from..range.end), &mut |candidate| {
                let start = candidate.matched.start;
                if start <= last {
                    next = Some(start + 1);
                    found(candidate);
                }
            });
            let Some(next) = next else { return };
            from = next;
        }
    }

    /// Every match in `bytes`, trying every start without windows or keywords.
    pub(super) fn matches_plainly<'a>(&self, bytes: &'a [u8], found: &mut dyn FnMut(Candidate<'a>)) {
        for start in 0..bytes.len() {
            let input = Input::new(bytes).span(start..bytes.len()).anchored(Anchored::Yes);
            self.search(bytes, &input, &mut |candidate| {
                let text = &bytes[candidate.matched.clone()];
                if self.variant.keywords.iter().any(|keyword| memchr::memmem::find(text, keyword).is_some()) {
                    found(candidate);
                }
            });
        }
    }

    /// Calls `found` with what the regex finds.
    fn search<'a>(&self, bytes: &'a [u8], input: &Input<'_>, found: &mut dyn FnMut(Candidate<'a>)) {
        let pattern = self.pattern();
        let Some(regex) = pattern.regex.get() else { return };
        spend(REGEX_STEPS + 2 * input.get_span().len());
        let mut slots = vec![None; regex.group_info().slot_len()];
        if regex.search_slots(input, &mut slots).is_none() {
            return;
        }
        if let (Some(start), Some(end)) = (slots[0], slots[1]) {
            // The regex searches for its groups only if there is a match.
            spend(GROUP_STEPS * (end.get() - start.get()));
            let slot = |slot: usize| slots[slot].map(regex_automata::util::primitives::NonMaxUsize::get);
            found(self.candidate(pattern, bytes, start.get()..end.get(), slot));
        }
    }

    fn candidate<'a>(
        &self,
        pattern: &CompiledPattern,
        bytes: &'a [u8],
        matched: Range<usize>,
        slot: impl Fn(usize) -> Option<usize>,
    ) -> Candidate<'a> {
        let group = |index: Option<usize>| {
            let index = index?;
            Some(slot(2 * index)?..slot(2 * index + 1)?)
        };
        let secret = group(pattern.groups.secret).unwrap_or_else(|| matched.clone());
        let mut candidate = Candidate::new(&self.variant, bytes, matched, secret);
        if let Some(prefix) = group(pattern.groups.prefix) {
            candidate.prefix = prefix;
        }
        candidate.halves = group(pattern.groups.left).zip(group(pattern.groups.right));
        candidate
    }

    /// Runs all checks.
    ///
    /// # Errors
    /// The name of the check that rejected the candidate, and its reason.
    pub(super) fn assess(&self, candidate: &mut Candidate<'_>) -> Result<(), (&'static str, Rejection)> {
        for check in &self.checks {
            spend(CHECK_STEPS);
            check.assess(candidate, &self.check_settings).map_err(|reason| (check.name(), reason))?;
        }
        Ok(())
    }

    fn pattern(&self) -> &CompiledPattern {
        self.pattern.get_or_init(|| compile(&self.variant))
    }

    /// Compiles the pattern immediately. Returns the memory use in bytes.
    ///
    /// # Errors
    /// If it is too large.
    pub(super) fn try_compile(&self) -> Result<usize, Box<BuildError>> {
        let pattern = self.pattern();
        Ok(pattern.regex.try_compile()? + self.check_settings.try_compile()?)
    }
}

fn compile(variant: &Variant) -> CompiledPattern {
    let regex = LazyRegex::new(variant.pattern.as_str());
    let backtracker = Backtracker::new(&variant.pattern, &variant.keywords);
    let group = |name: &str| variant.pattern.group(name);
    let groups = Groups {
        secret: group("secret"),
        prefix: group("prefix"),
        left: group("left"),
        right: group("right"),
    };
    let run = SecretRun::from_pattern(&variant.pattern);
    CompiledPattern { backtracker, regex, run, groups }
}

/// Compiles the variants of all rules.
pub(super) fn compile_all(rules: &[Rule]) -> Vec<CompiledVariant> {
    rules
        .iter()
        .enumerate()
        .flat_map(|(index, rule)| {
            rule.variants.iter().map(move |variant| CompiledVariant::new(index, variant))
        })
        .collect()
}
